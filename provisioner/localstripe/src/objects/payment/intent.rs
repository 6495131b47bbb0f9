//! Payment intents: one for each finalised invoice with something to pay, and those that requests make. Since the API
//! version basil an intent does not name its invoice.

mod capture;
pub(crate) mod confirm;
pub(crate) mod create;

use serde_json::{Value, json};

use crate::events::catalogue::{self, EventType};
use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::blank::blank;
use crate::wire::error::ApiError;
use crate::wire::list::{in_range, same};
use crate::wire::object::{Object, fields, integer, set, text};

use super::test_method::Decline;

/// The operations served here.
pub(crate) const ROUTES: &[Route] = &[
    route("POST /v1/payment_intents", create::create),
    route("GET /v1/payment_intents", list),
    route("GET /v1/payment_intents/{intent}", retrieve),
    route("POST /v1/payment_intents/{intent}", create::update),
    route("POST /v1/payment_intents/{intent}/confirm", create::confirm),
    route("POST /v1/payment_intents/{intent}/capture", capture::capture),
    route("POST /v1/payment_intents/{intent}/cancel", create::cancel),
];

/// `GET /v1/payment_intents`
fn list(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    state.known_customer(params)?;
    let rows = state
        .payment_intents
        .newest_first()
        .filter(|intent| same(intent, params, "customer"))
        .filter(|intent| in_range(integer(intent, "created"), params.get("created")));
    request.newest_first(&state.payment_intents, rows, "/v1/payment_intents", |intent| Value::Object(intent.clone()))
}

/// `GET /v1/payment_intents/{intent}`
fn retrieve(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    answer(state, request.id(0))
}

/// The intent as it is answered.
pub(crate) fn answer(state: &State, id: &str) -> Result<Value, ApiError> {
    state.payment_intents.find(id).cloned().map(Value::Object)
}

/// Makes the intent of an invoice, which is to collect `amount`; answers its id.
pub(crate) fn make(state: &mut State, invoice: &Object, amount: i64) -> String {
    let id = state.ids.next("pi");
    let customer = text(invoice, "customer").unwrap_or_default();
    let mut intent = blank("payment_intent");
    intent.extend(fields(json!({
        "id": id, "amount": amount, "amount_capturable": 0, "amount_received": 0, "capture_method": "automatic",
        "client_secret": format!("{id}_secret_{}", state.ids.letters(25)), "confirmation_method": "automatic",
        "created": state.now_of(customer), "currency": invoice["currency"], "customer": customer,
        "description": "Payment for Invoice", "livemode": false, "metadata": {}, "payment_method_types": ["card"],
        "status": "requires_payment_method",
    })));
    state.payment_intents.insert(&id, intent);
    id
}

/// Tells what happened to an intent.
pub(crate) fn happened(state: &mut State, id: &str, kind: EventType) -> Result<(), ApiError> {
    let shown = answer(state, id)?;
    state.emit(kind, &shown);
    Ok(())
}

/// The money arrived.
pub(crate) fn succeeded(state: &mut State, id: &str) -> Result<(), ApiError> {
    let intent = state.payment_intents.find_mut(id)?;
    let amount = intent["amount"].clone();
    set(intent, "amount_received", amount);
    set(intent, "status", "succeeded");
    for name in ["last_payment_error", "next_action", "processing"] {
        set(intent, name, Value::Null);
    }
    happened(state, id, catalogue::PAYMENT_INTENT_SUCCEEDED)
}

/// The attempt failed: another method is needed.
pub(crate) fn failed(state: &mut State, id: &str, decline: Decline) -> Result<(), ApiError> {
    let intent = state.payment_intents.find(id)?;
    let method = text(intent, "payment_method").and_then(|id| state.payment_methods.find(id).ok()).cloned();
    let error = confirm::shown(decline, &intent["latest_charge"], method.map_or(Value::Null, Value::Object));
    let intent = state.payment_intents.find_mut(id)?;
    set(intent, "last_payment_error", error);
    set(intent, "payment_method", Value::Null);
    set(intent, "status", "requires_payment_method");
    set(intent, "processing", Value::Null);
    happened(state, id, catalogue::PAYMENT_INTENT_PAYMENT_FAILED)
}

/// Cancels an intent that is not needed any more; one that is over stays as it is.
pub(crate) fn cancel(state: &mut State, id: &str, reason: Option<&str>) -> Result<(), ApiError> {
    let intent = state.payment_intents.find(id)?;
    if matches!(text(intent, "status"), Some("succeeded" | "canceled")) {
        return Ok(());
    }
    let now = state.now_of(text(intent, "customer").unwrap_or_default());
    let intent = state.payment_intents.find_mut(id)?;
    set(intent, "status", "canceled");
    set(intent, "canceled_at", now);
    set(intent, "cancellation_reason", reason);
    happened(state, id, catalogue::PAYMENT_INTENT_CANCELED)
}
