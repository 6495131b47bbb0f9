//! `iam_role`: its fixture, and what is special about it.

use std::collections::BTreeSet;

use aws_sdk_iam::types::Tag;
use provisioner::kinds::iam_role::{Desired, IamRoles};
use provisioner::kinds::typed::TypedKind;
use serde_json::{Value, json};
use tests::conformance::{Fixture, NAMED, Ownership, act};
use tests::live::clients::Clients as _;
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

tests::conforms!(fixture);

async fn fixture() -> Fixture {
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
        root.iam().update_role().role_name(id).description("changed").send().await.expect("is described");
    });
    let trusting = act(|root, id| async move {
        let document = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
        let call = root.iam().update_assume_role_policy().role_name(id).policy_document(document.to_string());
        call.send().await.expect("trust is changed");
    });
    let allowing = act(|root, id| async move {
        let call = root.iam().put_role_policy().role_name(id).policy_name("billform");
        call.policy_document(policy(&["dynamodb:*"]).to_string()).send().await.expect("policy is changed");
    });
    let gone = act(|root, id| async move {
        root.iam().delete_role_policy().role_name(id).policy_name("billform").send().await.expect("policy goes");
    });
    let added = act(|root, id| async move {
        let call = root.iam().put_role_policy().role_name(id).policy_name("theirs");
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
                let call = root.iam().tag_role().role_name(&id).set_tags(Some(set.into_iter().map(tag).collect()));
                call.send().await.expect("tags are set");
            }
            if !gone.is_empty() {
                let call = root.iam().untag_role().role_name(&id).set_tag_keys(Some(gone.into_iter().collect()));
                call.send().await.expect("tags go");
            }
        },
        |root, id| async move {
            let answer = root.iam().list_role_tags().role_name(id).send().await.expect("tags");
            answer.tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
        },
    )
}

mod special {
    use std::collections::{BTreeMap, BTreeSet};

    use billing::names::OWNER_TAG;
    use provisioner::kinds::iam_role::{Desired, IamRoles};
    use provisioner::kinds::typed::TypedKind;
    use serde_json::{Value, json};

    use tests::live::clients::Clients as _;
    use tests::live::{Stage, allowed, cloud, tags};

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
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
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
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_role_is_repaired() {
        let cloud = cloud().await;
        let stage = Stage::<IamRoles>::new(&cloud, "repair");
        let desired = desired("repair");
        let made = stage.create(&desired).await;
        let (iam, name) = (&cloud.iam(), &desired.name);

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

        let tag =
            |key: &str, value: &str| aws_sdk_iam::types::Tag::builder().key(key).value(value).build().expect("a tag");
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
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_role_made_by_half_is_finished() {
        let cloud = cloud().await;
        let stage = Stage::<IamRoles>::new(&cloud, "half");
        let desired = desired("half");
        let made = stage.create(&desired).await;
        let call = cloud.iam().delete_role_policy().role_name(&desired.name).policy_name("billform");
        call.send().await.expect("as if the create had died");
        stage.repair(&desired, &["policy"]).await;
        stage.delete(&made.id, &desired).await;
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
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
}
