//! What changed against last month: this month's known days beside as many of the last one, so that a month that is
//! not over is not held against one that is.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::costs::{self, Summary};
use crate::ledger::{CostDay, SyncMark};
use crate::{Month, Period};

/// Two spans of days of equal length, and what changed from one to the other. US dollars as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// This month's days.
    pub days: Period,
    /// Those of the last month.
    pub before: Period,
    /// What changed in all.
    pub total: Change,
    /// By service, the largest difference first; those without one are left out. They sum to the total's.
    pub services: Vec<Change>,
}

/// What changed of one figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The service; empty for the total.
    pub name: String,
    /// What it was.
    pub before: Decimal,
    /// What it is.
    pub now: Decimal,
}

impl Change {
    /// Positive where it costs more now.
    pub fn difference(&self) -> Decimal {
        self.now - self.before
    }
}

/// None while this month has no known day, or last month's are not known.
pub(super) fn comparison(today: Date, known: &BTreeMap<Date, &CostDay>, marks: &[SyncMark]) -> Option<Comparison> {
    let (this, last) = (Month::of(today), Month::of(today).previous().ok()?);
    let covered = |month: Month| marks.iter().find(|mark| mark.month == month && mark.complete);
    let through = covered(this)?.through.min(today);
    let days = Period::inclusive(this.period().start(), through).ok()?;
    // A longer month ends with days that the last one has no match for.
    let before = last.period().days().take(days.len_days()).last()?;
    let before = Period::inclusive(last.period().start(), before).ok()?;
    covered(last).filter(|mark| mark.through >= before.last_day())?;
    let of = |period: &Period| costs::summary(period, known, Some(period.last_day()));
    let (now, then) = (of(&days), of(&before));
    let total = Change { name: String::new(), before: then.total_cost.0, now: now.total_cost.0 };
    Some(Comparison { days, before, total, services: services(&now, &then) })
}

fn services(now: &Summary, then: &Summary) -> Vec<Change> {
    let cost = |of: &Summary, name: &str| of.by_service.get(name).map_or(Decimal::ZERO, |amount| amount.cost.0);
    let names: BTreeSet<&String> = now.by_service.keys().chain(then.by_service.keys()).collect();
    let changes =
        names.into_iter().map(|name| Change { name: name.clone(), before: cost(then, name), now: cost(now, name) });
    let mut changes: Vec<Change> = changes.filter(|change| !change.difference().is_zero()).collect();
    changes.sort_by_key(|change| std::cmp::Reverse(change.difference().abs()));
    changes
}
