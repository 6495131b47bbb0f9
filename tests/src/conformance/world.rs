//! One resource under the engine: planned and applied as the command line does it, with a state that can be lost.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use engine::diff::FieldChange;
use engine::kind::{Applied, CallError, Contents, Create, Delete, Depth, Listed, Observed, Removal, Update, Want};
use engine::kind_meta::KindMeta;
use engine::observer::Unobserved;
use engine::state::StateStore as _;
use engine::{
    Address, Drift, Graph, Kind, Kinds, Mode, Options, Plan, Record, RefreshOptions, Resource, RetryPolicy, Step,
    refresh,
};
use provisioner::run::waiting::TokioClock;
use provisioner::store::file::FileStore;
use serde_json::Value;

use super::Fixture;
use crate::live::STACK;

/// One resource, its kind, and the state that remembers it.
pub struct World {
    /// Where the resource stands.
    pub address: Address,
    /// The kind, its writes counted.
    pub kind: Arc<dyn Kind>,
    kinds: Kinds,
    writes: Arc<AtomicUsize>,
    folder: tempfile::TempDir,
}

impl World {
    /// A world with nothing in it.
    pub fn new(fixture: &Fixture) -> World {
        let writes = Arc::new(AtomicUsize::new(0));
        let counted = Counted { kind: Arc::clone(&fixture.kind), writes: Arc::clone(&writes) };
        World {
            address: Address::new(fixture.meta().name, &fixture.name),
            kind: Arc::clone(&fixture.kind),
            kinds: Kinds::new(vec![Box::new(counted)]),
            writes,
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// How many calls were made that change something.
    pub fn writes(&self) -> usize {
        self.writes.load(Ordering::Relaxed)
    }

    /// The state is lost.
    pub fn forget(&self) {
        match std::fs::remove_dir_all(self.folder.path()) {
            Ok(()) => std::fs::create_dir(self.folder.path()).expect("a folder"),
            Err(error) => panic!("the state cannot be lost: {error}"),
        }
    }

    /// What would change.
    pub async fn plan(&self, desired: &Value, depth: Depth, adopt: bool) -> Plan {
        let graph = self.graph(desired);
        let state = FileStore::open(&self.state_path()).load(STACK).await.expect("the state");
        let options = RefreshOptions { depth, retry: RetryPolicy::default() };
        let seen =
            refresh(&graph, &state, &self.kinds, &TokioClock, &options, &Unobserved).await.expect("a known kind");
        engine::plan(&graph, &state, &seen, &self.kinds, &Mode { stack: STACK.to_owned(), adopt })
            .expect("a known kind")
    }

    /// What others changed, as `billform drift` finds it.
    pub async fn drift(&self, desired: &Value) -> Drift {
        let graph = self.graph(desired);
        let state = FileStore::open(&self.state_path()).load(STACK).await.expect("the state");
        let listed = self.kind.list().await.expect("is listed");
        let here: Vec<Listed> = listed.into_iter().filter(|listed| listed.address == self.address).collect();
        let options = RefreshOptions { depth: Depth::Full, retry: RetryPolicy::default() };
        let seen =
            refresh(&graph, &state, &self.kinds, &TokioClock, &options, &Unobserved).await.expect("a known kind");
        engine::drift(&graph, &state, &seen, &here, &self.kinds).expect("a known kind")
    }

    fn graph(&self, desired: &Value) -> Graph {
        let resource = Resource {
            address: self.address.clone(),
            tenant: None,
            desired: desired.clone(),
            depends_on: Default::default(),
        };
        Graph::new(vec![resource]).expect("a graph")
    }

    /// Carries a plan out; what went wrong, if anything did.
    pub async fn apply(&self, plan: &Plan) -> Result<(), String> {
        let store = FileStore::lock(&self.state_path(), "tests").expect("is free");
        let state = store.load(STACK).await.expect("the state");
        let options = Options::default();
        let outcome = engine::apply(plan, state, &self.kinds, &store, &TokioClock, &options, &Unobserved).await;
        if outcome.succeeded() { Ok(()) } else { Err(format!("{:?}", outcome.statuses)) }
    }

    /// Plans and carries out.
    pub async fn bring(&self, desired: &Value) -> Result<(), String> {
        let plan = self.plan(desired, Depth::Full, false).await;
        self.apply(&plan).await
    }

    /// What the state remembers of it.
    pub async fn record(&self) -> Option<Record> {
        let state = FileStore::open(&self.state_path()).load(STACK).await.expect("the state");
        state.records.get(&self.address).cloned()
    }

    /// The one step of a plan.
    pub fn step<'p>(&self, plan: &'p Plan) -> Option<&'p Step> {
        plan.steps.iter().find(|step| step.address == self.address)
    }

    /// What is there, looked for with these fields.
    pub async fn see(&self, want: Want, depth: Depth) -> Result<Option<Observed>, CallError> {
        let mut answers = self.kind.read(&[want], depth).await;
        answers.pop().unwrap_or(Ok(None))
    }

    /// A question about the resource.
    pub fn want(&self, desired: &Value, id: Option<&str>, known: Option<&Value>) -> Want {
        Want {
            address: self.address.clone(),
            id: id.map(str::to_owned),
            fields: desired.clone(),
            known: known.cloned().map(Arc::new),
        }
    }

    fn state_path(&self) -> PathBuf {
        self.folder.path().join("state.json")
    }
}

/// A kind whose writes are counted.
struct Counted {
    kind: Arc<dyn Kind>,
    writes: Arc<AtomicUsize>,
}

#[async_trait]
impl Kind for Counted {
    fn meta(&self) -> &'static KindMeta {
        self.kind.meta()
    }

    fn diff(&self, desired: &Value, observed: &Value, last: Option<&Value>) -> Vec<FieldChange> {
        self.kind.diff(desired, observed, last)
    }

    fn remembered(&self, desired: Value, before: Option<&Value>) -> Value {
        self.kind.remembered(desired, before)
    }

    async fn read(&self, wants: &[Want], depth: Depth) -> Vec<Result<Option<Observed>, CallError>> {
        self.kind.read(wants, depth).await
    }

    async fn list(&self) -> Result<Vec<Listed>, CallError> {
        self.kind.list().await
    }

    async fn list_unknown(&self, known: &BTreeSet<String>) -> Result<Vec<Listed>, CallError> {
        self.kind.list_unknown(known).await
    }

    async fn create(&self, request: Create) -> Result<Applied, CallError> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.kind.create(request).await
    }

    async fn update(&self, request: Update) -> Result<Applied, CallError> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.kind.update(request).await
    }

    async fn delete(&self, request: Delete) -> Result<Removal, CallError> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.kind.delete(request).await
    }

    async fn contents(&self, id: &str, fields: &Value) -> Result<Option<Contents>, CallError> {
        self.kind.contents(id, fields).await
    }
}
