//! Tenant records: the provisioner writes them, handlers only read.

use super::{Indexed, Key, Ledger, PortError, Record};
use crate::names::TENANT_ITEM;
use crate::tenant::TenantRecord;

impl Record for TenantRecord {
    const NAME: &'static str = "tenant";
    const SCHEMA: u32 = 1;

    fn sort_key(&self) -> String {
        TENANT_ITEM.to_owned()
    }

    fn indexed(&self) -> Indexed {
        Indexed { kind: Some(TENANT_ITEM.to_owned()), ..Indexed::default() }
    }
}

/// Every tenant's record, by id.
pub async fn all(ledger: &dyn Ledger) -> Result<Vec<TenantRecord>, PortError> {
    ledger.of_kind(TENANT_ITEM).await?.iter().map(super::Stored::record).collect()
}

/// One tenant's record.
pub async fn one(ledger: &dyn Ledger, id: &str) -> Result<Option<TenantRecord>, PortError> {
    let found = ledger.get(&Key::new(id, TENANT_ITEM)).await?;
    found.map(|stored| stored.record()).transpose()
}
