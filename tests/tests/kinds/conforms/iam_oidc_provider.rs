//! `iam_oidc_provider`: its fixture, and what is special about it.

use std::collections::BTreeSet;

use provisioner::kinds::iam_oidc_provider::{Desired, IamOidcProviders};
use provisioner::kinds::typed::TypedKind;
use serde_json::json;
use tests::conformance::{Fixture, NAMED, Ownership, act};
use tests::live::clients::Clients as _;
use tests::live::{allowed, cloud, tags};

tests::conforms!(fixture);

async fn fixture() -> Fixture {
    let root = cloud().await;
    let cloud = allowed(&root, &[&IamOidcProviders::META], Default::default()).await;
    let first = desired("conformance.example");
    let another = act(|root, id| async move {
        let call = root.iam().add_client_id_to_open_id_connect_provider().open_id_connect_provider_arn(arn(&id));
        call.client_id("evil.example").send().await.expect("an audience is added");
    });
    let two = BTreeSet::from(["sts.amazonaws.com".to_owned(), "other".to_owned()]);
    Fixture::new::<IamOidcProviders>(&cloud, &root, "github", &first)
        .owned(ownership())
        .immutable("host", NAMED)
        .mutation("audiences", another, [("audiences", json!(["evil.example", "sts.amazonaws.com"]), json!(["sts.amazonaws.com"]))])
        .update("audiences", Desired { audiences: two, ..first.clone() })
        .update("tags", Desired { tags: tags(&[("team", "money"), ("cost", "x")]), ..first.clone() })
        .replace("host", desired("other.conformance.example"))
}

fn desired(host: &str) -> Desired {
    let audiences = BTreeSet::from(["sts.amazonaws.com".to_owned()]);
    Desired { host: host.to_owned(), audiences, tags: tags(&[("team", "billing")]) }
}

fn arn(host: &str) -> String {
    format!("arn:aws:iam::123456789012:oidc-provider/{host}")
}

fn ownership() -> Ownership {
    Ownership::new(
        Some("tags"),
        |root, id, set, gone| async move {
            let tag = |(key, value)| aws_sdk_iam::types::Tag::builder().key(key).value(value).build().expect("a tag");
            if !set.is_empty() {
                let call = root.iam().tag_open_id_connect_provider().open_id_connect_provider_arn(arn(&id));
                call.set_tags(Some(set.into_iter().map(tag).collect())).send().await.expect("tags are set");
            }
            if !gone.is_empty() {
                let call = root.iam().untag_open_id_connect_provider().open_id_connect_provider_arn(arn(&id));
                call.set_tag_keys(Some(gone.into_iter().collect())).send().await.expect("tags go");
            }
        },
        |root, id| async move {
            let call = root.iam().get_open_id_connect_provider().open_id_connect_provider_arn(arn(&id));
            let provider = call.send().await.expect("a provider");
            provider.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
        },
    )
}
