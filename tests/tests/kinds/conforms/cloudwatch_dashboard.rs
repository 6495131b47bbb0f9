//! `cloudwatch_dashboard`: its fixture.

use std::sync::Arc;

use aws_sdk_cloudwatch::types::Tag;
use provisioner::cloud::{Cloud, Home, client};
use provisioner::kinds::cloudwatch_dashboard::{CloudwatchDashboards, Desired};
use provisioner::kinds::typed::TypedKind;
use serde_json::{Value, json};
use tests::conformance::{Fixture, NAMED, Ownership, act};
use tests::live::{allowed, cloud, tags};

fn cloudwatch(root: &Arc<Cloud>) -> aws_sdk_cloudwatch::Client {
    client!(root, aws_sdk_cloudwatch, Home::Stack)
}

fn body(text: &str) -> Value {
    json!({ "widgets": [{ "type": "text", "width": 24, "properties": { "markdown": text } }] })
}

tests::conforms!(fixture);

async fn fixture() -> Fixture {
    let root = cloud().await;
    let cloud = allowed(&root, &[&CloudwatchDashboards::META], Default::default()).await;
    let first = Desired {
        name: "conformance-dashboard".to_owned(),
        body: body("ours"),
        tags: tags(&[("team", "billing")]),
    };
    let rewritten = act(|root, id| async move {
        let call = cloudwatch(&root).put_dashboard().dashboard_name(id).dashboard_body(body("theirs").to_string());
        call.send().await.expect("is put");
    });
    Fixture::new::<CloudwatchDashboards>(&cloud, &root, "dashboard", &first)
        .owned(ownership())
        .immutable("name", NAMED)
        .mutation("body", rewritten, [("body.widgets", body("theirs")["widgets"].clone(), body("ours")["widgets"].clone())])
        .update("body", Desired { body: body("more"), ..first.clone() })
        .update("tags", Desired { tags: tags(&[("cost", "x")]), ..first.clone() })
        .replace("name", Desired { name: "conformance-other".to_owned(), ..first })
}

fn arn(name: &str) -> String {
    format!("arn:aws:cloudwatch::123456789012:dashboard/{name}")
}

fn ownership() -> Ownership {
    Ownership::new(
        Some("tags"),
        |root, id, set, gone| async move {
            let tag = |(key, value)| Tag::builder().key(key).value(value).build();
            if !set.is_empty() {
                let call = cloudwatch(&root).tag_resource().resource_arn(arn(&id));
                call.set_tags(Some(set.into_iter().map(tag).collect())).send().await.expect("tags are set");
            }
            if !gone.is_empty() {
                let call = cloudwatch(&root).untag_resource().resource_arn(arn(&id));
                call.set_tag_keys(Some(gone.into_iter().collect())).send().await.expect("tags go");
            }
        },
        |root, id| async move {
            let answer = cloudwatch(&root).list_tags_for_resource().resource_arn(arn(&id)).send().await.expect("tags");
            answer.tags.unwrap_or_default().into_iter().filter_map(|tag| Some((tag.key?, tag.value?))).collect()
        },
    )
}
