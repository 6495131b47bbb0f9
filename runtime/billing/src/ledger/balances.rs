//! A tenant's balance in the ledger: what is open of it under one key, its entries behind it.

use super::port::end_of;
use super::{Indexed, Ledger, PortError, Record, Stored};
use crate::balance::{Balance, Entry, EntryKind};

/// The sort key of what is open of a tenant's balance.
pub const BALANCE_ITEM: &str = "balance";
/// Every sort key of an entry starts with it.
pub const ENTRY_PREFIX: &str = "balance#";

impl Record for Balance {
    const NAME: &'static str = "balance";
    const SCHEMA: u32 = 1;

    fn sort_key(&self) -> String {
        BALANCE_ITEM.to_owned()
    }

    fn indexed(&self) -> Indexed {
        Indexed { version: Some(self.version), ..Indexed::default() }
    }
}

impl Record for Entry {
    const NAME: &'static str = "balance_entry";
    const SCHEMA: u32 = 1;

    /// Position, the record's write that made it, and why: writing it again is a no-op.
    fn sort_key(&self) -> String {
        let Entry { position, month, revision, version, kind, .. } = self;
        format!("{ENTRY_PREFIX}{position}#{month}.{revision}.{version}#{}", kind.name())
    }
}

impl EntryKind {
    /// The kind as keys and JSON have it.
    pub fn name(self) -> &'static str {
        match self {
            EntryKind::Credit => "credit",
            EntryKind::Restated => "restated",
            EntryKind::Replaced => "replaced",
            EntryKind::Drawn => "drawn",
            EntryKind::Credited => "credited",
            EntryKind::Returned => "returned",
        }
    }
}

/// What is open of a tenant's balance; none before its first entry. Asked as a range, as invoices are: whoever may look
/// at a tenant's invoices may look at its balance.
pub async fn open(ledger: &dyn Ledger, tenant: &str) -> Result<Option<Balance>, PortError> {
    ledger.range(tenant, BALANCE_ITEM, BALANCE_ITEM).await?.first().map(Stored::record).transpose()
}

/// Every entry of a tenant's balance, by position.
pub async fn entries(ledger: &dyn Ledger, tenant: &str) -> Result<Vec<Entry>, PortError> {
    ledger.range(tenant, ENTRY_PREFIX, &end_of(ENTRY_PREFIX)).await?.iter().map(Stored::record).collect()
}
