//! A tenant's invoices, and the claims on the cost they are for.

use super::chunks;
use super::port::end_of;
use super::{CostClaim, Expect, Indexed, Key, Ledger, PortError, Record, Stored, Wrote};
use crate::Month;
use crate::invoice::InvoiceRecord;

/// Every sort key of an invoice starts with it.
pub const INVOICE_PREFIX: &str = "invoice#";

/// The sort key of a month's invoice: `invoice#2026-10`.
pub fn invoice_key(month: Month) -> String {
    format!("{INVOICE_PREFIX}{month}")
}

impl Record for InvoiceRecord {
    const NAME: &'static str = "invoice";
    const SCHEMA: u32 = 1;

    fn sort_key(&self) -> String {
        invoice_key(self.month())
    }

    fn indexed(&self) -> Indexed {
        Indexed { version: Some(self.version), ..Indexed::default() }
    }
}

/// A tenant's invoice of a month.
pub async fn of_month(ledger: &dyn Ledger, tenant: &str, month: Month) -> Result<Option<InvoiceRecord>, PortError> {
    let found = chunks::read(ledger, &Key::new(tenant, invoice_key(month))).await?;
    found.map(|stored| stored.record()).transpose()
}

/// Every invoice of a tenant, month by month.
pub async fn all(ledger: &dyn Ledger, tenant: &str) -> Result<Vec<InvoiceRecord>, PortError> {
    let found = chunks::read_range(ledger, tenant, INVOICE_PREFIX, &end_of(INVOICE_PREFIX)).await?;
    found.iter().map(Stored::record).collect()
}

/// Writes an invoice if the stored one has the expected version (none: if there is none); false when it has not.
pub async fn write(ledger: &dyn Ledger, record: &InvoiceRecord, expected: Option<u64>) -> Result<bool, PortError> {
    let expect = expected.map_or(Expect::Absent, Expect::Version);
    let wrote = chunks::write(ledger, Stored::of(record.tenant(), record)?, expect).await?;
    Ok(wrote == Wrote::Done)
}

/// The claim on the same cost, whoever has it.
pub async fn claim_on(ledger: &dyn Ledger, claim: &CostClaim) -> Result<Option<CostClaim>, PortError> {
    ledger.get(&claim.key()).await?.map(|stored| stored.record()).transpose()
}

/// Claims a month's cost for a tenant, unless another tenant has it; gives the tenant who has it now.
pub async fn claim_cost(ledger: &dyn Ledger, claim: &CostClaim) -> Result<String, PortError> {
    let item = Stored::of(&claim.partition(), claim)?;
    if ledger.put(item, Expect::HeldBy(claim.tenant.clone())).await? == Wrote::Done {
        return Ok(claim.tenant.clone());
    }
    // Claims are never given up, so what refused the write is there.
    Ok(claim_on(ledger, claim).await?.map(|held| held.tenant).unwrap_or_default())
}
