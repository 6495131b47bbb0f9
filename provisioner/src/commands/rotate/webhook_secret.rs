//! `rotate webhook-secret`: a second endpoint, both signing secrets accepted, the first endpoint removed, one secret.

use std::sync::Arc;

use engine::state::{Entry, StateStore as _};
use engine::token::token;
use serde_json::json;

use super::{Arguments, Plan, Step};
use crate::cloud::connection::Connection;
use crate::cloud::{Home, client, functions};
use crate::kinds::stripe_webhook_endpoint::{
    Desired, Endpoint, First, Follow, Keep, Signing, Standing, WebhookEndpoints,
};
use crate::kinds::typed::TypedKind as _;
use crate::project::Project;
use crate::run::session::{Purpose, Session};
use crate::stack::webhook_endpoint as address;
use crate::store::Store;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::Global;
use crate::ui::views::terminal;

/// One step; each looks at what is there when it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Next {
    /// Removes what an earlier run made and did not store the secret of.
    RemoveLeftover(String),
    /// Makes a second endpoint that hears of nothing yet, and stores both signing secrets.
    MakeSecond(String),
    /// Lets the second endpoint hear of what the first does.
    Open,
    /// Has the deployed sweep apply the events that are pending at the first endpoint: nobody delivers them once it is gone.
    ApplyUndelivered(String),
    /// Removes the first endpoint.
    RemoveFirst(String),
    /// Stores the signing secret of the endpoint that stays, alone.
    StoreOne(String),
}

impl Step for Next {
    fn name(&self) -> &'static str {
        match self {
            Next::RemoveLeftover(_) => "remove_leftover_endpoint",
            Next::MakeSecond(_) => "make_second_endpoint",
            Next::Open => "open_second_endpoint",
            Next::ApplyUndelivered(_) => "apply_undelivered_events",
            Next::RemoveFirst(_) => "remove_first_endpoint",
            Next::StoreOne(_) => "store_one_secret",
        }
    }

    fn does(&self) -> String {
        match self {
            Next::RemoveLeftover(id) => format!("Remove the endpoint {id}, whose signing secret was never stored."),
            Next::MakeSecond(id) => {
                format!("Make a second endpoint beside {id}; store both signing secrets, which both hold from then on.")
            }
            Next::Open => "Let the second endpoint hear of the same events as the first.".to_owned(),
            Next::ApplyUndelivered(id) => {
                format!("Have the payment sweep apply the events that {id} has yet to take.")
            }
            Next::RemoveFirst(id) => format!("Remove the first endpoint {id}."),
            Next::StoreOne(id) => {
                format!("Store the signing secret of {id} alone, once no delivery of the first is on its way.")
            }
        }
    }
}

pub(super) async fn run(
    global: &Global,
    arguments: &Arguments,
    project: Project,
    connection: Connection,
    store: &Store,
) -> Outcome {
    let Some((_, secret)) = project.manifest.webhook_secret() else {
        return Err(Failure::new("the manifest has no webhook").hint("`stripe.webhook` sets one up"));
    };
    let secret = secret.name.clone();
    let session =
        Session::connected(project, connection, Purpose { bundle: None, may_ask: false, destroy: false }).await?;
    let work = Work {
        endpoints: WebhookEndpoints::new(Arc::clone(&session.cloud)),
        secret,
        lambda: client!(session.cloud, aws_sdk_lambda, Home::Stack),
        sweep: session.project.manifest.function_name("payment_sweep"),
    };
    let (all, held) = work.look().await?;
    let plan = decide(&work.standing(&all, held.as_deref()), arguments.finish)?;
    plan.agree(global, arguments)?;
    store.begin();
    for step in &plan.steps {
        work.carry_out(step).await?;
    }
    work.remember(store).await?;
    plan.done(global)
}

/// What is left to do.
fn decide(standing: &Standing<'_>, finish: bool) -> Result<Plan<Next>, Failure> {
    let plan = |steps, then: String| Ok(Plan { what: "webhook-secret", steps, then });
    let Some(current) = standing.current() else {
        return Err(Failure::new("there is no webhook endpoint to rotate").hint("`billform apply` makes it"));
    };
    let id = current.id.clone();
    let mut steps: Vec<Next> = Vec::new();
    if let Some(waiting) = standing.waiting() {
        steps.extend(current.is_quiet().then_some(Next::Open));
        if finish {
            let first = waiting.previous.to_owned();
            steps.extend([Next::ApplyUndelivered(first.clone()), Next::RemoveFirst(first), Next::StoreOne(id.clone())]);
            return plan(steps, format!("Only the signing secret of {id} holds now."));
        }
        let then = format!(
            "Both signing secrets hold. `billform rotate webhook-secret --finish` removes {}.",
            waiting.previous
        );
        return plan(steps, then);
    }
    if standing.signing() == Signing::Lost {
        return Err(Failure::new(format!("the secret does not hold what Stripe signs with for {id}"))
            .hint("`billform apply` makes the endpoint anew, and with it the signing secret"));
    }
    steps.extend(standing.doubles().into_iter().map(Next::RemoveLeftover));
    if standing.signing() == Signing::WithPrevious {
        steps.push(Next::StoreOne(id.clone()));
    }
    if finish {
        return plan(steps, format!("No rotation is under way: only the signing secret of {id} holds."));
    }
    steps.extend([Next::MakeSecond(id.clone()), Next::Open]);
    let then = format!("Both signing secrets hold. `billform rotate webhook-secret --finish` removes {id}.");
    plan(steps, then)
}

/// The endpoints and the secret at hand, and the sweep.
struct Work {
    endpoints: WebhookEndpoints,
    secret: String,
    lambda: aws_sdk_lambda::Client,
    sweep: String,
}

impl Work {
    async fn look(&self) -> Result<(Vec<Endpoint>, Option<String>), Failure> {
        let secret = self.endpoints.secret(&self.secret);
        Ok(futures::try_join!(self.endpoints.all(), secret.held())?)
    }

    fn standing<'a>(&self, all: &'a [Endpoint], held: Option<&'a str>) -> Standing<'a> {
        Standing::of(all, self.endpoints.stack(), &address(), held)
    }

    async fn carry_out(&self, step: &Next) -> Result<(), Failure> {
        match step {
            Next::ApplyUndelivered(_) => self.apply_undelivered().await?,
            Next::RemoveLeftover(id) | Next::RemoveFirst(id) => self.endpoints.remove(id).await?,
            Next::StoreOne(id) => self.endpoints.forget_previous(id, &self.secret).await?,
            Next::MakeSecond(first) => self.make_second(first).await?,
            Next::Open => self.open().await?,
        }
        Ok(())
    }

    /// The second is as the first is. The key counts by the first, so that a run that died and the next one make one.
    async fn make_second(&self, first: &str) -> Result<(), Failure> {
        let all = self.endpoints.all().await?;
        let like = self.as_deployed(&all, first)?;
        let address = address();
        let token = token(self.endpoints.stack(), 0, &address, &json!({ "rotated": first }));
        let first = First { id: first, metadata: &like.metadata };
        let follow = Follow { address: &address, desired: &like, token: &token, first: Some(first), waits: true };
        self.endpoints.make_quiet(&follow, Keep::Previous).await?;
        Ok(())
    }

    /// What both endpoints were told of, the second one goes on with; the rest waits for the first alone.
    async fn apply_undelivered(&self) -> Result<(), Failure> {
        let answer =
            functions::call(&self.lambda, &self.sweep, &json!({ "undelivered": true }), "rotate-webhook-secret")
                .await?;
        let reasons = answer["failed"].as_array().into_iter().flatten().map(|failure| {
            let text = |key: &str| failure[key].as_str().unwrap_or_default();
            format!("{}: {}", text("what"), text("reason"))
        });
        reasons.for_each(|reason| terminal::eprint_line(&reason));
        match answer["not_stored"].as_u64() {
            Some(0) => Ok(()),
            Some(events) => Err(Failure::new(format!(
                "{events} events that the first endpoint has yet to take could not be stored, so it stays"
            ))
            .hint("run the command again; both endpoints and both secrets hold until then")),
            None => Err(Failure::new(format!("the function {} does not say what it stored", self.sweep))
                .hint("`billform apply` deploys a newer one")),
        }
    }

    async fn open(&self) -> Result<(), Failure> {
        let (all, held) = self.look().await?;
        let standing = self.standing(&all, held.as_deref());
        let waiting = standing.waiting().ok_or_else(|| {
            Failure::new("the second endpoint or its secret is gone")
                .hint("run the command again to see what is left to do")
        })?;
        let like = self.as_deployed(&all, waiting.previous)?;
        self.endpoints.open(&address(), waiting.current, &like, true).await?;
        Ok(())
    }

    fn as_deployed(&self, all: &[Endpoint], id: &str) -> Result<Desired, Failure> {
        let endpoint = all.iter().find(|endpoint| endpoint.id == id);
        let endpoint = endpoint.ok_or_else(|| Failure::new(format!("the webhook endpoint {id} is gone")))?;
        Ok(endpoint.as_deployed(&self.secret))
    }

    /// The state's record says which endpoint stands there now.
    async fn remember(&self, store: &Store) -> Result<(), Failure> {
        let (all, held) = self.look().await?;
        let Some(current) = self.standing(&all, held.as_deref()).current() else { return Ok(()) };
        let state = store.load(self.endpoints.stack()).await?;
        let Some(mut record) = state.records.get(&address()).filter(|record| record.id != current.id).cloned() else {
            return Ok(());
        };
        record.id.clone_from(&current.id);
        record.outputs.insert("id".to_owned(), json!(current.id));
        Ok(store.append(&[Entry::Exists(Box::new(record))]).await?)
    }
}
