//! `report_definition`: what it is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_costandusagereport::types::{CompressionFormat, ReportDefinition, ReportFormat, Tag};
use provisioner::cloud::Cloud;
use provisioner::kinds::report_definition::{Desired, ReportDefinitions};
use provisioner::kinds::s3_bucket::{self, S3Buckets};
use provisioner::kinds::typed::TypedKind;
use serde_json::json;
use tests::conformance::{Fixture, NAMED, Ownership, act};
use tests::live::{Stage, allowed, cloud, tags};

const BUCKET: &str = "billform-conformance-cur";
const OTHER: &str = "billform-conformance-cur-other";
const FIXED: &str = "AWS changes it on no report";
const BUCKETS: &str = "it is the bucket's, and AWS refuses another";

fn set(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

/// A bucket that admits the service that delivers reports.
async fn bucket(root: &Arc<Cloud>, name: &str) {
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "billingreports.amazonaws.com"},
        "Action": ["s3:GetBucketAcl", "s3:GetBucketPolicy", "s3:PutObject"],
        "Resource": [format!("arn:aws:s3:::{name}"), format!("arn:aws:s3:::{name}/*")],
    }]});
    let bucket = s3_bucket::Desired {
        name: name.to_owned(),
        region: "us-east-1".to_owned(),
        encryption: "AES256".to_owned(),
        public_access_blocked: true,
        versioning: false,
        lifecycle: BTreeMap::new(),
        policy: Some(policy),
        tags: BTreeMap::new(),
    };
    Stage::<S3Buckets>::new(root, name).try_create(&bucket).await.expect("a bucket");
}

async fn edit(root: Arc<Cloud>, id: String, change: fn(&mut ReportDefinition)) {
    let all = root.cost_reports.describe_report_definitions().send().await.expect("reports").report_definitions;
    let mut report = all.unwrap_or_default().into_iter().find(|report| report.report_name == id).expect("is there");
    change(&mut report);
    let call = root.cost_reports.modify_report_definition().report_name(id).report_definition(report);
    call.send().await.expect("is changed");
}

pub async fn fixture() -> Fixture {
    let root = cloud().await;
    bucket(&root, BUCKET).await;
    bucket(&root, OTHER).await;
    let cloud = allowed(&root, &[&ReportDefinitions::META], Default::default()).await;
    let first = Desired {
        name: "conformance-report".to_owned(),
        time_unit: "DAILY".to_owned(),
        format: "Parquet".to_owned(),
        compression: "Parquet".to_owned(),
        bucket: BUCKET.to_owned(),
        bucket_region: "us-east-1".to_owned(),
        prefix: "cur".to_owned(),
        schema_elements: set(&["RESOURCES"]),
        artifacts: set(&["ATHENA"]),
        refresh_closed_reports: true,
        versioning: "OVERWRITE_REPORT".to_owned(),
        tags: tags(&[("team", "billing")]),
    };
    let moved = act(|root, id| edit(root, id, |report| report.s3_prefix = "theirs".to_owned()));
    let rebucketed = act(|root, id| edit(root, id, |report| report.s3_bucket = OTHER.to_owned()));
    let closed = act(|root, id| edit(root, id, |report| report.refresh_closed_reports = Some(false)));
    let text = act(|root, id| {
        edit(root, id, |report| {
            report.format = ReportFormat::Csv;
            report.compression = CompressionFormat::Gzip;
            report.additional_artifacts = None;
        })
    });
    let shape = [
        ("format", json!("textORcsv"), json!("Parquet")),
        ("compression", json!("GZIP"), json!("Parquet")),
        ("artifacts", json!([]), json!(["ATHENA"])),
    ];
    let csv = Desired {
        format: "textORcsv".to_owned(),
        compression: "GZIP".to_owned(),
        artifacts: set(&[]),
        ..first.clone()
    };
    Fixture::new::<ReportDefinitions>(&cloud, &root, "report", &first)
        .owned(ownership())
        .immutable("name", NAMED)
        .immutable("time_unit", FIXED)
        .immutable("versioning", FIXED)
        .immutable("schema_elements", FIXED)
        .immutable("bucket_region", BUCKETS)
        .constant("bucket_region", BUCKETS)
        .mutation("prefix", moved, [("prefix", json!("theirs"), json!("cur"))])
        .mutation("bucket", rebucketed, [("bucket", json!(OTHER), json!(BUCKET))])
        .mutation("refresh_closed_reports", closed, [("refresh_closed_reports", json!(false), json!(true))])
        .mutation("format", text, shape)
        .update("format", csv)
        .update("prefix", Desired { prefix: "reports".to_owned(), ..first.clone() })
        .update("bucket", Desired { bucket: OTHER.to_owned(), ..first.clone() })
        .update("refresh_closed_reports", Desired { refresh_closed_reports: false, ..first.clone() })
        .update("tags", Desired { tags: tags(&[("cost", "x")]), ..first.clone() })
        .replace("name", Desired { name: "conformance-other".to_owned(), ..first.clone() })
        .replace("time_unit", Desired { time_unit: "HOURLY".to_owned(), ..first.clone() })
        .replace("schema_elements", Desired { schema_elements: set(&[]), ..first.clone() })
        .replace("versioning", Desired { versioning: "CREATE_NEW_REPORT".to_owned(), ..first })
}

fn ownership() -> Ownership {
    Ownership::new(
        Some("tags"),
        |root, id, set, gone| async move {
            let tag = |(key, value)| Tag::builder().key(key).value(value).build().expect("a tag");
            if !set.is_empty() {
                let tags = Some(set.into_iter().map(tag).collect());
                root.cost_reports.tag_resource().report_name(&id).set_tags(tags).send().await.expect("tags are set");
            }
            if !gone.is_empty() {
                let keys = Some(gone.into_iter().collect());
                root.cost_reports.untag_resource().report_name(&id).set_tag_keys(keys).send().await.expect("tags go");
            }
        },
        |root, id| async move {
            let answer = root.cost_reports.list_tags_for_resource().report_name(id).send().await.expect("tags");
            answer.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
        },
    )
}
