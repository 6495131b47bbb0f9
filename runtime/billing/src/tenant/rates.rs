//! Which stated exchange rate a month is billed at.

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::TenantRecord;
use crate::pricing::ExchangeRate;
use crate::{Currency, Month};

/// So many days before a month's last day a rate is near it.
pub const RATE_DAYS_BEFORE: i64 = 15;
/// So many days after a month's last day a rate is near it.
pub const RATE_DAYS_AFTER: i64 = 31;

/// A stated rate, and for which months it may be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldRate {
    /// The rate and the day it is of.
    pub rate: ExchangeRate,
    /// The first month it is taken for, where it replaced another of the same day; none without a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Month>,
    /// The month from which on it is no longer taken; none while it is stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Month>,
}

/// No rate is near the month's end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "tenant {tenant} is billed in {to}, and no exchange rate is stated of a day near the end of {month}{}; state one of a \
     day from {first} to {last} under `fx`",
    .nearest.map_or_else(String::new, |date| format!(" (the nearest is of {date})"))
)]
pub struct RateError {
    /// The tenant's id.
    pub tenant: String,
    /// The month.
    pub month: Month,
    /// The currency that has no rate.
    pub to: Currency,
    /// The first day that is near enough.
    pub first: Date,
    /// The last one.
    pub last: Date,
    /// The nearest day that a rate is stated for.
    pub nearest: Option<Date>,
}

impl HeldRate {
    /// A rate without limits beside its own day.
    pub fn plain(rate: ExchangeRate) -> HeldRate {
        HeldRate { rate, since: None, until: None }
    }

    /// Whether it may be taken for a month by its limits; how near its day is is another question.
    pub(super) fn is_held_in(&self, month: Month) -> bool {
        self.since.is_none_or(|since| since <= month) && self.until.is_none_or(|until| month < until)
    }
}

impl TenantRecord {
    /// The rate of a month, from US dollars into the tenant's currency; none when that is US dollars.
    ///
    /// Only a rate of a day near the month's last day counts: at most [`RATE_DAYS_BEFORE`] days before or
    /// [`RATE_DAYS_AFTER`] days after it. The latest of a day up to the last one is taken, else the first of a later day:
    /// so a rate that is added afterwards changes no month that has one.
    ///
    /// # Errors
    /// No stated rate is near enough; says which days are.
    pub fn rate_for(&self, month: Month) -> Result<Option<&ExchangeRate>, RateError> {
        if self.currency == Currency::USD {
            return Ok(None);
        }
        let end = month.period().last_day();
        let first = end.checked_sub(RATE_DAYS_BEFORE.days()).unwrap_or(Date::MIN);
        let last = end.checked_add(RATE_DAYS_AFTER.days()).unwrap_or(Date::MAX);
        let ours = |held: &&HeldRate| held.rate.from == Currency::USD && held.rate.to == self.currency;
        let held = || self.rates.iter().filter(ours).filter(|held| held.is_held_in(month));
        let near = || held().filter(|held| first <= held.rate.date && held.rate.date <= last);
        // Of two of one day, the later edit.
        let before = near().filter(|held| held.rate.date <= end).max_by_key(|held| (held.rate.date, held.since));
        let after = || near().min_by_key(|held| (held.rate.date, std::cmp::Reverse(held.since)));
        match before.or_else(after) {
            Some(held) => Ok(Some(&held.rate)),
            None => Err(RateError {
                tenant: self.id.clone(),
                month,
                to: self.currency,
                first,
                last,
                nearest: held().map(|held| held.rate.date).min_by_key(|date| days_between(*date, end)),
            }),
        }
    }
}

fn days_between(a: Date, b: Date) -> i32 {
    a.since(b).map_or(i32::MAX, |span| span.get_days().abs())
}
