//! Which months are open, and how far each may be taken.
//!
//! Source: money-lifecycle.md, point 1. A read is of a month's whole cost, at one instant.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::facts::{Facts, Policy, TenantId};
use crate::month::{Month, day_of, days_after, midnight};

/// How far a month's invoice may be taken, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Not drafted.
    Closed(Blocked),
    /// Drafted as provisional, redrawn, never finalised.
    Provisional(Blocked),
    /// Complete: it may be approved and finalised.
    Complete,
}

/// What a month waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blocked {
    /// The month is not over.
    Running,
    /// Not all of its days have been read.
    Unread,
    /// The day from which months are drafted has not come.
    BeforeDraftDay,
    /// Its whole cost was not read on or after its settling day.
    Unsettled,
    /// A figure is still an estimate.
    Estimated,
}

/// Returns how far a month may be taken at an instant, given when its whole cost was last read.
///
/// Facts that are missing are not said here: see [`crate::owed::NotOwed`], which stops a month at any stage.
///
/// Reading: all days of a month are known to a read at its close or later.
#[must_use]
pub fn stage(facts: &Facts, month: Month, read_at: Option<Timestamp>, now: Timestamp) -> Stage {
    stage_of(&facts.policy, month, read_at, now, |read_at| facts.is_estimated(month, read_at))
}

/// The same by the policy, and by whether a figure of the month was an estimate at its last read.
pub(crate) fn stage_of(
    policy: &Policy,
    month: Month,
    read_at: Option<Timestamp>,
    now: Timestamp,
    is_estimated: impl FnOnce(Timestamp) -> bool,
) -> Stage {
    let read_at = read_at.filter(|read_at| *read_at <= now);
    if now < month.close() {
        return Stage::Closed(Blocked::Running);
    }
    let Some(read_at) = read_at.filter(|read_at| *read_at >= month.close()) else {
        return Stage::Closed(Blocked::Unread);
    };
    if now < draft_from(policy, month) {
        return Stage::Closed(Blocked::BeforeDraftDay);
    }
    if read_at < settles_at(policy, month) {
        return Stage::Provisional(Blocked::Unsettled);
    }
    if is_estimated(read_at) {
        return Stage::Provisional(Blocked::Estimated);
    }
    Stage::Complete
}

/// Returns the instant at which a month settles: a read from then on is of its settled cost.
#[must_use]
pub fn settles_at(policy: &Policy, month: Month) -> Timestamp {
    days_after(month.close(), policy.settle_days)
}

/// Returns the instant from which a month may be drafted as provisional.
#[must_use]
pub fn draft_from(policy: &Policy, month: Month) -> Timestamp {
    let next = month.plus(1);
    let day = Date::new(next.first().year(), next.first().month(), policy.draft_day).unwrap_or_else(|_| next.last());
    midnight(day)
}

/// Returns the instant from which a month that still waits is an error, and a missing draft is a loss.
///
/// Reading: the three days that the contract grants beyond settling are granted to a provisional draft, too, beyond
/// [`draft_from`].
#[must_use]
pub fn due_by(policy: &Policy, month: Month) -> Timestamp {
    days_after(settles_at(policy, month), policy.wait_days)
}

/// Returns the first instant at which a billed month need not be looked at again.
///
/// Reading: "three more months" are counted from the month's close.
#[must_use]
pub fn looked_at_until(policy: &Policy, month: Month) -> Timestamp {
    month.plus(policy.look_back_months).close()
}

/// Returns the months of a tenant that are over at an instant, oldest first: those that are to be billed, or have been.
#[must_use]
pub fn ended_months(facts: &Facts, tenant: &TenantId, now: Timestamp) -> Vec<Month> {
    let Some(tenant) = facts.tenants.get(tenant) else { return Vec::new() };
    let ended = Month::of(day_of(now)).plus(-1);
    let last = tenant.last_period.map_or(ended, |last| last.min(ended));
    tenant.first_period.to(last).collect()
}
