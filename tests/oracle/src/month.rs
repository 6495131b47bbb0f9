//! Calendar months in UTC: `[start, end)`, as every period here.

use std::fmt;

use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use jiff::{Span, Timestamp};

/// One month of one year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    first: Date,
}

impl Month {
    /// Returns a month; `month` counts from 1.
    ///
    /// # Panics
    /// Where there is no such month.
    #[must_use]
    pub fn new(year: i16, month: i8) -> Self {
        Self { first: Date::new(year, month, 1).expect("a month of the calendar") }
    }

    /// Returns the month of a day.
    #[must_use]
    pub fn of(day: Date) -> Self {
        Self { first: day.first_of_month() }
    }

    /// Returns the month, in UTC, of an instant.
    #[must_use]
    pub fn at(instant: Timestamp) -> Self {
        Self::of(day_of(instant))
    }

    /// Returns the first day.
    #[must_use]
    pub fn first(self) -> Date {
        self.first
    }

    /// Returns the last day.
    #[must_use]
    pub fn last(self) -> Date {
        self.first.last_of_month()
    }

    /// Returns the month `months` later, or earlier where that is negative.
    ///
    /// # Panics
    /// Beyond the calendar, which ends with the year 9999.
    #[must_use]
    pub fn plus(self, months: i32) -> Self {
        let moved = self.first.checked_add(Span::new().months(months)).expect("a month of the calendar");
        Self { first: moved }
    }

    /// Returns the instant at which the month is over: midnight, UTC, of the next month's first day.
    #[must_use]
    pub fn close(self) -> Timestamp {
        midnight(self.plus(1).first)
    }

    /// Returns every month from this one to `last`, both included.
    pub fn to(self, last: Self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self), |month| Some(month.plus(1))).take_while(move |month| *month <= last)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.first.year(), self.first.month())
    }
}

/// Returns the day, in UTC, of an instant.
#[must_use]
pub fn day_of(instant: Timestamp) -> Date {
    Offset::UTC.to_datetime(instant).date()
}

/// Returns the instant at which a day begins, in UTC.
///
/// # Panics
/// At the very edge of what timestamps can say.
#[must_use]
pub fn midnight(day: Date) -> Timestamp {
    let start: DateTime = day.at(0, 0, 0, 0);
    Offset::UTC.to_timestamp(start).expect("a day of the calendar")
}

/// Returns an instant some days later.
///
/// # Panics
/// Beyond what timestamps can say.
#[must_use]
pub fn days_after(instant: Timestamp, days: u32) -> Timestamp {
    instant.checked_add(Span::new().hours(24 * i64::from(days))).expect("a day of the calendar")
}
