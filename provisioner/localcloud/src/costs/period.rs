//! Time periods as Cost Explorer takes them: days in UTC, the start inclusive and the end exclusive.

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::model::CostModel;

/// How far back Cost Explorer keeps days and months.
const MONTHS_KEPT: i64 = 14;

/// A period as requests and answers spell it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TimePeriod {
    /// The first day, `YYYY-MM-DD`.
    pub start: String,
    /// The day after the last one.
    pub end: String,
}

/// A checked period: `start < end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first day.
    pub start: Date,
    /// The day after the last one.
    pub end: Date,
}

/// The length of one result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granularity {
    /// One result a day.
    Daily,
    /// One result a calendar month, cut to the period.
    Monthly,
}

impl Granularity {
    /// Reads the parameter; hourly data must be turned on in AWS and is not there.
    pub fn parse(text: &str) -> Result<Granularity, Fault> {
        match text {
            "DAILY" => Ok(Granularity::Daily),
            "MONTHLY" => Ok(Granularity::Monthly),
            "HOURLY" => Err(Fault::AccessDenied("Hourly data is not turned on for this account".to_owned())),
            other => Err(Fault::validation(format!("Granularity must be DAILY, MONTHLY or HOURLY, not '{other}'"))),
        }
    }
}

impl Period {
    /// Checks a period, also against the model's present day where it has one.
    pub fn parse(period: Option<&TimePeriod>, model: &CostModel) -> Result<Period, Fault> {
        let period = period.ok_or_else(|| Fault::validation("TimePeriod is required"))?;
        let (start, end) = (day("Start", &period.start)?, day("End", &period.end)?);
        if start >= end {
            return Err(Fault::validation(format!(
                "TimePeriod.Start ({start}) must lie before TimePeriod.End ({end}), which is exclusive"
            )));
        }
        if let Some(today) = model.today {
            within_reach(start, end, today)?;
        }
        Ok(Period { start, end })
    }

    /// Whether the day lies in the period.
    pub fn contains(&self, day: Date) -> bool {
        self.start <= day && day < self.end
    }

    /// The results' periods, in order, which together are the period.
    pub fn split(&self, granularity: Granularity) -> Vec<Period> {
        let mut parts = Vec::new();
        let mut start = self.start;
        while start < self.end {
            let next = match granularity {
                Granularity::Daily => start.saturating_add(1.day()),
                Granularity::Monthly => start.first_of_month().saturating_add(1.month()),
            };
            parts.push(Period { start, end: next.min(self.end) });
            start = next;
        }
        parts
    }

    /// The period as answers spell it.
    pub fn text(&self) -> TimePeriod {
        TimePeriod { start: self.start.to_string(), end: self.end.to_string() }
    }
}

fn day(name: &str, text: &str) -> Result<Date, Fault> {
    let fault = || Fault::validation(format!("TimePeriod.{name} must be a day written YYYY-MM-DD, not '{text}'"));
    // Parsed by form first: jiff also reads times and other spellings, which AWS refuses for days and months.
    let is_day = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    if is_day { text.parse().map_err(|_| fault()) } else { Err(fault()) }
}

fn within_reach(start: Date, end: Date, today: Date) -> Result<(), Fault> {
    let oldest = today.first_of_month().saturating_sub(MONTHS_KEPT.months());
    let latest = today.first_of_month().saturating_add(1.month());
    if start < oldest {
        return Err(Fault::validation(format!("TimePeriod.Start ({start}) is too old: data reaches back to {oldest}")));
    }
    if end > latest {
        return Err(Fault::validation(format!(
            "TimePeriod.End ({end}) lies past the beginning of next month ({latest})"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn parse(start: &str, end: &str, today: Option<Date>) -> Result<Period, Fault> {
        let model = CostModel { today, ..CostModel::default() };
        Period::parse(Some(&TimePeriod { start: start.into(), end: end.into() }), &model)
    }

    #[test]
    fn the_end_is_exclusive_so_an_empty_period_is_refused() {
        assert!(parse("2026-10-01", "2026-10-01", None).is_err());
        assert!(parse("2026-10-02", "2026-10-01", None).is_err());
        let one = parse("2026-10-01", "2026-10-02", None).unwrap();
        assert!(one.contains(date(2026, 10, 1)) && !one.contains(date(2026, 10, 2)));
    }

    #[test]
    fn only_days_that_exist_are_read() {
        for text in ["2026-02-30", "2026-2-3", "2026-10-01T00:00:00Z", "", "+02026-10-01"] {
            assert!(parse(text, "2027-01-01", None).is_err(), "{text}");
        }
    }

    #[test]
    fn the_present_day_limits_both_ends() {
        let today = Some(date(2026, 11, 21));
        assert!(parse("2025-09-01", "2026-12-01", today).is_ok());
        assert!(parse("2025-08-31", "2026-12-01", today).is_err());
        assert!(parse("2026-11-01", "2026-12-02", today).is_err());
    }

    #[test]
    fn months_are_cut_to_the_period() {
        let parts = parse("2026-01-15", "2026-03-02", None).unwrap().split(Granularity::Monthly);
        let text: Vec<_> = parts.iter().map(|part| format!("{}..{}", part.start, part.end)).collect();
        assert_eq!(text, ["2026-01-15..2026-02-01", "2026-02-01..2026-03-01", "2026-03-01..2026-03-02"]);
        assert_eq!(parse("2028-02-01", "2028-03-01", None).unwrap().split(Granularity::Daily).len(), 29);
    }
}
