//! `bench plan`: from the manifest's text to a plan, without any call.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::{Address, Graph, Kinds, Mode, Observations, Plan, Record, State};
use provisioner::cloud::calls::Calls;
use provisioner::cloud::secret_values::{SecretValue, SecretValues};
use provisioner::cloud::{Cloud, CloudOptions, sdk_config};
use provisioner::store::format;
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
    /// Reading the state.
    pub state: Duration,
    /// Planning where nothing exists.
    pub first: Duration,
    /// Planning where all is as it is to be.
    pub unchanged: Duration,
    /// Planning where one tenant is missing.
    pub one_more: Duration,
}

/// Plans in processes of its own, so that their memory is their own: one where nothing exists, one with the state that
/// came of it. Gives the figures and the higher peak.
pub async fn measured(tenants: usize) -> Fallible<(Planned, u64)> {
    let folder = tempfile::tempdir().map_err(|error| format!("making a folder: {error}"))?;
    let state = folder.path().join("state.json");
    let (first, first_peak) = in_a_process(tenants, &state).await?;
    let (later, later_peak) = in_a_process(tenants, &state).await?;
    let time = |said: &Value, name: &str| Duration::from_micros(said[name].as_u64().unwrap_or(0));
    let planned = Planned {
        tenants,
        resources: first["resources"].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or(0),
        manifest: time(&later, "manifest"),
        graph: time(&later, "graph"),
        state: time(&later, "state"),
        first: time(&first, "first"),
        unchanged: time(&later, "unchanged"),
        one_more: time(&later, "one_more"),
    };
    Ok((planned, first_peak.max(later_peak)))
}

async fn in_a_process(tenants: usize, state: &Path) -> Fallible<(Value, u64)> {
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = std::process::Command::new(here);
    command.args(["planning", "--tenants", &tenants.to_string(), "--state"]).arg(state);
    let ran = process::run(command).await?;
    let said = serde_json::from_str(&ran.stdout).map_err(|error| error.to_string())?;
    Ok((said, ran.peak_memory_kib))
}

/// Plans here; tells microseconds. Without a state it plans what is to be made, and keeps what would come of it.
pub async fn run(tenants: usize, state: &Path) -> Fallible<Value> {
    let text = manifest::text(tenants);
    let (manifest, reading) = timed(|| manifest::load(text));
    let manifest = manifest?;
    let (made, making) = timed(|| graph(&manifest));
    let made = made?;
    let kinds = offline_kinds().await;
    let mode = Mode { stack: manifest.stack(), adopt: false };
    let planning = Planning { graph: &made, kinds: &kinds, mode: &mode };
    let mut told = if state.exists() { planning.later(tenants, state)? } else { planning.first(state)? };
    told.extend([("manifest", reading), ("graph", making)]);
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let mut document: BTreeMap<&str, u64> = told.into_iter().map(|(name, time)| (name, micros(time))).collect();
    document.insert("resources", made.resources().len() as u64);
    Ok(json!(document))
}

struct Planning<'a> {
    graph: &'a Graph,
    kinds: &'a Kinds,
    mode: &'a Mode,
}

impl Planning<'_> {
    fn plan(&self, state: &State) -> (Fallible<Plan>, Duration) {
        let seen = Observations::assumed(self.graph, state);
        let plan = || engine::plan(self.graph, state, &seen, self.kinds, self.mode).map_err(|error| error.to_string());
        timed(plan)
    }

    fn first(&self, state: &Path) -> Fallible<Vec<(&'static str, Duration)>> {
        let (plan, first) = self.plan(&State::empty(&self.mode.stack));
        let text = serde_json::to_vec(&applied(plan?, &self.mode.stack)).map_err(|error| error.to_string())?;
        std::fs::write(state, text).map_err(|error| format!("writing {}: {error}", state.display()))?;
        Ok(vec![("first", first)])
    }

    fn later(&self, tenants: usize, state: &Path) -> Fallible<Vec<(&'static str, Duration)>> {
        let (state, loading) = timed(|| {
            let text = std::fs::read_to_string(state).map_err(|error| error.to_string())?;
            format::parse(&text, "the state", &self.mode.stack, "").map_err(|error| error.message)
        });
        let mut state = state?;
        let (nothing, unchanged) = self.plan(&state);
        let changes = nothing?.changes().count();
        let newest = format!("tenant-{:05}", tenants.saturating_sub(1));
        state.records.retain(|_, record| record.tenant.as_deref() != Some(&newest));
        let (one, one_more) = self.plan(&state);
        let of_one = self.graph.for_tenant(&newest).count();
        let planned_for_one = one?.changes().count();
        if changes != 0 || planned_for_one != of_one {
            return Err(format!("{changes} changes where none are due, {planned_for_one} where {of_one} are"));
        }
        Ok(vec![("state", loading), ("unchanged", unchanged), ("one_more", one_more)])
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    (work(), began.elapsed())
}

fn graph(manifest: &billing::manifest::Manifest) -> Fallible<Graph> {
    let handlers = stack::handlers();
    let wanted = stack::Plan::of(manifest, &handlers);
    stack::graph(&wanted).map_err(|error| error.to_string())
}

/// The state as if the plan had been carried out: each output that is referred to has come out as its own name.
fn applied(plan: Plan, stack: &str) -> State {
    let mut state = State::empty(stack);
    let mut outputs: BTreeMap<Address, BTreeMap<String, Value>> = BTreeMap::new();
    for reference in plan.steps.iter().filter_map(|step| step.desired.as_ref()).flat_map(engine::input::references) {
        outputs.entry(reference.of).or_default().insert(reference.name.clone(), json!(reference.name));
    }
    // Taken apart step by step, so that plan and state are not both there whole.
    for step in plan.steps {
        let desired = step.desired.unwrap_or_default();
        let fields = engine::input::resolve(&desired, &|reference| Some(json!(reference.name)));
        let outputs = outputs.remove(&step.address).unwrap_or_default();
        let record = Record {
            id: step.address.to_string(),
            address: step.address,
            tenant: step.tenant,
            fields: fields.into(),
            outputs,
            depends_on: step.depends_on,
            pending: None,
            generation: None,
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
