//! Disputes: a customer complains to the bank, which takes the money back until it is settled.

use serde_json::{Value, json};

use crate::events::catalogue;
use crate::objects::balance_transaction::{self, Movement};
use crate::objects::metadata;
use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::blank::blank;
use crate::wire::error::ApiError;
use crate::wire::list::{in_range, same};
use crate::wire::object::{fields, flag, group, integer, set, text};

use super::test_method::Complaint;

/// What Stripe takes for a dispute, in minor units.
const FEE: i64 = 1500;
const DAY: i64 = 24 * 60 * 60;
/// How long evidence may be handed in: seven days for a test dispute.
const ANSWER_WITHIN: i64 = 7 * DAY;

/// The operations served here.
pub(crate) const ROUTES: &[Route] = &[
    route("GET /v1/disputes", list),
    route("GET /v1/disputes/{dispute}", retrieve),
    route("POST /v1/disputes/{dispute}", update),
    route("POST /v1/disputes/{dispute}/close", close),
];

/// `GET /v1/disputes`
fn list(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    let rows = state
        .disputes
        .newest_first()
        .filter(|dispute| ["charge", "payment_intent"].iter().all(|name| same(dispute, params, name)))
        .filter(|dispute| in_range(integer(dispute, "created"), params.get("created")));
    request.newest_first(&state.disputes, rows, "/v1/disputes", |dispute| Value::Object(dispute.clone()))
}

/// `GET /v1/disputes/{dispute}`
fn retrieve(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    state.disputes.find(request.id(0)).cloned().map(Value::Object)
}

/// `POST /v1/disputes/{dispute}`: Stripe's test evidence decides it, `winning_evidence` or `losing_evidence`.
fn update(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let (id, params) = (request.id(0), &request.params);
    refuse_closed(state, id)?;
    let dispute = state.disputes.find_mut(id)?;
    let metadata = metadata::merged(dispute.get("metadata"), params, "metadata")?;
    set(dispute, "metadata", metadata);
    let evidence = group(params, "evidence");
    let told = evidence.and_then(|evidence| text(evidence, "uncategorized_text")).map(str::to_owned);
    if let (Some(told), Some(kept)) = (&told, dispute.get_mut("evidence").and_then(Value::as_object_mut)) {
        set(kept, "uncategorized_text", told.as_str());
    }
    let submitted = evidence.is_some() && flag(params, "submit") != Some(false);
    match told.as_deref().filter(|_| submitted) {
        Some("winning_evidence") => end(state, id, "won"),
        Some("losing_evidence") => end(state, id, "lost"),
        _ => {
            if submitted {
                let dispute = state.disputes.find_mut(id)?;
                let inquiry = text(dispute, "status").is_some_and(|status| status.starts_with("warning"));
                set(dispute, "status", if inquiry { "warning_under_review" } else { "under_review" });
            }
            let shown = Value::Object(state.disputes.find(id)?.clone());
            state.emit(catalogue::CHARGE_DISPUTE_UPDATED, &shown);
            Ok(shown)
        }
    }
}

/// `POST /v1/disputes/{dispute}/close`: the dispute is lost.
fn close(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    end(state, request.id(0), "lost")
}

/// The customer disputes a charge: the whole of it is taken back, unless the bank only asks. Answers the dispute's id.
pub(crate) fn open(state: &mut State, charge: &str, complaint: Complaint) -> Result<String, ApiError> {
    let id = state.ids.next("du");
    let charged = state.charges.find(charge)?;
    if text(charged, "status") != Some("succeeded") || charged["disputed"] == true {
        return Err(ApiError::invalid(format!("Charge {charge} has not succeeded, or is disputed already.")));
    }
    let now = state.now_of(text(charged, "customer").unwrap_or_default());
    let mut dispute = blank("dispute");
    dispute.extend(fields(json!({
        "id": id, "amount": charged["amount"], "charge": charge, "created": now, "currency": charged["currency"],
        "is_charge_refundable": complaint.inquiry, "payment_intent": charged["payment_intent"],
        "reason": complaint.reason, "status": if complaint.inquiry { "warning_needs_response" } else { "needs_response" },
    })));
    if let Some(details) = dispute.get_mut("evidence_details").and_then(Value::as_object_mut) {
        set(details, "due_by", now.saturating_add(ANSWER_WITHIN));
    }
    state.disputes.insert(&id, dispute);
    if !complaint.inquiry {
        let charged = state.charges.find_mut(charge)?;
        set(charged, "disputed", true);
        let customer = text(charged, "customer").unwrap_or_default().to_owned();
        state.touch(&customer);
        moved(state, &id, -1)?;
    }
    let shown = Value::Object(state.disputes.find(&id)?.clone());
    state.emit(catalogue::CHARGE_DISPUTE_CREATED, &shown);
    if !complaint.inquiry {
        state.emit(catalogue::CHARGE_DISPUTE_FUNDS_WITHDRAWN, &shown);
    }
    Ok(id)
}

/// Takes the disputed amount out of the account's balance (`sign` -1, with a fee) or puts it back in.
fn moved(state: &mut State, id: &str, sign: i64) -> Result<(), ApiError> {
    let dispute = state.disputes.find(id)?;
    let customer = text(dispute, "charge").and_then(|charge| state.charges.find(charge).ok());
    let customer = customer.and_then(|charge| text(charge, "customer")).unwrap_or_default();
    let movement = Movement {
        id: String::new(),
        amount: integer(dispute, "amount").unwrap_or(0).saturating_mul(sign),
        fee: if sign < 0 { FEE } else { 0 },
        currency: text(dispute, "currency").unwrap_or_default().to_owned(),
        created: state.now_of(customer),
        kind: "adjustment",
        source: id.to_owned(),
    };
    let movement = balance_transaction::note(state, movement);
    let shown = state.movements.answer(&movement, state.now())?;
    if let Some(rows) = state.disputes.find_mut(id)?.get_mut("balance_transactions").and_then(Value::as_array_mut) {
        rows.push(shown);
    }
    Ok(())
}

/// Ends a dispute, `won` or `lost`; answers it. An inquiry is closed without money that moves.
pub(crate) fn end(state: &mut State, id: &str, status: &str) -> Result<Value, ApiError> {
    refuse_closed(state, id)?;
    let inquiry = text(state.disputes.find(id)?, "status").is_some_and(|status| status.starts_with("warning"));
    let status = if inquiry { "warning_closed" } else { status };
    if status == "won" {
        moved(state, id, 1)?;
    }
    let dispute = state.disputes.find_mut(id)?;
    set(dispute, "status", status);
    let shown = Value::Object(dispute.clone());
    if status == "won" {
        state.emit(catalogue::CHARGE_DISPUTE_FUNDS_REINSTATED, &shown);
    }
    state.emit(catalogue::CHARGE_DISPUTE_CLOSED, &shown);
    Ok(shown)
}

fn refuse_closed(state: &State, id: &str) -> Result<(), ApiError> {
    match text(state.disputes.find(id)?, "status") {
        Some("won" | "lost" | "warning_closed") => Err(ApiError::invalid("This dispute is already closed.")),
        _ => Ok(()),
    }
}
