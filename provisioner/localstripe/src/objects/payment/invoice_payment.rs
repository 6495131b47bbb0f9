//! Invoice payments: which payment intent pays which invoice. They are the only way from one to the other. A finalised
//! invoice has a default one over what is left to pay; others are attached.

pub(crate) mod attach;

pub(crate) use attach::credit;

use serde_json::{Value, json};

use crate::events::catalogue;
use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::blank::blank;
use crate::wire::error::ApiError;
use crate::wire::list::{in_range, same};
use crate::wire::object::{Object, fields, group, integer, set, text};

use super::intent;

/// The operations served here.
pub(crate) const ROUTES: &[Route] =
    &[route("GET /v1/invoice_payments", list), route("GET /v1/invoice_payments/{invoice_payment}", retrieve)];

/// `GET /v1/invoice_payments`
fn list(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    if let Some(invoice) = text(params, "invoice") {
        state.invoices.find(invoice).map_err(|error| error.in_param("invoice"))?;
    }
    let wanted = group(params, "payment").map(|payment| (payment.get("type"), payment.get("payment_intent")));
    let pays = |row: &Object| {
        let payment = group(row, "payment");
        wanted.is_none_or(|(kind, intent)| {
            payment.is_some_and(|payment| {
                payment.get("type") == kind && (intent.is_none() || payment.get("payment_intent") == intent)
            })
        })
    };
    // An invoice knows its payments: a list of all is not searched for them.
    let of_invoice = text(params, "invoice").map(|invoice| rows_of(state, invoice));
    let all = of_invoice.is_none().then(|| state.invoice_payments.newest_first());
    let rows = of_invoice
        .into_iter()
        .flat_map(|rows| rows.into_iter().rev())
        .chain(all.into_iter().flatten())
        .filter(|row| ["invoice", "status"].iter().all(|name| same(row, params, name)))
        .filter(|row| in_range(integer(row, "created"), params.get("created")))
        .filter(|row| pays(row));
    request.newest_first(&state.invoice_payments, rows, "/v1/invoice_payments", |row| Value::Object(row.clone()))
}

/// `GET /v1/invoice_payments/{invoice_payment}`
fn retrieve(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    state.invoice_payments.find(request.id(0)).cloned().map(Value::Object)
}

/// Makes the default payment of a finalised invoice and the intent behind it, and tells of that.
pub(crate) fn make(state: &mut State, invoice: &Object, amount: i64) -> Result<(), ApiError> {
    let intent = intent::make(state, invoice, amount);
    let id = row(state, invoice, &intent, amount, true);
    let invoice = text(invoice, "id").unwrap_or_default().to_owned();
    state.paid_by.insert(invoice.clone(), id);
    state.pays_for.insert(intent.clone(), invoice);
    intent::happened(state, &intent, catalogue::PAYMENT_INTENT_CREATED)
}

/// Keeps one payment of an invoice; answers its id.
fn row(state: &mut State, invoice: &Object, intent: &str, amount: i64, is_default: bool) -> String {
    let id = state.ids.next("inpay");
    let customer = text(invoice, "customer").unwrap_or_default();
    let mut payment = blank("invoice_payment");
    payment.extend(fields(json!({
        "id": id, "amount_paid": null, "amount_requested": amount, "created": state.now_of(customer),
        "currency": invoice["currency"], "invoice": invoice["id"], "is_default": is_default, "livemode": false,
        "payment": {"payment_intent": intent, "type": "payment_intent"}, "status": "open",
        "status_transitions": attach::transitions(None, None),
    })));
    state.invoice_payments.insert(&id, payment);
    id
}

/// Every payment of an invoice, oldest first; the default one is the oldest.
fn rows_of<'a>(state: &'a State, invoice: &str) -> Vec<&'a Object> {
    let others = state.paid_also_by.get(invoice).into_iter().flatten();
    let ids = state.paid_by.get(invoice).into_iter().chain(others);
    ids.filter_map(|id| state.invoice_payments.find(id).ok()).collect()
}

/// The payment of an invoice that an intent makes.
fn row_of(state: &State, invoice: &str, intent: &str) -> Option<String> {
    let pays =
        |row: &&Object| group(row, "payment").and_then(|payment| text(payment, "payment_intent")) == Some(intent);
    rows_of(state, invoice).into_iter().find(pays).and_then(|row| text(row, "id")).map(str::to_owned)
}

/// The invoice that an intent was made for; none for an intent that is only attached to one, or to none.
pub(crate) fn default_invoice(state: &State, intent: &str) -> Option<String> {
    let invoice = state.pays_for.get(intent)?;
    (intent_of(state, invoice).as_deref() == Some(intent)).then(|| invoice.clone())
}

/// The payments of an invoice, as they are part of it when asked for, newest first.
pub(crate) fn page_of(state: &State, invoice: &str) -> Value {
    let data: Vec<&Object> = rows_of(state, invoice).into_iter().rev().collect();
    json!({"object": "list", "data": data, "has_more": false, "url": format!("/v1/invoice_payments?invoice={invoice}")})
}

/// What a page needs to confirm the payment of an invoice.
pub(crate) fn secret_of(state: &State, invoice: &str) -> Option<Value> {
    let intent = state.payment_intents.find(&intent_of(state, invoice)?).ok()?;
    Some(json!({"client_secret": intent["client_secret"], "type": "payment_intent"}))
}

/// The intent that collects an invoice; none when the invoice never had anything to pay.
pub(crate) fn intent_of(state: &State, invoice: &str) -> Option<String> {
    let payment = state.invoice_payments.find(state.paid_by.get(invoice)?).ok()?;
    text(group(payment, "payment")?, "payment_intent").map(str::to_owned)
}

/// The status of the intent that collects an invoice.
pub(crate) fn intent_status<'a>(state: &'a State, invoice: &str) -> Option<&'a str> {
    text(state.payment_intents.find(&intent_of(state, invoice)?).ok()?, "status")
}

/// The payment is made: it says so, with the amount of its intent.
pub(crate) fn paid(state: &mut State, invoice: &str, now: i64) -> Result<(), ApiError> {
    let Some(id) = state.paid_by.get(invoice).cloned() else {
        return Ok(());
    };
    let amount = integer(state.invoice_payments.find(&id)?, "amount_requested").unwrap_or(0);
    mark_paid(state, &id, amount, now)
}

/// A payment brought that much for its invoice, and tells so.
fn mark_paid(state: &mut State, id: &str, amount: i64, now: i64) -> Result<(), ApiError> {
    let payment = state.invoice_payments.find_mut(id)?;
    set(payment, "amount_paid", amount);
    set(payment, "status", "paid");
    set(payment, "status_transitions", attach::transitions(None, Some(now)));
    let shown = Value::Object(payment.clone());
    state.emit(catalogue::INVOICE_PAYMENT_PAID, &shown);
    Ok(())
}

/// The invoice needs no payment any more: it and its intent are cancelled.
pub(crate) fn cancel(state: &mut State, invoice: &str, reason: &str, now: i64) -> Result<(), ApiError> {
    let Some(intent) = intent_of(state, invoice) else {
        return Ok(());
    };
    if let Some(id) = state.paid_by.get(invoice) {
        let payment = state.invoice_payments.find_mut(id)?;
        if text(payment, "status") == Some("open") {
            set(payment, "status", "canceled");
            set(payment, "status_transitions", attach::transitions(Some(now), None));
        }
    }
    intent::cancel(state, &intent, Some(reason))
}

/// The invoice asks for another amount, as after a credit note.
pub(crate) fn resize(state: &mut State, invoice: &str, amount: i64) -> Result<(), ApiError> {
    let Some(intent) = intent_of(state, invoice) else {
        return Ok(());
    };
    if let Some(id) = state.paid_by.get(invoice) {
        set(state.invoice_payments.find_mut(id)?, "amount_requested", amount);
    }
    set(state.payment_intents.find_mut(&intent)?, "amount", amount);
    Ok(())
}
