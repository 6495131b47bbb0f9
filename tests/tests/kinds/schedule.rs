//! `schedule`, live.

use std::collections::BTreeMap;

use provisioner::kinds::schedule::{Desired, Schedules};
use provisioner::kinds::typed::TypedKind;
use serde_json::json;

use crate::stage::{Stage, allowed, cloud, tags};

fn function(name: &str) -> String {
    format!("arn:aws:lambda:us-east-1:123456789012:function:{name}")
}

fn desired(name: &str) -> Desired {
    Desired {
        name: format!("kinds-{name}"),
        description: "drafts the month's invoices".to_owned(),
        expression: "cron(0 0 1 * ? *)".to_owned(),
        enabled: true,
        target_arn: function("invoicer"),
        input: json!({"action": "calculate_and_invoice"}),
        tags: tags(&[("team", "billing")]),
    }
}

#[tokio::test]
async fn a_schedule_lives() {
    let root = cloud().await;
    let cloud = allowed(&root, &[&Schedules::META], BTreeMap::new()).await;
    let stage = Stage::<Schedules>::new(&cloud, "life");
    let first = desired("life");
    let made = stage.create(&first).await;

    let described = Desired { description: String::new(), ..first.clone() };
    stage.change(&first, &described, &["description"]).await;
    let daily = Desired { expression: "rate(1 day)".to_owned(), ..described.clone() };
    stage.change(&described, &daily, &["expression"]).await;
    let paused = Desired { enabled: false, ..daily.clone() };
    stage.change(&daily, &paused, &["enabled"]).await;
    let moved = Desired { target_arn: function("cost_sync"), input: json!({}), ..paused.clone() };
    stage.change(&paused, &moved, &["target_arn", "input.action"]).await;
    let retagged = Desired { tags: tags(&[("team", "money"), ("cost", "x")]), ..moved.clone() };
    stage.change(&moved, &retagged, &["tags.cost", "tags.team"]).await;
    let fewer = Desired { tags: tags(&[("team", "money")]), ..retagged.clone() };
    stage.change(&retagged, &fewer, &["tags.cost"]).await;

    stage.delete(&made.id, &fewer).await;
}

#[tokio::test]
async fn schedules_are_listed() {
    let root = cloud().await;
    let cloud = allowed(&root, &[&Schedules::META], BTreeMap::new()).await;
    let stage = Stage::<Schedules>::new(&cloud, "many");
    let all: Vec<Desired> = (0..5).map(|n| desired(&format!("many-{n}"))).collect();
    for desired in &all {
        stage.try_create(desired).await.expect("is created");
    }
    stage.read_together(&all).await;
    for desired in &all {
        stage.delete(&desired.name, desired).await;
    }
}
