//! Charges: what one attempt to move money was. The published table has no such object; its fields are those of the API
//! reference that concern an invoice.

use serde_json::{Value, json};

use crate::events::catalogue;
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::object::{Object, fields, set, text};

use super::test_method::Decline;

/// What a charge is for.
pub(crate) struct Draft<'a> {
    pub(crate) intent: &'a Object,
    pub(crate) method: &'a str,
}

/// Keeps a charge of that status, `pending`, `succeeded` or `failed`, and tells of it; answers its id.
pub(crate) fn make(
    state: &mut State,
    draft: &Draft<'_>,
    status: &str,
    decline: Option<Decline>,
) -> Result<String, ApiError> {
    let id = state.ids.next("ch");
    let customer = text(draft.intent, "customer").unwrap_or_default();
    let kind = state.payment_methods.find(draft.method)?.get("type").cloned().unwrap_or(Value::Null);
    let charge = fields(json!({
        "id": id, "object": "charge", "amount": draft.intent["amount"], "amount_captured": 0, "amount_refunded": 0,
        "application": null, "application_fee": null, "application_fee_amount": null, "balance_transaction": null,
        "billing_details": {"address": null, "email": null, "name": null, "phone": null, "tax_id": null},
        "calculated_statement_descriptor": null, "captured": true, "created": state.now_of(customer),
        "currency": draft.intent["currency"], "customer": customer, "description": draft.intent["description"],
        "disputed": false, "failure_balance_transaction": null, "failure_code": null, "failure_message": null,
        "fraud_details": {}, "livemode": false, "metadata": {}, "on_behalf_of": null, "outcome": null, "paid": false,
        "payment_intent": draft.intent["id"], "payment_method": draft.method, "payment_method_details": {"type": kind},
        "receipt_email": null, "receipt_number": null, "receipt_url": null, "refunded": false, "review": null,
        "shipping": null, "source_transfer": null, "statement_descriptor": null, "statement_descriptor_suffix": null,
        "status": "pending", "transfer_data": null, "transfer_group": null,
    }));
    state.charges.insert(&id, charge);
    finish(state, &id, status, decline)?;
    Ok(id)
}

/// Moves a charge to that status and tells of it.
pub(crate) fn finish(state: &mut State, id: &str, status: &str, decline: Option<Decline>) -> Result<(), ApiError> {
    let charge = state.charges.find_mut(id)?;
    set(charge, "status", status);
    let kind = match status {
        "succeeded" => {
            let amount = charge["amount"].clone();
            set(charge, "amount_captured", amount);
            set(charge, "paid", true);
            catalogue::CHARGE_SUCCEEDED
        }
        "failed" => catalogue::CHARGE_FAILED,
        _ => catalogue::CHARGE_PENDING,
    };
    if let Some(decline) = decline {
        set(charge, "failure_code", decline.code);
        set(charge, "failure_message", decline.message);
    }
    let shown = Value::Object(charge.clone());
    state.emit(kind, &shown);
    Ok(())
}
