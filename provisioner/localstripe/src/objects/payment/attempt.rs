//! One attempt to collect an invoice: with a method that was asked for, or with the default one, at finalising and again
//! after it failed. A bank debit is answered later.

use serde_json::{Value, json};

use crate::agenda::{Due, Task};
use crate::events::catalogue;
use crate::objects::invoice::settled::{self, Paid};
use crate::objects::invoice::{notice, view};
use crate::state::State;
use crate::wire::error::{ApiError, ErrorType};
use crate::wire::object::{Object, flag, integer, set, text};

use super::charge::{self, Draft};
use super::test_method::{Debit, Decline, Outcome};
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
    refuse_processing(state, id)?;
    let before = view::answer(state, id)?;
    let intent_id =
        invoice_payment::intent_of(state, id).ok_or_else(|| ApiError::invalid("This invoice has nothing to pay."))?;
    let kind = state.payment_methods.find(method)?.get("type").cloned().unwrap_or(Value::Null);
    let intent = state.payment_intents.find_mut(&intent_id)?;
    set(intent, "payment_method", method);
    set(intent, "payment_method_types", json!([kind]));
    let intent = intent.clone();
    let draft = Draft { intent: &intent, method };
    match method::outcome(state, method) {
        Outcome::Succeeds => succeed(state, id, &draft, &before).map(|_| ()),
        Outcome::Disputed(reason) => {
            let charge = succeed(state, id, &draft, &before)?;
            dispute::open(state, &charge, reason)
        }
        Outcome::Declines(decline) => {
            let charge = charge::make(state, &draft, "failed", Some(decline))?;
            set(state.payment_intents.find_mut(&intent_id)?, "latest_charge", charge);
            fail(state, id, &before, decline, true)?;
            Err(decline.refusal())
        }
        Outcome::NeedsCustomer => {
            needs_customer(state, id, &intent_id, &before)?;
            let message = "This payment requires additional user action before it can be completed successfully. Payment \
                           can be completed using the PaymentIntent associated with the invoice.";
            Err(ApiError::invalid(message)
                .with_status(402)
                .with_kind(ErrorType::Card)
                .with_code("invoice_payment_intent_requires_action"))
        }
        Outcome::Debit(debit) => ask_bank(state, id, &draft, debit, &before),
    }
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
pub(crate) fn settle(state: &mut State, intent_id: &str) -> Result<(), ApiError> {
    let intent = state.payment_intents.find(intent_id)?;
    let charge = text(intent, "latest_charge").unwrap_or_default().to_owned();
    let method = text(intent, "payment_method").unwrap_or_default().to_owned();
    let id = state.pays_for.get(intent_id).cloned().unwrap_or_default();
    let Outcome::Debit(debit) = method::outcome(state, &method) else {
        return Ok(());
    };
    let before = view::answer(state, &id)?;
    if let Some(decline) = debit.failure {
        charge::finish(state, &charge, "failed", Some(decline))?;
        return fail(state, &id, &before, decline, false);
    }
    charge::finish(state, &charge, "succeeded", None)?;
    arrived(state, &id, intent_id, &before)?;
    if debit.disputed { dispute::open(state, &charge, "general") } else { Ok(()) }
}

fn succeed(state: &mut State, id: &str, draft: &Draft<'_>, before: &Value) -> Result<String, ApiError> {
    let intent = text(draft.intent, "id").unwrap_or_default();
    let charge = charge::make(state, draft, "succeeded", None)?;
    set(state.payment_intents.find_mut(intent)?, "latest_charge", charge.as_str());
    arrived(state, id, intent, before)?;
    Ok(charge)
}

fn arrived(state: &mut State, id: &str, intent: &str, before: &Value) -> Result<(), ApiError> {
    intent::succeeded(state, intent)?;
    let now = settled::now_of(state, id);
    invoice_payment::paid(state, id, now)?;
    settled::pay(state, id, before, Paid::ByPayment)
}

/// The attempt failed. Stripe tries a card again, and a debit never, for each costs the customer a fee.
fn fail(state: &mut State, id: &str, before: &Value, decline: Decline, retried: bool) -> Result<(), ApiError> {
    if let Some(intent) = invoice_payment::intent_of(state, id) {
        intent::failed(state, &intent, decline)?;
    }
    let invoice = state.invoices.find_mut(id)?;
    if retried {
        settled::attempted(invoice);
        plan_retry(state, id)?;
    }
    notice::updated(state, id, before)?;
    notice::happened(state, id, catalogue::INVOICE_PAYMENT_FAILED)
}

fn needs_customer(state: &mut State, id: &str, intent: &str, before: &Value) -> Result<(), ApiError> {
    let found = state.payment_intents.find_mut(intent)?;
    set(found, "status", "requires_action");
    set(found, "next_action", json!({"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}));
    intent::happened(state, intent, catalogue::PAYMENT_INTENT_REQUIRES_ACTION)?;
    settled::attempted(state.invoices.find_mut(id)?);
    plan_retry(state, id)?;
    notice::updated(state, id, before)?;
    notice::happened(state, id, catalogue::INVOICE_PAYMENT_ACTION_REQUIRED)?;
    notice::happened(state, id, catalogue::INVOICE_PAYMENT_FAILED)
}

fn ask_bank(state: &mut State, id: &str, draft: &Draft<'_>, debit: Debit, before: &Value) -> Result<(), ApiError> {
    let intent_id = text(draft.intent, "id").unwrap_or_default();
    let charge = charge::make(state, draft, "pending", None)?;
    let intent = state.payment_intents.find_mut(intent_id)?;
    set(intent, "latest_charge", charge);
    set(intent, "status", "processing");
    set(intent, "last_payment_error", Value::Null);
    intent::happened(state, intent_id, catalogue::PAYMENT_INTENT_PROCESSING)?;
    let now = settled::now_of(state, id);
    let invoice = state.invoices.find_mut(id)?;
    settled::attempted(invoice);
    set(invoice, "next_payment_attempt", Value::Null);
    let customer = text(invoice, "customer").unwrap_or_default().to_owned();
    state.agenda.cancel(id, Task::Collect);
    if let Some(after) = debit.after {
        let at = now.saturating_add(after);
        state.agenda.set(Due { at, task: Task::Settle, subject: intent_id.to_owned(), customer });
    }
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
