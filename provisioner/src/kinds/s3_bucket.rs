//! `s3_bucket`: a private bucket: encrypted, public access blocked, with versioning, lifecycle and policy.
//!
//! In us-east-1 S3 answers the creation of a bucket one already has with success, so create looks first.

mod contents;
mod lifecycle;
mod settings;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use engine::diff::FieldChange;
use engine::kind::{Applied, CallError, Contents, Depth, ErrorClass, Removal};
use engine::kind_meta::{KindMeta, OutputOf, Permission, Verb};
use engine::{Address, Owner};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::support::policy;
use super::typed::{Answers, Seen, TypedKind, TypedListed, TypedUpdate, TypedWant, at_once};
use crate::cloud::errors::{call_error, code};
use crate::cloud::{Cloud, Home, config, ownership};

/// What a bucket is to be. Encryption (SSE-S3) and the public access block are always on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The bucket's name.
    pub name: String,
    /// The region it lies in.
    pub region: String,
    /// `AES256`; read back so that a change behind our back is seen.
    pub encryption: String,
    /// All four public access blocks are on.
    pub public_access_blocked: bool,
    /// Whether overwritten objects are kept.
    pub versioning: bool,
    /// Lifecycle rules by id.
    pub lifecycle: BTreeMap<String, LifecycleRule>,
    /// The bucket policy, as JSON; null for none.
    pub policy: Option<Value>,
    /// Tags beside the ownership tags.
    pub tags: BTreeMap<String, String>,
}

/// One lifecycle rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifecycleRule {
    /// The key prefix it holds for; empty for the whole bucket.
    pub prefix: String,
    /// Storage class -> days after which objects move there: `STANDARD_IA: 30`.
    pub transitions: BTreeMap<String, u32>,
    /// Days after which objects expire.
    pub expire_days: Option<u32>,
    /// Days after which unfinished uploads are aborted.
    pub abort_uploads_days: Option<u32>,
}

/// The kind, at work.
pub struct S3Buckets {
    cloud: Arc<Cloud>,
    s3: aws_sdk_s3::Client,
}

/// Up to this many buckets are asked for one by one; for more, all of the account's are listed.
const ASKED_ONE_BY_ONE: usize = 2;
/// How many buckets are read at once, of six calls each.
const BUCKETS_AT_ONCE: usize = 5;
/// The region that takes no location constraint.
const HOME_REGION: &str = "us-east-1";

/// Everything but that it exists and where.
const UNLISTED: &[&str] = &["encryption", "public_access_blocked", "versioning", "lifecycle", "policy", "tags"];

const BUCKET: &str = "arn:aws:s3:::{name}";
const ANY_BUCKET: &str = "arn:aws:s3:::*";
const OBJECTS: &str = "arn:aws:s3:::{name}/*";

impl TypedKind for S3Buckets {
    type Desired = Desired;

    const META: KindMeta = KindMeta {
        name: "s3_bucket",
        plural: "s3 buckets",
        service: "s3",
        summary: "private S3 bucket with encryption, lifecycle and policy",
        create_only: &["name", "region"],
        open_maps: &["tags"],
        unlisted: UNLISTED,
        permissions: &[
            Permission { verb: Verb::Read, action: "s3:ListAllMyBuckets", resource: "*" },
            Permission { verb: Verb::Read, action: "s3:ListBucket", resource: BUCKET },
            Permission { verb: Verb::Read, action: "s3:GetEncryptionConfiguration", resource: BUCKET },
            Permission { verb: Verb::Read, action: "s3:GetBucketPublicAccessBlock", resource: BUCKET },
            Permission { verb: Verb::Read, action: "s3:GetBucketVersioning", resource: BUCKET },
            Permission { verb: Verb::Read, action: "s3:GetLifecycleConfiguration", resource: BUCKET },
            Permission { verb: Verb::Read, action: "s3:GetBucketPolicy", resource: BUCKET },
            // Whose a bucket is stands in its tags alone.
            Permission { verb: Verb::Read, action: "s3:GetBucketTagging", resource: ANY_BUCKET },
            Permission { verb: Verb::Read, action: "s3:ListBucketVersions", resource: BUCKET },
            Permission { verb: Verb::Create, action: "s3:CreateBucket", resource: BUCKET },
            Permission { verb: Verb::Create, action: "s3:TagResource", resource: BUCKET },
            Permission { verb: Verb::Create, action: "s3:ListBucket", resource: BUCKET },
            Permission { verb: Verb::Create, action: "s3:PutEncryptionConfiguration", resource: BUCKET },
            Permission { verb: Verb::Create, action: "s3:PutBucketPublicAccessBlock", resource: BUCKET },
            Permission { verb: Verb::Create, action: "s3:PutBucketVersioning", resource: BUCKET },
            Permission { verb: Verb::Create, action: "s3:PutLifecycleConfiguration", resource: BUCKET },
            Permission { verb: Verb::Create, action: "s3:PutBucketPolicy", resource: BUCKET },
            Permission { verb: Verb::Update, action: "s3:PutEncryptionConfiguration", resource: BUCKET },
            Permission { verb: Verb::Update, action: "s3:PutBucketPublicAccessBlock", resource: BUCKET },
            Permission { verb: Verb::Update, action: "s3:PutBucketVersioning", resource: BUCKET },
            Permission { verb: Verb::Update, action: "s3:PutLifecycleConfiguration", resource: BUCKET },
            Permission { verb: Verb::Update, action: "s3:PutBucketPolicy", resource: BUCKET },
            Permission { verb: Verb::Update, action: "s3:DeleteBucketPolicy", resource: BUCKET },
            Permission { verb: Verb::Update, action: "s3:GetBucketTagging", resource: BUCKET },
            Permission { verb: Verb::Update, action: "s3:PutBucketTagging", resource: BUCKET },
            Permission { verb: Verb::Delete, action: "s3:ListBucketVersions", resource: BUCKET },
            Permission { verb: Verb::Delete, action: "s3:DeleteObject", resource: OBJECTS },
            Permission { verb: Verb::Delete, action: "s3:DeleteObjectVersion", resource: OBJECTS },
            Permission { verb: Verb::Delete, action: "s3:DeleteBucket", resource: BUCKET },
        ],
        guarded: true,
        steps_at_once: 8,
        output: Some(OutputOf::Ids { heading: "buckets", rank: 3 }),
        ..KindMeta::PLAIN
    };

    fn new(cloud: Arc<Cloud>) -> Self {
        // Path-style addresses: the local cloud has no wildcard host names, and AWS takes them too.
        let paths = config!(cloud, aws_sdk_s3, Home::Stack).force_path_style(true).build();
        S3Buckets { s3: aws_sdk_s3::Client::from_conf(paths), cloud }
    }

    fn diff(&self, desired: &Value, observed: &Value, last: Option<&Value>) -> Vec<FieldChange> {
        engine::diff::fields(&Self::META, desired, &policy::spelled_as(desired, observed), last)
    }

    async fn read(&self, wants: &[TypedWant<Desired>], depth: Depth) -> Answers<Desired> {
        let listed = if wants.len() > ASKED_ONE_BY_ONE { Some(self.buckets().await?) } else { None };
        let seen = wants.iter().map(|want| self.see(want, listed.as_ref(), depth)).collect();
        Ok(at_once(BUCKETS_AT_ONCE, seen).await)
    }

    /// Buckets of another region than the stack's are not ours: the stack makes all of its own there.
    async fn list(&self) -> Result<Vec<TypedListed<Desired>>, CallError> {
        let here: Vec<(String, String)> =
            self.buckets().await?.into_iter().filter(|(_, region)| *region == self.cloud.region).collect();
        let tags = here.iter().map(|(name, _)| self.tags_if_there(name)).collect();
        let mut listed = Vec::new();
        for ((name, region), tags) in here.iter().zip(at_once(BUCKETS_AT_ONCE, tags).await) {
            let Some(tags) = tags? else { continue };
            let owned = ownership::split(tags);
            let fields = barely_seen(name, region, owned.tags.clone());
            listed.extend(TypedListed::of(&Self::META, &self.cloud.stack, &owned, name, fields));
        }
        Ok(listed)
    }

    async fn inventory(&self) -> Result<Vec<String>, CallError> {
        Ok(self.buckets().await?.into_keys().collect())
    }

    async fn create(&self, address: &Address, desired: Desired, _token: &str) -> Result<Applied, CallError> {
        if self.region_of(&desired.name).await?.is_some() {
            return Err(already_exists(&desired.name));
        }
        let tags = ownership::with_owner(&self.cloud.stack, address, &desired.tags);
        let place = (desired.region != HOME_REGION).then(|| BucketLocationConstraint::from(desired.region.as_str()));
        let configuration = CreateBucketConfiguration::builder()
            .set_location_constraint(place)
            .set_tags(Some(settings::to_sdk(tags)?))
            .build();
        let call = self.s3.create_bucket().bucket(&desired.name).create_bucket_configuration(configuration);
        if let Err(error) = call.send().await {
            let exists = matches!(code(&error), Some("BucketAlreadyOwnedByYou" | "BucketAlreadyExists"));
            let failed = call_error("s3:CreateBucket", error);
            return Err(if exists { CallError { class: ErrorClass::AlreadyExists, ..failed } } else { failed });
        }
        // Should one of these fail, the next read shows what is missing.
        self.set_public_access_block(&desired).await?;
        self.set_encryption(&desired).await?;
        if desired.versioning {
            self.set_versioning(&desired).await?;
        }
        if !desired.lifecycle.is_empty() {
            self.set_lifecycle(&desired).await?;
        }
        if desired.policy.is_some() {
            self.set_policy(&desired).await?;
        }
        Ok(applied(&desired))
    }

    /// One call after the other: S3 refuses parallel changes of one bucket (OperationAborted).
    async fn update(&self, change: TypedUpdate<Desired>) -> Result<Applied, CallError> {
        let desired = &change.desired;
        if change.touches("public_access_blocked") {
            self.set_public_access_block(desired).await?;
        }
        if change.touches("encryption") {
            self.set_encryption(desired).await?;
        }
        if change.touches("versioning") {
            self.set_versioning(desired).await?;
        }
        if change.touches("lifecycle") {
            self.set_lifecycle(desired).await?;
        }
        if change.touches("policy") {
            self.set_policy(desired).await?;
        }
        if change.claim || change.touches("tags") {
            let ours = ownership::with_owner(&self.cloud.stack, &change.address, &desired.tags);
            self.merge_tags(&desired.name, ours, &change.dropped_keys("tags")).await?;
        }
        Ok(applied(desired))
    }

    /// Empties the bucket first: the engine comes here only when that is approved or nothing is in it.
    async fn delete(&self, _address: &Address, id: &str, _last: Desired) -> Result<Removal, CallError> {
        contents::remove_all(&self.s3, id).await?;
        match self.s3.delete_bucket().bucket(id).send().await {
            Err(error) if code(&error) == Some("NoSuchBucket") => Ok(Removal::Gone),
            Err(error) => {
                let refilled = code(&error) == Some("BucketNotEmpty");
                let failed = call_error("s3:DeleteBucket", error);
                Err(if refilled { CallError { class: ErrorClass::NotYet, ..failed } } else { failed })
            }
            Ok(_) => Ok(Removal::Gone),
        }
    }

    async fn contents(&self, id: &str, _last: Desired) -> Result<Option<Contents>, CallError> {
        contents::of(&self.s3, id).await
    }
}

impl S3Buckets {
    /// Every bucket of the account with its region.
    async fn buckets(&self) -> Result<HashMap<String, String>, CallError> {
        let mut pages = self.s3.list_buckets().into_paginator().page_size(1000).send();
        let mut regions = HashMap::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| call_error("s3:ListAllMyBuckets", error))?;
            for bucket in page.buckets() {
                let region = bucket.bucket_region().unwrap_or(HOME_REGION).to_owned();
                regions.insert(bucket.name().unwrap_or_default().to_owned(), region);
            }
        }
        Ok(regions)
    }

    /// The bucket's region; `None` when there is none of that name.
    async fn region_of(&self, name: &str) -> Result<Option<String>, CallError> {
        match self.s3.head_bucket().bucket(name).send().await {
            Ok(head) => Ok(Some(head.bucket_region().unwrap_or(&self.cloud.region).to_owned())),
            Err(error) => match error.raw_response().map(|answer| answer.status().as_u16()) {
                Some(404) => Ok(None),
                // A HEAD has no body, so S3 cannot say more than the number.
                Some(403) => Err(CallError {
                    operation: "s3:ListBucket".to_owned(),
                    message: format!(
                        "the bucket {name} exists and this identity may not look at it; bucket names are shared by all \
                         AWS accounts: choose another name, or allow s3:ListBucket if the bucket is yours"
                    ),
                    class: ErrorClass::Denied,
                }),
                _ => Err(call_error("s3:ListBucket", error)),
            },
        }
    }

    async fn see(
        &self,
        want: &TypedWant<Desired>,
        listed: Option<&HashMap<String, String>>,
        depth: Depth,
    ) -> Result<Option<Seen<Desired>>, CallError> {
        let name = &want.fields.name;
        // A name that is not in our list may be another account's: creating it then says so.
        let region = match listed {
            Some(regions) => regions.get(name).cloned(),
            None => self.region_of(name).await?,
        };
        let Some(region) = region else { return Ok(None) };
        if let (Depth::Lists, Some(known)) = (depth, &want.known) {
            let fields = Desired { name: name.clone(), region, ..known.clone() };
            let unread = UNLISTED.iter().map(|field| (*field).to_owned()).collect();
            return Ok(Some(seen(fields, Owner::stack(&self.cloud.stack), unread)));
        }
        let (encryption, public_access_blocked, versioning, lifecycle, policy, tags) = futures::try_join!(
            self.encryption(name),
            self.public_access_blocked(name),
            self.versioning(name),
            self.lifecycle(name),
            self.policy(name),
            self.tags(name),
        )?;
        let owned = ownership::split(tags);
        let tags = owned.tags;
        let fields = Desired {
            name: name.clone(),
            region,
            encryption,
            public_access_blocked,
            versioning,
            lifecycle,
            policy,
            tags,
        };
        Ok(Some(seen(fields, owned.owner, Vec::new())))
    }
}

/// A bucket of which no more than name, region and tags was read.
fn barely_seen(name: &str, region: &str, tags: BTreeMap<String, String>) -> Desired {
    Desired {
        name: name.to_owned(),
        region: region.to_owned(),
        encryption: String::new(),
        public_access_blocked: false,
        versioning: false,
        lifecycle: BTreeMap::new(),
        policy: None,
        tags,
    }
}

fn seen(fields: Desired, owner: Owner, unread: Vec<String>) -> Seen<Desired> {
    let applied = applied(&fields);
    Seen { id: applied.id, fields, outputs: applied.outputs, owner, unread, pending: None }
}

fn applied(desired: &Desired) -> Applied {
    let outputs = BTreeMap::from([
        ("name".to_owned(), json!(desired.name)),
        ("arn".to_owned(), json!(format!("arn:aws:s3:::{}", desired.name))),
    ]);
    Applied { id: desired.name.clone(), outputs, pending: None }
}

fn already_exists(name: &str) -> CallError {
    CallError {
        operation: "s3:CreateBucket".to_owned(),
        message: format!("the bucket {name} exists"),
        class: ErrorClass::AlreadyExists,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket() -> Value {
        json!({
            "name": "reports", "region": "us-east-1", "encryption": "AES256", "public_access_blocked": true,
            "versioning": false, "lifecycle": {}, "tags": {},
            "policy": {"Version": "2012-10-17", "Statement": [{"Action": ["a", "b"], "Resource": "r"}]},
        })
    }

    fn diff(desired: &Value, observed: &Value) -> Vec<FieldChange> {
        engine::diff::fields(&S3Buckets::META, desired, &policy::spelled_as(desired, observed), None)
    }

    #[test]
    fn a_reordered_policy_is_no_drift_and_another_one_is() {
        let mut observed = bucket();
        observed["policy"]["Statement"] = json!({"Resource": ["r"], "Action": ["b", "a"]});
        assert_eq!(diff(&bucket(), &observed), []);
        observed["policy"]["Statement"]["Action"] = json!(["b"]);
        let paths: Vec<String> = diff(&bucket(), &observed).into_iter().map(|change| change.path).collect();
        assert_eq!(paths, ["policy.Statement"]);
        observed["policy"] = Value::Null;
        assert_eq!(diff(&bucket(), &observed)[0].path, "policy");
    }

    #[test]
    fn another_region_is_another_bucket() {
        let mut observed = bucket();
        observed["region"] = json!("eu-central-1");
        assert!(diff(&bucket(), &observed)[0].forces_replacement);
    }
}
