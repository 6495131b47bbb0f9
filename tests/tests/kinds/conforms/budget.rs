//! `budget`: its fixture, and what is special about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_budgets::types::{
    Budget, ComparisonOperator, Notification, NotificationType, ResourceTag, Subscriber, SubscriptionType,
    ThresholdType,
};
use provisioner::cloud::Cloud;
use provisioner::kinds::budget::{Budgets, Desired, Subscribers};
use provisioner::kinds::typed::TypedKind;
use serde_json::{Value, json};
use tests::conformance::{Fixture, NAMED, Ownership, act};
use tests::live::clients::Clients as _;
use tests::live::{allowed, cloud, tags};

fn who(email: &str) -> Subscribers {
    Subscribers { emails: [email.to_owned()].into(), topic: None }
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

/// Changes the budget itself.
async fn edit(root: Arc<Cloud>, id: String, change: fn(&mut Budget)) {
    let (budgets, account) = (&root.budgets(), &root.account);
    let answer = budgets.describe_budget().account_id(account).budget_name(id).send().await.expect("a budget");
    let mut budget = answer.budget.expect("a budget");
    change(&mut budget);
    budgets.update_budget().account_id(account).new_budget(budget).send().await.expect("is changed");
}

#[expect(deprecated, reason = "budgets are filtered as the kind filters them")]
fn filter(budget: &mut Budget, filter: &str) {
    budget.cost_filters = Some([("TagKeyValue".to_owned(), vec![filter.to_owned()])].into());
}

tests::conforms!(fixture);

async fn fixture() -> Fixture {
    let root = cloud().await;
    let cloud = allowed(&root, &[&Budgets::META], Default::default()).await;
    let first = Desired {
        name: "conformance-budget".to_owned(),
        limit_usd: "500.00".parse().expect("a number"),
        tag_key: "ClientOrganization".to_owned(),
        tag_value: "Acme".to_owned(),
        alerts: BTreeMap::from([(50, who("a@example.com")), (80, who("a@example.com"))]),
        tags: tags(&[("team", "billing")]),
    };
    let limit = |budget: &mut Budget| budget.budget_limit.as_mut().expect("a limit").amount = "499.99".to_owned();
    let lower = act(move |root, id| edit(root, id, limit));
    let keyed = act(|root, id| edit(root, id, |budget| filter(budget, "user:Other$Acme")));
    let valued = act(|root, id| edit(root, id, |budget| filter(budget, "user:ClientOrganization$Other")));
    let one_more = act(|root, id| async move {
        let call = root.budgets().create_subscriber().account_id(&root.account).budget_name(id);
        let call = call.notification(alert(50)).subscriber(email("theirs@example.com"));
        call.send().await.expect("one more is told");
    });
    let one_less = act(|root, id| async move {
        let call = root.budgets().delete_notification().account_id(&root.account).budget_name(id);
        call.notification(alert(80)).send().await.expect("an alert is gone");
    });
    let another = act(|root, id| async move {
        let call = root.budgets().create_notification().account_id(&root.account).budget_name(id);
        let call = call.notification(alert(90)).subscribers(email("theirs@example.com"));
        call.send().await.expect("an alert is added");
    });
    let told = |email: &str| json!({"emails": [email], "topic": null});
    let both = json!(["a@example.com", "theirs@example.com"]);
    Fixture::new::<Budgets>(&cloud, &root, "budget", &first)
        .owned(ownership())
        .immutable("name", NAMED)
        .mutation("limit_usd", lower, [("limit_usd", json!("499.99"), json!("500.00"))])
        .mutation("tag_key", keyed, [("tag_key", json!("Other"), json!("ClientOrganization"))])
        .mutation("tag_value", valued, [("tag_value", json!("Other"), json!("Acme"))])
        .mutation("alerts", one_more, [("alerts.50.emails", both, json!(["a@example.com"]))])
        .mutation("alerts", one_less, [("alerts.80", Value::Null, told("a@example.com"))])
        .mutation("alerts", another, [("alerts.90", told("theirs@example.com"), Value::Null)])
        .update("limit_usd", Desired { limit_usd: "750.5".parse().expect("a number"), ..first.clone() })
        .update("tag_key", Desired { tag_key: "Client".to_owned(), ..first.clone() })
        .update("tag_value", Desired { tag_value: "A$me".to_owned(), ..first.clone() })
        .update("alerts", Desired { alerts: BTreeMap::from([(80, who("b@example.com"))]), ..first.clone() })
        .update("tags", Desired { tags: tags(&[("cost", "x")]), ..first.clone() })
        .replace("name", Desired { name: "conformance-other".to_owned(), ..first })
}

fn arn(id: &str) -> String {
    format!("arn:aws:budgets::123456789012:budget/{id}")
}

fn ownership() -> Ownership {
    Ownership::new(
        Some("tags"),
        |root, id, set, gone| async move {
            let tag = |(key, value)| ResourceTag::builder().key(key).value(value).build().expect("a tag");
            if !set.is_empty() {
                let call = root.budgets().tag_resource().resource_arn(arn(&id));
                let call = call.set_resource_tags(Some(set.into_iter().map(tag).collect()));
                call.send().await.expect("tags are set");
            }
            if !gone.is_empty() {
                let call = root.budgets().untag_resource().resource_arn(arn(&id));
                call.set_resource_tag_keys(Some(gone.into_iter().collect())).send().await.expect("tags go");
            }
        },
        |root, id| async move {
            let answer = root.budgets().list_tags_for_resource().resource_arn(arn(&id)).send().await.expect("tags");
            answer.resource_tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
        },
    )
}

mod special {
    use std::collections::BTreeMap;

    use provisioner::kinds::budget::{Budgets, Desired, Subscribers};
    use provisioner::kinds::typed::TypedKind;

    use tests::live::{Stage, allowed, cloud, tags};

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

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
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
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn budgets_are_listed() {
        let root = cloud().await;
        let cloud = allowed(&root, &[&Budgets::META], BTreeMap::new()).await;
        let stage = Stage::<Budgets>::new(&cloud, "many");
        let all: Vec<Desired> = (0..6).map(|n| desired(&format!("many-{n}"))).collect();
        for desired in &all {
            stage.try_create(desired).await.expect("is created");
        }
        stage.read_together(&all).await;

        // Who looks for strangers asks nothing about those that are known.
        let kind = Budgets::new(std::sync::Arc::clone(&cloud));
        let calls = || cloud.calls.counts().get("budgets").copied().unwrap_or_default();
        let known = all.iter().skip(1).map(|desired| desired.name.clone()).collect();
        let before = calls();
        let strangers = kind.list_unknown(&known).await.expect("are listed");
        // Other tests' budgets stand in the same account.
        let listed = strangers.iter().map(|listed| listed.id.as_str());
        let ours: Vec<&str> = listed.filter(|id| id.starts_with("kinds-many-")).collect();
        assert_eq!(ours, [all[0].name.as_str()]);
        assert!(calls() - before < all.len() as u64, "{} calls", calls() - before);
        for desired in &all {
            stage.delete(&desired.name, desired).await;
        }
    }
}
