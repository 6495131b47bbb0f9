//! What the store needs of S3: objects that are read whole and written only under a condition.

use std::time::Duration;

use async_trait::async_trait;

/// One object, read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its bytes.
    pub body: Vec<u8>,
    /// Changes with every write.
    pub etag: String,
    /// What its writer said about it; small.
    pub label: Option<String>,
    /// How long ago it was written, by the store's own clock, rounded down to whole seconds and lessened by one for
    /// the rounding; none when the store did not say.
    pub age: Option<Duration>,
}

/// The condition of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition<'a> {
    /// There is no such object.
    Absent,
    /// The object has this ETag.
    Is(&'a str),
}

/// What came of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// It is written and has this ETag.
    Written(String),
    /// The condition did not hold. It may have been our own earlier write, whose answer was lost.
    Refused,
}

/// Why the store could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// There is no such bucket.
    #[error("the bucket {0} does not exist")]
    NoBucket(String),
    /// A call failed, with its name and cause.
    #[error("{0}")]
    Failed(String),
}

/// A bucket as the store sees it. A write that returned an error may have taken effect.
#[async_trait]
pub trait Objects: Send + Sync {
    /// An object; none when it is not there.
    async fn get(&self, key: &str) -> Result<Option<Object>, ObjectError>;

    /// Writes an object under a condition.
    async fn put(
        &self,
        key: &str,
        body: Vec<u8>,
        label: Option<&str>,
        condition: Condition<'_>,
    ) -> Result<Put, ObjectError>;

    /// The keys that begin with `prefix`, in their order.
    async fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectError>;

    /// Removes objects; those that are not there are removed.
    async fn delete(&self, keys: &[String]) -> Result<(), ObjectError>;
}

/// Writes what nobody else writes in the same words, so that our own write is known again when its answer was lost:
/// the ETag, or none when another's object stands there or the condition did not hold.
pub(super) async fn put_own(
    objects: &dyn Objects,
    key: &str,
    body: Vec<u8>,
    condition: Condition<'_>,
) -> Result<Option<String>, ObjectError> {
    match objects.put(key, body.clone(), None, condition).await? {
        Put::Written(etag) => Ok(Some(etag)),
        Put::Refused => Ok(objects.get(key).await?.filter(|there| there.body == body).map(|there| there.etag)),
    }
}
