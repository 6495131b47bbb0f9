//! Mandates: the customer's leave to debit an account. One is made when a debit is set up, and ends when the bank says so.

use serde_json::{Value, json};

use crate::events::catalogue;
use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::object::{Object, cleared, fields, integer, set, text};

/// The operations served here.
pub(crate) const ROUTES: &[Route] = &[route("GET /v1/mandates/{mandate}", retrieve)];

/// `GET /v1/mandates/{mandate}`
fn retrieve(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    state.mandates.find(request.id(0)).cloned().map(Value::Object)
}

/// Keeps a mandate for the method, accepted as `acceptance` says; answers its id.
pub(crate) fn make(state: &mut State, method: &str, acceptance: &Object) -> Result<String, ApiError> {
    let id = state.ids.next("mandate");
    let found = state.payment_methods.find(method)?;
    let kind = text(found, "type").unwrap_or_default().to_owned();
    let customer = text(found, "customer").unwrap_or_default();
    let accepted_at = integer(acceptance, "accepted_at").unwrap_or_else(|| state.now_of(customer));
    let details = match kind.as_str() {
        "sepa_debit" => {
            let reference = state.ids.letters(16).to_ascii_uppercase();
            json!({"reference": reference, "url": format!("https://hooks.stripe.com/adapter/sepa_debit/file/{id}")})
        }
        _ => json!({}),
    };
    let mut accepted =
        fields(json!({"accepted_at": accepted_at, "type": text(acceptance, "type").unwrap_or("online")}));
    for name in ["offline", "online"] {
        if let Some(given) = acceptance.get(name) {
            set(&mut accepted, name, cleared(given));
        }
    }
    if text(&accepted, "type") == Some("offline") {
        accepted.entry("offline").or_insert_with(|| json!({}));
    }
    let mut shown = fields(json!({"type": kind}));
    set(&mut shown, &kind, details);
    let mandate = fields(json!({
        "id": id, "object": "mandate", "customer_acceptance": accepted, "livemode": false, "multi_use": {},
        "payment_method": method, "payment_method_details": shown, "status": "active", "type": "multi_use",
    }));
    state.mandates.insert(&id, mandate);
    state.mandate_of.insert(method.to_owned(), id.clone());
    Ok(id)
}

/// The bank does not take the method's mandate any more; one that has ended stays so.
pub(crate) fn end_of(state: &mut State, method: &str) -> Result<(), ApiError> {
    let Some(id) = state.mandate_of.get(method) else {
        return Ok(());
    };
    let mandate = state.mandates.find_mut(id)?;
    let before = Value::Object(mandate.clone());
    set(mandate, "status", "inactive");
    let after = Value::Object(mandate.clone());
    state.emit_update(catalogue::MANDATE_UPDATED, &before, &after);
    Ok(())
}
