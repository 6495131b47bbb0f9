//! From an event of the HTTP API to its answer: route, authenticate, answer.

use async_trait::async_trait;
use billing::function::{RouteSpec, Setting, WEBHOOK_PATH};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Call, Route};
use crate::auth::Guard;
use crate::environment::Environment;
use crate::error::{RunError, StartError};
use crate::events::Event;
use crate::handler::{Entry, Handler, entry};
use crate::http::{Refusal, Request, Response};
use crate::ports::PortError;
use crate::run::{ERRORS, Metric, Outcome, Run};
use crate::spec::Spec;

/// A handler that answers HTTP requests. Its HTTP trigger is its [`Api::ROUTES`].
#[async_trait(?Send)]
pub trait Api: Sized + Send + Sync + 'static {
    /// What it needs to be deployed, without its routes.
    const SPEC: Spec;
    /// Its routes.
    const ROUTES: &'static [Route<Self>];

    /// Takes its settings and ports, once for each process.
    ///
    /// # Errors
    /// When a setting is missing or malformed, or it asks for what its spec does not declare.
    fn start(env: &Environment) -> Result<Self, StartError>;

    /// The answer to a request that is refused: JSON, unless the API shows pages.
    fn refused(&self, _request: &Request, refusal: &Refusal) -> Response {
        refusal.response()
    }

    /// Handles an event of one of its other triggers.
    ///
    /// # Errors
    /// When the run fails; by default, because no other trigger is declared.
    async fn on(&self, event: Event, _run: &Run) -> Result<Outcome<Value>, RunError> {
        Err(RunError::Event(format!("{} answers HTTP requests, not {}", Self::SPEC.name, event.noun())))
    }
}

/// An API with a guard for each of its routes: the [`Handler`] that the registry lists.
pub struct Served<A> {
    api: A,
    /// In the order of [`Api::ROUTES`].
    guards: Vec<Guard>,
    /// What [`WEBHOOK_PATH`](billing::function::WEBHOOK_PATH) stands for, where a route has it.
    webhook_path: Option<String>,
}

/// The entry of a type that answers HTTP requests.
pub const fn api<A: Api>() -> Entry {
    entry::<Served<A>>()
}

/// What calls an API: a request, or an event of another trigger.
pub enum Incoming {
    /// A request of the HTTP API.
    Http(Box<Request>),
    /// Anything else.
    Event(Event),
}

/// What an API answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To the HTTP API.
    Http(Response),
    /// To the caller of another event.
    Event(Value),
}

/// An HTTP API's event always has a `requestContext`; no other trigger's has.
impl<'de> Deserialize<'de> for Incoming {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Incoming, D::Error> {
        let payload = Value::deserialize(deserializer)?;
        let incoming = match payload.get("requestContext").is_some() {
            true => serde_json::from_value(payload).map(|request| Incoming::Http(Box::new(request))),
            false => serde_json::from_value(payload).map(Incoming::Event),
        };
        incoming.map_err(serde::de::Error::custom)
    }
}

#[async_trait(?Send)]
impl<A: Api> Handler for Served<A> {
    const SPEC: Spec = Spec { routes: routes::<A>, ..A::SPEC };
    type Event = Incoming;
    type Answer = Answer;

    fn start(env: &Environment) -> Result<Served<A>, StartError> {
        let guards = A::ROUTES.iter().map(|route| Guard::start(route.key, route.auth, env));
        let has_webhook = A::ROUTES.iter().any(|route| route.key.ends_with(WEBHOOK_PATH));
        let webhook_path = has_webhook.then(|| env.setting(Setting::WebhookPath)).transpose()?;
        Ok(Served { api: A::start(env)?, guards: guards.collect::<Result<_, _>>()?, webhook_path })
    }

    async fn run(&self, event: Incoming, run: &Run) -> Result<Outcome<Answer>, RunError> {
        match event {
            Incoming::Http(request) => {
                let outcome = self.answer(&request, run).await;
                tracing::info!(status = outcome.answer.status, route = request.route, "answered");
                Ok(outcome.map(Answer::Http))
            }
            Incoming::Event(event) => Ok(self.api.on(event, run).await?.map(Answer::Event)),
        }
    }
}

fn out_of_time() -> Refusal {
    let cause = PortError::new("answer the request", "it did not end in time");
    let message = "the request could not be answered in time; try again later";
    Refusal { status: 503, code: "timeout", ..Refusal::failed(message, cause) }
}

fn routes<A: Api>() -> Vec<RouteSpec> {
    A::ROUTES.iter().map(Route::describe).collect()
}

impl<A: Api> Served<A> {
    /// Answers one request; refusals and failures are answers too.
    pub async fn answer(&self, request: &Request, run: &Run) -> Outcome<Response> {
        // After the calls, whose errors say more, and before the process's own check, which answers nothing.
        let responded = tokio::time::timeout_at(run.deadline.answer, self.respond(request, run)).await;
        match responded.unwrap_or_else(|_| Err(out_of_time())) {
            Ok(response) => Outcome::new(response),
            Err(refusal) => {
                let metrics = match &refusal.cause {
                    Some(cause) => {
                        tracing::error!(error = %cause, "the request failed");
                        vec![Metric::new(ERRORS, 1)]
                    }
                    None => Vec::new(),
                };
                Outcome::new(self.api.refused(request, &refusal)).counting(metrics)
            }
        }
    }

    async fn respond(&self, request: &Request, run: &Run) -> Result<Response, Refusal> {
        let (route, guard) = Route::find(A::ROUTES, &self.guards, self.webhook_path.as_deref(), request)?;
        let caller = guard.caller(request).await?;
        (route.serve)(&self.api, Call { request, caller: &caller, run }).await
    }
}

#[cfg(test)]
mod tests;
