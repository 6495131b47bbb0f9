//! Drafts that finalise themselves: an hour after they were made, by the clock of their customer.

use serde_json::{Value, json};

use crate::events::catalogue;
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::object::{flag, set, text};

use super::{notice, transition};

/// Finalises the drafts whose time has come, oldest first.
pub(crate) fn tick(state: &mut State) {
    let mut due: Vec<(i64, String)> =
        state.scheduled.iter().filter(|(id, at)| **at <= now_of(state, id)).map(|(id, at)| (*at, id.clone())).collect();
    due.sort();
    for (_, id) in due {
        state.scheduled.remove(&id);
        if let Err(error) = finalize(state, &id) {
            // A draft that is gone has nothing left to tell.
            let _ = failed(state, &id, &error);
        }
    }
}

/// When the next draft finalises itself by this account's own clock, in unix seconds.
pub(crate) fn next(state: &State) -> Option<i64> {
    next_of(state, None)
}

/// When the next draft finalises itself by that test clock, in unix seconds.
pub(crate) fn next_by(state: &State, clock: &str) -> Option<i64> {
    next_of(state, Some(clock))
}

fn next_of(state: &State, clock: Option<&str>) -> Option<i64> {
    let of_clock = state.scheduled.iter().filter(|(id, _)| clock_of(state, id) == clock);
    of_clock.map(|(_, at)| *at).min()
}

/// The test clock of the invoice's customer.
fn clock_of<'a>(state: &'a State, id: &str) -> Option<&'a str> {
    state.invoices.find(id).ok().and_then(|invoice| text(invoice, "customer")).and_then(|id| state.test_clock_of(id))
}

fn now_of(state: &State, id: &str) -> i64 {
    let customer = state.invoices.find(id).ok().and_then(|invoice| text(invoice, "customer"));
    customer.map_or_else(|| state.now(), |customer| state.now_of(customer))
}

/// Finalises a draft; one that is sent goes out by itself.
fn finalize(state: &mut State, id: &str) -> Result<(), ApiError> {
    transition::open(state, id)?;
    let invoice = state.invoices.find(id)?;
    let sent =
        text(invoice, "collection_method") == Some("send_invoice") && flag(invoice, "auto_advance") == Some(true);
    if sent && text(invoice, "status") == Some("open") {
        notice::happened(state, id, catalogue::INVOICE_SENT)?;
    }
    Ok(())
}

fn failed(state: &mut State, id: &str, error: &ApiError) -> Result<(), ApiError> {
    let invoice = state.invoices.find_mut(id)?;
    let cause = json!({"message": error.message, "param": error.param, "type": "invalid_request_error"});
    set(invoice, "last_finalization_error", cause);
    set(invoice, "automatically_finalizes_at", Value::Null);
    notice::happened(state, id, catalogue::INVOICE_FINALIZATION_FAILED)
}
