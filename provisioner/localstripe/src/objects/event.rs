//! Events as the API lists them: the last 30 days, with filters by type, time and success of delivery.

use serde_json::Value;

use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::list::in_range;
use crate::wire::object::{Object, flag, integer, rows, text};

/// As many types as the filter takes.
const MAX_TYPES: usize = 20;

/// The operations served here.
pub(crate) const ROUTES: &[Route] = &[route("GET /v1/events", list), route("GET /v1/events/{id}", retrieve)];

/// `GET /v1/events`
fn list(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    let types = rows(params, "types");
    if !types.is_empty() && params.contains_key("type") {
        return Err(ApiError::exclusive("type", "types"));
    }
    if types.len() > MAX_TYPES {
        return Err(ApiError::invalid(format!("You can filter by at most {MAX_TYPES} types.")).with_param("types"));
    }
    let found = state
        .events
        .listed(state.now())
        .filter(|event| text(params, "type").is_none_or(|pattern| fits(event, pattern)))
        .filter(|event| types.is_empty() || types.iter().filter_map(Value::as_str).any(|kind| fits(event, kind)))
        .filter(|event| flag(params, "delivery_success").is_none_or(|wanted| wanted == delivered(event)))
        .filter(|event| in_range(integer(event, "created"), params.get("created")));
    request.newest_first(&state.events.log, found, "/v1/events", |event| state.events.shown(event))
}

/// `GET /v1/events/{id}`
fn retrieve(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    let event = state.events.log.find(id)?;
    let listed = state.events.listed(state.now()).any(|listed| listed.get("id") == event.get("id"));
    if !listed {
        return Err(ApiError::missing("event", id));
    }
    Ok(state.events.shown(event))
}

/// A type, or a group of types as `invoice.*`.
fn fits(event: &Object, pattern: &str) -> bool {
    let kind = text(event, "type").unwrap_or_default();
    match pattern.strip_suffix('*') {
        Some(prefix) => kind.starts_with(prefix),
        None => kind == pattern,
    }
}

/// Whether every endpoint that wanted the event took it.
fn delivered(event: &Object) -> bool {
    integer(event, "pending_webhooks") == Some(0)
}
