//! What the gateway's tests share: one virtual environment, and clients that are root.

// Each test binary uses some of it.
#![allow(dead_code)]

pub mod functions;

use std::path::{Path, PathBuf};
use std::process::Command;

use localcloud::gateway::pipeline::Upstream;
use localcloud::{Description, LocalCloud, Options, daemon, ministack};

/// The home that all tests of the workspace share, so that MiniStack is installed once: in cargo's target folder, which
/// holds this executable as `PROFILE/deps/NAME`.
pub fn home() -> PathBuf {
    let executable = std::env::current_exe().expect("this executable has a path");
    executable.ancestors().nth(3).expect("it lies in the target folder").join("localcloud")
}

/// A home of this test's own, with the shared virtual environment in it.
pub async fn home_of_its_own() -> tempfile::TempDir {
    let python = ministack::ready(&home(), &|_| {}).await.unwrap();
    let venv = python.ancestors().nth(2).unwrap().canonicalize().unwrap();
    let place = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(&venv, place.path().join(venv.file_name().unwrap())).unwrap();
    place
}

/// A cloud in a process of its own; `auth` has it check signatures and policies.
pub async fn start_apart(home: &Path, auth: bool) -> Description {
    let mut program = Command::new(env!("CARGO_BIN_EXE_localcloud"));
    program.arg(home).args(auth.then_some("--auth"));
    daemon::up(home, program, &|_| {}).await.unwrap()
}

/// A cloud of this test's own.
pub async fn start() -> LocalCloud {
    LocalCloud::start(Options::new(home()), &|_| {}).await.expect("the local cloud starts")
}

/// A client that sends root's requests through the gateway.
pub fn client(cloud: &LocalCloud) -> Upstream {
    client_of(cloud.description())
}

/// The same for a cloud that may run in another process.
pub fn client_of(description: &Description) -> Upstream {
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
    processes().into_iter().filter(|process| process.group == leader).map(|process| process.id).collect()
}

/// The ids of the living children of a process (Linux).
pub fn children(parent: u32) -> Vec<u32> {
    processes().into_iter().filter(|process| process.parent == parent).map(|process| process.id).collect()
}

struct Process {
    id: u32,
    parent: u32,
    group: u32,
}

/// All that live, zombies left out.
fn processes() -> Vec<Process> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // pid (name) state ppid pgrp: the name may hold spaces and brackets.
        let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let state = fields.next();
        let mut number = || fields.next().and_then(|field| field.parse().ok());
        let (Some(parent), Some(group)) = (number(), number()) else { continue };
        if state != Some("Z") {
            found.push(Process { id, parent, group });
        }
    }
    found
}
