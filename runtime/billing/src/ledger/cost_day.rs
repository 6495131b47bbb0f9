//! One tenant's cost of one day.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Indexed, Record};
use crate::sharing::RecordType;

/// Every sort key of a day of cost starts with it.
pub const COST_PREFIX: &str = "cost#";

/// The sort key of a day of cost: `cost#2026-10-05`.
pub fn cost_key(day: Date) -> String {
    format!("{COST_PREFIX}{day}")
}

/// Cost and usage of one service or project on one day.
///
/// `usage` adds quantities of unlike units, as Cost Explorer does: it compares one day of a service with another day
/// of the same service, and says nothing across services.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostAmount {
    /// US dollars, as exact as AWS stated them.
    pub cost: Decimal,
    /// The sum of usage quantities, whatever their units.
    pub usage: Decimal,
}

/// One tenant's cost of one UTC day. Replaced as a whole, never added to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostDay {
    /// The day.
    pub date: Date,
    /// By AWS service. Their sum is the day's cost.
    pub services: BTreeMap<String, CostAmount>,
    /// By project tag value; cost without one under [`crate::names::NO_PROJECT`]. Empty when no project tag is set.
    pub projects: BTreeMap<String, CostAmount>,
    /// Of cost of no tenant: by value of the tenant tag, empty for untagged cost. Their sum is the day's cost.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, CostAmount>,
    /// What of it is of a record type that the manifest tells apart; among `services`, under [`RecordType::label`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub records: BTreeMap<RecordType, CostAmount>,
    /// AWS may still restate it.
    pub estimated: bool,
    /// When Cost Explorer said so.
    pub synced_at: Timestamp,
}

impl Record for CostDay {
    const NAME: &'static str = "cost_day";
    const SCHEMA: u32 = 1;

    fn sort_key(&self) -> String {
        cost_key(self.date)
    }

    fn indexed(&self) -> Indexed {
        Indexed { read_at: Some(self.synced_at), ..Indexed::default() }
    }
}

impl CostAmount {
    /// Adds another amount to it.
    pub fn add(&mut self, other: CostAmount) {
        self.cost += other.cost;
        self.usage += other.usage;
    }

    /// The amount that undoes it.
    #[must_use]
    pub fn opposite(self) -> CostAmount {
        // A zero has no sign.
        let minus = |number: Decimal| if number.is_zero() { number } else { -number };
        CostAmount { cost: minus(self.cost), usage: minus(self.usage) }
    }
}

impl CostDay {
    /// A day that cost nothing.
    pub fn nothing(date: Date, synced_at: Timestamp) -> CostDay {
        let (services, projects) = (BTreeMap::new(), BTreeMap::new());
        let (values, records) = (BTreeMap::new(), BTreeMap::new());
        CostDay { date, services, projects, values, records, estimated: false, synced_at }
    }

    /// The day's cost, exact.
    pub fn cost(&self) -> Decimal {
        self.services.values().map(|amount| amount.cost).sum()
    }

    /// Whether both say the same, whenever they were synced.
    pub fn same_figures(&self, other: &CostDay) -> bool {
        self.date == other.date
            && self.estimated == other.estimated
            && self.services == other.services
            && self.projects == other.projects
            && self.values == other.values
            && self.records == other.records
    }
}

/// Cost by service over several days, exact: what an invoice is priced from.
pub fn cost_by_service<'a>(days: impl IntoIterator<Item = &'a CostDay>) -> BTreeMap<String, Decimal> {
    by_service(days).into_iter().map(|(name, amount)| (name, amount.cost)).collect()
}

/// Cost and usage by service over several days, exact.
pub fn by_service<'a>(days: impl IntoIterator<Item = &'a CostDay>) -> BTreeMap<String, CostAmount> {
    sum_by(days, |day| &day.services)
}

/// Cost by project over several days, exact.
pub fn by_project<'a>(days: impl IntoIterator<Item = &'a CostDay>) -> BTreeMap<String, CostAmount> {
    sum_by(days, |day| &day.projects)
}

/// Cost by value of the tenant tag over several days of cost of no tenant, exact.
pub fn cost_by_value<'a>(days: impl IntoIterator<Item = &'a CostDay>) -> BTreeMap<String, Decimal> {
    sum_by(days, |day| &day.values).into_iter().map(|(value, amount)| (value, amount.cost)).collect()
}

/// Cost by record type over several days, of those that the manifest tells apart; exact.
pub fn cost_by_record_type<'a>(days: impl IntoIterator<Item = &'a CostDay>) -> BTreeMap<RecordType, Decimal> {
    sum_by(days, |day| &day.records).into_iter().map(|(kind, amount)| (kind, amount.cost)).collect()
}

fn sum_by<'a, K: Ord + Clone + 'a>(
    days: impl IntoIterator<Item = &'a CostDay>,
    part: impl Fn(&'a CostDay) -> &'a BTreeMap<K, CostAmount>,
) -> BTreeMap<K, CostAmount> {
    let mut sums: BTreeMap<K, CostAmount> = BTreeMap::new();
    for day in days {
        for (name, amount) in part(day) {
            sums.entry(name.clone()).or_default().add(*amount);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn sort_keys_order_as_days_do() {
        assert_eq!(cost_key(date(2026, 10, 5)), "cost#2026-10-05");
        assert!(cost_key(date(2026, 9, 30)) < cost_key(date(2026, 10, 1)));
    }

    #[test]
    fn a_day_survives_its_text_digit_for_digit() {
        let mut day = CostDay::nothing(date(2026, 10, 5), Timestamp::UNIX_EPOCH);
        let cost = Decimal::from_str_exact("0.1000000001").expect("a decimal");
        day.services.insert("AWS Lambda".to_owned(), CostAmount { cost, usage: Decimal::ONE });
        let text = serde_json::to_string(&day).expect("JSON");
        assert!(text.contains("\"0.1000000001\""), "{text}");
        assert_eq!(serde_json::from_str::<CostDay>(&text).expect("a day"), day);
    }
}
