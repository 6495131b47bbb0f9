//! What a state in S3 needs to be allowed, per use.

use billing::manifest::model::S3State;

/// What is done with the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// It is read: `plan`.
    Read,
    /// It is read, locked and written.
    Write,
    /// Its bucket is made and tried out: `init`.
    Make,
}

const READ_BUCKET: &[&str] = &["s3:ListBucket"];
const READ_OBJECTS: &[&str] = &["s3:GetObject"];
const WRITE_OBJECTS: &[&str] = &["s3:PutObject", "s3:DeleteObject"];
const MAKE_BUCKET: &[&str] = &[
    "s3:CreateBucket",
    "s3:GetBucketTagging",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:TagResource",
];

/// Actions, each with the resource it is for. The journal and the lock begin with the state's key.
pub fn needed(state: &S3State, what: Use) -> Vec<(&'static str, String)> {
    let bucket = format!("arn:aws:s3:::{}", state.bucket);
    let objects = format!("{bucket}/{}*", state.key);
    let all = [
        (READ_BUCKET, &bucket, true),
        (READ_OBJECTS, &objects, true),
        (WRITE_OBJECTS, &objects, what != Use::Read),
        (MAKE_BUCKET, &bucket, what == Use::Make),
    ];
    let wanted = all.into_iter().filter(|(_, _, wanted)| *wanted);
    wanted.flat_map(|(actions, on, _)| actions.iter().map(|action| (*action, on.clone()))).collect()
}
