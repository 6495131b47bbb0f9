//! `budget`, live.

use std::collections::BTreeMap;

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
