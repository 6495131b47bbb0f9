//! `iam_role`: what it is asked.

use std::collections::BTreeSet;

use aws_sdk_iam::types::Tag;
use provisioner::kinds::iam_role::{Desired, IamRoles};
use provisioner::kinds::typed::TypedKind;
use serde_json::{Value, json};
use tests::conformance::{Fixture, NAMED, Ownership, act};
use tests::live::{allowed, cloud, tags};

fn policy(actions: &[&str]) -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": actions, "Resource": "arn:aws:dynamodb:us-east-1:123456789012:table/ledger"}]})
}

/// How a policy of one action shows: lists of one are the thing itself.
fn shown(actions: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement":
        {"Effect": "Allow", "Action": actions, "Resource": "arn:aws:dynamodb:us-east-1:123456789012:table/ledger"}})
}

pub async fn fixture() -> Fixture {
    let root = cloud().await;
    let cloud = allowed(&root, &[&IamRoles::META], Default::default()).await;
    let first = Desired {
        name: "conformance-role".to_owned(),
        description: "Runs a handler, 100 % of the time".to_owned(),
        trusted_service: "lambda.amazonaws.com".to_owned(),
        policy: policy(&["dynamodb:GetItem", "dynamodb:Query"]),
        attached: BTreeSet::new(),
        tags: tags(&[("team", "billing")]),
    };
    let described = act(|root, id| async move {
        root.iam.update_role().role_name(id).description("changed").send().await.expect("is described");
    });
    let trusting = act(|root, id| async move {
        let document = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
        let call = root.iam.update_assume_role_policy().role_name(id).policy_document(document.to_string());
        call.send().await.expect("trust is changed");
    });
    let allowing = act(|root, id| async move {
        let call = root.iam.put_role_policy().role_name(id).policy_name("billform");
        call.policy_document(policy(&["dynamodb:*"]).to_string()).send().await.expect("policy is changed");
    });
    let gone = act(|root, id| async move {
        root.iam.delete_role_policy().role_name(id).policy_name("billform").send().await.expect("policy goes");
    });
    let added = act(|root, id| async move {
        let call = root.iam.put_role_policy().role_name(id).policy_name("theirs");
        call.policy_document(policy(&["dynamodb:*"]).to_string()).send().await.expect("policy is added");
    });
    let both = json!(["dynamodb:GetItem", "dynamodb:Query"]);
    Fixture::new::<IamRoles>(&cloud, &root, "role", &first)
        .owned(ownership())
        .immutable("name", NAMED)
        .constant("attached", "a role has no policy but its own")
        .mutation("description", described, [("description", json!("changed"), json!(first.description))])
        .mutation(
            "trusted_service",
            trusting,
            [("trusted_service", json!("ec2.amazonaws.com"), json!("lambda.amazonaws.com"))],
        )
        .mutation("policy", allowing, [("policy.Statement.Action", json!("dynamodb:*"), both.clone())])
        .mutation("policy", gone, [("policy", Value::Null, shown(&both))])
        .mutation("attached", added, [("attached", json!(["theirs"]), json!([]))])
        .update("description", Desired { description: "Runs another".to_owned(), ..first.clone() })
        .update("trusted_service", Desired { trusted_service: "scheduler.amazonaws.com".to_owned(), ..first.clone() })
        .update("policy", Desired { policy: policy(&["dynamodb:PutItem"]), ..first.clone() })
        .update("tags", Desired { tags: tags(&[("cost", "x")]), ..first.clone() })
        .replace("name", Desired { name: "conformance-other".to_owned(), ..first })
}

fn ownership() -> Ownership {
    Ownership::new(
        Some("tags"),
        |root, id, set, gone| async move {
            let tag = |(key, value)| Tag::builder().key(key).value(value).build().expect("a tag");
            if !set.is_empty() {
                let call = root.iam.tag_role().role_name(&id).set_tags(Some(set.into_iter().map(tag).collect()));
                call.send().await.expect("tags are set");
            }
            if !gone.is_empty() {
                let call = root.iam.untag_role().role_name(&id).set_tag_keys(Some(gone.into_iter().collect()));
                call.send().await.expect("tags go");
            }
        },
        |root, id| async move {
            let answer = root.iam.list_role_tags().role_name(id).send().await.expect("tags");
            answer.tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
        },
    )
}
