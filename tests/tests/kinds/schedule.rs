//! `schedule`, live.

use std::collections::BTreeMap;

use aws_sdk_eventbridge::types::{RuleState, Target};
use engine::kind::{KindMeta, Permission, Verb};
use provisioner::kinds::schedule::{Desired, Schedules};
use provisioner::kinds::typed::TypedKind;
use serde_json::json;

use crate::stage::{Stage, allowed, cloud, tags};

/// AWS asks for these on the rule; MiniStack finds none in the call and asks for them on `*`.
const ON_ANYTHING: KindMeta = KindMeta {
    name: "schedule_on_anything",
    permissions: &[
        Permission { verb: Verb::Read, action: "events:ListTagsForResource", resource: "*" },
        Permission { verb: Verb::Update, action: "events:TagResource", resource: "*" },
        Permission { verb: Verb::Update, action: "events:UntagResource", resource: "*" },
    ],
    ..Schedules::META
};

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
    let cloud = allowed(&root, &[&Schedules::META, &ON_ANYTHING], BTreeMap::new()).await;
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
async fn a_schedule_is_repaired() {
    let cloud = cloud().await;
    let stage = Stage::<Schedules>::new(&cloud, "repair");
    let desired = desired("repair");
    let made = stage.create(&desired).await;
    let (events, name) = (&cloud.events, &desired.name);
    let put_rule = || events.put_rule().name(name).schedule_expression(&desired.expression);
    let target = |id: &str, arn: String| Target::builder().id(id).arn(arn).input("{}").build().expect("builds");

    put_rule().state(RuleState::Disabled).description(&desired.description).send().await.expect("is disabled");
    stage.repair(&desired, &["enabled"]).await;
    put_rule().state(RuleState::Enabled).description("theirs").send().await.expect("is described");
    stage.repair(&desired, &["description"]).await;
    let other = put_rule().schedule_expression("rate(5 minutes)").description(&desired.description);
    other.send().await.expect("fires often");
    stage.repair(&desired, &["expression"]).await;

    let call = events.put_targets().rule(name).targets(target("foreign", function("other")));
    call.send().await.expect("a target is added");
    stage.repair(&desired, &["target_arn"]).await;
    let left = events.list_targets_by_rule().rule(name).send().await.expect("targets").targets.unwrap_or_default();
    assert_eq!(left.iter().map(|target| target.id.as_str()).collect::<Vec<_>>(), ["billform"]);
    let call = events.put_targets().rule(name).targets(target("billform", desired.target_arn.clone()));
    call.send().await.expect("the input is changed");
    stage.repair(&desired, &["input.action"]).await;
    events.remove_targets().rule(name).ids("billform").send().await.expect("the target is removed");
    stage.repair(&desired, &["target_arn", "input"]).await;

    let arn = made.outputs["arn"].as_str().expect("an ARN");
    let tag = |key: &str, value: &str| {
        aws_sdk_eventbridge::types::Tag::builder().key(key).value(value).build().expect("a tag")
    };
    let call = events.tag_resource().resource_arn(arn).tags(tag("team", "theirs")).tags(tag("other", "stays"));
    call.send().await.expect("tags are changed");
    stage.repair(&desired, &["tags.team"]).await;
    let seen = events.list_tags_for_resource().resource_arn(arn).send().await.expect("tags").tags;
    assert!(seen.unwrap_or_default().contains(&tag("other", "stays")));
    let call = events.untag_resource().resource_arn(arn).tag_keys(billing::names::OWNER_TAG);
    call.send().await.expect("is disowned");
    stage.reclaim(&desired).await;

    stage.delete(&made.id, &desired).await;
}

#[tokio::test]
async fn schedules_are_listed() {
    let root = cloud().await;
    let cloud = allowed(&root, &[&Schedules::META, &ON_ANYTHING], BTreeMap::new()).await;
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
