//! The close of a month: tenants and unallocated cost against AWS's own total.

use jiff::Timestamp;

use crate::attribution::Attribution;
use crate::exact::Exact;
use crate::facts::Facts;
use crate::month::Month;

/// A month's cost in cents of a dollar, each figure rounded once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close {
    /// What all tenants bear.
    pub tenants: i128,
    /// What the operator bears.
    pub unallocated: i128,
    /// AWS's ungrouped total.
    pub bill: i128,
    /// Whether the exact figures of tenants and unallocated cost sum to the bill, to the cent.
    pub holds: bool,
}

/// Returns the close of a month by the cost known at an instant.
#[must_use]
pub fn close(facts: &Facts, month: Month, known_at: Timestamp) -> Close {
    let bill = Attribution::of(facts, month, known_at);
    let (tenants, unallocated) = (bill.of_tenants(), bill.of_operator());
    let holds = cents(&(tenants.clone() + &unallocated)) == cents(&bill.bill);
    Close { tenants: cents(&tenants), unallocated: cents(&unallocated), bill: cents(&bill.bill), holds }
}

/// Rounds dollars to cents.
#[must_use]
pub fn cents(usd: &Exact) -> i128 {
    (usd * &Exact::whole(100)).round_to(1)
}
