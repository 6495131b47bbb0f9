//! A strict Stripe account of its own for each test, with a stack on it that is planned and applied as the command
//! line does it: the traps of Stripe (replayed answers, keys that move, pages) show only between several applies.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use engine::state::StateStore as _;
use engine::{Action, Graph, Mode, Options, Outcome, Plan, RefreshOptions, Resource, RetryPolicy, refresh};
use localstripe::{Kind, Seen, Stripe};
use provisioner::cloud::calls::Calls;
use provisioner::cloud::secret_values::{SecretValue, SecretValues};
use provisioner::cloud::stripe_api::StripeApi;
use provisioner::cloud::{Cloud, CloudOptions, sdk_config};
use provisioner::kinds;
use provisioner::run::waiting::TokioClock;
use provisioner::store::file::FileStore;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{STACK, dashboard};

const KEY: &str = "sk_test_kinds";

/// One account, and the state of one stack on it.
pub struct Account {
    /// The account, to look into.
    pub stripe: Stripe,
    /// Clients of it.
    pub cloud: Arc<Cloud>,
    address: String,
    folder: tempfile::TempDir,
    server: JoinHandle<Infallible>,
}

impl Drop for Account {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Account {
    /// An empty account whose clock is the wall clock.
    pub async fn open() -> Account {
        Account::open_with(localstripe::Options::default()).await
    }

    /// An empty account whose clock stands at a time long gone: whatever is made in it looks old.
    pub async fn open_long_ago() -> Account {
        let start = "2026-01-01T00:00:00Z".parse().expect("a time");
        Account::open_with(localstripe::Options { start: Some(start), ..localstripe::Options::default() }).await
    }

    async fn open_with(options: localstripe::Options) -> Account {
        let account = Stripe::new(localstripe::Options { keys: vec![KEY.to_owned()], seed: Some(7), ..options });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let served = account.clone();
        let server = tokio::spawn(async move { localstripe::serve(listener, served).await.expect("serves") });
        Account {
            stripe: account,
            cloud: cloud(&format!("http://{address}/")).await,
            address,
            folder: tempfile::tempdir().expect("a folder"),
            server,
        }
    }

    fn state_path(&self) -> PathBuf {
        self.folder.path().join("state.json")
    }

    /// The state is lost.
    pub fn forget(&self) {
        std::fs::remove_file(self.state_path()).expect("there was a state");
    }

    /// What would change.
    pub async fn plan(&self, wanted: &[Resource], adopt: bool) -> Plan {
        let graph = Graph::new(wanted.to_vec()).expect("a graph");
        let state = FileStore::open(&self.state_path()).load(STACK).await.expect("the state");
        let kinds = kinds::all(&self.cloud);
        let options = RefreshOptions { depth: engine::kind::Depth::Lists, retry: RetryPolicy::default() };
        let watch = engine::observer::Unobserved;
        let seen = refresh(&graph, &state, &kinds, &TokioClock, &options, &watch).await.expect("is read");
        engine::plan(&graph, &state, &seen, &kinds, &Mode { stack: STACK.to_owned(), adopt }).expect("a plan")
    }

    /// Plans and carries out, sees everything succeed, and finds nothing left to do.
    pub async fn apply(&self, wanted: &[Resource]) -> Plan {
        let (plan, outcome) = self.try_apply(wanted, false).await;
        assert!(outcome.succeeded(), "{:#?}", outcome.statuses);
        let rest = self.plan(wanted, false).await;
        assert!(rest.is_empty() && !rest.is_incomplete(), "{rest:#?}");
        plan
    }

    /// Plans and carries out.
    pub async fn try_apply(&self, wanted: &[Resource], adopt: bool) -> (Plan, Outcome) {
        let plan = self.plan(wanted, adopt).await;
        let store = FileStore::lock(&self.state_path(), "tests").expect("is free");
        let state = store.load(STACK).await.expect("the state");
        let kinds = kinds::all(&self.cloud);
        let (options, watch) = (Options::default(), engine::observer::Unobserved);
        let outcome = engine::apply(&plan, state, &kinds, &store, &TokioClock, &options, &watch).await;
        (plan, outcome)
    }

    /// The objects of a kind, newest first.
    pub fn objects(&self, kind: Kind) -> Vec<Value> {
        self.stripe.objects(kind)
    }

    /// The requests made while `work` ran.
    pub async fn requests<T>(&self, work: impl Future<Output = T>) -> (T, Vec<Seen>) {
        let before = self.stripe.requests().len();
        let done = work.await;
        (done, self.stripe.requests().split_off(before))
    }

    /// Somebody at the dashboard changes or makes something; the object as it is then.
    pub async fn post(&self, path: &str, form: &str) -> Value {
        self.send("POST", path, form).await
    }

    /// Somebody at the dashboard deletes something.
    pub async fn delete(&self, path: &str) -> Value {
        self.send("DELETE", path, "").await
    }

    async fn send(&self, method: &str, path: &str, form: &str) -> Value {
        dashboard::request(&self.address, KEY, method, path, form).await
    }
}

/// What a plan does, in its order: `create stripe_customer.a`.
pub fn actions(plan: &Plan) -> Vec<String> {
    plan.changes().map(|step| format!("{} {}", step.action, step.address)).collect()
}

/// The fields that differ in the one change of a plan, an update.
pub fn drift(plan: &Plan) -> Vec<&str> {
    let changes: Vec<_> = plan.changes().collect();
    assert_eq!(changes.len(), 1, "{changes:#?}");
    assert_eq!(changes[0].action, Action::Update);
    changes[0].fields.iter().map(|field| field.path.as_str()).collect()
}

/// An object's id.
pub fn id(object: &Value) -> &str {
    object["id"].as_str().expect("an id")
}

/// Clients of one Stripe account and of no AWS at all.
async fn cloud(stripe_base: &str) -> Arc<Cloud> {
    let calls = Calls::default();
    let stripe = StripeApi::new(&SecretValue::new(KEY), Some(stripe_base), calls.clone()).expect("a client");
    let options = CloudOptions {
        stack: STACK.to_owned(),
        account: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
        secret_values: Arc::new(NoSecrets),
        bundle: None,
        stripe: Some(stripe),
        calls,
    };
    Arc::new(Cloud::new(&sdk_config("us-east-1").await, options))
}

struct NoSecrets;

impl SecretValues for NoSecrets {
    fn given(&self, _name: &str) -> Option<SecretValue> {
        None
    }

    fn required(&self, name: &str) -> Result<SecretValue, String> {
        Err(format!("there is no secret {name} here"))
    }
}
