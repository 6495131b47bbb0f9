//! Exchange rates, each of a day.

use jiff::civil::Date;

use super::Policy;
use crate::exact::Exact;
use crate::month::Month;

/// What one dollar was on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The day the rate is of.
    pub date: Date,
    /// The day on which it was stated.
    pub stated: Date,
    /// The ISO code of the currency.
    pub currency: String,
    /// Its units for one dollar.
    pub per_dollar: Exact,
}

impl Rate {
    /// Says whether its day is near a month's end.
    pub(super) fn is_near(&self, month: Month, policy: &Policy) -> bool {
        let days = self.date.until(month.last()).map_or(i32::MAX, |span| span.get_days());
        let most = if days < 0 { policy.rate_days_after } else { policy.rate_days_before };
        days.unsigned_abs() <= most
    }
}

/// Returns the rate of a month among those of one currency, in the order in which they were stated.
///
/// Readings:
/// - "A rate must be of a day near the month's end" is [`Policy::rate_days_before`] and [`Policy::rate_days_after`]. The
///   latest of a day up to the last one counts, else the first of a later day.
/// - A rate that is stated again for its day is an edit without a date: it holds from the month in which it is made, and
///   months before it keep the rate they had. For a tenant whose facts were first recorded on a day, what was stated
///   last by then is no edit but its first rate.
pub(super) fn of_month<'r>(
    rates: impl Iterator<Item = &'r Rate>,
    month: Month,
    recorded: Option<Date>,
    policy: &Policy,
) -> Option<&'r Rate> {
    let near: Vec<&Rate> = rates.filter(|rate| rate.is_near(month, policy)).collect();
    let before = near.iter().map(|rate| rate.date).filter(|date| *date <= month.last()).max();
    let date = before.or_else(|| near.iter().map(|rate| rate.date).min())?;
    let mut of_day = near.into_iter().filter(|rate| rate.date == date);
    let first = of_day.next()?;
    let holds =
        |rate: &&Rate| Month::of(rate.stated) <= month || recorded.is_none_or(|recorded| rate.stated <= recorded);
    Some(of_day.rfind(holds).unwrap_or(first))
}
