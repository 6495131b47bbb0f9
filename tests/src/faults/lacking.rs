//! The engine in this process, with one of its safeguards taken away: the suite must notice, or the safeguard is
//! needless.
//!
//! The same kinds call the same gateway; what is wrapped are the engine's ports. A run is killed by dropping its
//! future, which closes its connections as the end of a process does. No switch of the program leads here.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use aws_sdk_iam::config::{Credentials as AwsCredentials, SharedCredentialsProvider};
use engine::diff::FieldChange;
use engine::kind::{Contents, Create, Delete, Depth, Listed, Removal, Update, Want};
use engine::kind_meta::KindMeta;
use engine::observer::Unobserved;
use engine::state::{Entry, StateStore, StoreError};
use engine::{
    Applied, CallError, Graph, Kind, Kinds, Mode, Observed, Options, Plan, RefreshOptions, RetryPolicy, State,
};
use localcloud::Description;
use provisioner::cloud::bundle::Bundle;
use provisioner::cloud::calls::Calls;
use provisioner::cloud::secret_values::{SecretValue, SecretValues};
use provisioner::cloud::stripe_api::StripeApi;
use provisioner::cloud::{Cloud, CloudOptions, sdk_config};
use provisioner::run::limits;
use provisioner::run::waiting::TokioClock;
use provisioner::{kinds, stack};

/// The safeguard that is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lacking {
    /// None: the engine as it is.
    Nothing,
    /// Resources that the state does not know are not seen, though they carry our name.
    Adoption,
    /// The journal: only a run that comes to its end keeps anything.
    Journal,
    /// Idempotency keys and client tokens: every call has another one.
    Tokens,
}

impl Lacking {
    /// All of them.
    pub const ALL: [Lacking; 4] = [Lacking::Nothing, Lacking::Adoption, Lacking::Journal, Lacking::Tokens];

    fn name(self) -> &'static str {
        match self {
            Lacking::Nothing => "nothing",
            Lacking::Adoption => "adoption",
            Lacking::Journal => "journal",
            Lacking::Tokens => "tokens",
        }
    }
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Lacking {
    type Err = String;

    fn from_str(text: &str) -> Result<Lacking, String> {
        let known = Lacking::ALL.into_iter().find(|lacking| lacking.name() == text);
        known.ok_or_else(|| format!("`{text}` is none of nothing, adoption, journal, tokens"))
    }
}

/// One run after another in this process, with a state that outlives them.
pub struct Engine {
    lacking: Lacking,
    kept: Mutex<State>,
    stack: String,
    graph: Graph,
    bundle: Arc<Bundle>,
    place: Description,
}

impl Engine {
    /// Nothing is wanted yet and nothing remembered.
    pub fn new(lacking: Lacking, bundle: Bundle, place: &Description) -> Engine {
        let (stack, graph) = (String::new(), Graph::empty());
        let kept = Mutex::new(State::empty(&stack));
        Engine { lacking, kept, stack, graph, bundle: Arc::new(bundle), place: place.clone() }
    }

    /// From now on the runs want what this manifest says.
    pub fn want(&mut self, manifest: &str) {
        let source = billing::manifest::Source { path: "billform.yaml".to_owned(), text: manifest.to_owned() };
        let manifest =
            billing::manifest::load(&[source], None, &provisioner::stack::handlers()).expect("the manifest is sound");
        let handlers = stack::handlers();
        let code_sha256 = Some(self.bundle.sha256.as_str());
        let wanted = stack::Plan { manifest: &manifest, handlers: &handlers, code_sha256, today: None };
        self.graph = stack::graph(&wanted).expect("a graph");
        self.stack = manifest.stack();
        self.kept().stack.clone_from(&self.stack);
    }

    /// Plans and carries the plan out; the error says what stood in the way.
    pub async fn apply(&self) -> Result<(), String> {
        let kinds = self.kinds().await;
        let state = self.kept().clone();
        let plan = self.plan(&kinds, &state, Depth::Lists).await;
        if plan.is_incomplete() {
            let refused = plan.refused.iter().map(|refused| refused.message.clone());
            let unreadable = plan.unreadable.iter().map(|(address, error)| format!("{address}: {error}"));
            return Err(refused.chain(unreadable).collect::<Vec<_>>().join("\n"));
        }
        let options = Options { limits: limits::per_service(), retry: retry(), ..Options::default() };
        let outcome = engine::apply(&plan, state, &kinds, self, &TokioClock, &options, &Unobserved).await;
        let failed: Vec<String> = outcome.failed().map(|(address, error)| format!("{address}: {error}")).collect();
        if outcome.succeeded() { Ok(()) } else { Err(failed.join("\n")) }
    }

    /// What there is still to do.
    pub async fn left(&self) -> Result<(), String> {
        let kinds = self.kinds().await;
        let state = self.kept().clone();
        let plan = self.plan(&kinds, &state, Depth::Full).await;
        if plan.is_empty() && !plan.is_incomplete() {
            return Ok(());
        }
        Err(plan.changes().map(|step| format!("{:?} {}", step.action, step.address)).collect::<Vec<_>>().join(", "))
    }

    async fn plan(&self, kinds: &Kinds, state: &State, depth: Depth) -> Plan {
        let options = RefreshOptions { depth, retry: retry() };
        let seen = engine::refresh(&self.graph, state, kinds, &TokioClock, &options, &Unobserved).await;
        let mode = Mode { stack: self.stack.clone(), adopt: false };
        engine::plan(&self.graph, state, &seen.expect("known kinds"), kinds, &mode).expect("known kinds")
    }

    /// Clients of their own for each run: a process that died takes its connections along.
    async fn kinds(&self) -> Kinds {
        let Description { aws_endpoint, access_key_id, secret_access_key, .. } = &self.place;
        let root = AwsCredentials::new(access_key_id, secret_access_key, None, None, "tests");
        let config = sdk_config(&self.place.region).await.to_builder();
        let config =
            config.endpoint_url(aws_endpoint).credentials_provider(SharedCredentialsProvider::new(root)).build();
        let calls = Calls::default();
        let key = SecretValue::new(&self.place.stripe_api_key);
        let stripe = StripeApi::new(&key, Some(&self.place.stripe_api_base), calls.clone()).expect("a key");
        let options = CloudOptions {
            stack: self.stack.clone(),
            account: self.place.account.clone(),
            region: self.place.region.clone(),
            secret_values: Arc::new(OneSecret(key)),
            bundle: Some(Arc::clone(&self.bundle)),
            stripe: Some(stripe),
            calls,
        };
        let whole = Arc::new(kinds::all(&Arc::new(Cloud::new(&config, options))));
        let names: Vec<&'static str> = whole.iter().map(|kind| kind.meta().name).collect();
        let wrap =
            |name| -> Box<dyn Kind> { Box::new(Without { lacking: self.lacking, whole: Arc::clone(&whole), name }) };
        Kinds::new(names.into_iter().map(wrap).collect())
    }

    fn kept(&self) -> MutexGuard<'_, State> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same patience with fewer attempts: what cannot succeed shall fail soon.
fn retry() -> RetryPolicy {
    RetryPolicy { attempts: 6, ..RetryPolicy::default() }
}

#[async_trait]
impl StateStore for Engine {
    async fn load(&self, _stack: &str) -> Result<State, StoreError> {
        Ok(self.kept().clone())
    }

    async fn append(&self, entries: &[Entry]) -> Result<(), StoreError> {
        if self.lacking != Lacking::Journal {
            let mut kept = self.kept();
            entries.iter().cloned().for_each(|entry| kept.take(entry));
        }
        Ok(())
    }

    async fn fold(&self, state: &State) -> Result<(), StoreError> {
        *self.kept() = state.clone();
        Ok(())
    }
}

/// The only secret the portal is given.
struct OneSecret(SecretValue);

impl SecretValues for OneSecret {
    fn given(&self, name: &str) -> Option<SecretValue> {
        (name == "stripe").then(|| self.0.clone())
    }

    fn required(&self, name: &str) -> Result<SecretValue, String> {
        self.given(name).ok_or_else(|| format!("there is no value for `{name}`"))
    }
}

/// A kind without a safeguard.
struct Without {
    lacking: Lacking,
    whole: Arc<Kinds>,
    name: &'static str,
}

impl Without {
    fn kind(&self) -> &dyn Kind {
        self.whole.get(self.name).expect("it was there when it was wrapped")
    }

    fn token(&self, token: String) -> String {
        static USED: AtomicU64 = AtomicU64::new(0);
        match self.lacking {
            Lacking::Tokens => format!("{token:.40}-{}", USED.fetch_add(1, Ordering::Relaxed)),
            _ => token,
        }
    }
}

#[async_trait]
impl Kind for Without {
    fn meta(&self) -> &'static KindMeta {
        self.kind().meta()
    }

    fn diff(
        &self,
        desired: &serde_json::Value,
        observed: &serde_json::Value,
        last: Option<&serde_json::Value>,
    ) -> Vec<FieldChange> {
        self.kind().diff(desired, observed, last)
    }

    async fn read(&self, wants: &[Want], depth: Depth) -> Vec<Result<Option<Observed>, CallError>> {
        let seen = self.kind().read(wants, depth).await;
        let unknown = |want: &Want| self.lacking == Lacking::Adoption && want.id.is_none();
        wants.iter().zip(seen).map(|(want, seen)| if unknown(want) { Ok(None) } else { seen }).collect()
    }

    async fn list(&self) -> Result<Vec<Listed>, CallError> {
        self.kind().list().await
    }

    async fn list_unknown(&self, known: &BTreeSet<String>) -> Result<Vec<Listed>, CallError> {
        self.kind().list_unknown(known).await
    }

    async fn create(&self, request: Create) -> Result<Applied, CallError> {
        let token = self.token(request.token.clone());
        self.kind().create(Create { token, ..request }).await
    }

    async fn update(&self, request: Update) -> Result<Applied, CallError> {
        let token = self.token(request.token.clone());
        self.kind().update(Update { token, ..request }).await
    }

    async fn delete(&self, request: Delete) -> Result<Removal, CallError> {
        self.kind().delete(request).await
    }

    async fn contents(&self, id: &str, fields: &serde_json::Value) -> Result<Option<Contents>, CallError> {
        self.kind().contents(id, fields).await
    }
}
