//! The confirmation of a setup intent: the bank takes the method, refuses it, or wants to see its customer first.

use serde_json::{Value, json};

use crate::events::catalogue;
use crate::objects::payment::test_method::{Decline, SETUP_NOT_CONFIRMED, Setup};
use crate::objects::payment::{mandate, method, page};
use crate::request::Request;
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::object::{Object, group, set, text};

use super::{answer, happened, named_method, refuse_checkouts, refuse_over, texts};

/// `POST /v1/setup_intents/{intent}/confirm`
pub(super) fn confirm(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let (id, params) = (request.id(0), &request.params);
    refuse_over(state, id, "confirm")?;
    refuse_checkouts(state, id, "confirm")?;
    let intent = state.setup_intents.find(id)?;
    let customer = text(intent, "customer").map(str::to_owned);
    let types = texts(intent, "payment_method_types");
    if let Some(method) = named_method(state, params, customer.as_deref(), &types)? {
        set(state.setup_intents.find_mut(id)?, "payment_method", method);
    }
    asked(state, id, params)?;
    answer(state, id)
}

/// Confirms as the request asks: with its `return_url` and its `mandate_data`.
pub(super) fn asked(state: &mut State, id: &str, params: &Object) -> Result<(), ApiError> {
    let acceptance = group(params, "mandate_data").and_then(|data| group(data, "customer_acceptance")).cloned();
    carry_out(state, id, text(params, "return_url"), acceptance.as_ref())
}

/// Confirms an intent that has a method; `acceptance` is `customer_acceptance` as the API takes it.
pub(crate) fn carry_out(
    state: &mut State,
    id: &str,
    return_url: Option<&str>,
    acceptance: Option<&Object>,
) -> Result<(), ApiError> {
    let intent = state.setup_intents.find(id)?;
    let Some(named) = text(intent, "payment_method").map(str::to_owned) else {
        let message = "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent \
                       with a payment method and then confirm it again.";
        return Err(ApiError::invalid(message).with_code("setup_intent_unexpected_state"));
    };
    match method::setup(state, &named) {
        Setup::Declines(decline) => {
            fail(state, id, decline)?;
            Err(decline.refusal().with_object("setup_intent", answer(state, id)?))
        }
        Setup::NeedsCustomer => {
            let action = page::next_action(state, id, return_url);
            let intent = state.setup_intents.find_mut(id)?;
            set(intent, "next_action", action);
            set(intent, "last_setup_error", Value::Null);
            set(intent, "status", "requires_action");
            happened(state, id, catalogue::SETUP_INTENT_REQUIRES_ACTION)
        }
        Setup::Succeeds => {
            if method::is_debit(state, &named) {
                let accepted = acceptance.ok_or_else(|| {
                    let message =
                        "To set up a bank debit, its mandate must be accepted: pass `mandate_data` when you confirm.";
                    ApiError::invalid(message).with_code("setup_intent_mandate_invalid").with_param("mandate_data")
                })?;
                let mandate = mandate::make(state, &named, accepted)?;
                set(state.setup_intents.find_mut(id)?, "mandate", mandate);
            }
            succeed(state, id, &named)
        }
    }
}

/// The customer came, and the bank knows it or does not.
pub(crate) fn authenticated(state: &mut State, id: &str, passed: bool) -> Result<(), ApiError> {
    let intent = state.setup_intents.find(id)?;
    if text(intent, "status") != Some("requires_action") {
        let message = "This SetupIntent does not wait for its customer.";
        return Err(ApiError::invalid(message).with_code("setup_intent_unexpected_state"));
    }
    let named = text(intent, "payment_method").unwrap_or_default().to_owned();
    if passed { succeed(state, id, &named) } else { fail(state, id, SETUP_NOT_CONFIRMED) }
}

fn succeed(state: &mut State, id: &str, named: &str) -> Result<(), ApiError> {
    if let Some(customer) = text(state.setup_intents.find(id)?, "customer").map(str::to_owned) {
        method::give_to(state, named, &customer)?;
    }
    state.set_up.insert(named.to_owned());
    let intent = state.setup_intents.find_mut(id)?;
    set(intent, "status", "succeeded");
    for name in ["last_setup_error", "next_action"] {
        set(intent, name, Value::Null);
    }
    happened(state, id, catalogue::SETUP_INTENT_SUCCEEDED)
}

fn fail(state: &mut State, id: &str, decline: Decline) -> Result<(), ApiError> {
    let intent = state.setup_intents.find(id)?;
    let method = text(intent, "payment_method").and_then(|id| state.payment_methods.find(id).ok()).cloned();
    let error = json!({
        "code": decline.code, "decline_code": decline.decline_code.unwrap_or(decline.code), "message": decline.message,
        "payment_method": method, "type": if decline == SETUP_NOT_CONFIRMED { "invalid_request_error" } else { "card_error" },
    });
    let intent = state.setup_intents.find_mut(id)?;
    set(intent, "last_setup_error", error);
    set(intent, "status", "requires_payment_method");
    for name in ["payment_method", "next_action"] {
        set(intent, name, Value::Null);
    }
    happened(state, id, catalogue::SETUP_INTENT_SETUP_FAILED)
}
