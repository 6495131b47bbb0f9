//! `secret`: what it is asked.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::types::Tag;
use provisioner::kinds::secret::{Desired, Secrets, Source};
use provisioner::kinds::typed::TypedKind;
use serde_json::json;
use tests::conformance::{Fixture, NAMED, Ownership, act};
use tests::live::{allowed, cloud, tags};

const NOT_KEPT: &str = "AWS does not keep it: it is as the state remembers it";

pub async fn fixture() -> Fixture {
    let root = cloud().await;
    let given = BTreeMap::from([("stripe-key".to_owned(), "sk_test_conformance".to_owned())]);
    let cloud = allowed(&root, &[&Secrets::META], given).await;
    let first = Desired {
        name: "conformance/secret".to_owned(),
        description: "Stripe key".to_owned(),
        source: Source::Given("stripe-key".to_owned()),
        json_key: None,
        recovery_days: 0,
        replaced_by: None,
        tags: tags(&[("team", "billing")]),
    };
    let described = act(|root, id| async move {
        root.secrets.update_secret().secret_id(id).description("theirs").send().await.expect("is described");
    });
    Fixture::new::<Secrets>(&cloud, &root, "secret", &first)
        .owned(ownership())
        .immutable("name", NAMED)
        .immutable("source", NOT_KEPT)
        .immutable("json_key", NOT_KEPT)
        .immutable("recovery_days", NOT_KEPT)
        .mutation("description", described, [("description", json!("theirs"), json!("Stripe key"))])
        .update("description", Desired { description: "Another".to_owned(), ..first.clone() })
        .update("source", Desired { source: Source::Generated, ..first.clone() })
        .update("json_key", Desired { json_key: Some("api_key".to_owned()), ..first.clone() })
        .update("recovery_days", Desired { recovery_days: 7, ..first.clone() })
        .update("tags", Desired { tags: tags(&[("cost", "x")]), ..first.clone() })
        .replace("name", Desired { name: "conformance/other".to_owned(), ..first })
}

fn ownership() -> Ownership {
    Ownership::new(
        Some("tags"),
        |root, id, set, gone| async move {
            let tag = |(key, value): (String, String)| Tag::builder().key(key).value(value).build();
            if !set.is_empty() {
                let call =
                    root.secrets.tag_resource().secret_id(&id).set_tags(Some(set.into_iter().map(tag).collect()));
                call.send().await.expect("tags are set");
            }
            if !gone.is_empty() {
                let call = root.secrets.untag_resource().secret_id(&id).set_tag_keys(Some(gone.into_iter().collect()));
                call.send().await.expect("tags go");
            }
        },
        |root, id| async move {
            let answer = root.secrets.describe_secret().secret_id(id).send().await.expect("tags");
            let pair = |tag: Tag| Some((tag.key?, tag.value.unwrap_or_default()));
            answer.tags.unwrap_or_default().into_iter().filter_map(pair).collect()
        },
    )
}
