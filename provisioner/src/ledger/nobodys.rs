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
pub struct Nobodys {
    /// The month.
    pub month: Month,
    /// All of it, exact.
    pub cost: Decimal,
    /// By value of the tenant tag, empty for untagged cost. Empty where a sync of before values were kept wrote it.
    pub values: BTreeMap<String, Decimal>,
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
) -> Result<Option<Nobodys>, Failure> {
    if reader.sync_mark(UNALLOCATED, month).await?.is_none() {
        return Ok(None);
    }
    let days = reader.cost_days(UNALLOCATED, month.period()).await?;
    let values = cost_by_value(&days);
    // The manifest shares it out in one way, which all terms of a month carry.
    let sharing = tenants.iter().map(|tenant| sharing_of(tenant, month, None)).find(|sharing| !sharing.is_nothing());
    let shared = match sharing {
        Some(sharing) => reader.month_costs(month, sharing.weighs()).await?.parts(&sharing).values().sum(),
        None => Decimal::ZERO,
    };
    let near = near_misses(&values, tenants, tag);
    Ok(Some(Nobodys { month, cost: days.iter().map(CostDay::cost).sum(), values, shared, near }))
}

impl Nobodys {
    /// What of it is on no invoice: the operator bears it.
    pub fn kept(&self) -> Decimal {
        self.cost - self.shared
    }
}
