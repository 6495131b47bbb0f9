//! The ledger's table on DynamoDB: translates items and conditions to the SDK. What they mean is said in
//! [`billing::ledger::item`].

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use billing::ledger::item::{Attribute, Condition, Item};
use billing::ledger::{PortError, Table, TableLedger, Wrote};

use super::aws::failed;

/// The ledger on DynamoDB.
pub type DynamoLedger = TableLedger<DynamoTable>;

/// The ledger's table.
#[derive(Debug, Clone)]
pub struct DynamoTable {
    client: Client,
    table: String,
}

impl DynamoTable {
    /// The table of this name.
    pub fn new(client: Client, table: impl Into<String>) -> DynamoTable {
        DynamoTable { client, table: table.into() }
    }
}

#[async_trait]
impl Table for DynamoTable {
    async fn get_item(&self, key: Item, doing: &str) -> Result<Option<Item>, PortError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(values(key))).consistent_read(true);
        let found = get.send().await.map_err(|error| failed(doing, &error))?;
        Ok(found.item.map(read))
    }

    async fn query(&self, condition: Condition, index: Option<&str>, doing: &str) -> Result<Vec<Item>, PortError> {
        let (names, values) = placeholders(&condition);
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .set_index_name(index.map(str::to_owned))
            // DynamoDB refuses consistent reads of an index.
            .consistent_read(index.is_none())
            .key_condition_expression(condition.expression)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .into_paginator()
            .send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let items = page.map_err(|error| failed(doing, &error))?.items.unwrap_or_default();
            found.extend(items.into_iter().map(read));
        }
        Ok(found)
    }

    async fn put_item(&self, item: Item, condition: Option<Condition>, doing: &str) -> Result<Wrote, PortError> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(values(item)));
        let put = match &condition {
            None => put,
            Some(condition) => {
                let (names, values) = placeholders(condition);
                put.condition_expression(condition.expression)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
            }
        };
        let Err(error) = put.send().await else { return Ok(Wrote::Done) };
        match error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) {
            true => Ok(Wrote::Refused),
            false => Err(failed(doing, &error)),
        }
    }

    async fn put_items(&self, puts: Vec<(Item, Option<Condition>)>, doing: &str) -> Result<Wrote, PortError> {
        let items: Result<Vec<TransactWriteItem>, PortError> =
            puts.into_iter().map(|(item, condition)| self.transact_put(item, condition, doing)).collect();
        let written = self.client.transact_write_items().set_transact_items(Some(items?)).send().await;
        let Err(error) = written else { return Ok(Wrote::Done) };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(canceled)) if is_refusal(canceled) => {
                Ok(Wrote::Refused)
            }
            _ => Err(failed(doing, &error)),
        }
    }
}

impl DynamoTable {
    fn transact_put(
        &self,
        item: Item,
        condition: Option<Condition>,
        doing: &str,
    ) -> Result<TransactWriteItem, PortError> {
        let put = Put::builder().table_name(&self.table).set_item(Some(values(item)));
        let put = match &condition {
            None => put,
            Some(condition) => {
                let (names, values) = placeholders(condition);
                put.condition_expression(condition.expression)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
            }
        };
        let put = put.build().map_err(|error| PortError::new(doing, error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

/// Whether a condition did not hold; a conflict with another transaction is a failure, and passes.
fn is_refusal(canceled: &aws_sdk_dynamodb::types::error::TransactionCanceledException) -> bool {
    canceled.cancellation_reasons().iter().any(|reason| reason.code() == Some("ConditionalCheckFailed"))
}

type Names = Option<HashMap<String, String>>;
type Values = Option<HashMap<String, AttributeValue>>;

/// DynamoDB refuses an empty map of either.
fn placeholders(condition: &Condition) -> (Names, Values) {
    let owned = |(name, attribute): &(&str, &str)| ((*name).to_owned(), (*attribute).to_owned());
    let names: HashMap<_, _> = condition.names.iter().map(owned).collect();
    let values: HashMap<_, _> =
        condition.values.iter().map(|(name, attribute)| ((*name).to_owned(), value(attribute.clone()))).collect();
    ((!names.is_empty()).then_some(names), (!values.is_empty()).then_some(values))
}

fn values(item: Item) -> HashMap<String, AttributeValue> {
    item.into_iter().map(|(name, attribute)| (name, value(attribute))).collect()
}

fn value(attribute: Attribute) -> AttributeValue {
    match attribute {
        Attribute::Text(text) => AttributeValue::S(text),
        Attribute::Number(digits) => AttributeValue::N(digits),
    }
}

/// An item's attributes; others than text and numbers are not the ledger's, and are left out.
fn read(item: HashMap<String, AttributeValue>) -> Item {
    let attribute = |value| match value {
        AttributeValue::S(text) => Some(Attribute::Text(text)),
        AttributeValue::N(digits) => Some(Attribute::Number(digits)),
        _ => None,
    };
    item.into_iter().filter_map(|(name, value)| Some((name, attribute(value)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::ledger::{Expect, Indexed, Key, Stored, item};

    #[test]
    fn an_item_survives_the_sdks_types() {
        let stored = Stored {
            key: Key::new("acme", "cost#2026-10-05"),
            text: "{}".to_owned(),
            indexed: Indexed { version: Some(3), holder: Some("run-1".to_owned()), ..Indexed::default() },
        };
        let mut sent = values(item::to_item(&stored));
        assert_eq!(sent["version"], AttributeValue::N("3".to_owned()));
        sent.insert("theirs".to_owned(), AttributeValue::Bool(true));
        assert_eq!(item::stored(&read(sent), "read"), Ok(Some(stored)));
    }

    #[test]
    fn a_condition_without_values_sends_none() {
        let condition = Expect::Absent.condition().expect("a condition");
        let (names, values) = placeholders(&condition);
        assert_eq!((names.map(|names| names.len()), values), (Some(1), None));
    }
}
