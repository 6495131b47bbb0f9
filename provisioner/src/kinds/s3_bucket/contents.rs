//! What lies in a bucket: looking whether anything does, and emptying it before it goes.

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use engine::kind::{CallError, Contents, ErrorClass};

use crate::cloud::errors::{call_error, code, refused};

/// How many versions one look counts.
const COUNTED: i32 = 100;

/// What the bucket holds; `None` when it is empty or gone.
pub async fn of(s3: &Client, bucket: &str) -> Result<Option<Contents>, CallError> {
    let answer = match s3.list_object_versions().bucket(bucket).max_keys(COUNTED).send().await {
        Err(error) if code(&error) == Some("NoSuchBucket") => return Ok(None),
        answer => answer.map_err(|error| call_error("s3:ListBucketVersions", error))?,
    };
    let count = answer.versions().len() + answer.delete_markers().len();
    Ok((count > 0).then(|| Contents { described: described(count, answer.is_truncated() == Some(true)) }))
}

fn described(count: usize, more: bool) -> String {
    let what = if count == 1 { "object or version" } else { "objects and versions" };
    if more { format!("at least {count} {what}") } else { format!("{count} {what}") }
}

/// Deletes every version and delete marker, a page at a time, from the front: what is listed next is what is left.
pub async fn remove_all(s3: &Client, bucket: &str) -> Result<(), CallError> {
    loop {
        let page = match s3.list_object_versions().bucket(bucket).send().await {
            Err(error) if code(&error) == Some("NoSuchBucket") => return Ok(()),
            page => page.map_err(|error| call_error("s3:ListBucketVersions", error))?,
        };
        let objects = identifiers(&page)?;
        if objects.is_empty() {
            return Ok(());
        }
        remove(s3, bucket, objects).await?;
    }
}

fn identifiers(page: &ListObjectVersionsOutput) -> Result<Vec<ObjectIdentifier>, CallError> {
    let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
    let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
    let identifier = |(key, version): (Option<&str>, Option<&str>)| {
        ObjectIdentifier::builder()
            .key(key.unwrap_or_default())
            .set_version_id(version.map(str::to_owned))
            .build()
            .map_err(|error| refused("s3:DeleteObjectVersion", error.to_string()))
    };
    versions.chain(markers).map(identifier).collect()
}

async fn remove(s3: &Client, bucket: &str, objects: Vec<ObjectIdentifier>) -> Result<(), CallError> {
    let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build();
    let delete = delete.map_err(|error| refused("s3:DeleteObjectVersion", error.to_string()))?;
    let answer = s3.delete_objects().bucket(bucket).delete(delete).send().await;
    let answer = answer.map_err(|error| call_error("s3:DeleteObjectVersion", error))?;
    // The call succeeds though single objects may not go: an object lock, a denied prefix.
    let Some(error) = answer.errors().first() else { return Ok(()) };
    let (code, message) = (error.code().unwrap_or_default(), error.message().unwrap_or_default());
    let class = match code {
        "InternalError" | "SlowDown" | "ServiceUnavailable" => ErrorClass::NotYet,
        "AccessDenied" => ErrorClass::Denied,
        _ => ErrorClass::Refused,
    };
    Err(CallError {
        operation: "s3:DeleteObjectVersion".to_owned(),
        message: format!(
            "{} of the objects in {bucket} stay, among them {}: {message} ({code})",
            answer.errors().len(),
            error.key().unwrap_or("?")
        ),
        class,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_s3::types::{DeleteMarkerEntry, ObjectVersion};

    #[test]
    fn versions_and_delete_markers_both_go() {
        let page = ListObjectVersionsOutput::builder()
            .versions(ObjectVersion::builder().key("a").version_id("1").build())
            .delete_markers(DeleteMarkerEntry::builder().key("a").version_id("2").build())
            .build();
        let gone = identifiers(&page).expect("builds");
        let ids: Vec<_> = gone.iter().map(|object| object.version_id().unwrap_or_default()).collect();
        assert_eq!(ids, ["1", "2"]);
    }

    #[test]
    fn contents_are_told_in_words() {
        assert_eq!(described(1, false), "1 object or version");
        assert_eq!(described(100, true), "at least 100 objects and versions");
    }
}
