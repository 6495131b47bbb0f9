//! S3's notification that objects were written.

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Objects were written to a bucket; S3 may deliver the same twice.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Notification")]
pub struct Bucket {
    /// The objects, in the order of the event.
    pub objects: Vec<Object>,
}

/// One object that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The bucket's name.
    pub bucket: String,
    /// The object's key, decoded.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// What happened: `ObjectCreated:Put`.
    pub event: String,
    /// Orders events of one key: hexadecimal, compared after padding with zeros on the right.
    pub sequencer: String,
}

#[derive(Deserialize)]
struct Notification {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_name: String,
    s3: Entity,
}

#[derive(Deserialize)]
struct Entity {
    bucket: BucketName,
    object: ObjectEntity,
}

#[derive(Deserialize)]
struct BucketName {
    name: String,
}

#[derive(Deserialize)]
struct ObjectEntity {
    #[serde(deserialize_with = "decoded")]
    key: String,
    /// Absent from events of deletions.
    #[serde(default)]
    size: u64,
    sequencer: String,
}

/// Whether a payload is a notification of S3's.
pub(super) fn is_notification(payload: &Value) -> bool {
    payload["Records"][0]["eventSource"] == "aws:s3"
}

/// Keys are form-encoded: `+` is a space.
fn decoded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let key = String::deserialize(deserializer)?.replace('+', " ");
    percent_decode_str(&key).decode_utf8().map(Into::into).map_err(serde::de::Error::custom)
}

impl From<Notification> for Bucket {
    fn from(notification: Notification) -> Bucket {
        let object = |record: Record| Object {
            bucket: record.s3.bucket.name,
            key: record.s3.object.key,
            size: record.s3.object.size,
            event: record.event_name,
            sequencer: record.s3.object.sequencer,
        };
        Bucket { objects: notification.records.into_iter().map(object).collect() }
    }
}
