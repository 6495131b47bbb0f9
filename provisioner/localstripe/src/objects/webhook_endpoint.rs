//! Webhook endpoints: where events are delivered. The secret is answered once, on creation.

use serde_json::{Value, json};

use crate::objects::metadata;
use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::blank::blank;
use crate::wire::error::ApiError;
use crate::wire::object::{Object, assign, fields, flag, required, rows, set, text};

/// The most endpoints an account can have.
const MAX_ENDPOINTS: usize = 16;

/// The operations served here.
pub(crate) const ROUTES: &[Route] = &[
    route("POST /v1/webhook_endpoints", create),
    route("GET /v1/webhook_endpoints", list),
    route("GET /v1/webhook_endpoints/{webhook_endpoint}", retrieve),
    route("POST /v1/webhook_endpoints/{webhook_endpoint}", update),
    route("DELETE /v1/webhook_endpoints/{webhook_endpoint}", delete),
];

/// `POST /v1/webhook_endpoints`
fn create(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    check_url(required(params, "url")?)?;
    check_events(params)?;
    if state.endpoints.newest_first().count() >= MAX_ENDPOINTS {
        return Err(ApiError::invalid(format!(
            "You have reached the maximum of {MAX_ENDPOINTS} test webhook endpoints."
        )));
    }
    let id = state.ids.next("we");
    let mut endpoint = blank("webhook_endpoint");
    endpoint.extend(fields(json!({
        "id": id, "created": state.now(), "metadata": metadata::fresh(params)?,
        "secret": format!("whsec_{}", state.ids.letters(32)), "status": "enabled",
    })));
    assign(&mut endpoint, params, &["api_version", "description", "enabled_events", "url"]);
    state.endpoints.insert(&id, endpoint.clone());
    Ok(Value::Object(endpoint))
}

/// `GET /v1/webhook_endpoints`
fn list(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    request.newest_first(&state.endpoints, state.endpoints.newest_first(), "/v1/webhook_endpoints", shown)
}

/// `GET /v1/webhook_endpoints/{webhook_endpoint}`
fn retrieve(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    state.endpoints.find(request.id(0)).map(shown)
}

/// `POST /v1/webhook_endpoints/{webhook_endpoint}`; the API version and the secret stay.
fn update(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let (id, params) = (request.id(0), &request.params);
    let mut endpoint = state.endpoints.find(id)?.clone();
    if let Some(url) = text(params, "url") {
        check_url(url)?;
    }
    check_events(params)?;
    assign(&mut endpoint, params, &["description", "enabled_events", "url"]);
    if let Some(disabled) = flag(params, "disabled") {
        set(&mut endpoint, "status", if disabled { "disabled" } else { "enabled" });
    }
    let metadata = metadata::merged(endpoint.get("metadata"), params, "metadata")?;
    set(&mut endpoint, "metadata", metadata);
    *state.endpoints.find_mut(id)? = endpoint.clone();
    Ok(shown(&endpoint))
}

/// `DELETE /v1/webhook_endpoints/{webhook_endpoint}`; what was on its way to it is dropped and stays undelivered.
fn delete(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    state.endpoints.delete(id)?;
    state.events.queue.forget(id);
    Ok(json!({"id": id, "object": "webhook_endpoint", "deleted": true}))
}

/// An endpoint without its secret, as every answer but the first shows it.
pub(crate) fn shown(endpoint: &Object) -> Value {
    let mut endpoint = endpoint.clone();
    endpoint.shift_remove("secret");
    Value::Object(endpoint)
}

/// An http or https URL with a host. Stripe wants a public host; the local Stripe delivers to loopback only.
fn check_url(url: &str) -> Result<(), ApiError> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    if host.is_empty() || url.parse::<http::Uri>().is_err() {
        return Err(ApiError::invalid(
            "Invalid URL: An explicit scheme (such as https) must be provided, and the URL must be valid.",
        )
        .with_code("url_invalid")
        .with_param("url"));
    }
    Ok(())
}

/// At least one type; `*` stands alone. That each is published, the parameter table checks.
fn check_events(params: &Object) -> Result<(), ApiError> {
    if !params.contains_key("enabled_events") {
        return Ok(());
    }
    let listed = rows(params, "enabled_events");
    let refusal = |message: &str| Err(ApiError::invalid(message).with_param("enabled_events"));
    if listed.is_empty() {
        return refusal("You must specify at least one event in `enabled_events`.");
    }
    if listed.len() > 1 && listed.iter().any(|name| name == "*") {
        return refusal("`*` stands for every event: it cannot be listed with others.");
    }
    Ok(())
}
