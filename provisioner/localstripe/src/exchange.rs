//! One request from its headers to its answer: key, version, route, parameters, idempotency, observer, execution.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::control;
use crate::events::Origin;
use crate::handle::{Seen, Stripe};
use crate::objects;
use crate::objects::invoice::schedule;
use crate::objects::payment::page;
use crate::observer::{Admission, Verdict};
use crate::pages;
use crate::request::{Request, Route};
use crate::routes;
use crate::state::API_VERSION;
use crate::wire::error::{ApiError, ErrorType};
use crate::wire::idempotency::{Claim, Kept};
use crate::wire::schema::Table;
use crate::wire::server::{self, Answer, Asked, Kind, Reply};
use crate::wire::{auth, expand, form, params};
use crate::work::work;

impl Answer for Stripe {
    async fn answer(&self, asked: Asked) -> Option<Reply> {
        if let Some(reply) = control::answer(self, &asked).await {
            return Some(reply);
        }
        match pages::answer(self, &asked).await {
            Some(reply) => Some(reply),
            None => Exchange::new(self, asked).run().await,
        }
    }
}

/// Serves, and delivers events, until the listener fails; dropping the future closes every connection.
pub async fn serve(listener: TcpListener, stripe: Stripe) -> std::io::Result<Infallible> {
    tokio::select! {
        served = server::serve(listener, stripe.clone()) => served,
        never = work(stripe) => Ok(never),
    }
}

/// A request that passed every check.
struct Ready {
    route: &'static Route,
    request: Request,
}

/// One request under way.
pub(crate) struct Exchange<'a> {
    stripe: &'a Stripe,
    asked: Asked,
    request_id: String,
}

impl<'a> Exchange<'a> {
    pub(crate) fn new(stripe: &'a Stripe, asked: Asked) -> Exchange<'a> {
        let request_id = stripe.state().ids.next("req");
        Exchange { stripe, asked, request_id }
    }

    /// The answer; none when it is to be lost.
    pub(crate) async fn run(&self) -> Option<Reply> {
        let write = self.asked.method != "GET";
        let operation = self.operation();
        let claimed = self.prepare().and_then(|ready| self.claim(ready));
        let admission = self.stripe.observer().admit(&operation, write).await;
        let verdict = admission.verdict();
        if verdict == Verdict::CutOff {
            return None;
        }
        if let Verdict::ActLate(after) = verdict {
            // It is still on its way, so it has no hold on its key yet.
            drop(claimed);
            tokio::spawn(late(self.stripe.clone(), self.asked.clone(), operation, admission, after));
            return None;
        }
        if verdict == Verdict::HoldCall {
            admission.hold().await;
        }
        let reply = match verdict {
            Verdict::Answer(status) => self.refused(&disturbed(status)),
            _ => self.carried_out(claimed),
        };
        self.record(&operation, &reply);
        match verdict {
            Verdict::LoseAnswer | Verdict::CutOff => return None,
            Verdict::HoldAnswer => admission.hold().await,
            Verdict::Proceed | Verdict::Answer(_) | Verdict::HoldCall | Verdict::ActLate(_) => {}
        }
        admission.settle(reply.status);
        Some(reply)
    }

    /// The answer to a request that no observer watches.
    pub(crate) fn unobserved(&self) -> Reply {
        let reply = self.carried_out(self.prepare().and_then(|ready| self.claim(ready)));
        self.record(&self.operation(), &reply);
        reply
    }

    fn operation(&self) -> String {
        match routes::find(&self.asked.method, &self.asked.path) {
            Ok((route, _)) => route.operation.to_owned(),
            Err(_) => format!("{} unknown", self.asked.method),
        }
    }

    fn carried_out(&self, claimed: Result<Claimed<'_>, ApiError>) -> Reply {
        match claimed {
            Ok(Claimed::Execute { ready, key: _key }) => self.execute(&ready),
            Ok(Claimed::Replay(kept)) => self.replayed(kept),
            Err(error) => self.refused(&error),
        }
    }

    fn prepare(&self) -> Result<Ready, ApiError> {
        let asked = &self.asked;
        auth::check(asked.authorization.as_deref(), self.stripe.keys())?;
        check_version(asked.version.as_deref())?;
        if asked.account.is_some() {
            return Err(ApiError::not_modelled("connected accounts (the Stripe-Account header)"));
        }
        let (route, ids) = routes::find(&asked.method, &asked.path)?;
        let text = self.parameters()?;
        let table = Table::embedded();
        let operation = table.operations.get(route.operation).ok_or_else(|| ApiError::not_modelled(route.operation))?;
        let version = asked.version.as_deref().unwrap_or(API_VERSION);
        let params = params::validate(table, operation, &form::parse(&text)?, version)?;
        expand::check(table, route.operation, &params)?;
        Ok(Ready { route, request: Request { ids, params } })
    }

    /// Query and body as one form; a body must be a form.
    fn parameters(&self) -> Result<String, ApiError> {
        let asked = &self.asked;
        if asked.body.is_empty() {
            return Ok(asked.query.clone());
        }
        let kind = asked.content_type.as_deref().unwrap_or("application/x-www-form-urlencoded");
        if !kind.starts_with("application/x-www-form-urlencoded") {
            let message = "Invalid request (check that your POST content type is application/x-www-form-urlencoded).";
            return Err(ApiError::invalid(message));
        }
        let body = std::str::from_utf8(&asked.body)
            .map_err(|_| ApiError::invalid("Invalid request: the body is not valid UTF-8."))?;
        Ok(format!("{}&{body}", asked.query))
    }

    fn claim(&self, ready: Ready) -> Result<Claimed<'a>, ApiError> {
        let Some(key) = self.key() else {
            return Ok(Claimed::Execute { ready, key: None });
        };
        let mut state = self.stripe.state();
        let now = state.now();
        match state.keys.claim(key, &self.asked.path, &ready.request.params, now)? {
            Claim::Replay(kept) => Ok(Claimed::Replay(kept)),
            Claim::Execute => {
                let key = HeldKey { stripe: self.stripe, key: key.to_owned() };
                Ok(Claimed::Execute { ready, key: Some(key) })
            }
        }
    }

    /// Only POST takes keys; the others are idempotent by themselves.
    fn key(&self) -> Option<&str> {
        self.asked.idempotency_key.as_deref().filter(|_| self.asked.method == "POST")
    }

    fn execute(&self, ready: &Ready) -> Reply {
        let mut state = self.stripe.state();
        schedule::tick(&mut state);
        if let Some(host) = &self.asked.host {
            state.base = page::base(host);
        }
        state.origin =
            Origin { request_id: Some(self.request_id.clone()), idempotency_key: self.asked.idempotency_key.clone() };
        let answer = (ready.route.handler)(&mut state, &ready.request).map(|mut answer| {
            expand::apply(&objects::All(&state), &mut answer, &ready.request.params);
            answer
        });
        state.origin = Origin::default();
        let reply = match answer {
            Ok(answer) => self.reply(200, &answer),
            Err(error) => self.reply(error.status, &error.body(&state.account.id, &self.request_id)),
        };
        if let Some(key) = self.key() {
            let kept = Kept { status: reply.status, body: reply.body.clone(), request_id: self.request_id.clone() };
            state.keys.keep(key, kept);
        }
        drop(state);
        self.stripe.wake();
        reply
    }

    fn replayed(&self, kept: Kept) -> Reply {
        Reply {
            status: kept.status,
            body: kept.body,
            original_request: Some(kept.request_id),
            ..self.reply(0, &Value::Null)
        }
    }

    fn refused(&self, error: &ApiError) -> Reply {
        let account = self.stripe.state().account.id.clone();
        self.reply(error.status, &error.body(&account, &self.request_id))
    }

    fn reply(&self, status: u16, body: &Value) -> Reply {
        Reply {
            status,
            body: Bytes::from(body.to_string()),
            kind: Kind::Json,
            request_id: self.request_id.clone(),
            version: self.asked.version.clone().unwrap_or_else(|| API_VERSION.to_owned()),
            idempotency_key: self.asked.idempotency_key.clone(),
            original_request: None,
        }
    }

    fn record(&self, operation: &str, reply: &Reply) {
        self.stripe.record(Seen {
            operation: operation.to_owned(),
            path: self.asked.path.clone(),
            version: self.asked.version.clone(),
            idempotency_key: self.asked.idempotency_key.clone(),
            status: reply.status,
            replayed: reply.original_request.is_some(),
        });
    }
}

/// Carries out a request that nobody waits for any more.
async fn late(stripe: Stripe, asked: Asked, operation: String, admission: Box<dyn Admission>, after: Duration) {
    tokio::time::sleep(after).await;
    let exchange = Exchange::new(&stripe, asked);
    let reply = exchange.carried_out(exchange.prepare().and_then(|ready| exchange.claim(ready)));
    exchange.record(&operation, &reply);
    admission.settle(reply.status);
}

/// What the idempotency key allows.
enum Claimed<'a> {
    Execute { ready: Ready, key: Option<HeldKey<'a>> },
    Replay(Kept),
}

/// A key in use. Dropped without an answer kept, as when the client goes while it waits, it is free again.
struct HeldKey<'a> {
    stripe: &'a Stripe,
    key: String,
}

impl Drop for HeldKey<'_> {
    fn drop(&mut self) {
        self.stripe.state().keys.release(&self.key);
    }
}

/// `YYYY-MM-DD`, since 2024 with a release name.
fn check_version(version: Option<&str>) -> Result<(), ApiError> {
    let Some(version) = version else {
        return Ok(());
    };
    let (date, name) = version.split_once('.').unwrap_or((version, "none"));
    let named = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase());
    if named && date.parse::<jiff::civil::Date>().is_ok() {
        return Ok(());
    }
    Err(ApiError::invalid(format!("Invalid Stripe API version: {version}")))
}

fn disturbed(status: u16) -> ApiError {
    if status == 429 {
        let message = "Request rate limit exceeded. Learn more about rate limits: https://stripe.com/docs/rate-limits.";
        return ApiError::invalid(message).with_status(429).with_code("rate_limit");
    }
    ApiError::invalid("An unknown error occurred.").with_status(status).with_kind(ErrorType::Api)
}
