//! One run against one account: the manifest, the clients, the kinds, and the plan they come to.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::kind::Depth;
use engine::{
    Address, Graph, Kinds, Mode, Observed, Observer, Plan, Record, RefreshOptions, Resource, RetryPolicy, Seen, State,
    guards, refresh,
};

use crate::cloud::bundle::Bundle;
use crate::cloud::calls::Calls;
use crate::cloud::stripe_api::StripeApi;
use crate::cloud::connection::Connection;
use crate::cloud::{Cloud, CloudOptions};
use crate::failure::Failure;
use crate::project::Project;
use crate::store::Store;
use crate::waiting::TokioClock;
use crate::{kinds, secrets, stack, store};

/// The clients of the manifest's account, and what is made of the manifest.
pub struct Session {
    /// The manifest.
    pub project: Project,
    connection: Connection,
    /// The clients.
    pub cloud: Arc<Cloud>,
    /// The kinds at work.
    pub kinds: Kinds,
    /// What the run wants: the manifest's graph, or nothing when it destroys.
    pub graph: Graph,
    /// What the manifest wants, also when the run destroys it.
    wanted: Graph,
}

/// What a session is opened for.
pub struct Purpose {
    /// The bundle to deploy; none keeps deployed code.
    pub bundle: Option<Bundle>,
    /// Whether missing secret values may be asked for on the terminal.
    pub may_ask: bool,
    /// An empty graph instead of the manifest's: destroy.
    pub destroy: bool,
}

impl Session {
    /// Connects to the manifest's account; any other account is refused before anything is read.
    pub async fn open(project: Project, purpose: Purpose) -> Result<Session, Failure> {
        let calls = Calls::default();
        let stripe = stripe(&project, &calls)?;
        let connection = Connection::open(&project.manifest, calls).await?;
        Session::assemble(project, connection, stripe, purpose)
    }

    /// The same over a connection that there is.
    pub fn connected(project: Project, connection: Connection, purpose: Purpose) -> Result<Session, Failure> {
        let stripe = stripe(&project, &connection.calls)?;
        Session::assemble(project, connection, stripe, purpose)
    }

    fn assemble(
        project: Project,
        connection: Connection,
        stripe: Option<StripeApi>,
        purpose: Purpose,
    ) -> Result<Session, Failure> {
        let manifest = &project.manifest;
        let options = CloudOptions {
            stack: manifest.stack(),
            account: manifest.aws.account.clone(),
            region: manifest.aws.region.clone(),
            secret_values: Arc::new(secrets::Given::new(purpose.may_ask)),
            bundle: purpose.bundle.map(Arc::new),
            stripe,
            calls: connection.calls.clone(),
        };
        let cloud = Arc::new(Cloud::new(&connection.config, options));
        let handlers = stack::handlers();
        let code_sha256 = cloud.bundle.as_ref().map(|bundle| bundle.sha256.clone());
        let wanted = stack::Plan { manifest, handlers: &handlers, code_sha256: code_sha256.as_deref() };
        let wanted = stack::graph(&wanted)?;
        let graph = if purpose.destroy { Graph::empty() } else { wanted.clone() };
        Ok(Session { kinds: kinds::all(&cloud), connection, cloud, graph, wanted, project })
    }

    /// Reads the cloud and says what would change, guards included.
    pub async fn plan(
        &self,
        state: &State,
        depth: Depth,
        adopt: bool,
        observer: &dyn Observer,
    ) -> Result<Plan, Failure> {
        let options = RefreshOptions { depth, retry: RetryPolicy::default() };
        let seen = refresh(&self.graph, state, &self.kinds, &TokioClock, &options, observer).await?;
        let mode = Mode { stack: self.cloud.stack.clone(), adopt };
        let mut plan = engine::plan(&self.graph, state, &seen, &self.kinds, &mode)?;
        guards(&mut plan, &self.kinds, &TokioClock, RetryPolicy::default(), observer).await;
        Ok(plan)
    }

    /// The state, completed by what the manifest names and the cloud shows to be ours: a destroy whose state was
    /// lost must not call an account empty that is not. A state that was ever kept is believed: after a destroy it
    /// holds nothing, though Stripe still shows what it archived.
    pub async fn recovered(&self, mut state: State, observer: &dyn Observer) -> Result<State, Failure> {
        if state.serial > 0 {
            return Ok(state);
        }
        let options = RefreshOptions { depth: Depth::Lists, retry: RetryPolicy::default() };
        let seen = refresh(&self.wanted, &state, &self.kinds, &TokioClock, &options, observer).await?;
        for (address, resource) in self.wanted.resources() {
            let Some(Seen::Here(observed)) = seen.seen.get(address) else { continue };
            let ours = observed.owner.is_stack(&self.cloud.stack);
            if ours && !state.records.contains_key(address) && !state.intents.contains_key(address) {
                state.records.insert(address.clone(), found(resource, observed, self.wanted.needs(address)));
            }
        }
        Ok(state)
    }

    /// The state to read only.
    pub fn store(&self) -> Store {
        store::open_with(&self.project, &self.connection)
    }
}

/// The record of a resource as it was found.
fn found(resource: &Resource, observed: &Observed, needs: &BTreeSet<Address>) -> Record {
    Record {
        address: resource.address.clone(),
        id: observed.id.clone(),
        tenant: resource.tenant.clone(),
        fields: observed.fields.clone(),
        outputs: observed.outputs.clone(),
        depends_on: needs.clone(),
        pending: observed.pending.clone(),
    }
}

/// The Stripe client, when the manifest names Stripe: `STRIPE_API_KEY`, and `STRIPE_API_BASE` for a local one.
fn stripe(project: &Project, calls: &Calls) -> Result<Option<StripeApi>, Failure> {
    if project.manifest.stripe.is_none() {
        return Ok(None);
    }
    let key = secrets::environment("STRIPE_API_KEY").ok_or_else(|| {
        Failure::new("the manifest names Stripe, and STRIPE_API_KEY is not set")
            .hint("export STRIPE_API_KEY=sk_test_… (a secret or restricted key of the account that bills)")
    })?;
    let base = std::env::var("STRIPE_API_BASE").ok();
    Ok(Some(StripeApi::new(&key, base.as_deref(), calls.clone())?))
}

/// Asks whose credentials these are: a manifest names its account, and no other is touched.
pub async fn check_account(sts: &aws_sdk_sts::Client, wanted: &str) -> Result<(), Failure> {
    let identity = sts.get_caller_identity().send().await.map_err(|error| {
        let error = crate::cloud::errors::call_error("sts:GetCallerIdentity", error);
        Failure::new(format!("AWS does not say whose credentials these are: {error}")).hint(
            "check the profile, AWS_ACCESS_KEY_ID and AWS_ENDPOINT_URL; `aws sts get-caller-identity` asks the same",
        )
    })?;
    let account = identity.account().unwrap_or_default();
    if account == wanted {
        return Ok(());
    }
    Err(Failure::new(format!("the manifest is for AWS account {wanted}, the credentials are of {account}"))
        .hint("use the other account's credentials, or change `aws.account`; nothing was read or changed"))
}
