//! What tests ask of the fake itself, under `/_localstripe/`: its clock, how events are delivered, and what banks and
//! customers do. Stripe has no such addresses; no key is needed, for the server listens on loopback only.
//!
//! - `GET clock` -> `{"now": 1793491200}`; `POST clock/advance` with `{"seconds": 3600}` or `{"to": 1793494800}`: answers
//!   when everything that fell due is done.
//! - `GET deliveries` -> `{"waiting", "disturbance", "attempts": […]}`; `POST deliveries` with
//!   `{"seed", "duplicate_percent", "reorder_seconds", "lost_percent"}` disturbs the events that follow;
//!   `DELETE deliveries` ends that.
//! - `POST authentications` with `{"intent", "passed"}`: the bank has seen the customer of an intent, or has not.
//! - `POST disputes` with `{"charge", "reason"}` opens one -> `{"id"}`; with `{"dispute", "won"}` it is decided.
//! - `POST debits` with `{"payment_method", "seconds", "failure"}`: when and how the bank answers about later debits.
//! - `POST payments` with `{"invoice", "amount"}` pays a part or too much -> `{"id"}`; with `{"invoice", "out_of_band": true}`
//!   all that is left, outside Stripe.
//! - `POST refunds` with `{"refund"}`: its money comes back. `POST mandates` with `{"payment_method"}`: its mandate ends.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::events::disturbance::Disturbance;
use crate::handle::Stripe;
use crate::hooks::Refused;
use crate::wire::server::{Asked, Kind, Reply};

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
        ("POST", hook) => read(&asked.body).and_then(|body| happen(stripe, hook, &body)),
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
    let percent = |name: &str| number(name, 100).map(|percent| u8::try_from(percent).unwrap_or(100));
    let (duplicates, lost) = (percent("duplicate_percent")?, percent("lost_percent")?);
    let reorder_seconds = u32::try_from(number("reorder_seconds", 86_400)?).unwrap_or(86_400);
    let disturbance = Disturbance::new(number("seed", u64::MAX)?, duplicates, reorder_seconds).losing(lost);
    stripe.disturb(Some(disturbance));
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

/// What a bank or a customer does.
fn happen(stripe: &Stripe, hook: &str, body: &Value) -> Result<Value, String> {
    let said = |name: &str| body[name].as_str().ok_or_else(|| format!("`{name}` is needed, a text"));
    let decided = |name: &str| body[name].as_bool().ok_or_else(|| format!("`{name}` is needed, true or false"));
    let number = |name: &str| body[name].as_i64().ok_or_else(|| format!("`{name}` is needed, a whole number"));
    let made = match hook {
        "authentications" => nothing(stripe.authenticate(said("intent")?, decided("passed")?)),
        "disputes" if body["dispute"].is_string() => nothing(stripe.close_dispute(said("dispute")?, decided("won")?)),
        "disputes" => stripe.open_dispute(said("charge")?, body["reason"].as_str().unwrap_or("fraudulent")).map(Some),
        "debits" => {
            let after = SignedDuration::from_secs(number("seconds")?);
            nothing(stripe.answer_debits(said("payment_method")?, after, body["failure"].as_str()))
        }
        "payments" if body["out_of_band"] == true => nothing(stripe.pay_out_of_band(said("invoice")?)),
        "payments" => stripe.pay_amount(said("invoice")?, number("amount")?).map(Some),
        "refunds" => nothing(stripe.fail_refund(said("refund")?)),
        "mandates" => nothing(stripe.end_mandate(said("payment_method")?)),
        _ => return Err(format!("there is no `POST {ROOT}{hook}` here")),
    };
    made.map(|id| json!({ "id": id })).map_err(|refused| refused.to_string())
}

fn nothing(done: Result<(), Refused>) -> Result<Option<String>, Refused> {
    done.map(|()| None)
}

fn read(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))
}

fn reply(status: u16, body: &Value) -> Reply {
    Reply {
        status,
        body: Bytes::from(body.to_string()),
        kind: Kind::Json,
        request_id: String::new(),
        version: String::new(),
        idempotency_key: None,
        original_request: None,
    }
}
