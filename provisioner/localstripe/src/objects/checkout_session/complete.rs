//! What happens on the page of a session: the customer leaves a method, the bank takes it or asks, and the session is done.

use serde_json::{Value, json};

use crate::agenda::Task;
use crate::events::catalogue;
use crate::objects::payment::{method, setup_intent};
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::object::{Object, fields, group, set, text};

/// Where the customer goes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// To the bank's page about this intent.
    Bank(String),
    /// Back to the caller.
    Done(String),
}

/// The customer leaves a method, described as `POST /v1/payment_methods` takes it.
pub(crate) fn submit(state: &mut State, id: &str, described: &Object) -> Result<Next, ApiError> {
    let session = state.checkout_sessions.find(id)?;
    let intent = text(session, "setup_intent").unwrap_or_default().to_owned();
    let method = method::create::of(state, described)?;
    set(state.setup_intents.find_mut(&intent)?, "payment_method", method);
    if let Some(billing) = group(described, "billing_details") {
        remember(state, id, &billing.clone())?;
    }
    // The page shows the mandate; who goes on has accepted it.
    let accepted = fields(json!({"type": "online", "online": {"ip_address": "127.0.0.1", "user_agent": "Checkout"}}));
    setup_intent::carry_out(state, &intent, Some("checkout"), Some(&accepted))?;
    follow(state, id, &intent)
}

/// The bank has answered about a session's intent; none when it did not know its customer, who may try again.
pub(crate) fn returned(state: &mut State, id: &str, intent: &str) -> Result<Option<Next>, ApiError> {
    match text(state.setup_intents.find(intent)?, "status") {
        Some("requires_payment_method") => Ok(None),
        _ => follow(state, id, intent).map(Some),
    }
}

fn follow(state: &mut State, id: &str, intent: &str) -> Result<Next, ApiError> {
    if text(state.setup_intents.find(intent)?, "status") == Some("requires_action") {
        return Ok(Next::Bank(intent.to_owned()));
    }
    finish(state, id)
}

/// The session is done: the caller hears of it, and the customer goes back.
fn finish(state: &mut State, id: &str) -> Result<Next, ApiError> {
    state.agenda.cancel(id, Task::Expire);
    let session = state.checkout_sessions.find_mut(id)?;
    set(session, "status", "complete");
    set(session, "url", Value::Null);
    let shown = Value::Object(session.clone());
    let back = text(session, "success_url").unwrap_or_default().replace("{CHECKOUT_SESSION_ID}", id);
    state.emit(catalogue::CHECKOUT_SESSION_COMPLETED, &shown);
    Ok(Next::Done(back))
}

/// The session shows who the customer said to be.
fn remember(state: &mut State, id: &str, billing: &Object) -> Result<(), ApiError> {
    let session = state.checkout_sessions.find_mut(id)?;
    let mut details = group(session, "customer_details").cloned().unwrap_or_else(|| {
        fields(json!({
            "address": null, "business_name": null, "email": null, "individual_name": null, "name": null, "phone": null,
            "tax_exempt": null, "tax_ids": null,
        }))
    });
    for name in ["email", "name"] {
        if let Some(given) = text(billing, name) {
            set(&mut details, name, given);
        }
    }
    set(session, "customer_details", Value::Object(details));
    Ok(())
}
