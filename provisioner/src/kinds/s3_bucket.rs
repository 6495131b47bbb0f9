//! `s3_bucket`: a private bucket: encrypted, public access blocked, with versioning, lifecycle and policy.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
