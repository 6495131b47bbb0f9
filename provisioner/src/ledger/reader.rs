//! Reads what the ledger table holds of a tenant, for previews and for the guard of a tenant who leaves.

use aws_sdk_dynamodb::types::AttributeValue;
use billing::invoice::InvoiceRecord;
use billing::ledger::{CostClaim, CostDay, INVOICE_PREFIX, SYNC_PREFIX, SyncMark, cost_key, invoice_key, sync_key};
use billing::names::{LEDGER_KEY, LEDGER_SORT, RECORD_ATTRIBUTE, TENANT_ATTRIBUTE, TENANT_ITEM};
use billing::tenant::TenantRecord;
use billing::{Month, Period};
use engine::kind::ErrorClass;
use serde::de::DeserializeOwned;

use crate::cloud::errors::call_error;
use crate::ui::failure::Failure;

/// The ledger of one stack, read with the operator's credentials.
pub struct LedgerReader {
    client: aws_sdk_dynamodb::Client,
    table: String,
}

impl LedgerReader {
    /// The ledger table of that name.
    pub fn new(client: aws_sdk_dynamodb::Client, table: &str) -> LedgerReader {
        LedgerReader { client, table: table.to_owned() }
    }

    /// A tenant's stored days of a period, in order.
    pub async fn cost_days(&self, tenant: &str, period: Period) -> Result<Vec<CostDay>, Failure> {
        self.range(tenant, &cost_key(period.start()), &cost_key(period.last_day())).await
    }

    /// What was synced of a tenant, month by month.
    pub async fn sync_marks(&self, tenant: &str) -> Result<Vec<SyncMark>, Failure> {
        self.range(tenant, SYNC_PREFIX, &after(SYNC_PREFIX)).await
    }

    /// Every invoice of a tenant, month by month.
    pub async fn invoices(&self, tenant: &str) -> Result<Vec<InvoiceRecord>, Failure> {
        self.range(tenant, INVOICE_PREFIX, &after(INVOICE_PREFIX)).await
    }

    /// Items with sort keys from `first` to `last`, both included, in order.
    async fn range<T: DeserializeOwned>(&self, tenant: &str, first: &str, last: &str) -> Result<Vec<T>, Failure> {
        let mut items = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("#key = :tenant AND #sort BETWEEN :first AND :last")
            .expression_attribute_names("#key", LEDGER_KEY)
            .expression_attribute_names("#sort", LEDGER_SORT)
            .expression_attribute_values(":tenant", AttributeValue::S(tenant.to_owned()))
            .expression_attribute_values(":first", AttributeValue::S(first.to_owned()))
            .expression_attribute_values(":last", AttributeValue::S(last.to_owned()))
            .into_paginator()
            .items()
            .send();
        let mut found = Vec::new();
        while let Some(item) = items.next().await {
            let item = item.map_err(|error| self.failure(&call_error("dynamodb:Query", error)))?;
            found.push(self.record(item.get(RECORD_ATTRIBUTE))?);
        }
        Ok(found)
    }

    /// The tenant as the last apply wrote it; none before the first.
    pub async fn tenant(&self, tenant: &str) -> Result<Option<TenantRecord>, Failure> {
        self.item(tenant, TENANT_ITEM, TENANT_ATTRIBUTE).await
    }

    /// What was synced of a month.
    pub async fn sync_mark(&self, tenant: &str, month: Month) -> Result<Option<SyncMark>, Failure> {
        self.item(tenant, &sync_key(month), RECORD_ATTRIBUTE).await
    }

    /// What became of a month's invoice, as far as the invoicer got.
    pub async fn invoice(&self, tenant: &str, month: Month) -> Result<Option<InvoiceRecord>, Failure> {
        self.item(tenant, &invoice_key(month), RECORD_ATTRIBUTE).await
    }

    /// Who is invoiced for a month's cost of this claim's tag, if anybody is yet.
    pub async fn claim(&self, claim: &CostClaim) -> Result<Option<CostClaim>, Failure> {
        self.item(&claim.partition(), &claim.sort_key(), RECORD_ATTRIBUTE).await
    }

    async fn item<T: DeserializeOwned>(&self, tenant: &str, sort: &str, holds: &str) -> Result<Option<T>, Failure> {
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        let get = get.key(LEDGER_KEY, AttributeValue::S(tenant.to_owned()));
        let answer = get.key(LEDGER_SORT, AttributeValue::S(sort.to_owned())).send().await;
        let answer = answer.map_err(|error| self.failure(&call_error("dynamodb:GetItem", error)))?;
        // Of a tenant whose record went, attributes of the runtime may be left.
        let text = answer.item.and_then(|mut item| item.remove(holds));
        text.map(|text| self.record(Some(&text))).transpose()
    }

    fn record<T: DeserializeOwned>(&self, attribute: Option<&AttributeValue>) -> Result<T, Failure> {
        let text = attribute.and_then(|value| value.as_s().ok());
        let text =
            text.ok_or_else(|| Failure::new(format!("an item of {} has no `{RECORD_ATTRIBUTE}`", self.table)))?;
        Ok(serde_json::from_str(text)?)
    }

    fn failure(&self, error: &engine::CallError) -> Failure {
        let failure = Failure::new(format!("the ledger {} cannot be read: {error}", self.table));
        if error.class == ErrorClass::Refused { failure.hint("`billform apply` makes it") } else { failure }
    }
}

/// A sort key behind all that start with the prefix: what follows it is digits and hyphens.
fn after(prefix: &str) -> String {
    format!("{prefix}~")
}
