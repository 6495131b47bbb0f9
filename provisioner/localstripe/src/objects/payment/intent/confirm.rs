//! One attempt to move the money of a payment intent: what the bank makes of the intent and of its charge. What follows
//! for an invoice, the caller does.

use serde_json::{Value, json};

use crate::agenda::{Due, Task};
use crate::events::catalogue;
use crate::objects::payment::charge::{self, Draft};
use crate::objects::payment::test_method::{Complaint, Debit, Decline, Outcome, PAYMENT_NOT_CONFIRMED};
use crate::objects::payment::{mandate, method, page};
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::object::{group, set, text};

use super::{failed, happened, succeeded};

/// How an intent is to be paid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) method: &'a str,
    /// The customer is there.
    pub(crate) on_session: bool,
    /// The bank has seen its customer.
    pub(crate) confirmed: bool,
    /// Where the bank's page sends the customer.
    pub(crate) return_url: Option<&'a str>,
}

/// What came of an attempt.
#[derive(Clone, Debug)]
pub(crate) enum Came {
    Paid {
        charge: String,
        complaint: Option<Complaint>,
    },
    Declined(Decline),
    NeedsCustomer,
    /// The bank is asked.
    Processing,
    /// The bank holds the money until it is captured.
    Held,
}

/// Tries to move the money, and tells what came of charge and intent.
pub(crate) fn attempt(state: &mut State, id: &str, attempt: &Attempt<'_>) -> Result<Came, ApiError> {
    let intent = state.payment_intents.find_mut(id)?;
    set(intent, "payment_method", attempt.method);
    let intent = intent.clone();
    let draft = Draft { intent: &intent, method: attempt.method };
    let outcome = if attempt.confirmed {
        method::outcome_confirmed(state, attempt.method)
    } else {
        method::outcome(state, attempt.method, attempt.on_session)
    };
    match outcome {
        Outcome::Succeeds => pay(state, id, &draft, None),
        Outcome::Disputed(complaint) => pay(state, id, &draft, Some(complaint)),
        Outcome::Declines(decline) => {
            let charge = charge::make(state, &draft, "failed", Some(decline))?;
            set(state.payment_intents.find_mut(id)?, "latest_charge", charge);
            failed(state, id, decline)?;
            Ok(Came::Declined(decline))
        }
        Outcome::NeedsCustomer { .. } => {
            let action = page::next_action(state, id, attempt.return_url);
            let intent = state.payment_intents.find_mut(id)?;
            set(intent, "status", "requires_action");
            set(intent, "next_action", action);
            happened(state, id, catalogue::PAYMENT_INTENT_REQUIRES_ACTION)?;
            Ok(Came::NeedsCustomer)
        }
        Outcome::Debit(debit) => ask_bank(state, id, &draft, debit),
    }
}

/// The bank did not see its customer.
pub(crate) fn not_confirmed(state: &mut State, id: &str) -> Result<Came, ApiError> {
    set(state.payment_intents.find_mut(id)?, "next_action", Value::Null);
    failed(state, id, PAYMENT_NOT_CONFIRMED)?;
    Ok(Came::Declined(PAYMENT_NOT_CONFIRMED))
}

/// The bank answers about a debit; none when there is none under way.
pub(crate) fn settle(state: &mut State, id: &str) -> Result<Option<Came>, ApiError> {
    let intent = state.payment_intents.find(id)?;
    let charge = text(intent, "latest_charge").unwrap_or_default().to_owned();
    let named = text(intent, "payment_method").unwrap_or_default().to_owned();
    let Outcome::Debit(debit) = method::outcome(state, &named, false) else {
        return Ok(None);
    };
    if let Some(decline) = debit.failure {
        charge::finish(state, &charge, "failed", Some(decline))?;
        failed(state, id, decline)?;
        if ends_mandate(decline) {
            mandate::end_of(state, &named)?;
        }
        return Ok(Some(Came::Declined(decline)));
    }
    charge::finish(state, &charge, "succeeded", None)?;
    succeeded(state, id)?;
    let complaint = debit.disputed.then_some(Complaint { reason: "general", inquiry: false });
    Ok(Some(Came::Paid { charge, complaint }))
}

/// Without an account, or against its owner's will, there is nothing to debit any more.
fn ends_mandate(decline: Decline) -> bool {
    ["account_closed", "no_account", "debit_not_authorized"].contains(&decline.code)
}

fn pay(state: &mut State, id: &str, draft: &Draft<'_>, complaint: Option<Complaint>) -> Result<Came, ApiError> {
    if text(draft.intent, "capture_method") == Some("manual") {
        return hold(state, id, draft);
    }
    let charge = charge::make(state, draft, "succeeded", None)?;
    set(state.payment_intents.find_mut(id)?, "latest_charge", charge.as_str());
    succeeded(state, id)?;
    keep_method(state, id, draft.method)?;
    Ok(Came::Paid { charge, complaint })
}

fn hold(state: &mut State, id: &str, draft: &Draft<'_>) -> Result<Came, ApiError> {
    let charge = charge::make(state, draft, "held", None)?;
    let intent = state.payment_intents.find_mut(id)?;
    let amount = intent["amount"].clone();
    set(intent, "amount_capturable", amount);
    set(intent, "latest_charge", charge);
    set(intent, "status", "requires_capture");
    for name in ["last_payment_error", "next_action"] {
        set(intent, name, Value::Null);
    }
    happened(state, id, catalogue::PAYMENT_INTENT_AMOUNT_CAPTURABLE_UPDATED)?;
    keep_method(state, id, draft.method)?;
    Ok(Came::Held)
}

/// The customer keeps a method for later payments where the intent says so.
fn keep_method(state: &mut State, id: &str, named: &str) -> Result<(), ApiError> {
    let intent = state.payment_intents.find(id)?;
    let customer = text(intent, "customer").map(str::to_owned);
    match (customer, text(intent, "setup_future_usage").is_some()) {
        (Some(customer), true) => {
            state.set_up.insert(named.to_owned());
            method::give_to(state, named, &customer)
        }
        _ => {
            if text(state.payment_methods.find(named)?, "customer").is_none() {
                state.spent.insert(named.to_owned());
            }
            Ok(())
        }
    }
}

fn ask_bank(state: &mut State, id: &str, draft: &Draft<'_>, debit: Debit) -> Result<Came, ApiError> {
    let charge = charge::make(state, draft, "pending", None)?;
    let intent = state.payment_intents.find_mut(id)?;
    set(intent, "latest_charge", charge);
    set(intent, "status", "processing");
    set(intent, "last_payment_error", Value::Null);
    happened(state, id, catalogue::PAYMENT_INTENT_PROCESSING)?;
    keep_method(state, id, draft.method)?;
    let customer = text(draft.intent, "customer").unwrap_or_default().to_owned();
    if let Some(after) = debit.after {
        let at = state.now_of(&customer).saturating_add(after);
        state.agenda.set(Due { at, task: Task::Settle, subject: id.to_owned(), customer });
    }
    Ok(Came::Processing)
}

/// Refuses a debit without its mandate; keeps the one that the request brings.
pub(super) fn accept_mandate(
    state: &mut State,
    named: &str,
    data: &crate::wire::object::Object,
) -> Result<(), ApiError> {
    if !method::is_debit(state, named) {
        return Ok(());
    }
    let accepted = group(data, "mandate_data").and_then(|data| group(data, "customer_acceptance"));
    match accepted {
        Some(accepted) => mandate::make(state, named, accepted).map(|_| ()),
        None if state.mandate_of.contains_key(named) => Ok(()),
        None => {
            let message = "A bank debit needs a mandate: pass `mandate_data` when you confirm.";
            Err(ApiError::invalid(message).with_code("payment_intent_mandate_invalid").with_param("mandate_data"))
        }
    }
}

/// What an error shows of a failed attempt, as `last_payment_error` has it.
pub(super) fn shown(decline: Decline, charge: &Value, method: Value) -> Value {
    let kind = if decline == PAYMENT_NOT_CONFIRMED { "invalid_request_error" } else { "card_error" };
    let mut error = json!({
        "code": decline.code, "decline_code": decline.decline_code.unwrap_or(decline.code), "message": decline.message,
        "payment_method": method, "type": kind,
    });
    if charge.is_string() {
        error["charge"] = charge.clone();
    }
    error
}
