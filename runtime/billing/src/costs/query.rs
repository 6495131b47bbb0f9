//! Which days a request asks for.

use jiff::ToSpan;
use jiff::civil::Date;
use serde::Serialize;

use crate::period::{EARLIEST, PeriodError, parse_date};
use crate::{Month, Period};

/// The longest span of dates one request may ask for.
pub const MAX_DAYS: usize = 366;

/// The days of a request and how they were named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskedPeriod {
    /// The days.
    pub period: Period,
    /// How they were named.
    pub kind: PeriodKind,
}

/// How a period was asked for, as `period.type` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeriodKind {
    /// From the first of this month up to today.
    CurrentMonth,
    /// The calendar month before this one.
    LastMonth,
    /// The 30 complete days before today.
    #[serde(rename = "last-30-days")]
    Last30Days,
    /// From one date to another, both included.
    Custom,
}

/// Why a request names no period that can be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// An unknown name.
    #[error("`{0}` is no period; use current-month, last-month, last-30-days, or start and end dates")]
    UnknownPeriod(String),
    /// A date that is none.
    #[error(transparent)]
    Date(#[from] PeriodError),
    /// Only one of the two dates.
    #[error("start and end go together; `{0}` is missing")]
    OneDateMissing(&'static str),
    /// A name and dates at once.
    #[error("give either period or start and end, not both")]
    NameAndDates,
    /// Start after end.
    #[error("start {start} comes after end {end}")]
    WrongOrder {
        /// The first day asked for.
        start: Date,
        /// The last day asked for.
        end: Date,
    },
    /// Days that have not come yet.
    #[error("end {end} lies in the future; today is {today} (UTC)")]
    Future {
        /// The last day asked for.
        end: Date,
        /// Today in UTC.
        today: Date,
    },
    /// Before AWS existed.
    #[error("start {0} lies before {EARLIEST}, the first day there can be a cost of")]
    TooEarly(Date),
    /// More than [`MAX_DAYS`].
    #[error("{0} days are too many; ask for at most {MAX_DAYS}")]
    TooLong(usize),
}

/// Reads a request's `period`, `start` and `end` on the UTC day `today`; none of them means the current month.
///
/// `start` and `end` are both included. `current-month` ends today, `last-30-days` yesterday: today is not over.
pub fn asked_period(
    period: Option<&str>,
    start: Option<&str>,
    end: Option<&str>,
    today: Date,
) -> Result<AskedPeriod, QueryError> {
    match (period, start, end) {
        (None, None, None) => named("current-month", today),
        (Some(name), None, None) => named(name, today),
        (None, Some(start), Some(end)) => dates(parse_date(start)?, parse_date(end)?, today),
        (None, Some(_), None) => Err(QueryError::OneDateMissing("end")),
        (None, None, Some(_)) => Err(QueryError::OneDateMissing("start")),
        (Some(_), _, _) => Err(QueryError::NameAndDates),
    }
}

fn named(name: &str, today: Date) -> Result<AskedPeriod, QueryError> {
    let (period, kind) = match name {
        "current-month" => (Period::inclusive(today.first_of_month(), today)?, PeriodKind::CurrentMonth),
        "last-month" => (Month::of(today).previous()?.period(), PeriodKind::LastMonth),
        "last-30-days" => {
            let first = today.checked_sub(30.days()).map_err(|_| PeriodError::OutOfRange(today))?;
            (Period::new(first, today)?, PeriodKind::Last30Days)
        }
        other => return Err(QueryError::UnknownPeriod(shortened(other))),
    };
    Ok(AskedPeriod { period, kind })
}

fn dates(start: Date, end: Date, today: Date) -> Result<AskedPeriod, QueryError> {
    if start > end {
        return Err(QueryError::WrongOrder { start, end });
    }
    if start < EARLIEST {
        return Err(QueryError::TooEarly(start));
    }
    if end > today {
        return Err(QueryError::Future { end, today });
    }
    let period = Period::inclusive(start, end)?;
    match period.len_days() {
        days if days > MAX_DAYS => Err(QueryError::TooLong(days)),
        _ => Ok(AskedPeriod { period, kind: PeriodKind::Custom }),
    }
}

/// What a stranger sent is not echoed at any length.
fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const TODAY: Date = date(2026, 3, 1);

    fn shown(period: &str) -> (Date, Date) {
        let asked = asked_period(Some(period), None, None, TODAY).expect("a period");
        (asked.period.start(), asked.period.last_day())
    }

    #[test]
    fn named_periods_on_the_first_of_a_month() {
        assert_eq!(shown("current-month"), (TODAY, TODAY));
        assert_eq!(shown("last-month"), (date(2026, 2, 1), date(2026, 2, 28)));
        assert_eq!(shown("last-30-days"), (date(2026, 1, 30), date(2026, 2, 28)));
    }

    #[test]
    fn last_month_in_january_is_last_december() {
        let asked = asked_period(Some("last-month"), None, None, date(2026, 1, 15));
        let period = asked.expect("a period").period;
        assert_eq!((period.start(), period.last_day()), (date(2025, 12, 1), date(2025, 12, 31)));
    }

    #[test]
    fn dates_include_both_ends() {
        let asked = asked_period(None, Some("2026-01-31"), Some("2026-01-31"), TODAY);
        assert_eq!(asked.expect("a day").period.len_days(), 1);
        let year = asked_period(None, Some("2024-01-01"), Some("2024-12-31"), TODAY);
        assert_eq!(year.expect("a leap year").period.len_days(), 366);
    }

    #[test]
    fn impossible_dates_are_refused_by_name() {
        let ask = |start, end| asked_period(None, Some(start), Some(end), TODAY).map(|_| ());
        assert!(matches!(ask("2026-02-02", "2026-02-01"), Err(QueryError::WrongOrder { .. })));
        assert!(matches!(ask("2026-02-01", "2026-03-02"), Err(QueryError::Future { .. })));
        assert!(matches!(ask("2005-12-31", "2006-01-01"), Err(QueryError::TooEarly(_))));
        assert_eq!(ask("2024-01-01", "2025-01-01"), Err(QueryError::TooLong(367)));
        assert!(matches!(ask("2026-02-30", "2026-03-01"), Err(QueryError::Date(_))));
    }

    #[test]
    fn half_a_range_and_mixed_requests_are_refused() {
        let ask = |period, start, end| asked_period(period, start, end, TODAY).map(|_| ());
        let day = Some("2026-02-01");
        assert_eq!(ask(None, day, None), Err(QueryError::OneDateMissing("end")));
        assert_eq!(ask(None, None, day), Err(QueryError::OneDateMissing("start")));
        assert_eq!(ask(Some("last-month"), day, day), Err(QueryError::NameAndDates));
        assert!(matches!(ask(Some("yesterday"), None, None), Err(QueryError::UnknownPeriod(_))));
    }
}
