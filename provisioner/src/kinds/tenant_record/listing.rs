//! All records of a table: by the index over their kind, where the table has it.

use aws_sdk_dynamodb::types::{AttributeValue, TableDescription};
use billing::names::{ADDRESS_TAG, LEDGER_BY_KIND, LEDGER_KEY, LEDGER_KIND, LEDGER_SORT, OWNER_TAG, TENANT_ITEM};
use engine::Address;
use engine::kind::CallError;

use super::{Desired, Item, TenantRecords, observed, text};
use crate::cloud::errors::{call_error, code};
use crate::kinds::typed::{TypedKind as _, TypedListed};

/// How the service says that a table is not there: it has gone since it was listed.
const MISSING: &str = "ResourceNotFoundException";

impl TenantRecords {
    /// The items that may be records. A table that is no ledger has none; a ledger that lost its index is gone
    /// through whole. The index follows its table within moments, so a record just made may be missing.
    pub(super) async fn records_of(&self, table: &str, shape: &TableDescription) -> Result<Vec<Item>, CallError> {
        let named = |name: &str| shape.key_schema().iter().any(|key| key.attribute_name() == name);
        if !named(LEDGER_KEY) || !named(LEDGER_SORT) {
            return Ok(Vec::new());
        }
        let indexes = shape.global_secondary_indexes();
        let active = |status: &str| status == "ACTIVE";
        let indexed = indexes.iter().any(|index| {
            index.index_name() == Some(LEDGER_BY_KIND) && index.index_status().is_none_or(|it| active(it.as_str()))
        });
        if indexed { self.query(table).await } else { self.scan(table).await }
    }

    async fn query(&self, table: &str) -> Result<Vec<Item>, CallError> {
        let call = self.dynamodb.query().table_name(table).index_name(LEDGER_BY_KIND);
        let call = call.key_condition_expression("#kind = :kind").expression_attribute_names("#kind", LEDGER_KIND);
        let call = call.expression_attribute_values(":kind", AttributeValue::S(TENANT_ITEM.to_owned()));
        let mut items = call.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(item) = items.next().await {
            match item {
                Ok(item) => found.push(item),
                Err(error) if code(&error) == Some(MISSING) => return Ok(Vec::new()),
                Err(error) => return Err(call_error("dynamodb:Query", error)),
            }
        }
        Ok(found)
    }

    async fn scan(&self, table: &str) -> Result<Vec<Item>, CallError> {
        let call = self.dynamodb.scan().table_name(table).consistent_read(true);
        let call = call.filter_expression("#stack = :stack").expression_attribute_names("#stack", OWNER_TAG);
        let call = call.expression_attribute_values(":stack", AttributeValue::S(self.cloud.stack.clone()));
        let mut items = call.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(item) = items.next().await {
            match item {
                Ok(item) => found.push(item),
                Err(error) if code(&error) == Some(MISSING) => return Ok(Vec::new()),
                Err(error) => return Err(call_error("dynamodb:Scan", error)),
            }
        }
        Ok(found)
    }

    /// An item that says it is ours. Its tenant is its key.
    pub(super) fn listed(&self, table: &str, item: &Item) -> Option<TypedListed<Desired>> {
        let seen = observed(table, item).filter(|seen| seen.owner.is_stack(&self.cloud.stack))?;
        let address: Address = text(item, ADDRESS_TAG)?.parse().ok()?;
        let tenant = Some(seen.fields.tenant.clone());
        (address.kind() == Self::META.name).then(|| TypedListed { address, tenant, id: seen.id, fields: seen.fields })
    }
}
