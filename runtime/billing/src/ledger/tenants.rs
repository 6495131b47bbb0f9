//! Tenant records: the provisioner writes them, handlers only read.

use serde_json::{Map, Value, json};

use super::{Indexed, Key, Ledger, PortError, Record};
use crate::names::TENANT_ITEM;
use crate::tenant::TenantRecord;

impl Record for TenantRecord {
    const NAME: &'static str = "tenant";
    const SCHEMA: u32 = 2;

    fn sort_key(&self) -> String {
        TENANT_ITEM.to_owned()
    }

    fn indexed(&self) -> Indexed {
        Indexed { kind: Some(TENANT_ITEM.to_owned()), ..Indexed::default() }
    }

    /// Version 1 had one rate, and terms with `card_fee` alone. What it says has always held.
    fn upgrade(_from: u32, mut fields: Map<String, Value>) -> Map<String, Value> {
        if let Some(rate) = fields.shift_remove("exchange") {
            fields.insert("rates".to_owned(), json!([{ "rate": rate }]));
        }
        for terms in fields.get_mut("terms").and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(terms) = terms.as_object_mut() else { continue };
            if let Some(Value::Object(mut fee)) = terms.shift_remove("card_fee") {
                fee.insert("mode".to_owned(), "pass-through".into());
                terms.insert("payment_fee".to_owned(), Value::Object(fee));
            }
        }
        fields
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
