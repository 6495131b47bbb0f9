//! The ledger on DynamoDB: one table, JSON text in one attribute, conditions on the attributes beside it.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use billing::invoice::InvoiceRecord;
use billing::ledger::{CostClaim, CostDay, SyncMark, cost_key, invoice_key, sync_key};
use billing::names::{
    LEDGER_BY_KIND, LEDGER_KEY, LEDGER_KIND, LEDGER_SORT, RECORD_ATTRIBUTE, TENANT_ATTRIBUTE, TENANT_ITEM,
    VERSION_ATTRIBUTE,
};
use billing::tenant::TenantRecord;
use billing::{Month, Period};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::aws::failed;
use crate::ports::{Ledger, PortError};

/// When an item was synced, milliseconds, for the condition that an older sync never overwrites a newer one.
const SYNCED_AT: &str = "synced_at_ms";

/// The tenant who holds a claim, for the condition that no other takes it.
const HOLDER: &str = "holder";

type Item = HashMap<String, AttributeValue>;

/// The ledger table.
#[derive(Debug, Clone)]
pub struct DynamoLedger {
    client: Client,
    table: String,
}

impl DynamoLedger {
    /// The table of this name.
    pub fn new(client: Client, table: impl Into<String>) -> DynamoLedger {
        DynamoLedger { client, table: table.into() }
    }

    async fn get<T: DeserializeOwned>(
        &self,
        tenant: &str,
        sort: &str,
        attribute: &str,
    ) -> Result<Option<T>, PortError> {
        let doing = || format!("read {tenant}'s {sort}");
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(tenant, sort)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failed(doing(), &error))?;
        found.item.map(|item| decode(&item, attribute, &doing())).transpose()
    }

    /// A tenant's items with sort keys from `first` to `last`, both included, in order.
    async fn range<T: DeserializeOwned>(&self, tenant: &str, first: &str, last: &str) -> Result<Vec<T>, PortError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("#tenant = :tenant AND #sort BETWEEN :first AND :last")
            .expression_attribute_names("#tenant", LEDGER_KEY)
            .expression_attribute_names("#sort", LEDGER_SORT)
            .expression_attribute_values(":tenant", text(tenant))
            .expression_attribute_values(":first", text(first))
            .expression_attribute_values(":last", text(last));
        let doing = format!("read {tenant}'s items from {first} to {last}");
        all_pages(query, RECORD_ATTRIBUTE, &doing).await
    }

    /// A put of an item with its record; conditions are the caller's to add.
    fn put<T: Serialize>(&self, tenant: &str, sort: &str, record: &T) -> Result<PutItemFluentBuilder, PortError> {
        let record =
            serde_json::to_string(record).map_err(|error| PortError::new(format!("write {tenant}'s {sort}"), error))?;
        Ok(self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(key(tenant, sort)))
            .item(RECORD_ATTRIBUTE, text(&record)))
    }

    /// Replaces an item unless a later sync wrote it: then what is there is newer, and stays.
    async fn put_synced<T: Serialize>(
        &self,
        tenant: &str,
        sort: &str,
        record: &T,
        synced_at: Timestamp,
    ) -> Result<(), PortError> {
        let at = AttributeValue::N(synced_at.as_millisecond().to_string());
        let written = self
            .put(tenant, sort, record)?
            .item(SYNCED_AT, at.clone())
            .condition_expression("attribute_not_exists(#at) OR #at <= :at")
            .expression_attribute_names("#at", SYNCED_AT)
            .expression_attribute_values(":at", at)
            .send()
            .await;
        condition_held(written.map(|_| ()), &format!("write {tenant}'s {sort}")).map(|_| ())
    }
}

#[async_trait]
impl Ledger for DynamoLedger {
    async fn tenants(&self) -> Result<Vec<TenantRecord>, PortError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(LEDGER_BY_KIND)
            .key_condition_expression("#kind = :kind")
            .expression_attribute_names("#kind", LEDGER_KIND)
            .expression_attribute_values(":kind", text(TENANT_ITEM));
        all_pages(query, TENANT_ATTRIBUTE, "list the tenants").await
    }

    async fn tenant(&self, id: &str) -> Result<Option<TenantRecord>, PortError> {
        self.get(id, TENANT_ITEM, TENANT_ATTRIBUTE).await
    }

    async fn cost_days(&self, tenant: &str, period: &Period) -> Result<Vec<CostDay>, PortError> {
        self.range(tenant, &cost_key(period.start()), &cost_key(period.last_day())).await
    }

    async fn put_cost_day(&self, tenant: &str, day: &CostDay) -> Result<(), PortError> {
        self.put_synced(tenant, &cost_key(day.date), day, day.synced_at).await
    }

    async fn sync_marks(&self, tenant: &str, first: Month, last: Month) -> Result<Vec<SyncMark>, PortError> {
        self.range(tenant, &sync_key(first), &sync_key(last)).await
    }

    async fn put_sync_mark(&self, tenant: &str, mark: &SyncMark) -> Result<(), PortError> {
        self.put_synced(tenant, &sync_key(mark.month), mark, mark.synced_at).await
    }

    async fn invoice(&self, tenant: &str, month: Month) -> Result<Option<InvoiceRecord>, PortError> {
        self.get(tenant, &invoice_key(month), RECORD_ATTRIBUTE).await
    }

    async fn claim_cost(&self, claim: &CostClaim) -> Result<String, PortError> {
        let (partition, sort) = (claim.partition(), claim.sort_key());
        let written = self
            .put(&partition, &sort, claim)?
            .item(HOLDER, text(&claim.tenant))
            .condition_expression("attribute_not_exists(#holder) OR #holder = :tenant")
            .expression_attribute_names("#holder", HOLDER)
            .expression_attribute_values(":tenant", text(&claim.tenant))
            .send()
            .await
            .map(|_| ());
        if condition_held(written, &format!("write {partition}'s {sort}"))? {
            return Ok(claim.tenant.clone());
        }
        // Claims are never given up, so what refused the write is there.
        let held: Option<CostClaim> = self.get(&partition, &sort, RECORD_ATTRIBUTE).await?;
        Ok(held.map(|held| held.tenant).unwrap_or_default())
    }

    async fn write_invoice(&self, record: &InvoiceRecord, expected: Option<u64>) -> Result<bool, PortError> {
        let sort = invoice_key(record.month());
        let version = |version: u64| AttributeValue::N(version.to_string());
        let put = self
            .put(record.tenant(), &sort, record)?
            .item(VERSION_ATTRIBUTE, version(record.version))
            .expression_attribute_names("#version", VERSION_ATTRIBUTE);
        let put = match expected {
            None => put.condition_expression("attribute_not_exists(#version)"),
            Some(expected) => put
                .condition_expression("#version = :expected")
                .expression_attribute_values(":expected", version(expected)),
        };
        let written = put.send().await.map(|_| ());
        condition_held(written, &format!("write {}'s {sort}", record.tenant()))
    }
}

/// True when it was written, false when its condition did not hold.
fn condition_held<R: std::fmt::Debug + Send + Sync + 'static>(
    written: Result<(), SdkError<PutItemError, R>>,
    doing: &str,
) -> Result<bool, PortError> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
            Ok(false)
        }
        Err(error) => Err(failed(doing, &error)),
    }
}

async fn all_pages<T: DeserializeOwned>(
    query: QueryFluentBuilder,
    attribute: &str,
    doing: &str,
) -> Result<Vec<T>, PortError> {
    let mut found = Vec::new();
    let mut from: Option<Item> = None;
    loop {
        let page = query.clone().set_exclusive_start_key(from).send().await.map_err(|error| failed(doing, &error))?;
        for item in page.items.unwrap_or_default() {
            found.push(decode(&item, attribute, doing)?);
        }
        from = page.last_evaluated_key.filter(|key| !key.is_empty());
        if from.is_none() {
            return Ok(found);
        }
    }
}

fn decode<T: DeserializeOwned>(item: &Item, attribute: &str, doing: &str) -> Result<T, PortError> {
    let place = || {
        let part = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).map_or("?", String::as_str);
        format!("the item {}/{}", part(LEDGER_KEY), part(LEDGER_SORT))
    };
    let record = item.get(attribute).and_then(|value| value.as_s().ok());
    let record = record.ok_or_else(|| PortError::new(doing, format!("{} has no `{attribute}`", place())))?;
    serde_json::from_str(record).map_err(|error| PortError::new(doing, format!("{} is malformed: {error}", place())))
}

fn key(tenant: &str, sort: &str) -> Item {
    [(LEDGER_KEY.to_owned(), text(tenant)), (LEDGER_SORT.to_owned(), text(sort))].into()
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_day_is_decoded_from_its_attribute() {
        let day = CostDay::nothing(date(2026, 10, 5), Timestamp::UNIX_EPOCH);
        let mut item = key("mmp-toledo", &cost_key(day.date));
        item.insert(RECORD_ATTRIBUTE.to_owned(), text(&serde_json::to_string(&day).expect("JSON")));
        assert_eq!(decode::<CostDay>(&item, RECORD_ATTRIBUTE, "read"), Ok(day));
    }

    #[test]
    fn a_malformed_item_is_named() {
        let mut item = key("mmp-toledo", "cost#2026-10-05");
        let missing = decode::<CostDay>(&item, RECORD_ATTRIBUTE, "read").expect_err("no record");
        assert!(missing.to_string().contains("mmp-toledo/cost#2026-10-05"), "{missing}");
        item.insert(RECORD_ATTRIBUTE.to_owned(), text("{}"));
        let malformed = decode::<CostDay>(&item, RECORD_ATTRIBUTE, "read").expect_err("no day");
        assert!(malformed.to_string().contains("malformed"), "{malformed}");
    }
}
