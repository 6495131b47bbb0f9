//! Deleting everything, after the looks: what calls others first, what holds data when it was looked into.

use aws_sdk_dynamodb::types::AttributeValue;
use provisioner::kinds::{budget, dynamodb_table, tenant_record};

use super::reads::record_key;
use super::{Raw, Wanted, each, failed, until_ready};
use crate::Fallible;

/// The tag that says which stack a thing is of, as the records carry it.
const OWNER: &str = billing::names::OWNER_TAG;

/// Deletes all of it. Customers stay, as with billform.
pub async fn all(raw: &Raw) -> Fallible<()> {
    contents(raw).await?;
    let records = async {
        let (records, tables) = (raw.wanted("tenant_record")?, raw.wanted("dynamodb_table")?);
        each(&records, |wanted| record(raw, wanted)).await?;
        each(&tables, |wanted| table(raw, wanted)).await
    };
    let budgets = raw.wanted("budget")?;
    futures::try_join!(records, each(&budgets, |wanted| budget(raw, wanted))).map(drop)
}

/// Whether tables hold what nobody here wrote.
async fn contents(raw: &Raw) -> Fallible<()> {
    for table in raw.wanted::<dynamodb_table::Desired>("dynamodb_table")? {
        let scan = raw.clients.dynamodb.scan().table_name(&table.desired.name);
        let scan = scan.filter_expression("attribute_not_exists(#stack) OR #stack <> :stack");
        let scan = scan.projection_expression("#stack").expression_attribute_names("#stack", OWNER);
        let scan = scan.expression_attribute_values(":stack", AttributeValue::S(raw.stack.clone()));
        let mut pages = scan.into_paginator().send();
        while let Some(page) = pages.next().await {
            page.map_err(failed("dynamodb:Scan"))?;
        }
    }
    Ok(())
}

async fn record(raw: &Raw, wanted: &Wanted<tenant_record::Desired>) -> Fallible<()> {
    let _room = raw.room("dynamodb").await?;
    let key = record_key(&wanted.desired.tenant);
    let call = raw.clients.dynamodb.delete_item().table_name(&wanted.desired.table).set_key(Some(key));
    let call = call.condition_expression("#stack = :stack").expression_attribute_names("#stack", OWNER);
    let call = call.expression_attribute_values(":stack", AttributeValue::S(raw.stack.clone()));
    call.send().await.map(drop).map_err(failed("dynamodb:DeleteItem"))
}

async fn table(raw: &Raw, wanted: &Wanted<dynamodb_table::Desired>) -> Fallible<()> {
    let _room = raw.room("dynamodb").await?;
    let (dynamodb, name) = (&raw.clients.dynamodb, &wanted.desired.name);
    dynamodb.describe_table().table_name(name).send().await.map_err(failed("dynamodb:DescribeTable"))?;
    let call = dynamodb.update_table().table_name(name).deletion_protection_enabled(false);
    call.send().await.map_err(failed("dynamodb:UpdateTable"))?;
    dynamodb.describe_table().table_name(name).send().await.map_err(failed("dynamodb:DescribeTable"))?;
    dynamodb.delete_table().table_name(name).send().await.map_err(failed("dynamodb:DeleteTable"))?;
    until_ready(|| async { Ok(dynamodb.describe_table().table_name(name).send().await.is_err()) }).await
}

async fn budget(raw: &Raw, wanted: &Wanted<budget::Desired>) -> Fallible<()> {
    let _room = raw.room("budgets").await?;
    let call = raw.clients.budgets.delete_budget().account_id(&raw.account).budget_name(&wanted.desired.name);
    call.send().await.map(drop).map_err(failed("budgets:DeleteBudget"))
}
