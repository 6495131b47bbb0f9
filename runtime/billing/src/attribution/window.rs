//! Which days a sync asks for: whole months from their first day, never today, which is not over.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::ledger::SyncMark;
use crate::period::PeriodError;
use crate::{Month, Period};

/// Why a sync's dates are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// No date, or out of the calendar.
    #[error(transparent)]
    Period(#[from] PeriodError),
    /// Only whole past days can be synced.
    #[error("start {start} is not before today, {today} (UTC); only past days can be synced")]
    NotPast {
        /// The first day asked for.
        start: Date,
        /// Today in UTC.
        today: Date,
    },
    /// Start after end.
    #[error("start {start} comes after end {end}")]
    WrongOrder {
        /// The first day asked for.
        start: Date,
        /// The last day asked for.
        end: Date,
    },
}

/// The daily window: this month up to yesterday, and last month until it is final. None when there is nothing to ask.
pub fn daily(today: Date, last_month_final: bool) -> Result<Option<Period>, WindowError> {
    let this_month = today.first_of_month();
    let start = if last_month_final { this_month } else { Month::of(today).previous()?.period().start() };
    Ok(Period::new(start, today).ok())
}

/// The window of dates asked for by hand, both included, widened to whole months as far as they have passed.
///
/// Whole months, because a mark says "known from the first day on", and must never shrink.
pub fn asked(start: Date, end: Date, today: Date) -> Result<Period, WindowError> {
    if start > end {
        return Err(WindowError::WrongOrder { start, end });
    }
    if start >= today {
        return Err(WindowError::NotPast { start, today });
    }
    let end = Month::of(end).period().end().min(today);
    Ok(Period::new(start.first_of_month(), end)?)
}

/// Whether last month needs no further sync: everybody's mark is whole and final, and made after it settled.
///
/// `marks` has one entry for each tenant; a tenant without a mark was added since.
pub fn last_month_final(marks: &[Option<SyncMark>], today: Date, settle_days: u32) -> bool {
    let settled = today.first_of_month().checked_add(i64::from(settle_days).days()).unwrap_or(Date::MAX);
    let synced_on = |mark: &SyncMark| mark.synced_at.to_zoned(jiff::tz::TimeZone::UTC).date();
    marks.iter().all(|mark| {
        mark.as_ref().is_some_and(|mark| mark.whole_month() && !mark.estimated && synced_on(mark) >= settled)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn days(period: Period) -> (Date, Date) {
        (period.start(), period.last_day())
    }

    #[test]
    fn last_month_is_asked_for_until_it_is_final() {
        let today = date(2026, 11, 21);
        let open = daily(today, false).expect("a window").expect("days");
        assert_eq!(days(open), (date(2026, 10, 1), date(2026, 11, 20)));
        let closed = daily(today, true).expect("a window").expect("days");
        assert_eq!(days(closed), (date(2026, 11, 1), date(2026, 11, 20)));
    }

    #[test]
    fn the_first_of_a_month_has_no_day_of_its_own_yet() {
        let first = date(2026, 11, 1);
        assert_eq!(daily(first, true), Ok(None));
        let open = daily(first, false).expect("a window").expect("days");
        assert_eq!(days(open), (date(2026, 10, 1), date(2026, 10, 31)));
    }

    #[test]
    fn dates_asked_for_are_widened_to_months_and_end_yesterday() {
        let today = date(2026, 11, 21);
        let within = asked(date(2026, 9, 10), date(2026, 9, 12), today).expect("a window");
        assert_eq!(days(within), (date(2026, 9, 1), date(2026, 9, 30)));
        let to_date = asked(date(2026, 11, 3), date(2026, 12, 24), today).expect("a window");
        assert_eq!(days(to_date), (date(2026, 11, 1), date(2026, 11, 20)));
        assert!(asked(today, today, today).is_err());
        assert!(asked(date(2026, 9, 2), date(2026, 9, 1), today).is_err());
    }

    #[test]
    fn a_month_is_final_when_all_marks_say_so_after_settling() {
        let today = date(2026, 11, 21);
        let mark = SyncMark {
            month: Month::of(date(2026, 10, 1)),
            through: date(2026, 10, 31),
            estimated: false,
            complete: true,
            synced_at: "2026-11-15T06:00:00Z".parse().expect("a time"),
        };
        let final_mark = Some(mark.clone());
        assert!(last_month_final(std::slice::from_ref(&final_mark), today, 14));
        assert!(!last_month_final(std::slice::from_ref(&final_mark), today, 15));
        assert!(!last_month_final(&[final_mark, None], today, 0));
        let estimated = SyncMark { estimated: true, ..mark };
        assert!(!last_month_final(&[Some(estimated)], today, 0));
    }
}
