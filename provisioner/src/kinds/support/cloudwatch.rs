//! What CloudWatch's kinds share: tags by ARN, and how the service reports what does not exist.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::Tag;
use engine::kind::CallError;

use super::tagging::Tags;
use crate::cloud::errors::{call_error, code};

/// Whether an error code means that the alarm or dashboard does not exist, in either of the service's protocols.
pub fn is_missing(code: Option<&str>) -> bool {
    matches!(code, Some("ResourceNotFound" | "ResourceNotFoundException" | "DashboardNotFoundError"))
}

/// Reads the tags; none of what does not exist.
pub async fn tags(client: &Client, arn: &str) -> Result<Option<Tags>, CallError> {
    match client.list_tags_for_resource().resource_arn(arn).send().await {
        Ok(answer) => Ok(Some(plain_tags(answer.tags.unwrap_or_default()))),
        Err(error) if is_missing(code(&error)) => Ok(None),
        Err(error) => Err(call_error("cloudwatch:ListTagsForResource", error)),
    }
}

/// Sets these tags and leaves the others.
pub async fn tag(client: &Client, arn: &str, tags: Tags) -> Result<(), CallError> {
    let sent = client.tag_resource().resource_arn(arn).set_tags(Some(sdk_tags(tags))).send().await;
    sent.map(drop).map_err(|error| call_error("cloudwatch:TagResource", error))
}

/// Removes the tags of these keys.
pub async fn untag(client: &Client, arn: &str, keys: Vec<String>) -> Result<(), CallError> {
    let sent = client.untag_resource().resource_arn(arn).set_tag_keys(Some(keys)).send().await;
    sent.map(drop).map_err(|error| call_error("cloudwatch:UntagResource", error))
}

/// Tags as CloudWatch's SDK takes them.
pub fn sdk_tags(tags: Tags) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// Tags as CloudWatch's SDK gives them.
fn plain_tags(tags: Vec<Tag>) -> Tags {
    tags.into_iter().filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))).collect()
}
