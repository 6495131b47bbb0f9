//! Reads a tenant's stored days and sync marks from the ledger table, for previews.

use aws_sdk_dynamodb::types::AttributeValue;
use billing::ledger::{CostDay, SyncMark, cost_key, sync_key};
use billing::names::{LEDGER_KEY, LEDGER_SORT, RECORD_ATTRIBUTE};
use billing::{Month, Period};
use serde::de::DeserializeOwned;

use crate::cloud::errors::call_error;
use crate::failure::Failure;

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
        let mut items = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("#key = :tenant AND #sort BETWEEN :first AND :last")
            .expression_attribute_names("#key", LEDGER_KEY)
            .expression_attribute_names("#sort", LEDGER_SORT)
            .expression_attribute_values(":tenant", AttributeValue::S(tenant.to_owned()))
            .expression_attribute_values(":first", AttributeValue::S(cost_key(period.start())))
            .expression_attribute_values(":last", AttributeValue::S(cost_key(period.last_day())))
            .into_paginator()
            .items()
            .send();
        let mut days = Vec::new();
        while let Some(item) = items.next().await {
            let item = item.map_err(|error| self.failure(&call_error("dynamodb:Query", error)))?;
            days.push(self.record(item.get(RECORD_ATTRIBUTE))?);
        }
        Ok(days)
    }

    /// What was synced of a month.
    pub async fn sync_mark(&self, tenant: &str, month: Month) -> Result<Option<SyncMark>, Failure> {
        let get = self.client.get_item().table_name(&self.table);
        let get = get.key(LEDGER_KEY, AttributeValue::S(tenant.to_owned()));
        let answer = get.key(LEDGER_SORT, AttributeValue::S(sync_key(month))).send().await;
        let answer = answer.map_err(|error| self.failure(&call_error("dynamodb:GetItem", error)))?;
        answer.item.map(|item| self.record(item.get(RECORD_ATTRIBUTE))).transpose()
    }

    fn record<T: DeserializeOwned>(&self, attribute: Option<&AttributeValue>) -> Result<T, Failure> {
        let text = attribute.and_then(|value| value.as_s().ok());
        let text =
            text.ok_or_else(|| Failure::new(format!("an item of {} has no `{RECORD_ATTRIBUTE}`", self.table)))?;
        Ok(serde_json::from_str(text)?)
    }

    fn failure(&self, error: &engine::CallError) -> Failure {
        Failure::new(format!("the ledger {} cannot be read: {error}", self.table)).hint("`billform apply` makes it")
    }
}
