//! Checkout sessions: a page of Stripe's on which a customer leaves a method for later payments (set-up mode), or pays
//! (payment mode).

pub(crate) mod complete;
mod draft;
mod payment;
pub(crate) mod payment_page;

use serde_json::{Value, json};

use crate::agenda::{Due, Task};
use crate::events::catalogue;
use crate::objects::metadata;
use crate::objects::payment::{intent, setup_intent};
use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::list::{in_range, same};
use crate::wire::object::{Object, group, integer, set, text};

/// Where the pages of sessions stand.
pub(crate) const PAGE: &str = "/c/pay/";

/// The operations served here.
pub(crate) const ROUTES: &[Route] = &[
    route("POST /v1/checkout/sessions", create),
    route("GET /v1/checkout/sessions", list),
    route("GET /v1/checkout/sessions/{session}", retrieve),
    route("POST /v1/checkout/sessions/{session}", update),
    route("POST /v1/checkout/sessions/{session}/expire", expire),
];

/// `POST /v1/checkout/sessions`; creating one makes its setup intent too, where it has one, and is no event of its
/// own.
fn create(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    let mut session = draft::of(state, params)?;
    let id = text(&session, "id").unwrap_or_default().to_owned();
    if text(&session, "mode") == Some("payment") {
        state.checkout_payments.insert(id.clone(), payment::intent_of(params, &session));
    } else {
        let intent = setup_intent::make(state, &draft::intent(params, &session))?;
        set(&mut session, "setup_intent", intent.as_str());
        state.checkout_of.insert(intent, id.clone());
    }
    let customer = text(&session, "customer").unwrap_or_default().to_owned();
    let at = integer(&session, "expires_at").unwrap_or(0);
    state.agenda.set(Due { at, task: Task::Expire, subject: id.clone(), customer });
    state.touch(text(&session, "customer").unwrap_or_default());
    state.checkout_sessions.insert(&id, session.clone());
    Ok(Value::Object(session))
}

/// `GET /v1/checkout/sessions`
fn list(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    state.known_customer(params)?;
    let email = group(params, "customer_details").and_then(|details| text(details, "email"));
    let rows = state
        .checkout_sessions
        .newest_first()
        .filter(|session| ["customer", "status"].iter().all(|name| same(session, params, name)))
        .filter(|session| email.is_none() || email_of(session) == email)
        .filter(|session| in_range(integer(session, "created"), params.get("created")));
    request.newest_first(&state.checkout_sessions, rows, "/v1/checkout/sessions", |row| Value::Object(row.clone()))
}

/// `GET /v1/checkout/sessions/{session}`
fn retrieve(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    answer(state, request.id(0))
}

/// `POST /v1/checkout/sessions/{session}`: metadata only.
fn update(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let session = state.checkout_sessions.find_mut(request.id(0))?;
    let metadata = metadata::merged(session.get("metadata"), &request.params, "metadata")?;
    set(session, "metadata", metadata);
    let changed = session.clone();
    state.touch(text(&changed, "customer").unwrap_or_default());
    Ok(Value::Object(changed))
}

/// `POST /v1/checkout/sessions/{session}/expire`
fn expire(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    let status = text(state.checkout_sessions.find(id)?, "status").unwrap_or_default();
    if status != "open" {
        let message = format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of {status}."
        );
        return Err(ApiError::invalid(message));
    }
    end(state, id)?;
    answer(state, id)
}

/// Ends a session that was not completed: its intent is cancelled with it. One that is over stays as it is.
pub(crate) fn end(state: &mut State, id: &str) -> Result<(), ApiError> {
    if !is_open(state, id) {
        return Ok(());
    }
    state.agenda.cancel(id, Task::Expire);
    let session = state.checkout_sessions.find_mut(id)?;
    set(session, "status", "expired");
    set(session, "url", Value::Null);
    let setup = text(session, "setup_intent").map(str::to_owned);
    let payment = text(session, "payment_intent").map(str::to_owned);
    if let Some(intent) = setup {
        setup_intent::end(state, &intent, json!("abandoned"))?;
    }
    if let Some(intent) = payment {
        intent::cancel(state, &intent, Some("expired"))?;
    }
    let shown = answer(state, id)?;
    state.emit(catalogue::CHECKOUT_SESSION_EXPIRED, &shown);
    Ok(())
}

/// Whether the customer may still complete it.
pub(crate) fn is_open(state: &State, id: &str) -> bool {
    state.checkout_sessions.find(id).is_ok_and(|session| text(session, "status") == Some("open"))
}

fn email_of(session: &Object) -> Option<&str> {
    group(session, "customer_details").and_then(|details| text(details, "email"))
}

fn answer(state: &State, id: &str) -> Result<Value, ApiError> {
    state.checkout_sessions.find(id).cloned().map(Value::Object)
}
