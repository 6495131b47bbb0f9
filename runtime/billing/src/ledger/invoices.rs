//! A tenant's invoices.

use serde_json::{Map, Value};

use super::chunks;
use super::port::end_of;
use super::{Expect, Indexed, Key, Ledger, PortError, Record, Stored, Wrote};
use crate::Month;
use crate::balance::{Balance, Entry};
use crate::invoice::InvoiceRecord;

/// Every sort key of an invoice starts with it.
pub const INVOICE_PREFIX: &str = "invoice#";

/// The sort key of a month's invoice: `invoice#2026-10`.
pub fn invoice_key(month: Month) -> String {
    format!("{INVOICE_PREFIX}{month}")
}

impl Record for InvoiceRecord {
    const NAME: &'static str = "invoice";
    const SCHEMA: u32 = 2;

    fn sort_key(&self) -> String {
        invoice_key(self.month())
    }

    fn indexed(&self) -> Indexed {
        Indexed { version: Some(self.version), ..Indexed::default() }
    }

    /// 1 -> 2: drafts of version 1 were drawn up once, from settled cost, and were finalised by hand.
    fn upgrade(_from: u32, mut fields: Map<String, Value>) -> Map<String, Value> {
        let state = match fields.get("state").and_then(Value::as_str) {
            Some("drafting") => "claimed",
            Some("draft") => "complete",
            Some("issued") => "open",
            _ => return fields,
        };
        fields.insert("state".to_owned(), state.into());
        fields
    }
}

/// One write of an invoice, and of the balance where the invoice draws on it or adds to it.
#[derive(Debug, Clone)]
pub struct InvoiceWrite {
    /// The record to store.
    pub record: InvoiceRecord,
    /// The version that is stored now; none when there is to be none.
    pub expected: Option<u64>,
    /// The balance after it, with its version before it and the entries it is changed by.
    pub balance: Option<(Balance, Option<u64>, Vec<Entry>)>,
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

/// Writes an invoice and what it does to the balance, all or nothing; false when another run was quicker.
pub async fn write(ledger: &dyn Ledger, write: &InvoiceWrite) -> Result<bool, PortError> {
    let tenant = write.record.tenant();
    let invoice = Stored::of(tenant, &write.record)?;
    let Some((balance, before, entries)) = &write.balance else {
        return Ok(chunks::write(ledger, invoice, expected(write.expected)).await? == Wrote::Done);
    };
    let mut items = vec![(invoice, expected(write.expected)), (Stored::of(tenant, balance)?, expected(*before))];
    for entry in entries {
        items.push((Stored::of(tenant, entry)?, Expect::Absent));
    }
    Ok(ledger.transact(items).await? == Wrote::Done)
}

/// The items of the next version of a record, for a transaction that writes more than it.
pub fn next_version(record: InvoiceRecord) -> Result<Vec<(Stored, Expect)>, PortError> {
    let before = record.version;
    let record = InvoiceRecord { version: before + 1, ..record };
    chunks::items(Stored::of(record.tenant(), &record)?, Expect::Version(before))
}

fn expected(version: Option<u64>) -> Expect {
    version.map_or(Expect::Absent, Expect::Version)
}
