//! Deleting everything, after the looks: what calls others first, what holds data when it was looked into.

use aws_sdk_dynamodb::types::AttributeValue;
use provisioner::kinds::{
    budget, dynamodb_table, http_api, iam_role, lambda_function, log_group, report_definition, s3_bucket, schedule,
    secret, tenant_record,
};
use stripe_product::price::{ListPrice, UpdatePrice};
use stripe_product::product::{ListProduct, UpdateProduct};

use super::reads::record_key;
use super::{Raw, Wanted, each, failed, until_ready};
use crate::Fallible;

/// The tag that says which stack a thing is of, as the records carry it.
const OWNER: &str = billing::names::OWNER_TAG;

/// Deletes all of it. Customers and activated tags stay, as with billform.
pub async fn all(raw: &Raw) -> Fallible<()> {
    contents(raw).await?;
    let functions = async {
        let rules = raw.wanted("schedule")?;
        each(&rules, |wanted| rule(raw, wanted)).await?;
        let functions = raw.wanted("lambda_function")?;
        let apis = raw.wanted("http_api")?;
        futures::try_join!(each(&functions, |wanted| function(raw, wanted)), each(&apis, |wanted| api(raw, wanted)))?;
        let (groups, roles) = (raw.wanted("log_group")?, raw.wanted("iam_role")?);
        futures::try_join!(each(&groups, |wanted| log_group(raw, wanted)), each(&roles, |wanted| role(raw, wanted)))
    };
    let records = async {
        let (records, tables) = (raw.wanted("tenant_record")?, raw.wanted("dynamodb_table")?);
        each(&records, |wanted| record(raw, wanted)).await?;
        each(&tables, |wanted| table(raw, wanted)).await
    };
    let costs = async {
        let (reports, buckets) = (raw.wanted("report_definition")?, raw.wanted("s3_bucket")?);
        each(&reports, |wanted| report(raw, wanted)).await?;
        each(&buckets, |wanted| bucket(raw, wanted)).await
    };
    let (budgets, secrets) = (raw.wanted("budget")?, raw.wanted("secret")?);
    futures::try_join!(
        functions,
        records,
        costs,
        each(&budgets, |wanted| budget(raw, wanted)),
        each(&secrets, |wanted| secret(raw, wanted)),
        products(raw),
    )
    .map(drop)
}

/// Whether tables and buckets hold what nobody here wrote.
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
    for bucket in raw.wanted::<s3_bucket::Desired>("s3_bucket")? {
        let call = raw.clients.s3.list_object_versions().bucket(&bucket.desired.name).max_keys(100);
        call.send().await.map_err(failed("s3:ListObjectVersions"))?;
    }
    Ok(())
}

async fn rule(raw: &Raw, wanted: &Wanted<schedule::Desired>) -> Fallible<()> {
    let _room = raw.room("events").await?;
    let (events, name) = (&raw.clients.events, &wanted.desired.name);
    let targets = events.list_targets_by_rule().rule(name).send().await.map_err(failed("events:ListTargetsByRule"))?;
    let ids = targets.targets().iter().map(|target| target.id().to_owned()).collect();
    events.remove_targets().rule(name).set_ids(Some(ids)).send().await.map_err(failed("events:RemoveTargets"))?;
    events.delete_rule().name(name).send().await.map(drop).map_err(failed("events:DeleteRule"))
}

async fn function(raw: &Raw, wanted: &Wanted<lambda_function::Desired>) -> Fallible<()> {
    let _room = raw.room("lambda").await?;
    let call = raw.clients.lambda.delete_function().function_name(&wanted.desired.name);
    call.send().await.map(drop).map_err(failed("lambda:DeleteFunction"))
}

async fn api(raw: &Raw, wanted: &Wanted<http_api::Desired>) -> Fallible<()> {
    let _room = raw.room("apigateway").await?;
    let Some(id) = raw.api_id(&wanted.desired.name).await? else { return Ok(()) };
    raw.clients.api_gateway.delete_api().api_id(id).send().await.map(drop).map_err(failed("apigateway:DeleteApi"))
}

async fn log_group(raw: &Raw, wanted: &Wanted<log_group::Desired>) -> Fallible<()> {
    let _room = raw.room("logs").await?;
    let call = raw.clients.logs.delete_log_group().log_group_name(&wanted.desired.name);
    call.send().await.map(drop).map_err(failed("logs:DeleteLogGroup"))
}

async fn role(raw: &Raw, wanted: &Wanted<iam_role::Desired>) -> Fallible<()> {
    let _room = raw.room("iam").await?;
    let (iam, name) = (&raw.clients.iam, &wanted.desired.name);
    iam.list_role_policies().role_name(name).send().await.map_err(failed("iam:ListRolePolicies"))?;
    iam.list_attached_role_policies().role_name(name).send().await.map_err(failed("iam:ListAttachedRolePolicies"))?;
    let policy = iam.delete_role_policy().role_name(name).policy_name("billform").send().await;
    policy.map_err(failed("iam:DeleteRolePolicy"))?;
    iam.delete_role().role_name(name).send().await.map(drop).map_err(failed("iam:DeleteRole"))
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

async fn report(raw: &Raw, wanted: &Wanted<report_definition::Desired>) -> Fallible<()> {
    let _room = raw.room("cur").await?;
    let call = raw.clients.cost_reports.delete_report_definition().report_name(&wanted.desired.name);
    call.send().await.map(drop).map_err(failed("cur:DeleteReportDefinition"))
}

async fn bucket(raw: &Raw, wanted: &Wanted<s3_bucket::Desired>) -> Fallible<()> {
    let _room = raw.room("s3").await?;
    let (s3, name) = (&raw.clients.s3, &wanted.desired.name);
    s3.list_object_versions().bucket(name).send().await.map_err(failed("s3:ListObjectVersions"))?;
    s3.delete_bucket().bucket(name).send().await.map(drop).map_err(failed("s3:DeleteBucket"))
}

async fn budget(raw: &Raw, wanted: &Wanted<budget::Desired>) -> Fallible<()> {
    let _room = raw.room("budgets").await?;
    let call = raw.clients.budgets.delete_budget().account_id(&raw.account).budget_name(&wanted.desired.name);
    call.send().await.map(drop).map_err(failed("budgets:DeleteBudget"))
}

async fn secret(raw: &Raw, wanted: &Wanted<secret::Desired>) -> Fallible<()> {
    let _room = raw.room("secretsmanager").await?;
    let call = raw.clients.secrets.delete_secret().secret_id(&wanted.desired.name);
    let call = match wanted.desired.recovery_days {
        0 => call.force_delete_without_recovery(true),
        days => call.recovery_window_in_days(days.into()),
    };
    call.send().await.map(drop).map_err(failed("secretsmanager:DeleteSecret"))
}

/// Archived, the prices first. The ids are listed anew; billform has them from its state.
async fn products(raw: &Raw) -> Fallible<()> {
    let stripe = &raw.clients.stripe;
    let prices = ListPrice::new().limit(100).send(stripe).await.map_err(failed("GET /v1/prices"))?;
    for price in prices.data {
        let call = UpdatePrice::new(price.id).active(false);
        call.send(stripe).await.map_err(failed("POST /v1/prices/{price}"))?;
    }
    let products = ListProduct::new().limit(100).send(stripe).await.map_err(failed("GET /v1/products"))?;
    for product in products.data {
        let call = UpdateProduct::new(product.id).active(false);
        call.send(stripe).await.map_err(failed("POST /v1/products/{id}"))?;
    }
    Ok(())
}
