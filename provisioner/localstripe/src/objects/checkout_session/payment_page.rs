//! The addresses behind the page of a session, which Stripe's own script and command line use; no page documents them.

use serde_json::{Value, json};

use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::object::{integer, required};

use super::{complete, is_open};

/// The operations served here.
pub(crate) const ROUTES: &[Route] =
    &[route("GET /v1/payment_pages/{session}", retrieve), route("POST /v1/payment_pages/{session}/confirm", confirm)];

/// `GET /v1/payment_pages/{session}`
fn retrieve(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    shown(state, request.id(0))
}

/// `POST /v1/payment_pages/{session}/confirm`: the customer pays with a method.
fn confirm(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let (id, params) = (request.id(0), &request.params);
    let amount = integer(state.checkout_sessions.find(id)?, "amount_total");
    if !is_open(state, id) {
        return Err(ApiError::invalid("This Checkout Session is no longer active."));
    }
    if integer(params, "expected_amount").is_some_and(|expected| Some(expected) != amount) {
        return Err(
            ApiError::invalid("The expected amount is not the amount of the session.").with_param("expected_amount")
        );
    }
    let method = required(params, "payment_method")?;
    state.payment_methods.find(method).map_err(|error| error.in_param("payment_method"))?;
    complete::take(state, id, method)?;
    shown(state, id)
}

fn shown(state: &State, id: &str) -> Result<Value, ApiError> {
    let session = state.checkout_sessions.find(id)?;
    Ok(json!({
        "id": format!("ppage_{}", &id["cs_test_".len()..]), "object": "payment_page", "currency": session["currency"],
        "livemode": false, "mode": session["mode"], "payment_method_types": session["payment_method_types"],
        "session_id": id, "state": if is_open(state, id) { "active" } else { "succeeded" }, "success_url": session["success_url"],
    }))
}
