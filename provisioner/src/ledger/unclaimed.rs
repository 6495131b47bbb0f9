//! A month's cost of no tenant: what it comes to, how much of it is shared out, and which values of the tenant tag are
//! near a tenant's.

use std::collections::BTreeMap;

use billing::Month;
use billing::invoice::sharing_of;
use billing::ledger::{CostDay, cost_by_value};
use billing::names::UNALLOCATED;
use billing::tenant::TenantRecord;
use rust_decimal::Decimal;

use super::near_misses::{NearMiss, near_misses};
use super::reader::LedgerReader;
use crate::ui::failure::Failure;

/// A month's cost of no tenant, in US dollars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unclaimed {
    /// The month.
    pub month: Month,
    /// All of it, exact: what no tenant's tags claim, and record types that are nobody's by their policies.
    pub cost: Decimal,
    /// It by value of the tenant tag, exact; without the tag under an empty value.
    pub values: BTreeMap<String, Decimal>,
    /// What of it carries a tenant's tags, by id.
    pub moved: BTreeMap<String, Decimal>,
    /// What of it the tenants bear by the deployed terms, those who left among them. It is within `cost`.
    pub shared: Decimal,
    /// Values that are near a tenant's.
    pub near: Vec<NearMiss>,
}

/// Loads it; none where no sync asked AWS for the month yet. `tenants` are all that are deployed.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn load(
    reader: &LedgerReader,
    tenants: &[TenantRecord],
    tag: &str,
    month: Month,
) -> Result<Option<Unclaimed>, Failure> {
    if reader.sync_mark(UNALLOCATED, month).await?.is_none() {
        return Ok(None);
    }
    let days = reader.cost_days(UNALLOCATED, month.period()).await?;
    // The manifest shares it out in one way, which all terms of a month carry.
    let sharing = tenants.iter().map(|tenant| sharing_of(tenant, month, None)).find(|sharing| !sharing.is_default());
    let values = cost_by_value(&days);
    let mut found = Unclaimed {
        month,
        cost: days.iter().map(CostDay::cost).sum(),
        moved: BTreeMap::new(),
        shared: Decimal::ZERO,
        near: near_misses(&values, tenants, tag),
        values,
    };
    if let Some(sharing) = sharing {
        let costs = reader.month_costs(month, !sharing.records.is_empty() || sharing.weighs()).await?;
        found.shared = costs.parts(&sharing).values().sum();
        let moved = costs.tenants.iter().map(|(id, tagged)| (id.clone(), tagged.cost - tagged.as_tagged(&sharing)));
        found.moved = moved.filter(|(_, cost)| !cost.is_zero()).collect();
        found.cost += found.moved.values().sum::<Decimal>();
    }
    Ok(Some(found))
}

impl Unclaimed {
    /// What of it is on no invoice: the operator bears it.
    pub fn kept(&self) -> Decimal {
        self.cost - self.shared
    }
}
