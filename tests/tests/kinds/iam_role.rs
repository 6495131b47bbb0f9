//! `iam_role`, live.

use std::collections::{BTreeMap, BTreeSet};

use billing::names::OWNER_TAG;
use provisioner::kinds::iam_role::{Desired, IamRoles};
use provisioner::kinds::typed::TypedKind;
use serde_json::{Value, json};

use crate::stage::{Stage, allowed, cloud, tags};

fn policy(actions: &[&str]) -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": actions, "Resource": "arn:aws:dynamodb:us-east-1:123456789012:table/ledger"}]})
}

fn desired(name: &str) -> Desired {
    Desired {
        name: format!("kinds-{name}"),
        description: "Runs a handler, 100 % of the time".to_owned(),
        trusted_service: "lambda.amazonaws.com".to_owned(),
        policy: policy(&["dynamodb:Query", "dynamodb:GetItem"]),
        attached: BTreeSet::new(),
        tags: tags(&[("team", "billing")]),
    }
}

#[tokio::test]
async fn a_role_lives() {
    let root = cloud().await;
    let cloud = allowed(&root, &[&IamRoles::META], BTreeMap::new()).await;
    let stage = Stage::<IamRoles>::new(&cloud, "life");
    let first = desired("life");
    let made = stage.create(&first).await;
    assert_eq!(made.outputs["arn"], json!("arn:aws:iam::123456789012:role/kinds-life"));

    let described = Desired { description: "Runs another".to_owned(), ..first.clone() };
    stage.change(&first, &described, &["description"]).await;
    let trusted = Desired { trusted_service: "scheduler.amazonaws.com".to_owned(), ..described.clone() };
    stage.change(&described, &trusted, &["trusted_service"]).await;
    let allowed = Desired { policy: policy(&["dynamodb:PutItem"]), ..trusted.clone() };
    stage.change(&trusted, &allowed, &["policy.Statement.Action"]).await;
    let retagged = Desired { tags: tags(&[("cost", "x")]), ..allowed.clone() };
    stage.change(&allowed, &retagged, &["tags.cost", "tags.team"]).await;

    stage.delete(&made.id, &retagged).await;
}

#[tokio::test]
async fn a_role_is_repaired() {
    let cloud = cloud().await;
    let stage = Stage::<IamRoles>::new(&cloud, "repair");
    let desired = desired("repair");
    let made = stage.create(&desired).await;
    let (iam, name) = (&cloud.iam, &desired.name);

    let call = iam.update_role().role_name(name).description("changed");
    call.send().await.expect("description is changed");
    stage.repair(&desired, &["description"]).await;

    let admits_all = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"}]});
    let call = iam.update_assume_role_policy().role_name(name).policy_document(admits_all.to_string());
    call.send().await.expect("trust is changed");
    stage.repair(&desired, &["trusted_service"]).await;

    let call = iam.put_role_policy().role_name(name).policy_name("billform");
    call.policy_document(policy(&["dynamodb:*"]).to_string()).send().await.expect("policy is changed");
    stage.repair(&desired, &["policy.Statement.Action"]).await;
    iam.delete_role_policy().role_name(name).policy_name("billform").send().await.expect("policy goes");
    stage.repair(&desired, &["policy"]).await;

    let call = iam.put_role_policy().role_name(name).policy_name("theirs");
    call.policy_document(policy(&["dynamodb:*"]).to_string()).send().await.expect("policy is added");
    let managed = iam.create_policy().policy_name("kinds-repair").policy_document(policy(&["s3:*"]).to_string());
    let managed = managed.send().await.expect("policy is made").policy.expect("a policy").arn.expect("an ARN");
    iam.attach_role_policy().role_name(name).policy_arn(&managed).send().await.expect("policy is attached");
    stage.repair(&desired, &["attached"]).await;
    iam.delete_policy().policy_arn(&managed).send().await.expect("nothing holds the policy");

    let tag = |key: &str, value: &str| aws_sdk_iam::types::Tag::builder().key(key).value(value).build().expect("a tag");
    let call = iam.tag_role().role_name(name).tags(tag("team", "theirs")).tags(tag("other", "stays"));
    call.send().await.expect("tags are changed");
    stage.repair(&desired, &["tags.team"]).await;
    let kept = iam.list_role_tags().role_name(name).send().await.expect("tags").tags;
    assert!(kept.contains(&tag("other", "stays")), "{kept:?}");

    iam.untag_role().role_name(name).tag_keys(OWNER_TAG).send().await.expect("is disowned");
    stage.reclaim(&desired).await;

    // What others put on it does not stand in the way of the delete.
    let call = iam.put_role_policy().role_name(name).policy_name("theirs");
    call.policy_document(policy(&["dynamodb:*"]).to_string()).send().await.expect("policy is added");
    stage.delete(&made.id, &desired).await;
}

#[tokio::test]
async fn a_role_made_by_half_is_finished() {
    let cloud = cloud().await;
    let stage = Stage::<IamRoles>::new(&cloud, "half");
    let desired = desired("half");
    let made = stage.create(&desired).await;
    let call = cloud.iam.delete_role_policy().role_name(&desired.name).policy_name("billform");
    call.send().await.expect("as if the create had died");
    stage.repair(&desired, &["policy"]).await;
    stage.delete(&made.id, &desired).await;
}

#[tokio::test]
async fn roles_are_listed() {
    let root = cloud().await;
    let cloud = allowed(&root, &[&IamRoles::META], BTreeMap::new()).await;
    let stage = Stage::<IamRoles>::new(&cloud, "many");
    let all: Vec<Desired> = (0..7).map(|n| desired(&format!("many-{n}"))).collect();
    for desired in &all {
        stage.try_create(desired).await.expect("is created");
    }
    stage.read_together(&all).await;
    for desired in &all {
        stage.delete(&desired.name, desired).await;
    }
}
