//! Whether a month can be billed yet, and if not, why.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::Month;
use crate::ledger::SyncMark;
use crate::tenant::TenantRecord;

/// Why a month is not invoiced. Most of these pass by themselves.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// The tenant's first billed month is a later one.
    #[error("{month} lies before {first}, the first month billform bills")]
    BeforeFirst {
        /// The month asked for.
        month: Month,
        /// The first one billed.
        first: Month,
    },
    /// The tenant left, and their last billed month is an earlier one.
    #[error("{0} lies behind the last month the tenant is billed")]
    BehindLast(Month),
    /// The day from which on months are drafted is not there yet.
    #[error("{month} is drafted from {from} on")]
    NotDrafted {
        /// The month.
        month: Month,
        /// The day of `invoicing.day`.
        from: Date,
    },
    /// The month is not over.
    #[error("{month} is not over; it closes on {closes} (UTC)")]
    NotClosed {
        /// The month.
        month: Month,
        /// The day after its last.
        closes: Date,
    },
    /// The settling time is not over.
    #[error("{month} settles until {until}: AWS may still restate it")]
    NotSettled {
        /// The month.
        month: Month,
        /// The day from which on it counts as settled.
        until: Date,
    },
    /// No sync covered the month.
    #[error("{0} was never synced; run the cost sync for it")]
    NotSynced(Month),
    /// Days are missing, or a sync died while it wrote them.
    #[error("{month} is synced only in part (through {through}); the next cost sync completes it")]
    Incomplete {
        /// The month.
        month: Month,
        /// The last day that is known.
        through: Date,
    },
    /// What is shared out among the tenants is not known.
    #[error("{month}'s shared cost is known once all {tenant} is synced; the next cost sync completes it")]
    SharedIncomplete {
        /// The month.
        month: Month,
        /// Whose cost is missing: `cost of acme`.
        tenant: String,
    },
    /// What is shared out among the tenants may change.
    #[error("{month}'s shared cost may still change: the {tenant} is not final")]
    SharedNotFinal {
        /// The month.
        month: Month,
        /// Whose cost it is: `cost of acme`.
        tenant: String,
    },
    /// AWS calls a day an estimate.
    #[error("AWS still calls {0} an estimate; it becomes final some days after the month")]
    Estimated(Month),
    /// The cost on record was read before the settling time was over: AWS may have restated it since.
    #[error(
        "{month} settled on {settled} and its cost was last read before, at {read_at}; it waits since {settled} for the \
         next cost sync, which reads it again"
    )]
    ReadTooEarly {
        /// The month.
        month: Month,
        /// The day from which on it counts as settled.
        settled: Date,
        /// When its cost was read.
        read_at: Timestamp,
    },
}

/// The UTC day from which on a month counts as settled: `settle_days` after the day it closes.
pub fn settles_on(month: Month, settle_days: u32) -> Date {
    month.period().end().checked_add(i64::from(settle_days).days()).unwrap_or(Date::MAX)
}

/// Whether a month needs no further sync: all of it is written and final, and was read when it had settled.
pub fn is_final(mark: &SyncMark, settle_days: u32) -> bool {
    mark.whole_month() && !mark.estimated && utc_day(mark.synced_at) >= settles_on(mark.month, settle_days)
}

pub(super) fn utc_day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// When a stack's months are drafted and settle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DraftRules {
    /// The day of the following month from which on a month is drafted: `invoicing.day`, 1 to 28.
    pub day: u32,
    /// Days after a month's end until its figures count as settled: `invoicing.settle_days`.
    pub settle_days: u32,
}

/// How far a month's figures got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// Every day is known, and why the figures are not final yet.
    Provisional(NotReady),
    /// Settled, read after that, and final.
    Complete,
}

/// Days past its settling after which a month that still waits is an error.
const LATE_AFTER_DAYS: i64 = 3;

/// Days after a month's end by which AWS has issued its bill, whatever `settle_days` says: it calls figures estimates until
/// then. <https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/billing-what-is.html>: usually between the 3rd and 5th.
const BILL_DAYS: u32 = 10;

/// The day since which a month is late, if on `today` it is: it should have been complete by then.
pub fn overdue_since(month: Month, settle_days: u32, today: Date) -> Option<Date> {
    let settled = settles_on(month, settle_days.max(BILL_DAYS));
    let late = settled.checked_add(LATE_AFTER_DAYS.days()).unwrap_or(Date::MAX);
    (today > late).then_some(settled)
}

/// Whether a tenant's month can be drafted on the UTC day `today`, and whether its figures are final.
pub fn ready(
    tenant: &TenantRecord,
    month: Month,
    mark: Option<&SyncMark>,
    rules: DraftRules,
    today: Date,
) -> Result<Ready, NotReady> {
    if let Some(first) = tenant.first_period.filter(|first| month < *first) {
        return Err(NotReady::BeforeFirst { month, first });
    }
    if !tenant.bills(month) {
        return Err(NotReady::BehindLast(month));
    }
    begun(month, rules, today)?;
    let mark = mark.filter(|mark| mark.month == month).ok_or(NotReady::NotSynced(month))?;
    if !mark.whole_month() {
        let through = mark.through;
        return Err(NotReady::Incomplete { month, through });
    }
    Ok(complete(mark, rules.settle_days, today).map_or_else(Ready::Provisional, |()| Ready::Complete))
}

/// Whether a month is over, and the day from which on it is drafted is there.
pub(super) fn begun(month: Month, rules: DraftRules, today: Date) -> Result<(), NotReady> {
    let closes = month.period().end();
    if today < closes {
        return Err(NotReady::NotClosed { month, closes });
    }
    let from = closes.checked_add(i64::from(rules.day.saturating_sub(1)).days()).unwrap_or(Date::MAX);
    match today < from {
        true => Err(NotReady::NotDrafted { month, from }),
        false => Ok(()),
    }
}

/// Whether the figures of a month whose days are all known are final.
fn complete(mark: &SyncMark, settle_days: u32, today: Date) -> Result<(), NotReady> {
    let (month, until) = (mark.month, settles_on(mark.month, settle_days));
    if today < until {
        return Err(NotReady::NotSettled { month, until });
    }
    if mark.estimated {
        return Err(NotReady::Estimated(month));
    }
    if !is_final(mark, settle_days) {
        return Err(NotReady::ReadTooEarly { month, settled: until, read_at: mark.synced_at });
    }
    Ok(())
}
