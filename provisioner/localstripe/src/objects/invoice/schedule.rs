//! What the clock does to invoices: drafts finalise themselves an hour after they were made, what failed is collected
//! again, debits settle, due dates pass. All by the clock of the customer.

use serde_json::{Value, json};

use crate::agenda::{Due, Task};
use crate::events::catalogue;
use crate::objects::checkout_session;
use crate::objects::payment::{attempt, refund};
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::object::{flag, integer, set, text};

use super::{notice, transition};

/// Does what has fallen due, oldest first, and what falls due by that.
pub(crate) fn tick(state: &mut State) {
    while let Some(due) = first_due(state) {
        state.agenda.cancel(&due.subject, due.task);
        // What is gone has nothing left to do.
        let _ = carry_out(state, &due);
    }
}

/// When the next thing falls due by this account's own clock, in unix seconds.
pub(crate) fn next(state: &State) -> Option<i64> {
    next_of(state, None)
}

/// When the next thing falls due by that test clock, in unix seconds.
pub(crate) fn next_by(state: &State, clock: &str) -> Option<i64> {
    next_of(state, Some(clock))
}

fn next_of(state: &State, clock: Option<&str>) -> Option<i64> {
    state.agenda.rows().find(|due| state.test_clock_of(&due.customer) == clock).map(|due| due.at)
}

/// The earliest of what is due; nothing later than the foremost clock can be.
fn first_due(state: &State) -> Option<Due> {
    let frozen = state.test_clocks.newest_first().filter_map(|clock| integer(clock, "frozen_time"));
    let foremost = frozen.fold(state.now(), i64::max);
    let mut rows = state.agenda.rows().take_while(|due| due.at <= foremost);
    rows.find(|due| due.at <= state.now_of(&due.customer)).cloned()
}

fn carry_out(state: &mut State, due: &Due) -> Result<(), ApiError> {
    let id = &due.subject;
    match due.task {
        Task::Finalize => finalize(state, id).or_else(|error| failed(state, id, &error)),
        Task::Collect => attempt::again(state, id),
        Task::Settle => attempt::settle(state, id),
        Task::Expire => checkout_session::end(state, id),
        Task::Refund => refund::answered(state, id),
        Task::Overdue => notice::happened(state, id, catalogue::INVOICE_OVERDUE),
    }
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
