//! What a look at everything asks beside the lists, one function per kind.

use aws_sdk_budgets::types::{ComparisonOperator, Notification, NotificationType, ThresholdType};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use provisioner::kinds::{
    budget, dynamodb_table, http_api, lambda_function, log_group, report_definition, s3_bucket, schedule,
};

use super::{Raw, Wanted, failed, unbuildable};
use crate::Fallible;

/// How many resources of a kind are looked at at once, as billform does.
const AT_ONCE: usize = 5;

/// Looks at everything that lists do not give.
pub async fn all(raw: &Raw) -> Fallible<()> {
    futures::try_join!(
        each(raw.wanted("log_group")?, |wanted| log_group(raw, wanted)),
        each(raw.wanted("http_api")?, |wanted| api(raw, wanted)),
        each(raw.wanted("schedule")?, |wanted| rule(raw, wanted)),
        each(raw.wanted("dynamodb_table")?, |wanted| table(raw, wanted)),
        each(raw.wanted("lambda_function")?, |wanted| function(raw, wanted)),
        each(raw.wanted("s3_bucket")?, |wanted| bucket(raw, wanted)),
        each(raw.wanted("report_definition")?, |wanted| report(raw, wanted)),
        budgets(raw),
    )
    .map(drop)
}

async fn each<D, F>(all: Vec<Wanted<D>>, look: impl Fn(Wanted<D>) -> F) -> Fallible<()>
where
    F: Future<Output = Fallible<()>>,
{
    stream::iter(all.into_iter().map(look)).buffer_unordered(AT_ONCE).try_collect().await
}

async fn log_group(raw: &Raw, wanted: Wanted<log_group::Desired>) -> Fallible<()> {
    let arn = format!("arn:aws:logs:{}:{}:log-group:{}", raw.region, raw.account, wanted.desired.name);
    let call = raw.clients.logs.list_tags_for_resource().resource_arn(arn);
    call.send().await.map(drop).map_err(failed("logs:ListTagsForResource"))
}

async fn api(raw: &Raw, wanted: Wanted<http_api::Desired>) -> Fallible<()> {
    let gateway = &raw.clients.api_gateway;
    let Some(id) = raw.api_id(&wanted.desired.name).await? else { return Ok(()) };
    let arn = format!("arn:aws:apigateway:{}::/apis/{id}", raw.region);
    futures::try_join!(
        async { gateway.get_routes().api_id(&id).send().await.map_err(failed("apigateway:GetRoutes")) },
        async { gateway.get_integrations().api_id(&id).send().await.map_err(failed("apigateway:GetIntegrations")) },
        async { gateway.get_stages().api_id(&id).send().await.map_err(failed("apigateway:GetStages")) },
        async { gateway.get_tags().resource_arn(&arn).send().await.map_err(failed("apigateway:GetTags")) },
    )
    .map(drop)
}

async fn rule(raw: &Raw, wanted: Wanted<schedule::Desired>) -> Fallible<()> {
    let (events, name) = (&raw.clients.events, &wanted.desired.name);
    let arn = format!("arn:aws:events:{}:{}:rule/{name}", raw.region, raw.account);
    futures::try_join!(
        async { events.list_targets_by_rule().rule(name).send().await.map_err(failed("events:ListTargetsByRule")) },
        async { events.list_tags_for_resource().resource_arn(arn).send().await.map_err(failed("events:ListTags")) },
    )
    .map(drop)
}

async fn table(raw: &Raw, wanted: Wanted<dynamodb_table::Desired>) -> Fallible<()> {
    let (dynamodb, name) = (&raw.clients.dynamodb, &wanted.desired.name);
    let arn = format!("arn:aws:dynamodb:{}:{}:table/{name}", raw.region, raw.account);
    let tags = dynamodb.list_tags_of_resource().resource_arn(arn).send().await;
    tags.map_err(failed("dynamodb:ListTagsOfResource"))?;
    let ttl = dynamodb.describe_time_to_live().table_name(name).send().await;
    ttl.map_err(failed("dynamodb:DescribeTimeToLive"))?;
    let backups = dynamodb.describe_continuous_backups().table_name(name).send().await;
    backups.map(drop).map_err(failed("dynamodb:DescribeContinuousBackups"))
}

async fn function(raw: &Raw, wanted: Wanted<lambda_function::Desired>) -> Fallible<()> {
    // One that nobody may call has no policy, and the answer says so.
    let _ = raw.clients.lambda.get_policy().function_name(&wanted.desired.name).send().await;
    Ok(())
}

async fn bucket(raw: &Raw, wanted: Wanted<s3_bucket::Desired>) -> Fallible<()> {
    let (s3, name) = (&raw.clients.s3, &wanted.desired.name);
    // What was never set is answered with an error of its own.
    let _ = futures::join!(
        s3.get_bucket_encryption().bucket(name).send(),
        s3.get_public_access_block().bucket(name).send(),
        s3.get_bucket_versioning().bucket(name).send(),
        s3.get_bucket_lifecycle_configuration().bucket(name).send(),
        s3.get_bucket_policy().bucket(name).send(),
        s3.get_bucket_tagging().bucket(name).send(),
    );
    Ok(())
}

async fn report(raw: &Raw, wanted: Wanted<report_definition::Desired>) -> Fallible<()> {
    let call = raw.clients.cost_reports.list_tags_for_resource().report_name(&wanted.desired.name);
    call.send().await.map(drop).map_err(failed("cur:ListTagsForResource"))
}

/// Few are asked for their notifications one by one, more by one list of the account, as billform does.
const LISTED_TOGETHER: usize = 3;

async fn budgets(raw: &Raw) -> Fallible<()> {
    let wanted = raw.wanted::<budget::Desired>("budget")?;
    let (budgets, one_by_one) = (&raw.clients.budgets, wanted.len() <= LISTED_TOGETHER);
    if !one_by_one {
        let call = budgets.describe_budget_notifications_for_account().account_id(&raw.account);
        let mut pages = call.into_paginator().page_size(1000).send();
        while let Some(page) = pages.next().await {
            page.map_err(failed("budgets:DescribeBudgetNotificationsForAccount"))?;
        }
    }
    each(wanted, |wanted| budget(raw, wanted, one_by_one)).await
}

async fn budget(raw: &Raw, wanted: Wanted<budget::Desired>, one_by_one: bool) -> Fallible<()> {
    let (budgets, name) = (&raw.clients.budgets, &wanted.desired.name);
    let alerts = async {
        if one_by_one {
            let call = budgets.describe_notifications_for_budget().account_id(&raw.account).budget_name(name);
            call.send().await.map_err(failed("budgets:DescribeNotificationsForBudget"))?;
        }
        for threshold in wanted.desired.alerts.keys() {
            let notification = Notification::builder()
                .notification_type(NotificationType::Actual)
                .comparison_operator(ComparisonOperator::GreaterThan)
                .threshold(f64::from(*threshold))
                .threshold_type(ThresholdType::Percentage);
            let call = budgets.describe_subscribers_for_notification().account_id(&raw.account).budget_name(name);
            let call = call.notification(notification.build().map_err(unbuildable)?);
            call.send().await.map_err(failed("budgets:DescribeSubscribersForNotification"))?;
        }
        Ok(())
    };
    let arn = format!("arn:aws:budgets::{}:budget/{name}", raw.account);
    let tags = async {
        let call = budgets.list_tags_for_resource().resource_arn(arn);
        call.send().await.map(drop).map_err(failed("budgets:ListTagsForResource"))
    };
    futures::try_join!(alerts, tags).map(drop)
}
