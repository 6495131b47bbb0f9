//! Payments beside an invoice's own: an intent is attached, and what it brings is credited to the invoice, be it a part of
//! what is due or more than that.

use serde_json::{Value, json};

use crate::events::catalogue;
use crate::objects::balance::{self, Change};
use crate::objects::invoice::settled::{self, Paid};
use crate::objects::invoice::{notice, view};
use crate::request::Request;
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::object::{integer, required, set, text};

/// `POST /v1/invoices/{invoice}/attach_payment`
pub(crate) fn attach(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let invoice = request.id(0);
    let intent = required(&request.params, "payment_intent")?;
    add(state, invoice, intent)?;
    view::answer(state, invoice)
}

/// Attaches an intent to an open invoice; what it brought already is credited at once.
pub(crate) fn add(state: &mut State, invoice: &str, intent: &str) -> Result<(), ApiError> {
    check(state, invoice, intent)?;
    let found = state.payment_intents.find(intent)?;
    let amount = integer(found, "amount").unwrap_or(0);
    let succeeded = text(found, "status") == Some("succeeded");
    let owner = state.invoices.find(invoice)?.clone();
    let id = super::row(state, &owner, intent, amount, false);
    state.paid_also_by.entry(invoice.to_owned()).or_default().push(id);
    state.pays_for.insert(intent.to_owned(), invoice.to_owned());
    state.touch(text(&owner, "customer").unwrap_or_default());
    if succeeded { credit(state, intent) } else { Ok(()) }
}

fn check(state: &State, invoice: &str, intent: &str) -> Result<(), ApiError> {
    let owner = state.invoices.find(invoice)?;
    if text(owner, "status") != Some("open") {
        return Err(ApiError::invalid("Payments can only be attached to an open invoice."));
    }
    let refusal = |message: &str| Err(ApiError::invalid(message).with_param("payment_intent"));
    let found = state.payment_intents.find(intent).map_err(|error| error.in_param("payment_intent"))?;
    if state.pays_for.contains_key(intent) {
        return refusal("This PaymentIntent is already attached to an invoice.");
    }
    if text(found, "status") == Some("canceled") {
        return refusal("This PaymentIntent is canceled and can't be attached to an invoice.");
    }
    if found.get("currency") != owner.get("currency") {
        return refusal("The PaymentIntent's currency must be the currency of the invoice.");
    }
    if text(found, "customer").is_some() && found.get("customer") != owner.get("customer") {
        return refusal("The PaymentIntent's customer must be the customer of the invoice.");
    }
    Ok(())
}

/// Credits what an intent brought to the invoice that it is attached to; one that pays no invoice changes none.
///
/// What is more than was due goes to the customer's balance.
pub(crate) fn credit(state: &mut State, intent: &str) -> Result<(), ApiError> {
    let Some(id) = state.pays_for.get(intent).cloned() else {
        return Ok(());
    };
    let before = view::answer(state, &id)?;
    let received = integer(state.payment_intents.find(intent)?, "amount_received").unwrap_or(0);
    let open = text(state.invoices.find(&id)?, "status") == Some("open");
    let due = if open { before["amount_remaining"].as_i64().unwrap_or(0) } else { 0 };
    let (applied, over) = (received.min(due), received - received.min(due));
    let now = settled::now_of(state, &id);
    if let Some(row) = super::row_of(state, &id, intent) {
        super::mark_paid(state, &row, applied, now)?;
    }
    let invoice = state.invoices.find_mut(&id)?;
    for (name, change) in [("amount_paid", applied), ("amount_remaining", -applied), ("amount_overpaid", over)] {
        let sum = integer(invoice, name).unwrap_or(0).saturating_add(change);
        set(invoice, name, sum);
    }
    if over > 0 {
        give_back(state, &id, over)?;
    }
    if open && applied == due {
        super::cancel(state, &id, "automatic", now)?;
        settled::pay(state, &id, &before, Paid::ByOthers)?;
        return if over > 0 { notice::happened(state, &id, catalogue::INVOICE_OVERPAID) } else { Ok(()) };
    }
    if open {
        super::resize(state, &id, due - applied)?;
    }
    notice::updated(state, &id, &before).map(|_| ())
}

fn give_back(state: &mut State, id: &str, over: i64) -> Result<(), ApiError> {
    let invoice = state.invoices.find(id)?.clone();
    let change = Change {
        customer: text(&invoice, "customer").unwrap_or_default(),
        amount: -over,
        currency: text(&invoice, "currency").unwrap_or_default(),
        kind: "invoice_overpaid",
        invoice: Some(id),
        credit_note: None,
    };
    balance::changed(state, &change).map(|_| ())
}

/// The statuses of a payment as it is now, and when it came to be so.
pub(super) fn transitions(canceled_at: Option<i64>, paid_at: Option<i64>) -> Value {
    json!({"canceled_at": canceled_at, "paid_at": paid_at})
}
