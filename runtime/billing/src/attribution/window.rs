//! Which days a sync asks for: whole months from their first day, never today, which is not over.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::invoice::is_final;
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

/// How many months before last month a daily run looks for ones that it has to read again.
const LOOKS_BACK_MONTHS: usize = 11;

/// The months whose marks decide what a daily run asks for: the oldest, and last month.
///
/// # Errors
/// When the calendar has none.
pub fn looked_at(today: Date) -> Result<(Month, Month), WindowError> {
    let last = Month::of(today).previous()?;
    let mut first = last;
    for _ in 0..LOOKS_BACK_MONTHS {
        first = first.previous()?;
    }
    Ok((first, last))
}

/// What a daily run asks for, oldest first, one period for each month: this month up to yesterday, last month until it is
/// final, and each earlier month that was synced and is not final: its settling time ran out meanwhile, or no sync ran
/// after it did.
///
/// `marks` holds each tenant's marks of the months of [`looked_at`]; a tenant without one of last month was added since.
///
/// # Errors
/// When the calendar has no last month.
pub fn daily(today: Date, marks: &[Vec<SyncMark>], settle_days: u32) -> Result<Vec<Period>, WindowError> {
    let (_, last) = looked_at(today)?;
    let of_last = |marks: &Vec<SyncMark>| marks.iter().any(|mark| mark.month == last && is_final(mark, settle_days));
    let mut months: BTreeSet<Month> =
        marks.iter().flatten().filter(|mark| !is_final(mark, settle_days)).map(|mark| mark.month).collect();
    match marks.iter().all(of_last) {
        true => months.remove(&last),
        false => months.insert(last),
    };
    let this_month = Period::new(today.first_of_month(), today).ok();
    Ok(months.into_iter().map(Month::period).chain(this_month).collect())
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

/// The months of a window, each by itself.
pub fn by_month(window: &Period) -> Vec<Period> {
    let mut months: Vec<Period> = Vec::new();
    for day in window.days() {
        let month = Month::of(day);
        match months.last() {
            Some(last) if Month::of(last.start()) == month => {}
            _ => months.extend(Period::new(day, month.period().end().min(window.end()))),
        }
    }
    months
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn days(period: Period) -> (Date, Date) {
        (period.start(), period.last_day())
    }

    fn mark(month: &str, synced_at: &str) -> SyncMark {
        let month: Month = month.parse().expect("a month");
        let synced_at = synced_at.parse().expect("a time");
        SyncMark { month, through: month.period().last_day(), estimated: false, complete: true, synced_at }
    }

    fn asked_daily(today: Date, marks: &[Vec<SyncMark>], settle_days: u32) -> Vec<(Date, Date)> {
        daily(today, marks, settle_days).expect("a window").into_iter().map(days).collect()
    }

    #[test]
    fn last_month_is_asked_for_until_it_is_final() {
        let today = date(2026, 11, 21);
        let october = (date(2026, 10, 1), date(2026, 10, 31));
        let november = (date(2026, 11, 1), date(2026, 11, 20));
        assert_eq!(asked_daily(today, &[vec![]], 14), [october, november]);
        assert_eq!(asked_daily(today, &[vec![mark("2026-10", "2026-11-15T06:00:00Z")]], 14), [november]);
    }

    #[test]
    fn the_first_of_a_month_has_no_day_of_its_own_yet() {
        let first = date(2026, 11, 1);
        assert_eq!(asked_daily(first, &[vec![mark("2026-10", "2026-11-01T00:00:00Z")]], 0), []);
        assert_eq!(asked_daily(first, &[vec![]], 0), [(date(2026, 10, 1), date(2026, 10, 31))]);
    }

    /// Settling takes longer than the next month lasts, or no sync ran between settling and that month's end.
    #[test]
    fn a_month_that_was_read_too_early_is_asked_for_until_it_is_final() {
        let today = date(2026, 12, 10);
        let (october, november) = ((date(2026, 10, 1), date(2026, 10, 31)), (date(2026, 11, 1), date(2026, 11, 30)));
        let december = (date(2026, 12, 1), date(2026, 12, 9));
        let early = vec![mark("2026-10", "2026-11-14T23:59:59Z"), mark("2026-11", "2026-12-09T06:00:00Z")];
        assert_eq!(asked_daily(today, &[early], 14), [october, november, december]);
        // A month that was never synced was nobody's to sync.
        let known = vec![mark("2026-09", "2026-10-20T06:00:00Z"), mark("2026-11", "2026-12-09T06:00:00Z")];
        assert_eq!(asked_daily(today, &[known], 14), [november, december]);
    }

    #[test]
    fn a_window_is_asked_for_month_by_month() {
        let window = Period::new(date(2026, 9, 1), date(2026, 11, 21)).expect("a period");
        let months: Vec<_> = by_month(&window).into_iter().map(days).collect();
        let expected = [
            (date(2026, 9, 1), date(2026, 9, 30)),
            (date(2026, 10, 1), date(2026, 10, 31)),
            (date(2026, 11, 1), date(2026, 11, 20)),
        ];
        assert_eq!(months, expected);
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
        let november = (date(2026, 11, 1), date(2026, 11, 20));
        let final_for = |marks: &[Vec<SyncMark>], settle_days| asked_daily(today, marks, settle_days) == [november];
        let final_mark = mark("2026-10", "2026-11-15T06:00:00Z");
        assert!(final_for(&[vec![final_mark.clone()]], 14));
        assert!(!final_for(&[vec![final_mark.clone()]], 15));
        assert!(!final_for(&[vec![final_mark.clone()], vec![]], 0));
        assert!(!final_for(&[vec![SyncMark { estimated: true, ..final_mark }]], 0));
    }
}
