//! What is known of one tenant's month.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Indexed, Record};
use crate::Month;

/// Every sort key of a sync mark starts with it.
pub const SYNC_PREFIX: &str = "sync#";

/// The sort key of a month's sync mark: `sync#2026-10`.
pub fn sync_key(month: Month) -> String {
    format!("{SYNC_PREFIX}{month}")
}

/// What is known of one tenant's month: days without an item between the first and `through` cost nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncMark {
    /// The month.
    pub month: Month,
    /// The last day that was asked for, inclusive; the month's first days up to it are known.
    pub through: Date,
    /// A day of it may still be restated by AWS.
    pub estimated: bool,
    /// All its days are written. False while a sync is writing them, or died doing so: such a month is not billed.
    pub complete: bool,
    /// When it was synced.
    pub synced_at: Timestamp,
}

impl Record for SyncMark {
    const NAME: &'static str = "sync_mark";
    const SCHEMA: u32 = 1;

    fn sort_key(&self) -> String {
        sync_key(self.month)
    }

    fn indexed(&self) -> Indexed {
        Indexed { read_at: Some(self.synced_at), ..Indexed::default() }
    }
}

impl SyncMark {
    /// Whether the day's cost is known.
    pub fn covers(&self, day: Date) -> bool {
        self.month.period().contains(day) && day <= self.through
    }

    /// Whether every day of the month is known and written.
    pub fn whole_month(&self) -> bool {
        self.complete && self.through >= self.month.period().last_day()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_mark_covers_its_month_up_to_its_last_day() {
        let mark = SyncMark {
            month: Month::of(date(2026, 10, 1)),
            through: date(2026, 10, 20),
            estimated: true,
            complete: true,
            synced_at: Timestamp::UNIX_EPOCH,
        };
        assert!(mark.covers(date(2026, 10, 20)) && mark.covers(date(2026, 10, 1)));
        assert!(!mark.covers(date(2026, 10, 21)) && !mark.covers(date(2026, 9, 30)));
        assert!(!mark.whole_month());
    }
}
