//! What the gateway's tests share: one virtual environment, and clients that are root.

// Each test binary uses some of it.
#![allow(dead_code)]

pub mod functions;

use std::path::PathBuf;

use localcloud::gateway::pipeline::Upstream;
use localcloud::{LocalCloud, Options};

/// The home that all tests of the workspace share, so that MiniStack is installed once.
pub fn home() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/localcloud"))
}

/// A cloud of this test's own.
pub async fn start() -> LocalCloud {
    LocalCloud::start(Options::new(home()), &|_| {}).await.expect("the local cloud starts")
}

/// A client that sends root's requests through the gateway.
pub fn client(cloud: &LocalCloud) -> Upstream {
    let description = cloud.description();
    let address = description.aws_endpoint.trim_start_matches("http://").to_owned();
    Upstream::new(address, description.account.clone(), description.region.clone())
}

/// The parameters of an IAM call on a role.
pub fn role<'a>(action: &'a str, name: &'a str) -> Vec<(&'a str, &'a str)> {
    const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let mut pairs = vec![("Action", action), ("Version", "2010-05-08"), ("RoleName", name)];
    if action == "CreateRole" {
        pairs.push(("AssumeRolePolicyDocument", TRUST));
    }
    pairs
}

/// The ids of the living processes of a process group (Linux).
pub fn group(leader: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // pid (name) state ppid pgrp: the name may hold spaces and brackets.
        let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let (state, group) = (fields.next(), fields.nth(1));
        if group == Some(leader.to_string().as_str()) && state != Some("Z") {
            found.push(pid);
        }
    }
    found
}
