//! `bench plan`: from the manifest's text to a plan, without any call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::{Graph, Kinds, Mode, Observations, Plan, Record, State};
use provisioner::cloud::calls::Calls;
use provisioner::cloud::secret_values::{SecretValue, SecretValues};
use provisioner::cloud::{Cloud, CloudOptions, sdk_config};
use provisioner::{kinds, stack};
use serde_json::{Value, json};

use crate::{Fallible, manifest, process};

/// What planning took.
#[derive(Debug, Clone)]
pub struct Planned {
    /// How many tenants.
    pub tenants: usize,
    /// How many resources.
    pub resources: usize,
    /// Reading and checking the manifest.
    pub manifest: Duration,
    /// The manifest made into a graph.
    pub graph: Duration,
    /// Planning where nothing exists.
    pub first: Duration,
    /// Planning where all is as it is to be.
    pub unchanged: Duration,
    /// Planning where one tenant is missing.
    pub one_more: Duration,
}

const TIMES: [&str; 5] = ["manifest", "graph", "first", "unchanged", "one_more"];

/// Plans in a process of its own; gives its figures and its peak memory.
pub async fn measured(tenants: usize) -> Fallible<(Planned, u64)> {
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = std::process::Command::new(here);
    command.args(["planning", "--tenants", &tenants.to_string()]);
    let ran = process::run(command).await?;
    let said: Value = serde_json::from_str(&ran.stdout).map_err(|error| error.to_string())?;
    let [manifest, graph, first, unchanged, one_more] =
        TIMES.map(|name| Duration::from_micros(said[name].as_u64().unwrap_or(0)));
    let resources = said["resources"].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
    let planned = Planned { tenants, resources, manifest, graph, first, unchanged, one_more };
    Ok((planned, ran.peak_memory_kib))
}

/// Plans here; tells microseconds.
pub async fn run(tenants: usize) -> Fallible<Value> {
    let text = manifest::text(tenants);
    let (manifest, reading) = timed(|| manifest::load(text));
    let manifest = manifest?;
    let (made, making) = timed(|| graph(&manifest));
    let made = made?;
    let kinds = offline_kinds().await;
    let mode = Mode { stack: manifest.stack(), adopt: false };
    let plan = |state: &State| {
        let observations = Observations::assumed(&made, state);
        timed(|| planned(&made, state, &observations, &kinds, &mode))
    };

    let (plan_of_all, first) = plan(&State::empty(&mode.stack));
    let mut state = applied(plan_of_all?, &mode.stack);
    let (nothing, unchanged) = plan(&state);
    let changes = nothing?.changes().count();
    let newest = format!("tenant-{:05}", tenants.saturating_sub(1));
    state.records.retain(|_, record| record.tenant.as_deref() != Some(&newest));
    let (one, one_more) = plan(&state);
    let of_one = made.for_tenant(&newest).count();
    let planned_for_one = one?.changes().count();
    if changes != 0 || planned_for_one != of_one {
        return Err(format!("{changes} changes where none are due, {planned_for_one} where {of_one} are"));
    }
    let mut told: BTreeMap<&str, u64> = TIMES
        .into_iter()
        .zip([reading, making, first, unchanged, one_more])
        .map(|(name, time)| (name, u64::try_from(time.as_micros()).unwrap_or(u64::MAX)))
        .collect();
    told.insert("resources", made.resources().len() as u64);
    Ok(json!(told))
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    (work(), began.elapsed())
}

fn graph(manifest: &billing::manifest::Manifest) -> Fallible<Graph> {
    let handlers = stack::handlers();
    let wanted = stack::Plan { manifest, handlers: &handlers, code_sha256: None };
    stack::graph(&wanted).map_err(|error| error.to_string())
}

fn planned(graph: &Graph, state: &State, observations: &Observations, kinds: &Kinds, mode: &Mode) -> Fallible<Plan> {
    engine::plan(graph, state, observations, kinds, mode).map_err(|error| error.to_string())
}

/// The state as if the plan had been carried out: each output that is referred to has come out as its own name.
fn applied(plan: Plan, stack: &str) -> State {
    let mut state = State::empty(stack);
    // Taken apart step by step, so that plan and state are not both there whole.
    for step in plan.steps {
        let desired = step.desired.unwrap_or_default();
        let fields = engine::input::resolve(&desired, &|reference| Some(json!(reference.name)));
        let outputs = ["id", "invoke_arn_pattern"].map(|name| (name.to_owned(), json!(name))).into();
        let record = Record {
            id: step.address.to_string(),
            address: step.address,
            tenant: step.tenant,
            fields,
            outputs,
            depends_on: step.depends_on,
            pending: None,
        };
        state.records.insert(record.address.clone(), record);
    }
    state
}

/// The kinds with clients that are never called: planning asks them for differences only.
async fn offline_kinds() -> Kinds {
    let config = sdk_config("us-east-1").await;
    let options = CloudOptions {
        stack: "bench".to_owned(),
        account: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
        secret_values: Arc::new(NoValues),
        bundle: None,
        stripe: None,
        calls: Calls::default(),
    };
    kinds::all(&Arc::new(Cloud::new(&config, options)))
}

struct NoValues;

impl SecretValues for NoValues {
    fn given(&self, _name: &str) -> Option<SecretValue> {
        None
    }

    fn required(&self, _name: &str) -> Result<SecretValue, String> {
        Err("planning asks for no values".to_owned())
    }
}
