//! A month's cost of all tenants, from the ledger: what shared cost is weighed by.

use std::collections::BTreeMap;

use super::{Ledger, PortError, SyncMark, costs, left_tenants, tenants};
use crate::Month;
use crate::invoice::{MonthCosts, Tagged};
use crate::names::UNALLOCATED;

/// Reads what is shared out in a month, and among whom. `weighs`: with each tenant's own cost, three reads a tenant.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn load(ledger: &dyn Ledger, month: Month, weighs: bool) -> Result<MonthCosts, PortError> {
    let present = tenants::all(ledger).await?;
    let left = left_tenants::all(ledger).await?;
    let present = present.into_iter().filter(|tenant| tenant.bills(month)).map(|tenant| tenant.id);
    let left = left.into_iter().filter(|left| left.bills(month)).map(|left| left.id);
    let mut found = MonthCosts {
        month,
        tenants: present.chain(left).map(|id| (id, Tagged::default())).collect(),
        unallocated: Tagged::default(),
        marks: BTreeMap::new(),
    };
    let (mark, cost) = of(ledger, UNALLOCATED, month).await?;
    found.marks.insert(UNALLOCATED.to_owned(), mark);
    found.unallocated = cost;
    if weighs {
        for (id, own) in &mut found.tenants {
            let (mark, cost) = of(ledger, id, month).await?;
            found.marks.insert(id.clone(), mark);
            *own = cost;
        }
    }
    Ok(found)
}

/// What was synced of one tenant's month, and its cost. A sync that ran while the days were read may have torn them.
async fn of(ledger: &dyn Ledger, id: &str, month: Month) -> Result<(Option<SyncMark>, Tagged), PortError> {
    // Asked as ranges: `plan` may query the ledger, and get no item.
    let before = costs::marks(ledger, id, month, month).await?.pop();
    let days = costs::days(ledger, id, &month.period()).await?;
    let after = costs::marks(ledger, id, month, month).await?.pop();
    Ok((before.filter(|before| Some(before) == after.as_ref()), Tagged::of(&days)))
}
