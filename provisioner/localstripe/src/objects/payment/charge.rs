//! Charges: what one attempt to move money was. The published table has no such object; the overlay adds it.

use serde_json::{Value, json};

use crate::events::catalogue;
use crate::objects::balance_transaction::{self, Movement};
use crate::objects::metadata;
use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::list::{in_range, same};
use crate::wire::object::{Object, assign, fields, filled, group, integer, set, text};

use super::test_method::Decline;

/// The operations served here.
pub(crate) const ROUTES: &[Route] = &[
    route("GET /v1/charges", list),
    route("GET /v1/charges/{charge}", retrieve),
    route("POST /v1/charges/{charge}", update),
];

/// `GET /v1/charges`
fn list(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    state.known_customer(params)?;
    let rows = state
        .charges
        .newest_first()
        .filter(|charge| ["customer", "payment_intent"].iter().all(|name| same(charge, params, name)))
        .filter(|charge| in_range(integer(charge, "created"), params.get("created")));
    request.newest_first(&state.charges, rows, "/v1/charges", |charge| Value::Object(charge.clone()))
}

/// `GET /v1/charges/{charge}`
fn retrieve(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    state.charges.find(request.id(0)).cloned().map(Value::Object)
}

/// `POST /v1/charges/{charge}`: what is said of it; its amount stays.
fn update(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let (id, params) = (request.id(0), &request.params);
    let charge = state.charges.find_mut(id)?;
    let before = Value::Object(charge.clone());
    let metadata = metadata::merged(charge.get("metadata"), params, "metadata")?;
    set(charge, "metadata", metadata);
    assign(charge, params, &["description", "receipt_email"]);
    let after = Value::Object(charge.clone());
    state.emit_update(catalogue::CHARGE_UPDATED, &before, &after);
    Ok(after)
}

/// What a charge is for.
pub(crate) struct Draft<'a> {
    pub(crate) intent: &'a Object,
    pub(crate) method: &'a str,
}

/// Keeps a charge of that status, `pending`, `succeeded`, `failed` or `held` (it succeeded, and its money waits to be
/// captured), and tells of it; answers its id.
pub(crate) fn make(
    state: &mut State,
    draft: &Draft<'_>,
    status: &str,
    decline: Option<Decline>,
) -> Result<String, ApiError> {
    let id = state.ids.next("ch");
    let customer = text(draft.intent, "customer").unwrap_or_default();
    let method = state.payment_methods.find(draft.method)?;
    let mandate = state.mandate_of.get(draft.method).map(String::as_str);
    let charge = fields(json!({
        "id": id, "object": "charge", "amount": draft.intent["amount"], "amount_captured": 0, "amount_refunded": 0,
        "application": null, "application_fee": null, "application_fee_amount": null, "balance_transaction": null,
        "billing_details": method.get("billing_details"),
        "calculated_statement_descriptor": null, "captured": true, "created": state.now_of(customer),
        "currency": draft.intent["currency"], "customer": draft.intent["customer"], "description": draft.intent["description"],
        "disputed": false, "failure_balance_transaction": null, "failure_code": null, "failure_message": null,
        "fraud_details": {}, "livemode": false, "metadata": draft.intent["metadata"], "on_behalf_of": null,
        "outcome": null, "paid": false, "payment_intent": draft.intent["id"], "payment_method": draft.method,
        "payment_method_details": details(method, mandate),
        "receipt_email": null, "receipt_number": null, "receipt_url": null, "refunded": false, "review": null,
        "shipping": null, "source_transfer": null, "statement_descriptor": null, "statement_descriptor_suffix": null,
        "status": "pending", "transfer_data": null, "transfer_group": null,
    }));
    state.charges.insert(&id, charge);
    finish(state, &id, status, decline)?;
    Ok(id)
}

/// What a charge shows of its method.
fn details(method: &Object, mandate: Option<&str>) -> Value {
    let kind = text(method, "type").unwrap_or_default();
    let own = group(method, kind).cloned().unwrap_or_default();
    let names: &[&str] = match kind {
        "card" => &[
            "brand",
            "checks",
            "country",
            "exp_month",
            "exp_year",
            "fingerprint",
            "funding",
            "last4",
            "regulated_status",
            "wallet",
        ],
        "sepa_debit" => &["bank_code", "branch_code", "country", "fingerprint", "last4"],
        _ => &["account_holder_type", "account_type", "bank_name", "fingerprint", "last4", "routing_number"],
    };
    let mut shown = filled(&own, names);
    shown["mandate"] = json!(mandate);
    let mut details = fields(json!({"type": kind}));
    set(&mut details, kind, shown);
    Value::Object(details)
}

/// Moves a charge to that status and tells of it.
pub(crate) fn finish(state: &mut State, id: &str, status: &str, decline: Option<Decline>) -> Result<(), ApiError> {
    let moved = (status == "succeeded").then(|| arrived(state, id)).transpose()?;
    let charge = state.charges.find_mut(id)?;
    set(charge, "status", if status == "held" { "succeeded" } else { status });
    let kind = match status {
        "held" => {
            set(charge, "captured", false);
            set(charge, "paid", true);
            catalogue::CHARGE_SUCCEEDED
        }
        "succeeded" => {
            let amount = charge["amount"].clone();
            set(charge, "amount_captured", amount);
            set(charge, "balance_transaction", moved);
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

/// Takes the money of a charge that is held, and tells of it.
pub(crate) fn capture(state: &mut State, id: &str) -> Result<(), ApiError> {
    let moved = arrived(state, id)?;
    let charge = state.charges.find_mut(id)?;
    let amount = charge["amount"].clone();
    set(charge, "amount_captured", amount);
    set(charge, "balance_transaction", moved);
    set(charge, "captured", true);
    let shown = Value::Object(charge.clone());
    state.emit(catalogue::CHARGE_CAPTURED, &shown);
    Ok(())
}

/// The money is on the account's balance; answers the id of the movement.
fn arrived(state: &mut State, id: &str) -> Result<String, ApiError> {
    let charge = state.charges.find(id)?;
    let is_card = group(charge, "payment_method_details").and_then(|details| text(details, "type")) == Some("card");
    let amount = integer(charge, "amount").unwrap_or(0);
    let movement = Movement {
        id: String::new(),
        amount,
        fee: balance_transaction::fee(amount, is_card),
        currency: text(charge, "currency").unwrap_or_default().to_owned(),
        created: state.now_of(text(charge, "customer").unwrap_or_default()),
        kind: if is_card { "charge" } else { "payment" },
        source: id.to_owned(),
    };
    Ok(balance_transaction::note(state, movement))
}
