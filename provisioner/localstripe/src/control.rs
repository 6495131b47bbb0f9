//! What tests ask of the fake itself, under `/_localstripe/`: its clock, and how events are delivered. Stripe has no
//! such addresses; no key is needed, for the server listens on loopback only.
//!
//! - `GET clock` -> `{"now": 1793491200}`; `POST clock/advance` with `{"seconds": 3600}` or `{"to": 1793494800}`: answers
//!   when everything that fell due is done.
//! - `GET deliveries` -> `{"waiting", "disturbance", "attempts": […]}`; `POST deliveries` with
//!   `{"seed", "duplicate_percent", "reorder_seconds"}` disturbs the events that follow; `DELETE deliveries` ends that.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::events::disturbance::Disturbance;
use crate::handle::Stripe;
use crate::wire::server::{Asked, Reply};

/// Where the control addresses begin.
const ROOT: &str = "/_localstripe/";

/// The answer to a control request; none when it is one for Stripe.
pub(crate) async fn answer(stripe: &Stripe, asked: &Asked) -> Option<Reply> {
    let path = asked.path.strip_prefix(ROOT)?;
    let answered = match (asked.method.as_str(), path) {
        ("GET", "clock") => Ok(now(stripe)),
        ("POST", "clock/advance") => advance(stripe, &asked.body).await,
        ("GET", "deliveries") => Ok(deliveries(stripe)),
        ("POST", "deliveries") => disturb(stripe, &asked.body),
        ("DELETE", "deliveries") => {
            stripe.disturb(None);
            Ok(deliveries(stripe))
        }
        (method, _) => Err(format!("there is no `{method} {}` here", asked.path)),
    };
    Some(match answered {
        Ok(body) => reply(200, &body),
        Err(message) => reply(400, &json!({"error": {"message": message}})),
    })
}

fn now(stripe: &Stripe) -> Value {
    json!({"now": stripe.now().as_second()})
}

async fn advance(stripe: &Stripe, body: &[u8]) -> Result<Value, String> {
    let body = read(body)?;
    let to = match (body["seconds"].as_i64(), body["to"].as_i64()) {
        (Some(seconds), None) => stripe.now().checked_add(SignedDuration::from_secs(seconds)),
        (None, Some(to)) => Timestamp::from_second(to),
        _ => return Err("`seconds` or `to` is needed, a whole number".to_owned()),
    };
    let to = to.map_err(|error| format!("that is no time: {error}"))?;
    stripe.clock().advance_to(to).await;
    Ok(now(stripe))
}

fn disturb(stripe: &Stripe, body: &[u8]) -> Result<Value, String> {
    let body = read(body)?;
    let number = |name: &str, most: u64| match &body[name] {
        Value::Null => Ok(0),
        value => match value.as_u64() {
            Some(number) if number <= most => Ok(number),
            _ => Err(format!("`{name}` must be a whole number from 0 to {most}, not {value}")),
        },
    };
    let duplicate_percent = u8::try_from(number("duplicate_percent", 100)?).unwrap_or(100);
    let reorder_seconds = u32::try_from(number("reorder_seconds", 86_400)?).unwrap_or(86_400);
    stripe.disturb(Some(Disturbance::new(number("seed", u64::MAX)?, duplicate_percent, reorder_seconds)));
    Ok(deliveries(stripe))
}

fn deliveries(stripe: &Stripe) -> Value {
    let state = stripe.state();
    let queue = &state.events.queue;
    json!({
        "waiting": queue.waiting(), "disturbance": queue.disturbance.as_ref().map(Disturbance::shown),
        "attempts": queue.attempts().iter().map(|attempt| attempt.shown()).collect::<Vec<_>>(),
    })
}

fn read(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))
}

fn reply(status: u16, body: &Value) -> Reply {
    Reply {
        status,
        body: Bytes::from(body.to_string()),
        request_id: String::new(),
        version: String::new(),
        idempotency_key: None,
        original_request: None,
    }
}
