//! `budget`, live.

use std::collections::BTreeMap;

use aws_sdk_budgets::types::{
    ComparisonOperator, Notification, NotificationType, ResourceTag, Subscriber, SubscriptionType, ThresholdType,
};
use provisioner::kinds::budget::{Budgets, Desired, Subscribers};
use provisioner::kinds::typed::TypedKind;

use crate::stage::{Stage, allowed, cloud, tags};

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:alerts";

fn who(emails: &[&str], topic: Option<&str>) -> Subscribers {
    let emails = emails.iter().map(|email| (*email).to_owned()).collect();
    Subscribers { emails, topic: topic.map(str::to_owned) }
}

fn desired(name: &str) -> Desired {
    Desired {
        name: format!("kinds-{name}"),
        limit_usd: "500.00".parse().expect("a number"),
        tag_key: "ClientOrganization".to_owned(),
        tag_value: "MMP-Toledo".to_owned(),
        alerts: BTreeMap::from([(50, who(&["a@example.com"], None)), (80, who(&["a@example.com"], Some(TOPIC)))]),
        tags: tags(&[("team", "billing")]),
    }
}

fn alert(threshold: u32) -> Notification {
    Notification::builder()
        .notification_type(NotificationType::Actual)
        .comparison_operator(ComparisonOperator::GreaterThan)
        .threshold(f64::from(threshold))
        .threshold_type(ThresholdType::Percentage)
        .build()
        .expect("builds")
}

fn email(address: &str) -> Subscriber {
    Subscriber::builder().subscription_type(SubscriptionType::Email).address(address).build().expect("builds")
}

#[tokio::test]
async fn a_budget_lives() {
    let root = cloud().await;
    let cloud = allowed(&root, &[&Budgets::META], BTreeMap::new()).await;
    let stage = Stage::<Budgets>::new(&cloud, "life");
    let first = desired("life");
    let made = stage.create(&first).await;

    let written_otherwise = Desired { limit_usd: "500".parse().expect("a number"), ..first.clone() };
    stage.settled(&written_otherwise).await;
    let higher = Desired { limit_usd: "750.5".parse().expect("a number"), ..first.clone() };
    stage.change(&first, &higher, &["limit_usd"]).await;
    let elsewhere = Desired { tag_key: "Client".to_owned(), tag_value: "A$me".to_owned(), ..higher.clone() };
    stage.change(&higher, &elsewhere, &["tag_key", "tag_value"]).await;

    let alerts = BTreeMap::from([(80, who(&["b@example.com"], None)), (100, who(&["a@example.com"], None))]);
    let other_alerts = Desired { alerts, ..elsewhere.clone() };
    let paths = ["alerts.80.emails", "alerts.80.topic", "alerts.100", "alerts.50"];
    stage.change(&elsewhere, &other_alerts, &paths).await;
    let none = Desired { alerts: BTreeMap::new(), ..other_alerts.clone() };
    stage.change(&other_alerts, &none, &["alerts.80", "alerts.100"]).await;

    let retagged = Desired { tags: tags(&[("team", "money"), ("cost", "x")]), ..none.clone() };
    stage.change(&none, &retagged, &["tags.cost", "tags.team"]).await;
    let fewer = Desired { tags: tags(&[("team", "money")]), ..retagged.clone() };
    stage.change(&retagged, &fewer, &["tags.cost"]).await;
    stage.delete(&made.id, &fewer).await;
}

#[tokio::test]
#[expect(deprecated, reason = "budgets are filtered as the kind filters them")]
async fn a_budget_is_repaired() {
    let cloud = cloud().await;
    let stage = Stage::<Budgets>::new(&cloud, "repair");
    let desired = desired("repair");
    let made = stage.create(&desired).await;
    let (budgets, account, name) = (&cloud.budgets, &cloud.account, &desired.name);

    let answer = budgets.describe_budget().account_id(account).budget_name(name).send().await.expect("a budget");
    let as_made = answer.budget.expect("a budget");
    let mut lower = as_made.clone();
    lower.budget_limit.as_mut().expect("a limit").amount = "499.99".to_owned();
    budgets.update_budget().account_id(account).new_budget(lower).send().await.expect("the limit is changed");
    stage.repair(&desired, &["limit_usd"]).await;
    let mut unfiltered = as_made.clone();
    unfiltered.cost_filters = None;
    budgets.update_budget().account_id(account).new_budget(unfiltered).send().await.expect("the filter is gone");
    stage.repair(&desired, &["tag_key", "tag_value"]).await;

    let call = budgets.create_subscriber().account_id(account).budget_name(name);
    let call = call.notification(alert(50)).subscriber(email("theirs@example.com"));
    call.send().await.expect("one more is told");
    stage.repair(&desired, &["alerts.50.emails"]).await;
    let call = budgets.delete_notification().account_id(account).budget_name(name).notification(alert(80));
    call.send().await.expect("an alert is gone");
    stage.repair(&desired, &["alerts.80"]).await;
    let call = budgets.create_notification().account_id(account).budget_name(name);
    let call = call.notification(alert(90)).subscribers(email("theirs@example.com"));
    call.send().await.expect("an alert is added");
    stage.repair(&desired, &["alerts.90"]).await;

    let arn = made.outputs["arn"].as_str().expect("an ARN");
    let tag = |key: &str, value: &str| ResourceTag::builder().key(key).value(value).build().expect("a tag");
    let call = budgets.tag_resource().resource_arn(arn);
    let call = call.resource_tags(tag("team", "theirs")).resource_tags(tag("other", "stays"));
    call.send().await.expect("tags are changed");
    stage.repair(&desired, &["tags.team"]).await;
    let seen = budgets.list_tags_for_resource().resource_arn(arn).send().await.expect("tags").resource_tags;
    assert!(seen.unwrap_or_default().contains(&tag("other", "stays")));
    let call = budgets.untag_resource().resource_arn(arn).resource_tag_keys(billing::names::OWNER_TAG);
    call.send().await.expect("is disowned");
    stage.reclaim(&desired).await;
    stage.delete(&made.id, &desired).await;
}

#[tokio::test]
async fn budgets_are_listed() {
    let root = cloud().await;
    let cloud = allowed(&root, &[&Budgets::META], BTreeMap::new()).await;
    let stage = Stage::<Budgets>::new(&cloud, "many");
    let all: Vec<Desired> = (0..6).map(|n| desired(&format!("many-{n}"))).collect();
    for desired in &all {
        stage.try_create(desired).await.expect("is created");
    }
    stage.read_together(&all).await;
    for desired in &all {
        stage.delete(&desired.name, desired).await;
    }
}
