//! Invoice payments: which payment intent pays which invoice. They are the only way from one to the other.

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
    // An invoice has one payment at most: a list of all is not searched for it.
    let of_invoice = text(params, "invoice").map(|invoice| state.paid_by.get(invoice));
    let one = of_invoice.flatten().and_then(|id| state.invoice_payments.find(id).ok());
    let all = of_invoice.is_none().then(|| state.invoice_payments.newest_first());
    let rows = one
        .into_iter()
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
    let id = state.ids.next("inpay");
    let customer = text(invoice, "customer").unwrap_or_default();
    let mut payment = blank("invoice_payment");
    payment.extend(fields(json!({
        "id": id, "amount_paid": null, "amount_requested": amount, "created": state.now_of(customer),
        "currency": invoice["currency"], "invoice": invoice["id"], "is_default": true, "livemode": false,
        "payment": {"payment_intent": intent, "type": "payment_intent"}, "status": "open",
        "status_transitions": {"canceled_at": null, "paid_at": null},
    })));
    state.invoice_payments.insert(&id, payment);
    let invoice = text(invoice, "id").unwrap_or_default().to_owned();
    state.paid_by.insert(invoice.clone(), id);
    state.pays_for.insert(intent.clone(), invoice);
    intent::happened(state, &intent, catalogue::PAYMENT_INTENT_CREATED)
}

/// The payments of an invoice, as they are part of it when asked for.
pub(crate) fn page_of(state: &State, invoice: &str) -> Value {
    let payment = state.paid_by.get(invoice).and_then(|id| state.invoice_payments.find(id).ok());
    let data: Vec<&Object> = payment.into_iter().collect();
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
    let Some(id) = state.paid_by.get(invoice) else {
        return Ok(());
    };
    let payment = state.invoice_payments.find_mut(id)?;
    let amount = payment["amount_requested"].clone();
    set(payment, "amount_paid", amount);
    set(payment, "status", "paid");
    set(payment, "status_transitions", json!({"canceled_at": null, "paid_at": now}));
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
            set(payment, "status_transitions", json!({"canceled_at": now, "paid_at": null}));
        }
    }
    intent::cancel(state, &intent, reason)
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
