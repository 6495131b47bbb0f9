//! One run against one account: the manifest, the clients, the kinds, and the plan they come to.

use std::path::PathBuf;
use std::sync::Arc;

use engine::kind::Depth;
use engine::{Graph, Kinds, Mode, Observer, Plan, RefreshOptions, RetryPolicy, State, guards, refresh};

use crate::cloud::bundle::Bundle;
use crate::cloud::calls::Calls;
use crate::cloud::stripe_api::StripeApi;
use crate::cloud::{Cloud, CloudOptions, sdk_config};
use crate::failure::Failure;
use crate::project::Project;
use crate::waiting::TokioClock;
use crate::{kinds, secrets, stack};

/// The clients of the manifest's account, and what is made of the manifest.
pub struct Session {
    /// The manifest.
    pub project: Project,
    /// The clients.
    pub cloud: Arc<Cloud>,
    /// The kinds at work.
    pub kinds: Kinds,
    /// What the manifest wants.
    pub graph: Graph,
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
        let manifest = &project.manifest;
        let calls = Calls::default();
        let config = sdk_config(&manifest.aws.region).await;
        let stripe = stripe(&project, &calls)?;
        let options = CloudOptions {
            stack: manifest.stack(),
            account: manifest.aws.account.clone(),
            region: manifest.aws.region.clone(),
            secret_values: Arc::new(secrets::Given::new(purpose.may_ask)),
            bundle: purpose.bundle.map(Arc::new),
            stripe,
            calls,
        };
        let cloud = Arc::new(Cloud::new(&config, options));
        check_account(&cloud).await?;
        let handlers = stack::handlers();
        let code_sha256 = cloud.bundle.as_ref().map(|bundle| bundle.sha256.clone());
        let wanted = stack::Plan { manifest, handlers: &handlers, code_sha256: code_sha256.as_deref() };
        let graph = if purpose.destroy { Graph::empty() } else { stack::graph(&wanted)? };
        Ok(Session { kinds: kinds::all(&cloud), cloud, graph, project })
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

    /// Where the state lies.
    pub fn state_path(&self) -> Result<PathBuf, Failure> {
        self.project.state_path()
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
async fn check_account(cloud: &Cloud) -> Result<(), Failure> {
    let identity = cloud.sts.get_caller_identity().send().await.map_err(|error| {
        let error = crate::cloud::errors::call_error("sts:GetCallerIdentity", error);
        Failure::new(format!("AWS does not say whose credentials these are: {error}")).hint(
            "check the profile, AWS_ACCESS_KEY_ID and AWS_ENDPOINT_URL; `aws sts get-caller-identity` asks the same",
        )
    })?;
    let account = identity.account().unwrap_or_default();
    if account == cloud.account {
        return Ok(());
    }
    Err(Failure::new(format!("the manifest is for AWS account {}, the credentials are of {account}", cloud.account))
        .hint("use the other account's credentials, or change `aws.account`; nothing was read or changed"))
}
