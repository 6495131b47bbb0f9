//! The cost an invoice was priced from, and the stored days it comes from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::invoice::{Derivation, Invoice, SharedPart, own_services};
use crate::ledger::{CostAmount, CostDay};
use crate::sharing::{RecordType, Sharing};

/// `costs.json`: US dollars, exact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Costs {
    /// The tenant's own cost by service, as the invoice was priced: without record types that the terms have borne
    /// otherwise than their tags say.
    pub services: BTreeMap<String, Decimal>,
    /// What was shared to the tenant of cost that is no tenant's.
    pub shared: Option<SharedPart>,
    /// The stored days, as they are now.
    pub days: Vec<DayCost>,
    /// What the days now come to beyond `services`: AWS restated them since. Services without a difference are left out.
    pub changed_since: BTreeMap<String, Decimal>,
}

/// One stored day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayCost {
    /// The UTC day.
    pub date: Date,
    /// Cost by service, with record types under their names.
    pub services: BTreeMap<String, Decimal>,
    /// What of it is of a record type that the manifest tells apart.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub records: BTreeMap<RecordType, Decimal>,
}

impl Costs {
    /// The cost that an invoice was priced from, and its days.
    pub(super) fn of(invoice: &Invoice, sharing: &Sharing, days: &[CostDay]) -> Costs {
        let priced = invoice.steps.iter().find_map(|step| match &step.derivation {
            Some(Derivation::Cost { services, shared, .. }) => Some((services.clone(), shared.clone())),
            _ => None,
        });
        // A closing month has no cost of its own.
        let (services, shared) = priced.unwrap_or_default();
        let days: Vec<DayCost> = days.iter().map(DayCost::of).collect();
        let changed_since = differences(&days, sharing, &services);
        Costs { services, shared, days, changed_since }
    }

    /// What the days come to by service, without what has changed since the invoice; services of no cost left out.
    pub(super) fn of_days(&self, sharing: &Sharing) -> BTreeMap<String, Decimal> {
        differences(&self.days, sharing, &self.changed_since)
    }
}

/// What the days come to by service, less `known`; services without a difference left out.
fn differences(days: &[DayCost], sharing: &Sharing, known: &BTreeMap<String, Decimal>) -> BTreeMap<String, Decimal> {
    let days: Vec<CostDay> = days.iter().map(DayCost::as_stored).collect();
    let mut sums = own_services(&days, sharing);
    for (name, cost) in known {
        *sums.entry(name.clone()).or_default() -= cost;
    }
    sums.retain(|_, cost| !cost.is_zero());
    sums
}

impl DayCost {
    fn of(day: &CostDay) -> DayCost {
        DayCost {
            date: day.date,
            services: day.services.iter().map(|(name, amount)| (name.clone(), amount.cost)).collect(),
            records: day.records.iter().map(|(kind, amount)| (*kind, amount.cost)).collect(),
        }
    }

    /// As the rules of cost read it; what they do not read is left out.
    fn as_stored(&self) -> CostDay {
        let amount = |cost: &Decimal| CostAmount { cost: *cost, usage: Decimal::ZERO };
        CostDay {
            services: self.services.iter().map(|(name, cost)| (name.clone(), amount(cost))).collect(),
            records: self.records.iter().map(|(kind, cost)| (*kind, amount(cost))).collect(),
            ..CostDay::nothing(self.date, Timestamp::UNIX_EPOCH)
        }
    }
}
