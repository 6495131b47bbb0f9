//! Which customers live by a test clock, and whether it takes another.

use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::object::{Object, integer, text};

/// The most customers a clock can have.
const MAX_CUSTOMERS: usize = 3;

/// Refuses a customer that the clock has no room for; answers the clock's time.
pub(crate) fn room(state: &State, clock: &str) -> Result<i64, ApiError> {
    let known = state.test_clocks.find(clock).map_err(|error| error.in_param("test_clock"))?;
    if customers(state, clock).len() >= MAX_CUSTOMERS {
        let message = format!("A test clock can have at most {MAX_CUSTOMERS} customers.");
        return Err(ApiError::invalid(message).with_param("test_clock"));
    }
    Ok(integer(known, "frozen_time").unwrap_or(0))
}

/// The ids of the customers that live by the clock, newest first.
pub(crate) fn customers(state: &State, clock: &str) -> Vec<String> {
    let of_clock = |customer: &&Object| text(customer, "test_clock") == Some(clock);
    let ids = state.customers.newest_first().filter(of_clock).filter_map(|customer| text(customer, "id"));
    ids.map(str::to_owned).collect()
}
