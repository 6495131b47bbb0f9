//! Spans of time as bills have them: whole UTC days, `[start, end)` everywhere, inclusive only for display.

use std::fmt;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::{Date, date};
use serde::{Deserialize, Serialize};

/// Whole UTC days from `start` up to, not including, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    start: Date,
    end: Date,
}

/// A calendar month, the period that is billed. Written `2026-10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month {
    first: Date,
}

/// Why a text or a pair of dates is no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// Not `YYYY-MM`.
    #[error("`{0}` is no month; write it as YYYY-MM, such as 2026-10")]
    Month(String),
    /// Not `YYYY-MM-DD`, or no day of the calendar.
    #[error("`{0}` is no date; write it as YYYY-MM-DD, such as 2026-10-31")]
    Date(String),
    /// It ends before it starts, or holds no day.
    #[error("the period from {start} to {end} holds no day")]
    Empty {
        /// The first day.
        start: Date,
        /// The day it was to end before.
        end: Date,
    },
    /// The calendar ends.
    #[error("the calendar ends at {0}")]
    OutOfRange(Date),
}

impl Period {
    /// The days from `start` up to, not including, `end`; at least one.
    pub fn new(start: Date, end: Date) -> Result<Period, PeriodError> {
        if start < end { Ok(Period { start, end }) } else { Err(PeriodError::Empty { start, end }) }
    }

    /// The days from `first` to `last`, both included.
    pub fn inclusive(first: Date, last: Date) -> Result<Period, PeriodError> {
        let end = last.tomorrow().map_err(|_| PeriodError::OutOfRange(last))?;
        Period::new(first, end)
    }

    /// The first day.
    pub fn start(&self) -> Date {
        self.start
    }

    /// The day after the last one.
    pub fn end(&self) -> Date {
        self.end
    }

    /// The last day, for display.
    pub fn last_day(&self) -> Date {
        // A period holds a day, so the day before its end exists.
        self.end.yesterday().unwrap_or(self.start)
    }

    /// Whether the day lies in it.
    pub fn contains(&self, day: Date) -> bool {
        self.start <= day && day < self.end
    }

    /// Every day in it, in order.
    pub fn days(&self) -> impl Iterator<Item = Date> + use<> {
        let end = self.end;
        self.start.series(1.day()).take_while(move |day| *day < end)
    }

    /// How many days it holds.
    pub fn len_days(&self) -> usize {
        self.days().count()
    }
}

impl Month {
    /// The month a day lies in.
    pub fn of(day: Date) -> Month {
        Month { first: day.first_of_month() }
    }

    /// Its days.
    pub fn period(self) -> Period {
        let end = self.next().map_or(Date::MAX, |next| next.first);
        Period { start: self.first, end }
    }

    /// The month after it.
    pub fn next(self) -> Result<Month, PeriodError> {
        self.shifted(1)
    }

    /// The month before it.
    pub fn previous(self) -> Result<Month, PeriodError> {
        self.shifted(-1)
    }

    fn shifted(self, months: i32) -> Result<Month, PeriodError> {
        let first = self.first.checked_add(months.months());
        first.map(|first| Month { first }).map_err(|_| PeriodError::OutOfRange(self.first))
    }
}

impl FromStr for Month {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || PeriodError::Month(text.to_owned());
        let (year, month) = text.split_once('-').ok_or_else(bad)?;
        let digits = |part: &str, len: usize| part.len() == len && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return Err(bad());
        }
        let (year, month) = (year.parse().map_err(|_| bad())?, month.parse().map_err(|_| bad())?);
        Date::new(year, month, 1).map(Month::of).map_err(|_| bad())
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.first.year(), self.first.month())
    }
}

impl TryFrom<String> for Month {
    type Error = PeriodError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Month> for String {
    fn from(month: Month) -> String {
        month.to_string()
    }
}

/// A day written `YYYY-MM-DD`, and nothing looser.
pub fn parse_date(text: &str) -> Result<Date, PeriodError> {
    let bad = || PeriodError::Date(text.to_owned());
    let plain = text.len() == 10
        && text.bytes().enumerate().all(|(i, b)| match i {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    if !plain {
        return Err(bad());
    }
    text.parse().map_err(|_| bad())
}

/// The first day billform can know a cost of: AWS's launch year. Earlier dates are typing mistakes.
pub const EARLIEST: Date = date(2006, 1, 1);

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        parse_date(text).expect("a date")
    }

    #[test]
    fn a_month_holds_its_last_day_and_not_the_next_first() {
        let october: Month = "2026-10".parse().expect("a month");
        let period = october.period();
        assert!(period.contains(day("2026-10-31")));
        assert!(!period.contains(day("2026-11-01")));
        assert_eq!(period.last_day(), day("2026-10-31"));
        assert_eq!(period.len_days(), 31);
    }

    #[test]
    fn february_of_a_leap_year_has_29_days() {
        let february: Month = "2028-02".parse().expect("a month");
        assert_eq!(february.period().len_days(), 29);
    }

    #[test]
    fn months_cross_the_year() {
        let january: Month = "2026-01".parse().expect("a month");
        assert_eq!(january.previous().map(|m| m.to_string()), Ok("2025-12".to_owned()));
    }

    #[test]
    fn malformed_months_and_dates_are_refused() {
        for bad in ["2026-13", "2026-1", "26-01", "2026", "2026-00", "2026-10-01"] {
            assert!(bad.parse::<Month>().is_err(), "{bad}");
        }
        for bad in ["2026-02-30", "2026-2-03", "20260203", "2026-02-03T00:00", ""] {
            assert!(parse_date(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_period_without_a_day_is_refused() {
        assert!(Period::new(day("2026-10-01"), day("2026-10-01")).is_err());
        assert!(Period::inclusive(day("2026-10-01"), day("2026-10-01")).is_ok());
    }
}
