//! `bench peers`: the mix that peers are measured with, so that figures can stand beside each other.
//!
//! Each tenant has a role with its policy, a topic with one e-mail subscription, a secret, a log group, a rule and a
//! budget. No manifest says that, so the graph is made here and goes through the engine and the kinds as a command's
//! does: lists are read, a plan is made, a plan with changes is carried out, the state is kept in a file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use engine::kind::Depth;
use engine::observer::Unobserved;
use engine::state::StateStore as _;
use engine::{Address, Graph, Mode, Options, RefreshOptions, Resource, RetryPolicy, refresh};
use localcloud::{LocalCloud, Options as LocalOptions};
use provisioner::cloud::calls::Calls;
use provisioner::cloud::secret_values::{SecretValue, SecretValues};
use provisioner::cloud::{Cloud, CloudOptions, sdk_config};
use provisioner::kinds::{self, budget, iam_role, log_group, schedule, secret, sns_topic};
use provisioner::run::limits;
use provisioner::run::waiting::TokioClock;
use provisioner::store::file::FileStore;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{Fallible, binary, process};

const STACK: &str = "peers";
const ACCOUNT: &str = "123456789012";
const REGION: &str = "us-east-1";
/// Resources of one tenant.
const EACH: usize = 6;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Phase {
    /// Everything is made.
    Apply,
    /// Nothing is to be done.
    Plan,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Phase::Apply => "apply",
            Phase::Plan => "plan",
        }
    }
}

/// What one phase took.
#[derive(Debug, Clone)]
pub struct Took {
    phase: Phase,
    wall: Duration,
    calls: u64,
    peak_memory_kib: u64,
}

/// Runs both phases on a fresh local cloud, each in a process of its own.
pub async fn measured(tenants: usize) -> Fallible<Vec<Took>> {
    let folder = tempfile::tempdir().map_err(|error| format!("making a folder: {error}"))?;
    let state = folder.path().join("state.json");
    let home = binary::target()?.join("localcloud");
    let cloud = LocalCloud::start(LocalOptions::new(home), &|line| eprintln!("{line}")).await;
    let cloud = cloud.map_err(|error| error.to_string())?;
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut took = Vec::new();
    for phase in [Phase::Apply, Phase::Plan] {
        let place = cloud.description();
        let mut command = std::process::Command::new(&here);
        command.args(["peers-side", phase.name(), "--tenants", &tenants.to_string(), "--state"]).arg(&state);
        command.env_clear().envs([
            ("AWS_ENDPOINT_URL", place.aws_endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", &place.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", &place.secret_access_key),
            ("AWS_REGION", REGION),
        ]);
        cloud.traffic().reset();
        let ran = process::run(command).await?;
        let calls = cloud.traffic().counts().services.values().flat_map(BTreeMap::values).sum();
        took.push(Took { phase, wall: ran.wall, calls, peak_memory_kib: ran.peak_memory_kib });
    }
    cloud.stop().await;
    Ok(took)
}

/// One phase, here. It fails when it did not do its work, for then there is nothing to measure.
pub async fn run(phase: Phase, tenants: usize, state: &Path) -> Fallible<Value> {
    let graph = Graph::new((0..tenants).flat_map(of_tenant).collect()).map_err(|error| error.to_string())?;
    let kinds = kinds::all(&Arc::new(cloud().await));
    let store = FileStore::lock(state, "bench").map_err(|error| format!("{error:?}"))?;
    let known = store.load(STACK).await.map_err(|error| error.to_string())?;
    let options = RefreshOptions { depth: Depth::Lists, retry: RetryPolicy::default() };
    let seen = refresh(&graph, &known, &kinds, &TokioClock, &options, &Unobserved).await;
    let seen = seen.map_err(|error| error.to_string())?;
    let mode = Mode { stack: STACK.to_owned(), adopt: false };
    let plan = engine::plan(&graph, &known, &seen, &kinds, &mode).map_err(|error| error.to_string())?;
    let changes = plan.changes().count();
    let expected = if phase == Phase::Apply { tenants * EACH } else { 0 };
    if changes != expected || plan.is_incomplete() {
        return Err(format!("{changes} changes are planned instead of {expected}"));
    }
    if phase == Phase::Apply {
        let options = Options { limits: limits::per_service(), ..Options::default() };
        let outcome = engine::apply(&plan, known, &kinds, &store, &TokioClock, &options, &Unobserved).await;
        if !outcome.succeeded() {
            return Err(format!("the apply failed: {:?}", outcome.statuses));
        }
    }
    Ok(json!({ "resources": tenants * EACH, "changes": changes }))
}

fn of_tenant(number: usize) -> [Resource; EACH] {
    let name = format!("peers-{number:04}");
    let tags = BTreeMap::from([("Tenant".to_owned(), name.clone())]);
    let role = iam_role::Desired {
        name: name.clone(),
        description: "a tenant's role".to_owned(),
        trusted_service: "lambda.amazonaws.com".to_owned(),
        policy: allow("s3:GetObject", &format!("arn:aws:s3:::{name}/*")),
        attached: Default::default(),
        tags: tags.clone(),
    };
    let arn = format!("arn:aws:sns:{REGION}:{ACCOUNT}:{name}");
    let topic = sns_topic::Desired {
        name: name.clone(),
        policy: json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "Service": "budgets.amazonaws.com" }, "Action": "sns:Publish",
            "Resource": arn, "Condition": { "StringEquals": { "aws:SourceAccount": ACCOUNT } },
        }] }),
        emails: [format!("{name}@example.com")].into(),
        tags: tags.clone(),
    };
    let secret = secret::Desired {
        name: name.clone(),
        description: "a tenant's key".to_owned(),
        source: secret::Source::Generated,
        json_key: None,
        recovery_days: 0,
        tags: tags.clone(),
        replaced_by: None,
    };
    let group = log_group::Desired { name: format!("/peers/{name}"), retention_days: 30, tags: tags.clone() };
    let rule = schedule::Desired {
        name: name.clone(),
        description: "a tenant's rule".to_owned(),
        expression: "rate(1 day)".to_owned(),
        enabled: true,
        target_arn: format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:peers"),
        input: json!({ "tenant": name }),
        tags: tags.clone(),
    };
    let budget = budget::Desired {
        name: name.clone(),
        limit_usd: 500.into(),
        tag_key: "Tenant".to_owned(),
        tag_value: name.clone(),
        alerts: BTreeMap::from([(
            80,
            budget::Subscribers { emails: [format!("{name}@example.com")].into(), topic: None },
        )]),
        tags,
    };
    [
        resource("iam_role", &name, &role),
        resource("sns_topic", &name, &topic),
        resource("secret", &name, &secret),
        resource("log_group", &name, &group),
        resource("schedule", &name, &rule),
        resource("budget", &name, &budget),
    ]
}

fn allow(action: &str, resource: &str) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": action, "Resource": resource }] })
}

fn resource(kind: &str, name: &str, desired: &impl Serialize) -> Resource {
    Resource {
        address: Address::new(kind, name),
        tenant: Some(name.to_owned()),
        desired: serde_json::to_value(desired).expect("desired fields are plain data"),
        depends_on: Default::default(),
    }
}

async fn cloud() -> Cloud {
    let options = CloudOptions {
        stack: STACK.to_owned(),
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        secret_values: Arc::new(NoValues),
        bundle: None,
        stripe: None,
        calls: Calls::default(),
    };
    Cloud::new(&sdk_config(REGION).await, options)
}

struct NoValues;

impl SecretValues for NoValues {
    fn given(&self, _name: &str) -> Option<SecretValue> {
        None
    }

    fn required(&self, _name: &str) -> Result<SecretValue, String> {
        Err("the mix generates its secrets".to_owned())
    }
}

/// A line per phase: wall time, calls, memory.
pub fn table(tenants: usize, took: &[Took]) -> String {
    let mut text = format!("{tenants} tenants, {} resources\n", tenants * EACH);
    for one in took {
        text.push_str(&format!(
            "{:6} {:>7} ms {:>6} calls {:>5} MiB\n",
            one.phase.name(),
            one.wall.as_millis(),
            one.calls,
            one.peak_memory_kib / 1024
        ));
    }
    text
}

/// The same as JSON: milliseconds, calls, KiB.
pub fn json(tenants: usize, took: &[Took]) -> Value {
    let phase = |one: &Took| {
        let wall_ms = u64::try_from(one.wall.as_millis()).unwrap_or(u64::MAX);
        let figures = json!({ "wall_ms": wall_ms, "calls": one.calls, "peak_memory_kib": one.peak_memory_kib });
        (one.phase.name().to_owned(), figures)
    };
    let phases: serde_json::Map<String, Value> = took.iter().map(phase).collect();
    json!({ "tenants": tenants, "resources": tenants * EACH, "phases": phases })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tenant_has_one_of_each_and_each_kind_understands_it() {
        let graph = Graph::new((0..3).flat_map(of_tenant).collect()).expect("a graph");
        assert_eq!(graph.resources().len(), 3 * EACH);
        for resource in graph.resources().values() {
            let kind = kinds::KINDS.iter().find(|kind| kind.meta.name == resource.address.kind()).expect("a kind");
            assert_eq!(kind.reread(&resource.desired).expect("is understood"), resource.desired);
        }
    }
}
