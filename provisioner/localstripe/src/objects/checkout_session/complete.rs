//! What happens on the page of a session: the customer leaves a method or pays with one, the bank takes it or asks, and
//! the session is done.

use serde_json::{Value, json};

use crate::agenda::Task;
use crate::events::catalogue;
use crate::objects::payment::intent::confirm::Attempt;
use crate::objects::payment::{attempt, mandate, method, setup_intent};
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::object::{Object, fields, group, set, text};

use super::payment;

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
    let method = method::create::of(state, described)?;
    if let Some(billing) = group(described, "billing_details") {
        remember(state, id, &billing.clone())?;
    }
    take(state, id, &method)
}

/// The customer goes on with that method. The page shows the mandate of a debit: who goes on has accepted it.
pub(crate) fn take(state: &mut State, id: &str, method: &str) -> Result<Next, ApiError> {
    let accepted = fields(json!({"type": "online", "online": {"ip_address": "127.0.0.1", "user_agent": "Checkout"}}));
    if let Some(intent) = text(state.checkout_sessions.find(id)?, "setup_intent").map(str::to_owned) {
        set(state.setup_intents.find_mut(&intent)?, "payment_method", method);
        setup_intent::carry_out(state, &intent, Some("checkout"), Some(&accepted))?;
        return follow(state, id, &intent);
    }
    let intent = payment::intent(state, id)?;
    if method::is_debit(state, method) {
        mandate::make(state, method, &accepted)?;
    }
    let attempted = Attempt { method, on_session: true, confirmed: false, return_url: Some("checkout") };
    attempt::of_intent(state, &intent, &attempted)?;
    follow(state, id, &intent)
}

/// The bank has answered about a debit that pays a session: the caller hears of it.
pub(crate) fn settled(state: &mut State, intent: &str, paid: bool) -> Result<(), ApiError> {
    let Some(id) = state.checkout_of.get(intent).cloned() else {
        return Ok(());
    };
    let session = state.checkout_sessions.find_mut(&id)?;
    let kind = if paid {
        set(session, "payment_status", "paid");
        catalogue::CHECKOUT_SESSION_ASYNC_PAYMENT_SUCCEEDED
    } else {
        catalogue::CHECKOUT_SESSION_ASYNC_PAYMENT_FAILED
    };
    let shown = Value::Object(session.clone());
    state.emit(kind, &shown);
    Ok(())
}

/// The bank has answered about a session's intent; none when it did not know its customer, who may try again.
pub(crate) fn returned(state: &mut State, id: &str, intent: &str) -> Result<Option<Next>, ApiError> {
    match status(state, intent)? {
        "requires_payment_method" => Ok(None),
        _ => follow(state, id, intent).map(Some),
    }
}

fn follow(state: &mut State, id: &str, intent: &str) -> Result<Next, ApiError> {
    let status = status(state, intent)?;
    if status == "requires_action" {
        return Ok(Next::Bank(intent.to_owned()));
    }
    let paid = status == "succeeded" && intent.starts_with("pi_");
    finish(state, id, paid)
}

fn status<'a>(state: &'a State, intent: &str) -> Result<&'a str, ApiError> {
    let rows = if intent.starts_with("pi_") { &state.payment_intents } else { &state.setup_intents };
    Ok(text(rows.find(intent)?, "status").unwrap_or_default())
}

/// The session is done: the caller hears of it, and the customer goes back.
fn finish(state: &mut State, id: &str, paid: bool) -> Result<Next, ApiError> {
    state.agenda.cancel(id, Task::Expire);
    let session = state.checkout_sessions.find_mut(id)?;
    set(session, "status", "complete");
    set(session, "url", Value::Null);
    if paid {
        set(session, "payment_status", "paid");
    }
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
