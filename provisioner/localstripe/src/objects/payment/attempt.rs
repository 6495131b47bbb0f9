//! One attempt to collect an invoice: with a method that was asked for, or with the default one, at finalising and again
//! after it failed. A bank debit is answered later.

use serde_json::{Value, json};

use crate::agenda::{Due, Task};
use crate::events::catalogue;
use crate::objects::checkout_session::complete;
use crate::objects::invoice::settled::{self, Paid};
use crate::objects::invoice::{notice, view};
use crate::state::State;
use crate::wire::error::{ApiError, ErrorType};
use crate::wire::object::{Object, flag, integer, set, text};

use super::intent::confirm::{self, Attempt, Came};
use super::test_method::Complaint;
use super::{dispute, intent, invoice_payment, method};

const DAY: i64 = 24 * 60 * 60;

/// Days from one failed attempt to the next; after the last one Stripe gives up.
const RETRY_DAYS: [i64; 3] = [3, 5, 7];

/// Collects with the default method; a failure stays with the invoice.
pub(crate) fn again(state: &mut State, id: &str) -> Result<(), ApiError> {
    let invoice = state.invoices.find(id)?;
    if text(invoice, "status") != Some("open") {
        return Ok(());
    }
    match method::default_of(state, invoice) {
        Some(method) => match with(state, id, &method) {
            Err(error) if error.kind != ErrorType::Card => Err(error),
            _ => Ok(()),
        },
        None => {
            let before = view::answer(state, id)?;
            settled::attempted(state.invoices.find_mut(id)?);
            plan_retry(state, id)?;
            notice::updated(state, id, &before)?;
            notice::happened(state, id, catalogue::INVOICE_PAYMENT_FAILED)
        }
    }
}

/// Collects with that method; the error is what the request that asked for it is answered.
pub(crate) fn with(state: &mut State, id: &str, method: &str) -> Result<(), ApiError> {
    let intent = invoice_payment::intent_of(state, id);
    let intent = intent.ok_or_else(|| ApiError::invalid("This invoice has nothing to pay."))?;
    refuse_processing(state, id)?;
    of_intent(state, &intent, &Attempt { method, on_session: false, confirmed: false, return_url: None })
}

/// Moves the money of an intent, and does what follows for the invoice that it collects or is attached to.
pub(crate) fn of_intent(state: &mut State, intent: &str, attempt: &Attempt<'_>) -> Result<(), ApiError> {
    let invoice = invoice_payment::default_invoice(state, intent);
    let before = invoice.as_ref().map(|id| view::answer(state, id)).transpose()?;
    if invoice.is_some() {
        let kind = state.payment_methods.find(attempt.method)?.get("type").cloned().unwrap_or(Value::Null);
        set(state.payment_intents.find_mut(intent)?, "payment_method_types", json!([kind]));
    }
    let came = confirm::attempt(state, intent, attempt)?;
    match invoice.zip(before) {
        Some((id, before)) => took(state, &id, intent, came, &before),
        None => stood_alone(state, intent, came),
    }
}

/// The bank has seen the customer of an intent, or has not.
pub(crate) fn authenticated(state: &mut State, intent: &str, passed: bool) -> Result<(), ApiError> {
    let found = state.payment_intents.find(intent)?;
    if text(found, "status") != Some("requires_action") {
        let message = "This PaymentIntent does not wait for its customer.";
        return Err(ApiError::invalid(message).with_code("payment_intent_unexpected_state"));
    }
    let method = text(found, "payment_method").unwrap_or_default().to_owned();
    if passed {
        set(state.payment_intents.find_mut(intent)?, "next_action", Value::Null);
        let attempt = Attempt { method: &method, on_session: true, confirmed: true, return_url: None };
        return of_intent(state, intent, &attempt);
    }
    let invoice = invoice_payment::default_invoice(state, intent);
    let before = invoice.as_ref().map(|id| view::answer(state, id)).transpose()?;
    let came = confirm::not_confirmed(state, intent)?;
    match invoice.zip(before) {
        Some((id, before)) => took(state, &id, intent, came, &before),
        None => stood_alone(state, intent, came),
    }
}

/// What an attempt leaves on the invoice that its intent collects.
fn took(state: &mut State, id: &str, intent: &str, came: Came, before: &Value) -> Result<(), ApiError> {
    match came {
        Came::Paid { charge, complaint } => {
            arrived(state, id, intent, before)?;
            complain(state, &charge, complaint)
        }
        Came::Declined(decline) => {
            fail(state, id, before, true)?;
            Err(decline.refusal())
        }
        Came::NeedsCustomer => {
            needs_customer(state, id, before)?;
            let message = "This payment requires additional user action before it can be completed successfully. Payment \
                           can be completed using the PaymentIntent associated with the invoice.";
            Err(ApiError::invalid(message)
                .with_status(402)
                .with_kind(ErrorType::Card)
                .with_code("invoice_payment_intent_requires_action"))
        }
        Came::Processing | Came::Held => asked(state, id, before),
    }
}

/// What an attempt leaves where its intent is no invoice's own; an invoice that it is attached to is credited.
fn stood_alone(state: &mut State, intent: &str, came: Came) -> Result<(), ApiError> {
    match came {
        Came::Paid { charge, complaint } => {
            invoice_payment::credit(state, intent)?;
            complain(state, &charge, complaint)
        }
        Came::Declined(decline) => Err(decline.refusal().with_object("payment_intent", intent::answer(state, intent)?)),
        Came::NeedsCustomer | Came::Processing | Came::Held => Ok(()),
    }
}

/// What an intent brought that was captured later is credited to the invoice that it is attached to.
pub(crate) fn credited(state: &mut State, intent: &str) -> Result<(), ApiError> {
    invoice_payment::credit(state, intent)
}

fn complain(state: &mut State, charge: &str, complaint: Option<Complaint>) -> Result<(), ApiError> {
    complaint.map_or(Ok(()), |complaint| dispute::open(state, charge, complaint).map(|_| ()))
}

/// Refuses while a bank is asked about a payment of the invoice.
pub(crate) fn refuse_processing(state: &State, id: &str) -> Result<(), ApiError> {
    if invoice_payment::intent_status(state, id) == Some("processing") {
        let message = "This invoice has a payment that is processing: wait until it has succeeded or failed.";
        return Err(ApiError::invalid(message).with_code("payment_intent_unexpected_state"));
    }
    Ok(())
}

/// The bank answers about a debit.
pub(crate) fn settle(state: &mut State, intent: &str) -> Result<(), ApiError> {
    let invoice = invoice_payment::default_invoice(state, intent);
    let before = invoice.as_ref().map(|id| view::answer(state, id)).transpose()?;
    let Some(came) = confirm::settle(state, intent)? else {
        return Ok(());
    };
    complete::settled(state, intent, matches!(came, Came::Paid { .. }))?;
    match (came, invoice.zip(before)) {
        (Came::Paid { charge, complaint }, invoice) => {
            match invoice {
                Some((id, before)) => arrived(state, &id, intent, &before)?,
                None => invoice_payment::credit(state, intent)?,
            }
            complain(state, &charge, complaint)
        }
        (Came::Declined(_), Some((id, before))) => fail(state, &id, &before, false),
        _ => Ok(()),
    }
}

/// The money of an invoice's own intent arrived. Others may have paid it in the meantime: then it is too much.
fn arrived(state: &mut State, id: &str, intent: &str, before: &Value) -> Result<(), ApiError> {
    if before["amount_remaining"] != state.payment_intents.find(intent)?["amount"] {
        return invoice_payment::credit(state, intent);
    }
    let now = settled::now_of(state, id);
    invoice_payment::paid(state, id, now)?;
    settled::pay(state, id, before, Paid::ByPayment)
}

/// The attempt failed. Stripe tries a card again, and a debit never, for each costs the customer a fee.
fn fail(state: &mut State, id: &str, before: &Value, retried: bool) -> Result<(), ApiError> {
    if retried {
        settled::attempted(state.invoices.find_mut(id)?);
        plan_retry(state, id)?;
    }
    notice::updated(state, id, before)?;
    notice::happened(state, id, catalogue::INVOICE_PAYMENT_FAILED)
}

fn needs_customer(state: &mut State, id: &str, before: &Value) -> Result<(), ApiError> {
    settled::attempted(state.invoices.find_mut(id)?);
    plan_retry(state, id)?;
    notice::updated(state, id, before)?;
    notice::happened(state, id, catalogue::INVOICE_PAYMENT_ACTION_REQUIRED)?;
    notice::happened(state, id, catalogue::INVOICE_PAYMENT_FAILED)
}

/// The bank is asked: no other attempt is made meanwhile.
fn asked(state: &mut State, id: &str, before: &Value) -> Result<(), ApiError> {
    let invoice = state.invoices.find_mut(id)?;
    settled::attempted(invoice);
    set(invoice, "next_payment_attempt", Value::Null);
    state.agenda.cancel(id, Task::Collect);
    notice::updated(state, id, before).map(|_| ())
}

/// An invoice that Stripe collects is tried again some days later, three times.
fn plan_retry(state: &mut State, id: &str) -> Result<(), ApiError> {
    let now = settled::now_of(state, id);
    let invoice = state.invoices.find_mut(id)?;
    let at = next_attempt(invoice, now);
    set(invoice, "next_payment_attempt", at);
    let customer = text(invoice, "customer").unwrap_or_default().to_owned();
    match at {
        Some(at) => state.agenda.set(Due { at, task: Task::Collect, subject: id.to_owned(), customer }),
        None => state.agenda.cancel(id, Task::Collect),
    }
    Ok(())
}

fn next_attempt(invoice: &Object, now: i64) -> Option<i64> {
    let collected = text(invoice, "collection_method") == Some("charge_automatically")
        && flag(invoice, "auto_advance") == Some(true)
        && text(invoice, "status") == Some("open");
    let made = usize::try_from(integer(invoice, "attempt_count")?).ok()?;
    let days = RETRY_DAYS.get(made.checked_sub(1)?)?;
    collected.then(|| now.saturating_add(days.saturating_mul(DAY)))
}
