//! Disputes: a customer complains to the bank, which takes the money back until it is settled.

use serde_json::{Value, json};

use crate::events::catalogue;
use crate::objects::metadata;
use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::blank::blank;
use crate::wire::error::ApiError;
use crate::wire::list::{in_range, same};
use crate::wire::object::{fields, flag, group, integer, set, text};

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
                set(state.disputes.find_mut(id)?, "status", "under_review");
            }
            let shown = Value::Object(state.disputes.find(id)?.clone());
            state.emit(catalogue::CHARGE_DISPUTE_UPDATED, &shown);
            Ok(shown)
        }
    }
}

/// `POST /v1/disputes/{dispute}/close`: the dispute is lost.
fn close(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    refuse_closed(state, id)?;
    end(state, id, "lost")
}

/// The customer disputes a charge: the whole of it is taken back.
pub(crate) fn open(state: &mut State, charge: &str, reason: &str) -> Result<(), ApiError> {
    let id = state.ids.next("du");
    let charged = state.charges.find(charge)?;
    let now = state.now_of(text(charged, "customer").unwrap_or_default());
    let mut dispute = blank("dispute");
    dispute.extend(fields(json!({
        "id": id, "amount": charged["amount"], "charge": charge, "created": now, "currency": charged["currency"],
        "is_charge_refundable": false, "payment_intent": charged["payment_intent"], "reason": reason,
        "status": "needs_response",
    })));
    if let Some(details) = dispute.get_mut("evidence_details").and_then(Value::as_object_mut) {
        set(details, "due_by", now.saturating_add(ANSWER_WITHIN));
    }
    state.disputes.insert(&id, dispute.clone());
    set(state.charges.find_mut(charge)?, "disputed", true);
    let shown = Value::Object(dispute);
    state.emit(catalogue::CHARGE_DISPUTE_CREATED, &shown);
    state.emit(catalogue::CHARGE_DISPUTE_FUNDS_WITHDRAWN, &shown);
    Ok(())
}

fn end(state: &mut State, id: &str, status: &str) -> Result<Value, ApiError> {
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
        Some("won" | "lost") => Err(ApiError::invalid("This dispute is already closed.")),
        _ => Ok(()),
    }
}
