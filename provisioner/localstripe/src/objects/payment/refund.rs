//! Refunds: money of a charge goes back, in parts or whole. The invoice stays paid. With some methods the bank answers
//! later, and may send the money back.

use serde_json::{Value, json};

use crate::agenda::{Due, Task};
use crate::currency;
use crate::events::catalogue;
use crate::objects::balance_transaction::{self, Movement};
use crate::objects::metadata;
use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::blank::blank;
use crate::wire::error::ApiError;
use crate::wire::list::{in_range, same};
use crate::wire::object::{Object, fields, integer, set, text};

use super::method;
use super::test_method::Refunds;

/// The operations served here.
pub(crate) const ROUTES: &[Route] = &[
    route("POST /v1/refunds", create),
    route("GET /v1/refunds", list),
    route("GET /v1/refunds/{refund}", retrieve),
    route("POST /v1/refunds/{refund}", update),
];

/// Seconds until the bank of a refund answers that is not at once.
const ANSWERS_AFTER: i64 = 60;

/// `POST /v1/refunds`
fn create(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    let charge = charge_of(state, params)?;
    let metadata = metadata::fresh(params)?;
    let id = make(state, &charge, integer(params, "amount"))?;
    let refund = state.refunds.find_mut(&id)?;
    set(refund, "metadata", metadata);
    if let Some(reason) = params.get("reason") {
        set(refund, "reason", reason.clone());
    }
    let shown = Value::Object(refund.clone());
    tell(state, &charge, &shown)?;
    Ok(shown)
}

/// `GET /v1/refunds`
fn list(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    let rows = state
        .refunds
        .newest_first()
        .filter(|refund| ["charge", "payment_intent"].iter().all(|name| same(refund, params, name)))
        .filter(|refund| in_range(integer(refund, "created"), params.get("created")));
    request.newest_first(&state.refunds, rows, "/v1/refunds", |refund| Value::Object(refund.clone()))
}

/// `GET /v1/refunds/{refund}`
fn retrieve(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    state.refunds.find(request.id(0)).cloned().map(Value::Object)
}

/// `POST /v1/refunds/{refund}`: metadata only.
fn update(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    let refund = state.refunds.find_mut(id)?;
    let before = Value::Object(refund.clone());
    let metadata = metadata::merged(refund.get("metadata"), &request.params, "metadata")?;
    set(refund, "metadata", metadata);
    tell_change(state, id, &before)
}

/// The bank answers about a refund: it arrived, or it comes back.
pub(crate) fn answered(state: &mut State, id: &str) -> Result<(), ApiError> {
    let refund = state.refunds.find_mut(id)?;
    let before = Value::Object(refund.clone());
    if text(refund, "status") == Some("pending") {
        set(refund, "status", "succeeded");
        return tell_change(state, id, &before).map(|_| ());
    }
    fail(state, id, "declined")
}

/// The money of a refund comes back, for that reason.
pub(crate) fn fail(state: &mut State, id: &str, reason: &str) -> Result<(), ApiError> {
    let refund = state.refunds.find(id)?;
    if text(refund, "status") == Some("failed") {
        return Err(ApiError::invalid("This refund has already failed."));
    }
    let before = Value::Object(refund.clone());
    let charge = text(refund, "charge").unwrap_or_default().to_owned();
    let amount = integer(refund, "amount").unwrap_or(0);
    let moved = moved(state, &charge, id, amount, "refund_failure")?;
    let refund = state.refunds.find_mut(id)?;
    set(refund, "status", "failed");
    set(refund, "failure_reason", reason);
    set(refund, "failure_balance_transaction", moved);
    let charged = state.charges.find_mut(&charge)?;
    let refunded = integer(charged, "amount_refunded").unwrap_or(0) - amount;
    set(charged, "amount_refunded", refunded);
    set(charged, "refunded", false);
    let customer = text(charged, "customer").unwrap_or_default().to_owned();
    state.touch(&customer);
    let shown = Value::Object(state.refunds.find(id)?.clone());
    state.emit(catalogue::REFUND_FAILED, &shown);
    tell_change(state, id, &before).map(|_| ())
}

/// Tells of a refund that was shown as `before`, under both names that there are for that; answers how it is shown.
fn tell_change(state: &mut State, id: &str, before: &Value) -> Result<Value, ApiError> {
    let after = Value::Object(state.refunds.find(id)?.clone());
    state.emit_update(catalogue::REFUND_UPDATED, before, &after);
    state.emit_update(catalogue::CHARGE_REFUND_UPDATED, before, &after);
    Ok(after)
}

/// Gives back that much of a charge, or all that is left of it, and tells of it; answers the refund's id.
pub(crate) fn give_back(state: &mut State, charge: &str, amount: i64) -> Result<String, ApiError> {
    let id = make(state, charge, Some(amount))?;
    let shown = Value::Object(state.refunds.find(&id)?.clone());
    tell(state, charge, &shown)?;
    Ok(id)
}

/// What of a charge has not been given back.
pub(crate) fn left(charge: &Object) -> i64 {
    integer(charge, "amount").unwrap_or(0) - integer(charge, "amount_refunded").unwrap_or(0)
}

fn make(state: &mut State, charge: &str, amount: Option<i64>) -> Result<String, ApiError> {
    let charged = state.charges.find(charge)?.clone();
    let amount = check(&charged, amount)?;
    let id = state.ids.next("re");
    let customer = text(&charged, "customer").unwrap_or_default().to_owned();
    let (status, answers) = match method::refunds(state, text(&charged, "payment_method").unwrap_or_default()) {
        Refunds::AtOnce => ("succeeded", false),
        Refunds::Later => ("pending", true),
        Refunds::FailLater => ("succeeded", true),
    };
    if answers {
        let at = state.now_of(&customer).saturating_add(ANSWERS_AFTER);
        state.agenda.set(Due { at, task: Task::Refund, subject: id.clone(), customer: customer.clone() });
    }
    let moved = moved(state, charge, &id, -amount, "refund")?;
    let mut refund = blank("refund");
    refund.extend(fields(json!({
        "id": id, "amount": amount, "balance_transaction": moved, "charge": charge, "created": state.now_of(&customer),
        "currency": charged["currency"], "metadata": {}, "payment_intent": charged["payment_intent"], "status": status,
    })));
    state.refunds.insert(&id, refund);
    let charged = state.charges.find_mut(charge)?;
    let refunded = integer(charged, "amount_refunded").unwrap_or(0).saturating_add(amount);
    set(charged, "amount_refunded", refunded);
    let whole = left(charged) == 0;
    set(charged, "refunded", whole);
    Ok(id)
}

/// Notes what a refund takes out of the account's balance, or what comes back; answers the movement's id.
fn moved(state: &mut State, charge: &str, id: &str, amount: i64, kind: &'static str) -> Result<String, ApiError> {
    let charged = state.charges.find(charge)?;
    let movement = Movement {
        id: String::new(),
        amount,
        fee: 0,
        currency: text(charged, "currency").unwrap_or_default().to_owned(),
        created: state.now_of(text(charged, "customer").unwrap_or_default()),
        kind,
        source: id.to_owned(),
    };
    Ok(balance_transaction::note(state, movement))
}

fn tell(state: &mut State, charge: &str, refund: &Value) -> Result<(), ApiError> {
    state.emit(catalogue::REFUND_CREATED, refund);
    let charge = Value::Object(state.charges.find(charge)?.clone());
    state.emit(catalogue::CHARGE_REFUNDED, &charge);
    Ok(())
}

fn charge_of(state: &State, params: &Object) -> Result<String, ApiError> {
    match (text(params, "charge"), text(params, "payment_intent")) {
        (Some(_), Some(_)) => Err(ApiError::exclusive("charge", "payment_intent")),
        (Some(charge), None) => {
            state.charges.find(charge).map(|_| charge.to_owned()).map_err(|error| error.in_param("charge"))
        }
        (None, Some(intent)) => {
            let found = state.payment_intents.find(intent).map_err(|error| error.in_param("payment_intent"))?;
            text(found, "latest_charge").map(str::to_owned).ok_or_else(|| {
                let message = format!("This PaymentIntent ({intent}) does not have a successful charge to refund.");
                ApiError::invalid(message).with_param("payment_intent")
            })
        }
        (None, None) => Err(ApiError::invalid(
            "One of the following params should be provided for this request: payment_intent or charge.",
        )),
    }
}

fn check(charge: &Object, amount: Option<i64>) -> Result<i64, ApiError> {
    let id = text(charge, "id").unwrap_or_default();
    if text(charge, "status") != Some("succeeded") {
        return Err(ApiError::invalid(format!("Charge {id} has not succeeded and can't be refunded.")));
    }
    if charge["disputed"] == true {
        return Err(ApiError::invalid(format!("Charge {id} has been charged back; cannot issue a refund."))
            .with_code("charge_disputed"));
    }
    let left = left(charge);
    if left == 0 {
        return Err(
            ApiError::invalid(format!("Charge {id} has already been refunded.")).with_code("charge_already_refunded")
        );
    }
    let amount = amount.unwrap_or(left);
    if amount < 1 {
        return Err(ApiError::bad_integer("amount", "This value must be greater than or equal to 1."));
    }
    if amount > left {
        let message = format!("Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).");
        return Err(ApiError::invalid(message).with_param("amount"));
    }
    currency::check_amount(amount, text(charge, "currency").unwrap_or_default(), "amount")?;
    Ok(amount)
}
