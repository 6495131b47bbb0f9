//! Test clocks: a customer that has one lives by it, with its items and invoices.

pub(crate) mod guard;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::events::catalogue;
use crate::objects::customer;
use crate::objects::invoice::schedule;
use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::blank::blank;
use crate::wire::error::ApiError;
use crate::wire::object::{fields, integer, set, text};

/// How long Stripe keeps a clock, in seconds.
const KEPT: i64 = 7 * 24 * 60 * 60;

/// The operations served here.
pub(crate) const ROUTES: &[Route] = &[
    route("POST /v1/test_helpers/test_clocks", create),
    route("GET /v1/test_helpers/test_clocks", list),
    route("GET /v1/test_helpers/test_clocks/{test_clock}", retrieve),
    route("DELETE /v1/test_helpers/test_clocks/{test_clock}", delete),
    route("POST /v1/test_helpers/test_clocks/{test_clock}/advance", advance),
];

/// `POST /v1/test_helpers/test_clocks`
fn create(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    let customer = text(params, "customer").map(str::to_owned);
    if let Some(customer) = &customer {
        let known = state.customers.find(customer).map_err(|error| error.in_param("customer"))?;
        if text(known, "test_clock").is_some() {
            let message = format!("The customer `{customer}` is already attached to a test clock.");
            return Err(ApiError::invalid(message).with_param("customer"));
        }
    }
    let (id, now) = (state.ids.next("clock"), state.now());
    let mut clock = blank("test_helpers.test_clock");
    clock.extend(fields(json!({
        "id": id, "created": now, "deletes_after": now.saturating_add(KEPT),
        "frozen_time": integer(params, "frozen_time"), "name": text(params, "name"), "status": "ready",
    })));
    state.test_clocks.insert(&id, clock.clone());
    let clock = Value::Object(clock);
    state.emit(catalogue::TEST_CLOCK_CREATED, &clock);
    if let Some(customer) = customer {
        attach(state, &customer, &id)?;
    }
    Ok(clock)
}

/// `GET /v1/test_helpers/test_clocks`
fn list(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let rows = state.test_clocks.newest_first();
    request.newest_first(&state.test_clocks, rows, "/v1/test_helpers/test_clocks", |clock| Value::Object(clock.clone()))
}

/// `GET /v1/test_helpers/test_clocks/{test_clock}`
fn retrieve(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    state.test_clocks.find(request.id(0)).cloned().map(Value::Object)
}

/// `DELETE /v1/test_helpers/test_clocks/{test_clock}`: its customers go with it.
fn delete(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    let clock = state.test_clocks.find(id)?.clone();
    for customer in guard::customers(state, id) {
        customer::remove(state, &customer)?;
    }
    state.test_clocks.delete(id)?;
    state.emit(catalogue::TEST_CLOCK_DELETED, &Value::Object(clock));
    Ok(json!({"id": id, "object": "test_helpers.test_clock", "deleted": true}))
}

/// `POST /v1/test_helpers/test_clocks/{test_clock}/advance`: answers while it advances; everything that falls due on the
/// way is done, in order, before the next request is served.
fn advance(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    let from = integer(state.test_clocks.find(id)?, "frozen_time").unwrap_or(0);
    let to = integer(&request.params, "frozen_time").unwrap_or(0);
    check_target(from, to)?;
    let clock = state.test_clocks.find_mut(id)?;
    set(clock, "status", "advancing");
    set(clock, "status_details", json!({"advancing": {"target_frozen_time": to}}));
    let advancing = Value::Object(clock.clone());
    state.emit(catalogue::TEST_CLOCK_ADVANCING, &advancing);
    let request = std::mem::take(&mut state.origin);
    while let Some(at) = schedule::next_by(state, id).filter(|at| *at <= to) {
        set(state.test_clocks.find_mut(id)?, "frozen_time", at.max(from));
        schedule::tick(state);
    }
    let clock = state.test_clocks.find_mut(id)?;
    set(clock, "frozen_time", to);
    set(clock, "status", "ready");
    set(clock, "status_details", json!({}));
    let ready = Value::Object(clock.clone());
    state.emit(catalogue::TEST_CLOCK_READY, &ready);
    state.origin = request;
    Ok(advancing)
}

fn attach(state: &mut State, customer: &str, clock: &str) -> Result<(), ApiError> {
    let known = state.customers.find_mut(customer)?;
    let before = Value::Object(known.clone());
    set(known, "test_clock", clock);
    let after = Value::Object(known.clone());
    state.emit_update(catalogue::CUSTOMER_UPDATED, &before, &after);
    Ok(())
}

/// Forward only, and at most two years where there is no subscription.
fn check_target(from: i64, to: i64) -> Result<(), ApiError> {
    let refusal = |message: &str| Err(ApiError::invalid(message).with_param("frozen_time"));
    if to <= from {
        return refusal("`frozen_time` must be after the test clock's current frozen time.");
    }
    let limit = Timestamp::from_second(from)
        .ok()
        .and_then(|from| from.to_zoned(TimeZone::UTC).checked_add(2.years()).ok())
        .map(|limit| limit.timestamp().as_second());
    if limit.is_none_or(|limit| to > limit) {
        return refusal("A test clock without subscriptions can be advanced by at most two years at a time.");
    }
    Ok(())
}
