//! The bucket of the state: made once by `init`, versioned, encrypted, closed to the public, tagged as ours.
//!
//! It is nobody's resource: the state that would remember it lies in it, and `destroy` leaves it.

use std::collections::BTreeMap;

use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration,
    ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, VersioningConfiguration,
};

use super::client::Bucket;
use crate::cloud::errors::{call_error, code};
use crate::ui::failure::Failure;

/// What `init` did about the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// It is new.
    New,
    /// It was there and is left as it is.
    WasThere,
}

/// Earlier versions of the state are kept for so many days.
pub const VERSIONS_KEPT_DAYS: i32 = 90;
/// The region that takes no location constraint.
const HOME_REGION: &str = "us-east-1";
/// The mark of a bucket whose set-up was begun: only such a one is completed when `init` runs again.
const PURPOSE: (&str, &str) = ("billform:purpose", "state");

/// Makes the bucket unless it is there. What was begun by us and not finished is finished; somebody else's set-up is
/// left alone.
pub async fn make(bucket: &Bucket, region: &str, tags: BTreeMap<String, String>) -> Result<Made, Failure> {
    let made = match exists(bucket).await? {
        true if !is_ours(bucket).await? => return Ok(Made::WasThere),
        true => Made::WasThere,
        false => {
            create(bucket, region, tags).await?;
            Made::New
        }
    };
    close(bucket).await?;
    encrypt(bucket).await?;
    keep_versions(bucket).await?;
    expire_versions(bucket).await?;
    Ok(made)
}

async fn exists(bucket: &Bucket) -> Result<bool, Failure> {
    let name = &bucket.name;
    match bucket.client.head_bucket().bucket(name).send().await {
        Ok(_) => Ok(true),
        // A HEAD has no body, so S3 cannot say more than the number.
        Err(error) => match error.raw_response().map(|answer| answer.status().as_u16()) {
            Some(404) => Ok(false),
            Some(403) => {
                Err(Failure::new(format!("the bucket {name} exists and these credentials may not look at it")).hint(
                    "bucket names are shared by all AWS accounts: choose another one, or allow what `billform \
                     permissions --for init` prints",
                ))
            }
            _ => Err(failed("s3:ListBucket", call_error("s3:ListBucket", error))),
        },
    }
}

async fn is_ours(bucket: &Bucket) -> Result<bool, Failure> {
    match bucket.client.get_bucket_tagging().bucket(&bucket.name).send().await {
        Ok(answer) => Ok(answer.tag_set().iter().any(|tag| (tag.key(), tag.value()) == PURPOSE)),
        Err(error) if code(&error) == Some("NoSuchTagSet") => Ok(false),
        Err(error) => Err(failed("looked at", call_error("s3:GetBucketTagging", error))),
    }
}

async fn create(bucket: &Bucket, region: &str, tags: BTreeMap<String, String>) -> Result<(), Failure> {
    let mut tags = tags;
    tags.insert(PURPOSE.0.to_owned(), PURPOSE.1.to_owned());
    let tags = tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
    let tags = tags.collect::<Result<Vec<_>, _>>()?;
    let place = (region != HOME_REGION).then(|| BucketLocationConstraint::from(region));
    let configuration =
        CreateBucketConfiguration::builder().set_location_constraint(place).set_tags(Some(tags)).build();
    let call = bucket.client.create_bucket().bucket(&bucket.name).create_bucket_configuration(configuration);
    match call.send().await {
        Ok(_) => Ok(()),
        // Our own call, whose answer was lost.
        Err(error) if code(&error) == Some("BucketAlreadyOwnedByYou") => Ok(()),
        Err(error) => Err(failed("made", call_error("s3:CreateBucket", error)).hint(
            "bucket names are shared by all AWS accounts; `billform permissions --for init` prints what it needs",
        )),
    }
}

async fn close(bucket: &Bucket) -> Result<(), Failure> {
    let all = PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .ignore_public_acls(true)
        .block_public_policy(true)
        .restrict_public_buckets(true)
        .build();
    let call = bucket.client.put_public_access_block().bucket(&bucket.name).public_access_block_configuration(all);
    call.send().await.map(|_| ()).map_err(|error| failed("closed", call_error("s3:PutBucketPublicAccessBlock", error)))
}

async fn encrypt(bucket: &Bucket) -> Result<(), Failure> {
    let aes = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::Aes256).build()?;
    let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(aes).build();
    let rules = ServerSideEncryptionConfiguration::builder().rules(rule).build()?;
    let call = bucket.client.put_bucket_encryption().bucket(&bucket.name).server_side_encryption_configuration(rules);
    let sent = call.send().await;
    sent.map(|_| ()).map_err(|error| failed("encrypted", call_error("s3:PutEncryptionConfiguration", error)))
}

async fn keep_versions(bucket: &Bucket) -> Result<(), Failure> {
    let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let call = bucket.client.put_bucket_versioning().bucket(&bucket.name).versioning_configuration(on);
    call.send().await.map(|_| ()).map_err(|error| failed("versioned", call_error("s3:PutBucketVersioning", error)))
}

/// The lock is rewritten every few seconds of an apply: its versions and those of folded segments must not pile up.
async fn expire_versions(bucket: &Bucket) -> Result<(), Failure> {
    let earlier = NoncurrentVersionExpiration::builder().noncurrent_days(VERSIONS_KEPT_DAYS).build();
    let rule = LifecycleRule::builder()
        .id("billform-earlier-versions")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .noncurrent_version_expiration(earlier)
        .expiration(LifecycleExpiration::builder().expired_object_delete_marker(true).build())
        .build()?;
    let rules = BucketLifecycleConfiguration::builder().rules(rule).build()?;
    let call = bucket.client.put_bucket_lifecycle_configuration().bucket(&bucket.name).lifecycle_configuration(rules);
    let sent = call.send().await;
    sent.map(|_| ()).map_err(|error| failed("tidied", call_error("s3:PutLifecycleConfiguration", error)))
}

fn failed(what: &str, error: engine::CallError) -> Failure {
    Failure::new(format!("the state's bucket cannot be {what}: {error}")).hint(
        "`billform permissions --for init` prints what that needs; run `billform init` again, it goes on from there",
    )
}
