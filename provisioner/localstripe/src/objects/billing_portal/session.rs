//! Portal sessions: the address of one customer's portal. It is all that is needed to open it, for an hour.

use serde_json::{Value, json};

use crate::events::catalogue;
use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::blank::blank;
use crate::wire::error::ApiError;
use crate::wire::object::{Object, assign, fields, flag, integer, required, set, text};

/// Where the pages of sessions stand.
pub(crate) const PAGE: &str = "/p/session/";
/// How long a page can be opened, in seconds.
const OPEN_FOR: i64 = 60 * 60;

/// The operations served here.
pub(crate) const ROUTES: &[Route] = &[route("POST /v1/billing_portal/sessions", create)];

/// `POST /v1/billing_portal/sessions`
fn create(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    let customer = required(params, "customer")?;
    state.customers.find(customer).map_err(|error| error.in_param("customer"))?;
    let configuration = configuration(state, params)?;
    let back = text(params, "return_url").or(text(&configuration, "default_return_url")).map(str::to_owned);
    let id = state.ids.next("bps");
    let secret = format!("test_{}", state.ids.letters(32));
    let mut session = blank("billing_portal.session");
    session.extend(fields(json!({
        "id": id, "configuration": configuration["id"], "created": state.now(), "customer": customer, "livemode": false,
        "return_url": back, "url": format!("{}{PAGE}{secret}", state.base),
    })));
    assign(&mut session, params, &["locale"]);
    state.portal_sessions.insert(secret, session.clone());
    let mut told = session.clone();
    // Only the caller learns the address that opens the portal.
    set(&mut told, "url", format!("{}{PAGE}test_", state.base));
    state.emit(catalogue::PORTAL_SESSION_CREATED, &Value::Object(told));
    Ok(Value::Object(session))
}

/// The session behind an address that can still be opened.
pub(crate) fn open<'a>(state: &'a State, secret: &str) -> Option<&'a Object> {
    let session = state.portal_sessions.get(secret)?;
    let until = integer(session, "created").unwrap_or(0).saturating_add(OPEN_FOR);
    (state.now() <= until).then_some(session)
}

/// The configuration that the request names. Stripe has a default one once somebody saved it in the Dashboard, which
/// does not happen here.
fn configuration(state: &State, params: &Object) -> Result<Object, ApiError> {
    let Some(named) = text(params, "configuration") else {
        let message = "No configuration provided and your test mode default configuration has not been created. Provide a \
                       configuration or create your default by saving your customer portal settings in test mode.";
        return Err(ApiError::invalid(message));
    };
    let found = state.portal_configurations.find(named).map_err(|error| error.in_param("configuration"))?;
    if flag(found, "active") != Some(true) {
        let message = format!("The configuration `{named}` is inactive and can't be used for new sessions.");
        return Err(ApiError::invalid(message).with_param("configuration"));
    }
    Ok(found.clone())
}
