//! What a look at everything asks beside the lists, one function per kind.

use aws_sdk_budgets::types::{ComparisonOperator, Notification, NotificationType, ThresholdType};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use provisioner::kinds::budget;

use super::{Raw, Wanted, failed, unbuildable};
use crate::Fallible;

/// How many resources of a kind are looked at at once, as billform does.
const AT_ONCE: usize = 5;

/// Few are asked for their notifications one by one, more by one list of the account, as billform does.
const LISTED_TOGETHER: usize = 3;

/// Looks at what lists do not give: budgets' alerts and tags.
pub async fn all(raw: &Raw) -> Fallible<()> {
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

async fn each<D, F>(all: Vec<Wanted<D>>, look: impl Fn(Wanted<D>) -> F) -> Fallible<()>
where
    F: Future<Output = Fallible<()>>,
{
    stream::iter(all.into_iter().map(look)).buffer_unordered(AT_ONCE).try_collect().await
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
