//! The bank's page for 3-D Secure: its customer confirms, or does not.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::hooks;
use crate::objects::payment::page::BANK;
use crate::state::State;
use crate::wire::object::{Object, text};

use super::{Page, checkout, html};

/// The page about an intent that waits for its customer, or what the customer said.
pub(super) fn answer(state: &mut State, intent: &str, given: Option<&Object>) -> Page {
    let waits = [&state.setup_intents, &state.payment_intents]
        .into_iter()
        .any(|rows| rows.find(intent).is_ok_and(|intent| text(intent, "status") == Some("requires_action")));
    if !waits {
        return Page::gone("The bank does not ask about this payment, or not any more.");
    }
    let Some(given) = given else {
        return shown(intent);
    };
    let passed = match text(given, "outcome") {
        Some("complete") => true,
        Some("fail") => false,
        _ => return shown(intent),
    };
    if let Err(error) = hooks::authenticate(state, intent, passed) {
        return Page::gone(&error.message);
    }
    match state.checkout_of.get(intent).cloned() {
        Some(session) => checkout::returned(state, &session, intent),
        None => Page::See(back(state, intent)),
    }
}

fn shown(intent: &str) -> Page {
    let button = |outcome: &str, label: &str| {
        format!("<button type=\"submit\" name=\"outcome\" value=\"{outcome}\" id=\"{outcome}\">{label}</button> ")
    };
    let body = format!(
        "<p>This is a test of 3-D Secure. Your bank wants to know whether it is you.</p>\
         <form method=\"post\" action=\"{BANK}{}\">{}{}</form>",
        html::escaped(intent),
        button("complete", "Complete"),
        button("fail", "Fail")
    );
    Page::Shown { status: 200, html: html::page("3-D Secure", &body) }
}

/// Where the caller wanted the customer back, with what the caller needs to look at the intent.
fn back(state: &State, id: &str) -> String {
    let url = state.returns_to.get(id).cloned().unwrap_or_default();
    let (name, rows) = match id.starts_with("seti_") {
        true => ("setup_intent", &state.setup_intents),
        false => ("payment_intent", &state.payment_intents),
    };
    let intent = rows.find(id).ok();
    let secret = intent.and_then(|intent| text(intent, "client_secret")).unwrap_or_default();
    let done =
        intent.and_then(|intent| text(intent, "status")).is_some_and(|status| status != "requires_payment_method");
    let joint = if url.contains('?') { '&' } else { '?' };
    let secret = utf8_percent_encode(secret, NON_ALPHANUMERIC);
    let status = if done { "succeeded" } else { "failed" };
    format!("{url}{joint}{name}={id}&{name}_client_secret={secret}&redirect_status={status}")
}
