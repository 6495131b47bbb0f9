//! The looks, one function per kind, all at once: what billform asks before it plans.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use aws_sdk_iam::error::SdkError;
use billing::names::{LEDGER_KEY, LEDGER_SORT, TENANT_ITEM};
use futures::future::try_join_all;
use provisioner::kinds::{dynamodb_table, tenant_record};
use stripe_core::customer::ListCustomer;

use super::{Raw, failed, unbuildable};
use crate::Fallible;

/// As many as one page of Stripe or one batch of DynamoDB holds.
const PAGE: usize = 100;

/// Looks at the tenants' resources. `fresh`: nothing is there yet, and a service that says so is right.
pub async fn all(raw: &Raw, fresh: bool) -> Fallible<()> {
    let whose = raw.clients.sts.get_caller_identity().send().await;
    whose.map_err(failed("sts:GetCallerIdentity"))?;
    futures::try_join!(table(raw, fresh), records(raw, fresh), budgets(raw, fresh), customers(raw),).map(drop)
}

/// An answer, or that there is nothing to answer about.
fn there<T, E>(fresh: bool, operation: &str, answer: Result<T, SdkError<E>>) -> Fallible<Option<T>>
where
    E: std::error::Error + Send + Sync + 'static,
{
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(SdkError::ServiceError(_)) if fresh => Ok(None),
        Err(error) => Err(failed(operation)(error)),
    }
}

async fn table(raw: &Raw, fresh: bool) -> Fallible<()> {
    for table in raw.wanted::<dynamodb_table::Desired>("dynamodb_table")? {
        let call = raw.clients.dynamodb.describe_table().table_name(table.desired.name);
        there(fresh, "dynamodb:DescribeTable", call.send().await)?;
    }
    Ok(())
}

async fn records(raw: &Raw, fresh: bool) -> Fallible<()> {
    let records = raw.wanted::<tenant_record::Desired>("tenant_record")?;
    let batches = records.chunks(PAGE).map(|batch| async {
        let Some(first) = batch.first() else { return Ok(()) };
        let keys = batch.iter().map(|record| record_key(&record.desired.tenant)).collect();
        let asked = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        let call = raw.clients.dynamodb.batch_get_item();
        let call = call.request_items(&first.desired.table, asked.map_err(unbuildable)?);
        there(fresh, "dynamodb:BatchGetItem", call.send().await).map(drop)
    });
    try_join_all(batches).await.map(drop)
}

/// The key of a tenant's record.
pub fn record_key(tenant: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([
        (LEDGER_KEY.to_owned(), AttributeValue::S(tenant.to_owned())),
        (LEDGER_SORT.to_owned(), AttributeValue::S(TENANT_ITEM.to_owned())),
    ])
}

async fn budgets(raw: &Raw, fresh: bool) -> Fallible<()> {
    let budgets = &raw.clients.budgets;
    let mut pages = budgets.describe_budgets().account_id(&raw.account).into_paginator().page_size(1000).send();
    while let Some(page) = pages.next().await {
        page.map_err(failed("budgets:DescribeBudgets"))?;
    }
    if !fresh {
        return Ok(());
    }
    let call = budgets.describe_budget_notifications_for_account().account_id(&raw.account).max_results(1000);
    call.send().await.map(drop).map_err(failed("budgets:DescribeBudgetNotificationsForAccount"))
}

async fn customers(raw: &Raw) -> Fallible<()> {
    let mut after: Option<String> = None;
    loop {
        let list = ListCustomer::new().limit(PAGE as i64);
        let list = match after {
            Some(id) => list.starting_after(id),
            None => list,
        };
        let page = list.send(&raw.clients.stripe).await.map_err(failed("GET /v1/customers"))?;
        after = page.data.last().filter(|_| page.has_more).map(|customer| customer.id.to_string());
        if after.is_none() {
            return Ok(());
        }
    }
}
