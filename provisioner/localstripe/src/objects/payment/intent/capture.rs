//! Payments in two steps: the bank holds the money, and it is taken later, as a whole.

use serde_json::Value;

use crate::objects::payment::{attempt, charge};
use crate::request::Request;
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::object::{integer, set, text};

use super::{answer, succeeded};

/// `POST /v1/payment_intents/{intent}/capture`
pub(super) fn capture(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    let intent = state.payment_intents.find(id)?;
    let status = text(intent, "status").unwrap_or_default();
    if status != "requires_capture" {
        let message = format!(
            "This PaymentIntent could not be captured because it has a status of {status}. Only a PaymentIntent with one of \
             the following statuses may be captured: requires_capture."
        );
        return Err(ApiError::invalid(message)
            .with_code("payment_intent_unexpected_state")
            .with_object("payment_intent", answer(state, id)?));
    }
    if integer(&request.params, "amount_to_capture").is_some_and(|part| Some(part) != integer(intent, "amount")) {
        return Err(ApiError::not_modelled("captures of a part").with_param("amount_to_capture"));
    }
    let charge = text(intent, "latest_charge").unwrap_or_default().to_owned();
    charge::capture(state, &charge)?;
    set(state.payment_intents.find_mut(id)?, "amount_capturable", 0);
    succeeded(state, id)?;
    attempt::credited(state, id)?;
    answer(state, id)
}
