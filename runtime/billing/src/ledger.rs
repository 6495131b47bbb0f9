//! What the one ledger table holds beside tenant records: days of cost, marks of what was synced, claims, invoices.
//!
//! Every item's key, but for claims, is ([`crate::names::LEDGER_KEY`] = the tenant's id,
//! [`crate::names::LEDGER_SORT`] = one of the sort keys below); what it says is JSON text in [`crate::names::RECORD_ATTRIBUTE`], decimals as text, so that no
//! store and no reader rounds them. Invoices are [`crate::invoice::InvoiceRecord`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::Month;

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
    /// AWS may still restate it.
    pub estimated: bool,
    /// When Cost Explorer said so.
    pub synced_at: Timestamp,
}

/// What is known of one tenant's month: days without an item between the first and `through` cost nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncMark {
    /// The month.
    pub month: Month,
    /// The last day that was asked for, inclusive; the month's first days up to it are known.
    pub through: Date,
    /// A day of it may still be restated by AWS.
    pub estimated: bool,
    /// All its days are written. False while a sync is writing them, or died doing so: such a month is not billed.
    pub complete: bool,
    /// When it was synced.
    pub synced_at: Timestamp,
}

/// Who is invoiced for the cost of one tag value in one month.
///
/// Cost is told apart by tags, and invoices by tenants; ids and tags change hands. Whoever claims the cost first has it,
/// so that no cost comes onto two invoices.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CostClaim {
    /// The tag that tells the cost apart, `key=value`: `ClientOrganization=Acme`.
    pub tag: String,
    /// The month.
    pub month: Month,
    /// The tenant who is invoiced for it.
    pub tenant: String,
}

/// Both keys of a claim start with it; no tenant's id does.
pub const CLAIM_PREFIX: &str = "claim#";

/// Every sort key of a day of cost starts with it.
pub const COST_PREFIX: &str = "cost#";
/// Every sort key of a sync mark starts with it.
pub const SYNC_PREFIX: &str = "sync#";
/// Every sort key of an invoice starts with it.
pub const INVOICE_PREFIX: &str = "invoice#";

/// The sort key of a day of cost: `cost#2026-10-05`.
pub fn cost_key(day: Date) -> String {
    format!("{COST_PREFIX}{day}")
}

/// The sort key of a month's sync mark: `sync#2026-10`.
pub fn sync_key(month: Month) -> String {
    format!("{SYNC_PREFIX}{month}")
}

/// The sort key of a month's invoice: `invoice#2026-10`.
pub fn invoice_key(month: Month) -> String {
    format!("{INVOICE_PREFIX}{month}")
}

impl CostClaim {
    /// The claim's partition key, `claim#ClientOrganization=Acme`: it belongs to the cost, whoever the tenant is.
    pub fn partition(&self) -> String {
        format!("{CLAIM_PREFIX}{}", self.tag)
    }

    /// The claim's sort key: `claim#2026-10`.
    pub fn sort_key(&self) -> String {
        format!("{CLAIM_PREFIX}{}", self.month)
    }
}

impl CostAmount {
    /// Adds another amount to it.
    pub fn add(&mut self, other: CostAmount) {
        self.cost += other.cost;
        self.usage += other.usage;
    }
}

impl CostDay {
    /// A day that cost nothing.
    pub fn nothing(date: Date, synced_at: Timestamp) -> CostDay {
        CostDay { date, services: BTreeMap::new(), projects: BTreeMap::new(), estimated: false, synced_at }
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
    }
}

impl SyncMark {
    /// Whether the day's cost is known.
    pub fn covers(&self, day: Date) -> bool {
        self.month.period().contains(day) && day <= self.through
    }

    /// Whether every day of the month is known and written.
    pub fn whole_month(&self) -> bool {
        self.complete && self.through >= self.month.period().last_day()
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

fn sum_by<'a>(
    days: impl IntoIterator<Item = &'a CostDay>,
    part: impl Fn(&CostDay) -> &BTreeMap<String, CostAmount>,
) -> BTreeMap<String, CostAmount> {
    let mut sums: BTreeMap<String, CostAmount> = BTreeMap::new();
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
        assert_eq!(invoice_key(Month::of(date(2026, 10, 5))), "invoice#2026-10");
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

    #[test]
    fn a_mark_covers_its_month_up_to_its_last_day() {
        let mark = SyncMark {
            month: Month::of(date(2026, 10, 1)),
            through: date(2026, 10, 20),
            estimated: true,
            complete: true,
            synced_at: Timestamp::UNIX_EPOCH,
        };
        assert!(mark.covers(date(2026, 10, 20)) && mark.covers(date(2026, 10, 1)));
        assert!(!mark.covers(date(2026, 10, 21)) && !mark.covers(date(2026, 9, 30)));
        assert!(!mark.whole_month());
    }
}
