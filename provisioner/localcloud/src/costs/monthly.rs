//! Cost that comes back every month: what the local cloud's clock makes rows of as days pass.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::model::{CostModel, CostRow, decimal_text};

/// Daily figures have digits below the cent, as AWS's have.
const DAILY_SCALE: u32 = 4;

/// The day of a month from which on the month before is final. AWS issues the invoice on the 3rd to the 5th and
/// reckons support plans on the 6th or 7th.
const FINAL_FROM: i8 = 6;

/// What one service costs in a whole month; its days cost alike, and add up to the month exactly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonthlyCost {
    /// See [`CostRow::service`].
    pub service: String,
    /// See [`CostRow::region`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// See [`CostRow::tags`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The month's cost in US dollars.
    #[serde(with = "decimal_text")]
    pub amount: Decimal,
    /// The month's quantity, in `unit`.
    #[serde(default, with = "decimal_text")]
    pub quantity: Decimal,
    /// See [`CostRow::unit`].
    #[serde(default)]
    pub unit: String,
}

impl MonthlyCost {
    /// The rows of the days from `start` up to but not including `end`.
    pub fn rows(&self, start: Date, end: Date) -> impl Iterator<Item = CostRow> + '_ {
        let days = std::iter::successors(Some(start), |day| day.checked_add(1.day()).ok());
        days.take_while(move |day| *day < end).map(|date| CostRow {
            date,
            service: self.service.clone(),
            region: self.region.clone(),
            account: None,
            tags: self.tags.clone(),
            record_type: "Usage".to_owned(),
            amount: share(self.amount, date),
            quantity: share(self.quantity, date),
            unit: self.unit.clone(),
        })
    }
}

impl CostModel {
    /// Lets time pass until `day` is today: the days before it get their monthly costs, and months become final as AWS
    /// finalises them. False when nothing changed: for an earlier day, and in a model without a present day.
    pub fn pass_to(&mut self, day: Date) -> bool {
        let Some(today) = self.today.filter(|today| *today < day) else { return false };
        let rows: Vec<CostRow> = self.monthly.iter().flat_map(|line| line.rows(today, day)).collect();
        self.rows.extend(rows);
        self.today = Some(day);
        self.estimated_from = self.estimated_from.map(|from| from.max(estimated_from(day)));
        true
    }
}

/// The first day of the months that are not final on a day.
fn estimated_from(today: Date) -> Date {
    let this_month = today.first_of_month();
    match today.day() {
        FINAL_FROM.. => this_month,
        _ => this_month.saturating_sub(1.month()),
    }
}

/// One day's share of a month that is spread evenly: the shares of all its days add up to the whole.
fn share(whole: Decimal, date: Date) -> Decimal {
    let scale = whole.scale().max(DAILY_SCALE);
    let mut scaled = whole;
    scaled.rescale(scale);
    let (day, days) = (i128::from(date.day()), i128::from(date.days_in_month()));
    let until = |day: i128| scaled.mantissa() * day / days;
    Decimal::from_i128_with_scale(until(day) - until(day - 1), scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn model(today: Date) -> CostModel {
        CostModel::example(today)
    }

    #[test]
    fn small_steps_and_one_large_step_come_to_the_same() {
        let (start, end) = (date(2026, 11, 27), date(2027, 3, 2));
        let mut at_once = model(start);
        assert!(at_once.pass_to(end));
        let mut in_steps = model(start);
        let mut day = start;
        while day < end {
            day = day.saturating_add(1.day());
            assert!(in_steps.pass_to(day));
        }
        let sorted = |model: &CostModel| {
            let mut rows: Vec<String> = model.rows.iter().map(|row| format!("{row:?}")).collect();
            rows.sort();
            rows
        };
        assert!(sorted(&in_steps) == sorted(&at_once));
        assert_eq!((in_steps.today, in_steps.estimated_from), (at_once.today, at_once.estimated_from));
        for month in [date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1), date(2027, 2, 1)] {
            let rows = at_once.rows.iter().filter(|row| row.date.first_of_month() == month);
            assert_eq!(rows.map(|row| row.amount).sum::<Decimal>(), Decimal::new(14_235, 2), "{month}");
        }
    }

    #[test]
    fn a_day_has_no_cost_before_it_is_over() {
        let mut model = model(date(2026, 11, 27));
        model.pass_to(date(2026, 11, 29));
        assert_eq!(model.rows.iter().map(|row| row.date).max(), Some(date(2026, 11, 28)));
        assert!(!model.pass_to(date(2026, 11, 28)), "time does not go back");
        assert!(!CostModel::default().pass_to(date(2026, 11, 28)), "no present day, no time");
    }

    #[test]
    fn a_month_is_an_estimate_until_the_sixth_of_the_next() {
        let mut model = model(date(2026, 11, 27));
        for (today, from) in [
            (date(2026, 11, 30), date(2026, 11, 1)),
            (date(2026, 12, 5), date(2026, 11, 1)),
            (date(2026, 12, 6), date(2026, 12, 1)),
            (date(2027, 1, 1), date(2026, 12, 1)),
        ] {
            model.pass_to(today);
            assert_eq!(model.estimated_from, Some(from), "{today}");
        }
    }

    #[test]
    fn what_was_final_stays_final() {
        let mut model = model(date(2026, 12, 2));
        assert_eq!(model.estimated_from, Some(date(2026, 12, 1)));
        model.pass_to(date(2026, 12, 3));
        assert_eq!(model.estimated_from, Some(date(2026, 12, 1)));
    }
}
