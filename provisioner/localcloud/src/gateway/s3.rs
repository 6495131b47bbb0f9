//! S3's operations, told by method, bucket or key, and the sub-resource in the query.

use http::Method;

use super::pipeline::Call;

/// The S3 operation of a request, path-style or virtual-hosted.
pub(super) fn operation(call: &Call) -> String {
    let in_host = bucket_in_host(call.header("host"));
    let parts = call.segments().len() + usize::from(in_host);
    match parts {
        0 => "ListBuckets".to_owned(),
        1 => bucket_operation(call),
        _ => object_operation(call),
    }
}

fn bucket_in_host(host: &str) -> bool {
    host.split_once('.').is_some_and(|(_, rest)| rest.starts_with("s3.") || rest.starts_with("s3-"))
}

/// The key in the query and what the operations on it are called.
const BUCKET_PARTS: &[(&str, &str)] = &[
    ("accelerate", "BucketAccelerateConfiguration"),
    ("acl", "BucketAcl"),
    ("analytics", "BucketAnalyticsConfiguration"),
    ("cors", "BucketCors"),
    ("encryption", "BucketEncryption"),
    ("intelligent-tiering", "BucketIntelligentTieringConfiguration"),
    ("inventory", "BucketInventoryConfiguration"),
    ("lifecycle", "BucketLifecycleConfiguration"),
    ("location", "BucketLocation"),
    ("logging", "BucketLogging"),
    ("metrics", "BucketMetricsConfiguration"),
    ("notification", "BucketNotificationConfiguration"),
    ("object-lock", "ObjectLockConfiguration"),
    ("ownershipControls", "BucketOwnershipControls"),
    ("policy", "BucketPolicy"),
    ("policyStatus", "BucketPolicyStatus"),
    ("publicAccessBlock", "PublicAccessBlock"),
    ("replication", "BucketReplication"),
    ("requestPayment", "BucketRequestPayment"),
    ("tagging", "BucketTagging"),
    ("versioning", "BucketVersioning"),
    ("website", "BucketWebsite"),
];

fn bucket_operation(call: &Call) -> String {
    let query = call.query();
    let has = |name: &str| query.iter().any(|(key, _)| key == name);
    if let Some((_, noun)) = BUCKET_PARTS.iter().find(|(key, _)| has(key)) {
        return match (verb(&call.method), *noun) {
            // The one that is deleted under another name than it is put.
            ("Delete", "BucketLifecycleConfiguration") => "DeleteBucketLifecycle".to_owned(),
            (verb, noun) => format!("{verb}{noun}"),
        };
    }
    let name = match call.method {
        Method::PUT => "CreateBucket",
        Method::DELETE => "DeleteBucket",
        Method::HEAD => "HeadBucket",
        Method::POST if has("delete") => "DeleteObjects",
        Method::POST => "PostObject",
        _ if has("versions") => "ListObjectVersions",
        _ if has("uploads") => "ListMultipartUploads",
        _ if has("list-type") => "ListObjectsV2",
        _ => "ListObjects",
    };
    name.to_owned()
}

fn object_operation(call: &Call) -> String {
    let query = call.query();
    let has = |name: &str| query.iter().any(|(key, _)| key == name);
    let parts = [
        ("acl", "ObjectAcl"),
        ("attributes", "ObjectAttributes"),
        ("legal-hold", "ObjectLegalHold"),
        ("retention", "ObjectRetention"),
        ("tagging", "ObjectTagging"),
    ];
    if let Some((_, noun)) = parts.iter().find(|(key, _)| has(key)) {
        return format!("{}{noun}", verb(&call.method));
    }
    let copies = !call.header("x-amz-copy-source").is_empty();
    let name = match call.method {
        Method::PUT if has("uploadId") && copies => "UploadPartCopy",
        Method::PUT if has("uploadId") => "UploadPart",
        Method::PUT if copies => "CopyObject",
        Method::PUT => "PutObject",
        Method::POST if has("uploads") => "CreateMultipartUpload",
        Method::POST if has("uploadId") => "CompleteMultipartUpload",
        Method::POST if has("restore") => "RestoreObject",
        Method::POST => "SelectObjectContent",
        Method::DELETE if has("uploadId") => "AbortMultipartUpload",
        Method::DELETE => "DeleteObject",
        Method::HEAD => "HeadObject",
        _ if has("uploadId") => "ListParts",
        _ => "GetObject",
    };
    name.to_owned()
}

fn verb(method: &Method) -> &'static str {
    match *method {
        Method::PUT => "Put",
        Method::DELETE => "Delete",
        _ => "Get",
    }
}

#[cfg(test)]
mod tests {
    use super::super::classify::classify;
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};

    fn name(method: &str, uri: &str, host: &'static str) -> (String, bool) {
        let mut headers = HeaderMap::new();
        let scope = "AWS4-HMAC-SHA256 Credential=A/20261121/us-east-1/s3/aws4_request, Signature=0";
        headers.insert("authorization", HeaderValue::from_static(scope));
        headers.insert("host", HeaderValue::from_static(host));
        let call = classify(method.parse().unwrap(), uri.parse().unwrap(), headers, Bytes::new());
        (call.operation, call.write)
    }

    #[test]
    fn buckets_objects_and_their_parts_are_told_apart() {
        let local = "127.0.0.1:4600";
        for (method, uri, operation, write) in [
            ("GET", "/", "ListBuckets", false),
            ("PUT", "/b", "CreateBucket", true),
            ("PUT", "/b?policy", "PutBucketPolicy", true),
            ("GET", "/b?lifecycle=", "GetBucketLifecycleConfiguration", false),
            ("DELETE", "/b?lifecycle", "DeleteBucketLifecycle", true),
            ("PUT", "/b/?publicAccessBlock", "PutPublicAccessBlock", true),
            ("GET", "/b?list-type=2&prefix=a", "ListObjectsV2", false),
            ("POST", "/b?delete", "DeleteObjects", true),
            ("PUT", "/b/k/l?x-id=PutObject", "PutObject", true),
            ("PUT", "/b/k?partNumber=1&uploadId=u", "UploadPart", true),
            ("GET", "/b/k?tagging", "GetObjectTagging", false),
            ("HEAD", "/b/k", "HeadObject", false),
        ] {
            assert_eq!(name(method, uri, local), (operation.to_owned(), write), "{method} {uri}");
        }
        assert_eq!(name("GET", "/", "b.s3.us-east-1.amazonaws.com").0, "ListObjects");
        assert_eq!(name("PUT", "/k", "b.s3.localhost:4600").0, "PutObject");
    }
}
