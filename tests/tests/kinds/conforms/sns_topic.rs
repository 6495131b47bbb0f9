//! `sns_topic`: its fixture, and what is special about it.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_sns::types::Tag;
use provisioner::cloud::{Cloud, Home, client};
use provisioner::kinds::sns_topic::{Desired, SnsTopics};
use provisioner::kinds::typed::TypedKind;
use serde_json::{Value, json};
use tests::conformance::{Fixture, NAMED, Ownership, act};
use tests::live::{allowed, cloud, tags};

fn sns(root: &Arc<Cloud>) -> aws_sdk_sns::Client {
    client!(root, aws_sdk_sns, Home::Stack)
}

fn arn(name: &str) -> String {
    format!("arn:aws:sns:us-east-1:123456789012:{name}")
}

fn policy(name: &str, service: &str) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [{
        "Sid": "Alerts", "Effect": "Allow", "Principal": { "Service": service }, "Action": "sns:Publish",
        "Resource": arn(name), "Condition": { "StringEquals": { "aws:SourceAccount": "123456789012" } },
    }] })
}

fn set(emails: &[&str]) -> BTreeSet<String> {
    emails.iter().map(|email| (*email).to_owned()).collect()
}

fn desired(name: &str) -> Desired {
    Desired {
        name: name.to_owned(),
        policy: policy(name, "budgets.amazonaws.com"),
        emails: set(&["a@example.com"]),
        tags: tags(&[("team", "billing")]),
    }
}

tests::conforms!(fixture);

async fn fixture() -> Fixture {
    let root = cloud().await;
    let cloud = allowed(&root, &[&SnsTopics::META], Default::default()).await;
    let first = desired("conformance-topic");
    let theirs = policy("conformance-topic", "events.amazonaws.com");
    let text = theirs.to_string();
    let opened = act(move |root, id| {
        let call = sns(&root).set_topic_attributes().topic_arn(arn(&id)).attribute_name("Policy");
        let call = call.attribute_value(text.clone());
        async move { drop(call.send().await.expect("the policy is changed")) }
    });
    // One more address: who subscribed and confirmed by himself.
    let one_more = act(|root, id| async move {
        let call = sns(&root).subscribe().topic_arn(arn(&id)).protocol("email").endpoint("theirs@example.com");
        call.send().await.expect("is subscribed");
        let call = sns(&root).confirm_subscription().topic_arn(arn(&id)).token("theirs@example.com");
        call.send().await.expect("is confirmed");
    });
    let service = "policy.Statement";
    Fixture::new::<SnsTopics>(&cloud, &root, "topic", &first)
        .owned(ownership())
        .immutable("name", NAMED)
        .constant("emails", "an address that was asked cannot be taken off before it confirms; one more is tried below")
        .mutation("policy", opened, [(service, theirs["Statement"].clone(), first.policy["Statement"].clone())])
        .mutation("emails", one_more, [("emails", json!(["a@example.com", "theirs@example.com"]), json!(["a@example.com"]))])
        .update("policy", Desired { policy: policy("conformance-topic", "cloudwatch.amazonaws.com"), ..first.clone() })
        .update("tags", Desired { tags: tags(&[("cost", "x")]), ..first.clone() })
        .replace("name", Desired { name: "conformance-other".to_owned(), ..first })
}

fn ownership() -> Ownership {
    Ownership::new(
        Some("tags"),
        |root, id, set, gone| async move {
            let tag = |(key, value)| Tag::builder().key(key).value(value).build().expect("a tag");
            if !set.is_empty() {
                let call = sns(&root).tag_resource().resource_arn(arn(&id));
                call.set_tags(Some(set.into_iter().map(tag).collect())).send().await.expect("tags are set");
            }
            if !gone.is_empty() {
                let call = sns(&root).untag_resource().resource_arn(arn(&id));
                call.set_tag_keys(Some(gone.into_iter().collect())).send().await.expect("tags go");
            }
        },
        |root, id| async move {
            let answer = sns(&root).list_tags_for_resource().resource_arn(arn(&id)).send().await.expect("tags");
            answer.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
        },
    )
}

mod special {
    use engine::kind::Depth;
    use provisioner::kinds::support::tagging::Tagged as _;
    use tests::live::Stage;

    use super::*;

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_topic_is_pending_until_every_address_confirms() {
        let root = cloud().await;
        let cloud = allowed(&root, &[&SnsTopics::META], Default::default()).await;
        let stage = Stage::<SnsTopics>::new(&cloud, "pending");
        let both = Desired { emails: set(&["a@example.com", "b@example.com"]), ..desired("kinds-pending") };
        let made = stage.try_create(&both).await.expect("is made");
        let waits = "waits until a@example.com, b@example.com confirms the subscription: AWS sent a mail with the link";
        assert_eq!(made.pending.as_deref(), Some(waits));
        for depth in [Depth::Lists, Depth::Full] {
            let seen = stage.see(&both, Some(&both), depth).await.expect("exists");
            assert_eq!(seen.pending.as_deref(), Some(waits), "waiting is no difference");
        }
        let confirm = async |address: &str| {
            let call = sns(&root).confirm_subscription().topic_arn(arn("kinds-pending")).token(address);
            call.send().await.expect("is confirmed")
        };
        confirm("a@example.com").await;
        let seen = stage.see(&both, Some(&both), Depth::Lists).await.expect("exists");
        assert!(seen.pending.is_some_and(|waits| waits.contains("b@example.com") && !waits.contains("a@example.com")));

        // One that did not confirm cannot be taken off, and lapses: it is no difference.
        let one = Desired { emails: set(&["a@example.com"]), ..both.clone() };
        let seen = stage.settled(&one).await;
        assert_eq!(seen.pending, None);
        // One that did is taken off.
        confirm("b@example.com").await;
        stage.change(&both, &one, &["emails"]).await;
        // One more is asked, and waits.
        let more = Desired { emails: set(&["a@example.com", "c@example.com"]), ..one.clone() };
        stage.change(&one, &more, &["emails"]).await;
        assert!(stage.settled(&more).await.pending.is_some_and(|waits| waits.contains("c@example.com")));
        stage.delete(&made.id, &more).await;
    }

    /// A list may show a topic whose tags can no longer be read: it went meanwhile, which is no error.
    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_topic_that_goes_while_all_are_listed_has_no_tags() {
        let root = cloud().await;
        let cloud = allowed(&root, &[&SnsTopics::META], Default::default()).await;
        assert_eq!(SnsTopics::new(cloud).tags("kinds-never-made").await, Ok(None));
    }
}
