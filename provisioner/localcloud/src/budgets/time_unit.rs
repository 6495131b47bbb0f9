//! How long a budget's limit holds, and the period of an evaluation.

use jiff::ToSpan;
use jiff::civil::Date;

use super::spend::Span;

/// How long a budget's limit holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeUnit {
    Daily,
    Monthly,
    Quarterly,
    Annually,
}

impl TimeUnit {
    pub(super) fn parse(text: &str) -> Option<TimeUnit> {
        match text {
            "DAILY" => Some(TimeUnit::Daily),
            "MONTHLY" => Some(TimeUnit::Monthly),
            "QUARTERLY" => Some(TimeUnit::Quarterly),
            "ANNUALLY" => Some(TimeUnit::Annually),
            _ => None,
        }
    }

    /// The period that an evaluation on a day looks at. A daily budget looks at yesterday: today has no cost yet.
    pub(super) fn span(self, today: Date) -> Span {
        let month = today.first_of_month();
        let (start, end) = match self {
            TimeUnit::Daily => (today.saturating_sub(1.day()), today),
            TimeUnit::Monthly => (month, month.saturating_add(1.month())),
            TimeUnit::Quarterly => {
                let start = month.saturating_sub(i64::from((month.month() - 1) % 3).months());
                (start, start.saturating_add(3.months()))
            }
            TimeUnit::Annually => (today.first_of_year(), today.first_of_year().saturating_add(1.year())),
        };
        Span { start, end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn periods_are_days_months_quarters_and_years() {
        let today = date(2026, 11, 27);
        let span = |unit: TimeUnit| (unit.span(today).start, unit.span(today).end);
        assert_eq!(span(TimeUnit::Daily), (date(2026, 11, 26), today));
        assert_eq!(span(TimeUnit::Monthly), (date(2026, 11, 1), date(2026, 12, 1)));
        assert_eq!(span(TimeUnit::Quarterly), (date(2026, 10, 1), date(2027, 1, 1)));
        assert_eq!(span(TimeUnit::Annually), (date(2026, 1, 1), date(2027, 1, 1)));
    }
}
