//! The bucket's sub-resources, read and written one by one.

use std::collections::BTreeMap;

use aws_sdk_s3::types::{
    BucketVersioningStatus, PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging, VersioningConfiguration,
};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::error::operation::BuildError;
use engine::kind::{CallError, ErrorClass};
use serde_json::Value;

use super::{Desired, LifecycleRule, S3Buckets, lifecycle};
use crate::cloud::errors::{call_error, code, refused};

/// How S3 shows a policy that is no JSON; it should not exist.
const NO_JSON: &str = "the policy is no JSON";

impl S3Buckets {
    pub(super) async fn encryption(&self, bucket: &str) -> Result<String, CallError> {
        let answer = self.s3.get_bucket_encryption().bucket(bucket).send().await;
        let answer =
            unless_missing("s3:GetEncryptionConfiguration", "ServerSideEncryptionConfigurationNotFoundError", answer)?;
        let configuration = answer.and_then(|answer| answer.server_side_encryption_configuration);
        let rule = configuration.and_then(|configuration| configuration.rules.into_iter().next());
        let applied = rule.and_then(|rule| rule.apply_server_side_encryption_by_default);
        Ok(applied.map(|applied| applied.sse_algorithm.as_str().to_owned()).unwrap_or_default())
    }

    pub(super) async fn set_encryption(&self, desired: &Desired) -> Result<(), CallError> {
        let algorithm = ServerSideEncryption::from(desired.encryption.as_str());
        let operation = "s3:PutEncryptionConfiguration";
        let by_default = ServerSideEncryptionByDefault::builder().sse_algorithm(algorithm).build();
        let by_default = by_default.map_err(|error| unbuildable(operation, &error))?;
        let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(by_default).build();
        let configuration = ServerSideEncryptionConfiguration::builder().rules(rule).build();
        let configuration = configuration.map_err(|error| unbuildable(operation, &error))?;
        let call = self.s3.put_bucket_encryption().bucket(&desired.name);
        done(operation, call.server_side_encryption_configuration(configuration).send().await)
    }

    pub(super) async fn public_access_blocked(&self, bucket: &str) -> Result<bool, CallError> {
        let answer = self.s3.get_public_access_block().bucket(bucket).send().await;
        let answer = unless_missing("s3:GetBucketPublicAccessBlock", "NoSuchPublicAccessBlockConfiguration", answer)?;
        let configuration = answer.and_then(|answer| answer.public_access_block_configuration);
        Ok(configuration.is_some_and(|block| all_blocked(&block)))
    }

    pub(super) async fn set_public_access_block(&self, desired: &Desired) -> Result<(), CallError> {
        let on = desired.public_access_blocked;
        let configuration = PublicAccessBlockConfiguration::builder()
            .block_public_acls(on)
            .ignore_public_acls(on)
            .block_public_policy(on)
            .restrict_public_buckets(on)
            .build();
        let call = self.s3.put_public_access_block().bucket(&desired.name);
        let answer = call.public_access_block_configuration(configuration).send().await;
        done("s3:PutBucketPublicAccessBlock", answer)
    }

    pub(super) async fn versioning(&self, bucket: &str) -> Result<bool, CallError> {
        let answer = self.s3.get_bucket_versioning().bucket(bucket).send().await;
        let answer = answer.map_err(|error| call_error("s3:GetBucketVersioning", error))?;
        Ok(answer.status == Some(BucketVersioningStatus::Enabled))
    }

    /// Versioning that was on is suspended, never off.
    pub(super) async fn set_versioning(&self, desired: &Desired) -> Result<(), CallError> {
        let status =
            if desired.versioning { BucketVersioningStatus::Enabled } else { BucketVersioningStatus::Suspended };
        let configuration = VersioningConfiguration::builder().status(status).build();
        let call = self.s3.put_bucket_versioning().bucket(&desired.name);
        done("s3:PutBucketVersioning", call.versioning_configuration(configuration).send().await)
    }

    pub(super) async fn lifecycle(&self, bucket: &str) -> Result<BTreeMap<String, LifecycleRule>, CallError> {
        let answer = self.s3.get_bucket_lifecycle_configuration().bucket(bucket).send().await;
        let answer = unless_missing("s3:GetLifecycleConfiguration", "NoSuchLifecycleConfiguration", answer)?;
        Ok(answer.map(|answer| lifecycle::observed(answer.rules())).unwrap_or_default())
    }

    pub(super) async fn set_lifecycle(&self, desired: &Desired) -> Result<(), CallError> {
        let operation = "s3:PutLifecycleConfiguration";
        if desired.lifecycle.is_empty() {
            return done(operation, self.s3.delete_bucket_lifecycle().bucket(&desired.name).send().await);
        }
        let configuration =
            lifecycle::configuration(&desired.lifecycle).map_err(|error| unbuildable(operation, &error))?;
        let call = self.s3.put_bucket_lifecycle_configuration().bucket(&desired.name);
        done(operation, call.lifecycle_configuration(configuration).send().await)
    }

    pub(super) async fn policy(&self, bucket: &str) -> Result<Option<Value>, CallError> {
        let answer = self.s3.get_bucket_policy().bucket(bucket).send().await;
        let answer = unless_missing("s3:GetBucketPolicy", "NoSuchBucketPolicy", answer)?;
        let text = answer.and_then(|answer| answer.policy);
        Ok(text.map(|text| serde_json::from_str(&text).unwrap_or_else(|_| Value::String(NO_JSON.to_owned()))))
    }

    pub(super) async fn set_policy(&self, desired: &Desired) -> Result<(), CallError> {
        match &desired.policy {
            Some(policy) => {
                let call = self.s3.put_bucket_policy().bucket(&desired.name).policy(policy.to_string());
                done("s3:PutBucketPolicy", call.send().await)
            }
            None => {
                let call = self.s3.delete_bucket_policy().bucket(&desired.name);
                done("s3:DeleteBucketPolicy", call.send().await)
            }
        }
    }

    pub(super) async fn tags(&self, bucket: &str) -> Result<BTreeMap<String, String>, CallError> {
        let answer = self.s3.get_bucket_tagging().bucket(bucket).send().await;
        let answer = unless_missing("s3:GetBucketTagging", "NoSuchTagSet", answer)?;
        let tags = answer.map(|answer| answer.tag_set).unwrap_or_default();
        Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
    }

    /// A bucket's tags; none of one that has gone since it was listed. One that we may not ask is an error: it may be
    /// ours.
    pub(super) async fn tags_if_there(&self, bucket: &str) -> Result<Option<BTreeMap<String, String>>, CallError> {
        match self.s3.get_bucket_tagging().bucket(bucket).send().await {
            Err(error) if code(&error) == Some("NoSuchBucket") => Ok(None),
            answer => {
                let answer = unless_missing("s3:GetBucketTagging", "NoSuchTagSet", answer);
                let answer =
                    answer.map_err(|error| CallError { message: format!("{bucket}: {}", error.message), ..error })?;
                let tags = answer.map(|answer| answer.tag_set).unwrap_or_default();
                Ok(Some(tags.into_iter().map(|tag| (tag.key, tag.value)).collect()))
            }
        }
    }

    /// S3 takes the whole set of tags at once: those of others, AWS's own among them, go back as they were.
    pub(super) async fn merge_tags(
        &self,
        bucket: &str,
        ours: BTreeMap<String, String>,
        dropped: &[String],
    ) -> Result<(), CallError> {
        let operation = "s3:PutBucketTagging";
        let tags = merged(self.tags(bucket).await?, ours, dropped);
        let tagging = Tagging::builder().set_tag_set(Some(to_sdk(tags)?)).build();
        let tagging = tagging.map_err(|error| unbuildable(operation, &error))?;
        done(operation, self.s3.put_bucket_tagging().bucket(bucket).tagging(tagging).send().await)
    }
}

/// Tags as the SDK takes them.
pub fn to_sdk(tags: BTreeMap<String, String>) -> Result<Vec<Tag>, CallError> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build();
    let tags: Result<Vec<Tag>, BuildError> = tags.into_iter().map(tag).collect();
    tags.map_err(|error| unbuildable("s3:PutBucketTagging", &error))
}

fn merged(
    present: BTreeMap<String, String>,
    ours: BTreeMap<String, String>,
    dropped: &[String],
) -> BTreeMap<String, String> {
    let kept = present.into_iter().filter(|(key, _)| !dropped.contains(key));
    kept.chain(ours).collect()
}

fn all_blocked(block: &PublicAccessBlockConfiguration) -> bool {
    [block.block_public_acls, block.ignore_public_acls, block.block_public_policy, block.restrict_public_buckets]
        == [Some(true); 4]
}

/// The answer; `None` when S3 says by `missing` that the sub-resource was never set.
fn unless_missing<T, E>(
    operation: &str,
    missing: &str,
    answer: Result<T, SdkError<E, Response>>,
) -> Result<Option<T>, CallError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if code(&error) == Some(missing) => Ok(None),
        Err(error) => Err(call_error(operation, error)),
    }
}

/// A write's outcome. A bucket that was just made may not be visible to its sub-resources yet.
fn done<T, E>(operation: &str, answer: Result<T, SdkError<E, Response>>) -> Result<(), CallError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    answer.map(drop).map_err(|error| {
        let unseen = code(&error) == Some("NoSuchBucket");
        let failed = call_error(operation, error);
        if unseen { CallError { class: ErrorClass::NotYet, ..failed } } else { failed }
    })
}

fn unbuildable(operation: &str, error: &BuildError) -> CallError {
    refused(operation, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn tags_of_others_and_of_aws_go_back_as_they_were() {
        let present = map(&[("theirs", "1"), ("aws:cloudformation:stack-name", "s"), ("old", "x"), ("team", "a")]);
        let tags = merged(present, map(&[("team", "b")]), &["old".to_owned()]);
        assert_eq!(tags, map(&[("theirs", "1"), ("aws:cloudformation:stack-name", "s"), ("team", "b")]));
    }

    #[test]
    fn public_access_is_blocked_by_all_four_or_not() {
        let three = PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .ignore_public_acls(true)
            .block_public_policy(true);
        assert!(!all_blocked(&three.clone().build()));
        assert!(all_blocked(&three.restrict_public_buckets(true).build()));
    }
}
