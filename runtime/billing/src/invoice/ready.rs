//! Whether a month can be billed yet, and if not, why.

use jiff::ToSpan;
use jiff::civil::Date;

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
    /// AWS calls a day an estimate.
    #[error("AWS still calls {0} an estimate; it becomes final some days after the month")]
    Estimated(Month),
}

/// Whether a tenant's month can be billed on the UTC day `today`, with `settle_days` after its end.
pub fn ready(
    tenant: &TenantRecord,
    month: Month,
    mark: Option<&SyncMark>,
    settle_days: u32,
    today: Date,
) -> Result<(), NotReady> {
    if let Some(first) = tenant.first_period.filter(|first| month < *first) {
        return Err(NotReady::BeforeFirst { month, first });
    }
    let closes = month.period().end();
    if today < closes {
        return Err(NotReady::NotClosed { month, closes });
    }
    let until = closes.checked_add(i64::from(settle_days).days()).unwrap_or(Date::MAX);
    if today < until {
        return Err(NotReady::NotSettled { month, until });
    }
    let mark = mark.filter(|mark| mark.month == month).ok_or(NotReady::NotSynced(month))?;
    if !mark.whole_month() {
        let through = mark.through;
        return Err(NotReady::Incomplete { month, through });
    }
    if mark.estimated {
        return Err(NotReady::Estimated(month));
    }
    Ok(())
}
