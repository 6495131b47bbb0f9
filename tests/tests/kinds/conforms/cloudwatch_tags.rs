//! Tags of alarms and dashboards, set and read past billform.

use std::sync::Arc;

use aws_sdk_cloudwatch::types::Tag;
use provisioner::cloud::{Cloud, Home};
use tests::conformance::Ownership;

/// CloudWatch, as root.
pub fn client(root: &Arc<Cloud>) -> aws_sdk_cloudwatch::Client {
    provisioner::cloud::client!(root, aws_sdk_cloudwatch, Home::Stack)
}

/// The tags of a resource; `arn` is the ARN of a name.
pub fn ownership(arn: fn(&str) -> String) -> Ownership {
    Ownership::new(
        Some("tags"),
        move |root, id, set, gone| async move {
            let tag = |(key, value)| Tag::builder().key(key).value(value).build();
            if !set.is_empty() {
                let call = client(&root).tag_resource().resource_arn(arn(&id));
                call.set_tags(Some(set.into_iter().map(tag).collect())).send().await.expect("tags are set");
            }
            if !gone.is_empty() {
                let call = client(&root).untag_resource().resource_arn(arn(&id));
                call.set_tag_keys(Some(gone.into_iter().collect())).send().await.expect("tags go");
            }
        },
        move |root, id| async move {
            let answer = client(&root).list_tags_for_resource().resource_arn(arn(&id)).send().await.expect("tags");
            answer.tags.unwrap_or_default().into_iter().filter_map(|tag| Some((tag.key?, tag.value?))).collect()
        },
    )
}
