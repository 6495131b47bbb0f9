//! `schedule`: its fixture, and what is special about it.

use std::sync::Arc;

use aws_sdk_eventbridge::operation::put_rule::builders::PutRuleFluentBuilder;
use aws_sdk_eventbridge::types::{RuleState, Tag, Target};
use provisioner::cloud::Cloud;
use provisioner::kinds::schedule::{Desired, Schedules};
use provisioner::kinds::typed::TypedKind;
use serde_json::{Value, json};
use tests::conformance::{Fixture, NAMED, Ownership, act};
use tests::live::clients::Clients as _;
use tests::live::{allowed, cloud, tags};

const CRON: &str = "cron(0 0 1 * ? *)";
const DESCRIPTION: &str = "drafts the month's invoices";

fn function(name: &str) -> String {
    format!("arn:aws:lambda:us-east-1:123456789012:function:{name}")
}

fn rule(root: &Arc<Cloud>, id: &str) -> PutRuleFluentBuilder {
    root.events().put_rule().name(id)
}

fn target(id: &str, arn: String, input: &str) -> Target {
    Target::builder().id(id).arn(arn).input(input).build().expect("builds")
}

tests::conforms!(fixture);

async fn fixture() -> Fixture {
    let root = cloud().await;
    let cloud = allowed(&root, &[&Schedules::META], Default::default()).await;
    let first = Desired {
        name: "conformance-rule".to_owned(),
        description: DESCRIPTION.to_owned(),
        expression: CRON.to_owned(),
        enabled: true,
        target_arn: function("invoicer"),
        input: json!({"action": "draft"}),
        tags: tags(&[("team", "billing")]),
    };
    let disabled = act(|root, id| async move {
        let call = rule(&root, &id).description(DESCRIPTION).schedule_expression(CRON).state(RuleState::Disabled);
        call.send().await.expect("is disabled");
    });
    let described = act(|root, id| async move {
        rule(&root, &id).description("theirs").schedule_expression(CRON).send().await.expect("is described");
    });
    let often = act(|root, id| async move {
        let call = rule(&root, &id).description(DESCRIPTION).schedule_expression("rate(5 minutes)");
        call.send().await.expect("fires often");
    });
    let foreign = act(|root, id| async move {
        let call = root.events().put_targets().rule(id).targets(target("foreign", function("other"), "{}"));
        call.send().await.expect("a target is added");
    });
    let elsewhere = act(|root, id| async move {
        let theirs = target("billform", function("other"), r#"{"action":"draft"}"#);
        root.events().put_targets().rule(id).targets(theirs).send().await.expect("another is called");
    });
    let input = act(|root, id| async move {
        let theirs = target("billform", function("invoicer"), r#"{"action":"theirs"}"#);
        root.events().put_targets().rule(id).targets(theirs).send().await.expect("the input is changed");
    });
    let untargeted = act(|root, id| async move {
        root.events().remove_targets().rule(id).ids("billform").send().await.expect("the target is removed");
    });
    let (ours, other) = (function("invoicer"), function("other"));
    let beside = json!(format!("{ours}, {other} (target foreign)"));
    Fixture::new::<Schedules>(&cloud, &root, "rule", &first)
        .owned(ownership())
        .immutable("name", NAMED)
        .mutation("enabled", disabled, [("enabled", json!(false), json!(true))])
        .mutation("description", described, [("description", json!("theirs"), json!(DESCRIPTION))])
        .mutation("expression", often, [("expression", json!("rate(5 minutes)"), json!(CRON))])
        .mutation("target_arn", foreign, [("target_arn", beside, json!(ours))])
        .mutation("target_arn", elsewhere, [("target_arn", json!(other), json!(ours))])
        .mutation("input", input, [("input.action", json!("theirs"), json!("draft"))])
        .mutation(
            "target_arn",
            untargeted,
            [("target_arn", json!(""), json!(ours)), ("input", Value::Null, json!({"action": "draft"}))],
        )
        .update("enabled", Desired { enabled: false, ..first.clone() })
        .update("description", Desired { description: String::new(), ..first.clone() })
        .update("expression", Desired { expression: "rate(1 day)".to_owned(), ..first.clone() })
        .update("target_arn", Desired { target_arn: function("cost_sync"), ..first.clone() })
        .update("input", Desired { input: json!({}), ..first.clone() })
        .update("tags", Desired { tags: tags(&[("cost", "x")]), ..first.clone() })
        .replace("name", Desired { name: "conformance-other".to_owned(), ..first })
}

fn arn(id: &str) -> String {
    format!("arn:aws:events:us-east-1:123456789012:rule/{id}")
}

fn ownership() -> Ownership {
    Ownership::new(
        Some("tags"),
        |root, id, set, gone| async move {
            let tag = |(key, value)| Tag::builder().key(key).value(value).build().expect("a tag");
            if !set.is_empty() {
                let tags = Some(set.into_iter().map(tag).collect());
                root.events().tag_resource().resource_arn(arn(&id)).set_tags(tags).send().await.expect("tags are set");
            }
            if !gone.is_empty() {
                let keys = Some(gone.into_iter().collect());
                root.events().untag_resource().resource_arn(arn(&id)).set_tag_keys(keys).send().await.expect("tags go");
            }
        },
        |root, id| async move {
            let answer = root.events().list_tags_for_resource().resource_arn(arn(&id)).send().await.expect("tags");
            answer.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
        },
    )
}

mod special {
    use std::collections::BTreeMap;

    use provisioner::kinds::schedule::{Desired, Schedules};
    use provisioner::kinds::typed::TypedKind;
    use serde_json::json;

    use tests::live::{Stage, allowed, cloud, tags};

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
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
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
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
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
}
