//! Which days a sync asks for: whole months from their first day, never today, which is not over.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::invoice::{is_final, is_looked_at};
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

/// What a daily run knows of one tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The first month that is billed; none where only months that were synced before matter.
    pub first: Option<Month>,
    /// The marks of the months of [`looked_at`].
    pub marks: Vec<SyncMark>,
}

/// What a daily run asks for, oldest first, one period for each month: this month up to yesterday, last month, each earlier
/// month of a tenant's that is not final, synced or not, and those whose cost is still compared with what was invoiced.
///
/// # Errors
/// When the calendar has no last month.
pub fn daily(today: Date, tenants: &[Known], settle_days: u32) -> Result<Vec<Period>, WindowError> {
    let (first, last) = looked_at(today)?;
    let mut months = BTreeSet::from([last]);
    for tenant in tenants {
        let mut next = Some(tenant.first.map_or(last, |of_tenant| of_tenant.max(first)));
        while let Some(month) = next.filter(|month| *month <= last) {
            if !tenant.marks.iter().any(|mark| mark.month == month) {
                months.insert(month);
            }
            next = month.next().ok();
        }
        let open = tenant.marks.iter().filter(|mark| !is_final(mark, settle_days) || is_looked_at(mark.month, today));
        months.extend(open.map(|mark| mark.month));
    }
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
        let known: Vec<Known> = marks.iter().map(|marks| Known { first: None, marks: marks.clone() }).collect();
        daily(today, &known, settle_days).expect("a window").into_iter().map(days).collect()
    }

    fn month(text: &str) -> (Date, Date) {
        days(text.parse::<Month>().expect("a month").period())
    }

    /// Restatements come for some months after a bill was settled.
    #[test]
    fn a_final_month_is_asked_for_as_long_as_it_is_compared_with_its_invoice() {
        let today = date(2026, 11, 21);
        let november = (date(2026, 11, 1), date(2026, 11, 20));
        let settled =
            ["2026-06", "2026-07", "2026-08", "2026-09", "2026-10"].map(|of| mark(of, "2026-11-20T06:00:00Z"));
        let asked = asked_daily(today, &[settled.to_vec()], 14);
        assert_eq!(asked, [month("2026-08"), month("2026-09"), month("2026-10"), november]);
    }

    /// Forty days without a sync: every month of the tenant's since then is asked for.
    #[test]
    fn a_month_of_the_tenants_that_was_never_synced_is_asked_for() {
        let today = date(2026, 12, 10);
        let known = Known { first: "2026-10".parse().ok(), marks: Vec::new() };
        let asked: Vec<_> = daily(today, &[known], 14).expect("a window").into_iter().map(days).collect();
        assert_eq!(asked, [month("2026-10"), month("2026-11"), (date(2026, 12, 1), date(2026, 12, 9))]);
        let years_ago = Known { first: "2020-01".parse().ok(), marks: Vec::new() };
        let asked = daily(today, &[years_ago], 14).expect("a window");
        assert_eq!(asked.len(), LOOKS_BACK_MONTHS + 2, "Cost Explorer keeps about a year");
    }

    #[test]
    fn last_month_is_always_asked_for() {
        let today = date(2026, 11, 21);
        let november = (date(2026, 11, 1), date(2026, 11, 20));
        for marks in [vec![], vec![mark("2026-10", "2026-11-15T06:00:00Z")]] {
            assert_eq!(asked_daily(today, &[marks], 14), [month("2026-10"), november]);
        }
    }

    #[test]
    fn the_first_of_a_month_has_no_day_of_its_own_yet() {
        let first = date(2026, 11, 1);
        assert_eq!(asked_daily(first, &[vec![]], 0), [month("2026-10")]);
    }

    /// Older than what is compared with invoices, and read too early: no sync ran between settling and now.
    #[test]
    fn a_month_that_was_read_too_early_is_asked_for_until_it_is_final() {
        let today = date(2026, 12, 10);
        let asked = |marks| asked_daily(today, &[marks], 14).contains(&month("2026-06"));
        assert!(asked(vec![mark("2026-06", "2026-07-14T23:59:59Z")]));
        assert!(!asked(vec![mark("2026-06", "2026-07-15T00:00:00Z")]));
        assert!(asked(vec![SyncMark { estimated: true, ..mark("2026-06", "2026-07-15T00:00:00Z") }]));
        // A month that was never synced was nobody's to sync.
        assert!(!asked(vec![mark("2026-05", "2026-07-20T06:00:00Z")]));
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
}
