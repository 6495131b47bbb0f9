//! The looks, one function per kind, all at once: what billform asks before it plans.

use std::collections::HashMap;

use aws_sdk_costexplorer::types::CostAllocationTagType;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use aws_sdk_iam::error::SdkError;
use billing::names::{LEDGER_KEY, LEDGER_SORT, TENANT_ITEM};
use futures::future::try_join_all;
use provisioner::kinds::{dynamodb_table, iam_role, lambda_function, s3_bucket, secret, tenant_record};
use stripe_core::customer::ListCustomer;
use stripe_product::price::ListPrice;
use stripe_product::product::ListProduct;

use super::{Raw, failed, unbuildable};
use crate::Fallible;

/// As many as one page of Stripe or one batch of DynamoDB holds.
const PAGE: usize = 100;

/// Looks at everything. `fresh`: nothing is there yet, and a service that says so is right.
pub async fn all(raw: &Raw, fresh: bool) -> Fallible<()> {
    let whose = raw.clients.sts.get_caller_identity().send().await;
    whose.map_err(failed("sts:GetCallerIdentity"))?;
    futures::try_join!(
        roles(raw, fresh),
        lists(raw),
        table(raw, fresh),
        records(raw, fresh),
        functions(raw, fresh),
        budgets(raw, fresh),
        secrets(raw, fresh),
        buckets(raw, fresh),
        stripe(raw),
    )
    .map(drop)
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

async fn roles(raw: &Raw, fresh: bool) -> Fallible<()> {
    let iam = &raw.clients.iam;
    let roles = raw.wanted::<iam_role::Desired>("iam_role")?;
    let look = |name: String| async move {
        if there(fresh, "iam:GetRole", iam.get_role().role_name(&name).send().await)?.is_none() {
            return Ok(());
        }
        iam.list_role_policies().role_name(&name).send().await.map_err(failed("iam:ListRolePolicies"))?;
        let attached = iam.list_attached_role_policies().role_name(&name).send().await;
        attached.map_err(failed("iam:ListAttachedRolePolicies"))?;
        let policy = iam.get_role_policy().role_name(&name).policy_name("billform").send().await;
        policy.map(drop).map_err(failed("iam:GetRolePolicy"))
    };
    try_join_all(roles.into_iter().map(|role| look(role.desired.name))).await.map(drop)
}

/// The kinds that one list answers for.
async fn lists(raw: &Raw) -> Fallible<()> {
    let clients = &raw.clients;
    let groups = async {
        let call = clients.logs.describe_log_groups().log_group_name_prefix("/aws/");
        call.send().await.map(drop).map_err(failed("logs:DescribeLogGroups"))
    };
    let apis = async {
        clients.api_gateway.get_apis().max_results("500").send().await.map(drop).map_err(failed("apigateway:GetApis"))
    };
    let rules = async { clients.events.list_rules().send().await.map(drop).map_err(failed("events:ListRules")) };
    let reports = async {
        let call = clients.cost_reports.describe_report_definitions();
        call.send().await.map(drop).map_err(failed("cur:DescribeReportDefinitions"))
    };
    let tags = async {
        let call = clients.cost_explorer.list_cost_allocation_tags().r#type(CostAllocationTagType::UserDefined);
        call.send().await.map(drop).map_err(failed("ce:ListCostAllocationTags"))
    };
    futures::try_join!(groups, apis, rules, reports, tags).map(drop)
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

async fn functions(raw: &Raw, fresh: bool) -> Fallible<()> {
    let functions = raw.wanted::<lambda_function::Desired>("lambda_function")?;
    let looks = functions.into_iter().map(|function| async {
        let call = raw.clients.lambda.get_function().function_name(function.desired.name);
        there(fresh, "lambda:GetFunction", call.send().await).map(drop)
    });
    try_join_all(looks).await.map(drop)
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

async fn secrets(raw: &Raw, fresh: bool) -> Fallible<()> {
    let secrets = raw.wanted::<secret::Desired>("secret")?;
    let looks = secrets.into_iter().map(|secret| async {
        let call = raw.clients.secrets.describe_secret().secret_id(secret.desired.name);
        there(fresh, "secretsmanager:DescribeSecret", call.send().await).map(drop)
    });
    try_join_all(looks).await.map(drop)
}

async fn buckets(raw: &Raw, fresh: bool) -> Fallible<()> {
    let buckets = raw.wanted::<s3_bucket::Desired>("s3_bucket")?;
    let looks = buckets.into_iter().map(|bucket| async {
        let call = raw.clients.s3.head_bucket().bucket(bucket.desired.name);
        there(fresh, "s3:HeadBucket", call.send().await).map(drop)
    });
    try_join_all(looks).await.map(drop)
}

async fn stripe(raw: &Raw) -> Fallible<()> {
    let stripe = &raw.clients.stripe;
    let customers = async {
        let mut after: Option<String> = None;
        loop {
            let list = ListCustomer::new().limit(PAGE as i64);
            let list = match after {
                Some(id) => list.starting_after(id),
                None => list,
            };
            let page = list.send(stripe).await.map_err(failed("GET /v1/customers"))?;
            after = page.data.last().filter(|_| page.has_more).map(|customer| customer.id.to_string());
            if after.is_none() {
                return Ok(());
            }
        }
    };
    let products = async {
        ListProduct::new().limit(PAGE as i64).send(stripe).await.map(drop).map_err(failed("GET /v1/products"))
    };
    let prices =
        async { ListPrice::new().limit(PAGE as i64).send(stripe).await.map(drop).map_err(failed("GET /v1/prices")) };
    futures::try_join!(customers, products, prices).map(drop)
}
