//! Cost that comes back every month: what the local cloud's clock makes rows of as days pass.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::row::{CostRow, decimal_text};

/// Daily figures have digits below the cent, as AWS's have.
const DAILY_SCALE: u32 = 4;

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

/// One day's share of a month that is spread evenly: the shares of all its days add up to the whole.
fn share(whole: Decimal, date: Date) -> Decimal {
    let scale = whole.scale().max(DAILY_SCALE);
    let mut scaled = whole;
    scaled.rescale(scale);
    let (day, days) = (i128::from(date.day()), i128::from(date.days_in_month()));
    let until = |day: i128| scaled.mantissa() * day / days;
    Decimal::from_i128_with_scale(until(day) - until(day - 1), scale)
}
