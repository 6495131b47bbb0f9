//! `report_definition`, live.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::diff::FieldChange;
use engine::kind::ErrorClass;
use provisioner::cloud::Cloud;
use provisioner::kinds::report_definition::{Desired, ReportDefinitions};
use provisioner::kinds::s3_bucket::{self, S3Buckets};
use provisioner::kinds::typed::TypedKind;
use serde_json::json;

use crate::stage::{Stage, allowed, cloud, tags};

fn set(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn desired(name: &str) -> Desired {
    Desired {
        name: format!("kinds-{name}"),
        time_unit: "DAILY".to_owned(),
        format: "Parquet".to_owned(),
        compression: "Parquet".to_owned(),
        bucket: format!("billform-kinds-cur-{name}"),
        bucket_region: "us-east-1".to_owned(),
        prefix: "cur".to_owned(),
        schema_elements: set(&["RESOURCES"]),
        artifacts: set(&["ATHENA"]),
        refresh_closed_reports: true,
        versioning: "OVERWRITE_REPORT".to_owned(),
        tags: tags(&[("team", "billing")]),
    }
}

/// The bucket, which admits the service that delivers reports when `admits`.
fn bucket(report: &Desired, admits: bool) -> s3_bucket::Desired {
    let name = report.bucket.clone();
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "billingreports.amazonaws.com"},
        "Action": ["s3:GetBucketAcl", "s3:GetBucketPolicy", "s3:PutObject"],
        "Resource": [format!("arn:aws:s3:::{name}"), format!("arn:aws:s3:::{name}/*")],
    }]});
    s3_bucket::Desired {
        name,
        region: "us-east-1".to_owned(),
        encryption: "AES256".to_owned(),
        public_access_blocked: true,
        versioning: false,
        lifecycle: BTreeMap::new(),
        policy: admits.then_some(policy),
        tags: BTreeMap::new(),
    }
}

async fn made_bucket(cloud: &Arc<Cloud>, report: &Desired) -> Stage<S3Buckets> {
    let stage = Stage::<S3Buckets>::new(cloud, &report.bucket);
    stage.try_create(&bucket(report, true)).await.expect("a bucket");
    stage
}

#[tokio::test]
async fn a_report_lives() {
    let root = cloud().await;
    let cloud = allowed(&root, &[&ReportDefinitions::META, &S3Buckets::META], BTreeMap::new()).await;
    let stage = Stage::<ReportDefinitions>::new(&cloud, "life");
    let first = desired("life");
    let buckets = made_bucket(&cloud, &first).await;
    let made = stage.create(&first).await;

    let not_again = Desired { refresh_closed_reports: false, ..first.clone() };
    stage.change(&first, &not_again, &["refresh_closed_reports"]).await;
    let moved = Desired { prefix: "reports/cur".to_owned(), ..not_again.clone() };
    stage.change(&not_again, &moved, &["prefix"]).await;
    let csv = Desired {
        format: "textORcsv".to_owned(),
        compression: "GZIP".to_owned(),
        artifacts: set(&[]),
        ..moved.clone()
    };
    stage.change(&moved, &csv, &["format", "compression", "artifacts"]).await;
    let retagged = Desired { tags: tags(&[("team", "money"), ("cost", "x")]), ..csv.clone() };
    stage.change(&csv, &retagged, &["tags.cost", "tags.team"]).await;
    let fewer = Desired { tags: tags(&[("team", "money")]), ..retagged.clone() };
    stage.change(&retagged, &fewer, &["tags.cost"]).await;

    let hourly = Desired { time_unit: "HOURLY".to_owned(), ..fewer.clone() };
    let (_, changes): (_, Vec<FieldChange>) = stage.drift(&hourly, &fewer).await;
    assert!(changes.iter().all(|change| change.forces_replacement && change.path == "time_unit"), "{changes:?}");

    stage.delete(&made.id, &fewer).await;
    buckets.delete(&first.bucket, &bucket(&first, true)).await;
}

#[tokio::test]
async fn a_report_waits_for_its_bucket_and_refuses_bad_combinations() {
    let root = cloud().await;
    let cloud = allowed(&root, &[&ReportDefinitions::META, &S3Buckets::META], BTreeMap::new()).await;
    let stage = Stage::<ReportDefinitions>::new(&cloud, "wait");
    let desired = desired("wait");
    let early = stage.try_create(&desired).await.expect_err("there is no bucket");
    assert_eq!(early.class, ErrorClass::NotYet, "{early}");

    let buckets = Stage::<S3Buckets>::new(&cloud, &desired.bucket);
    buckets.try_create(&bucket(&desired, false)).await.expect("a bucket");
    let early = stage.try_create(&desired).await.expect_err("the bucket admits no one");
    assert_eq!(early.class, ErrorClass::NotYet, "{early}");

    buckets.change(&bucket(&desired, false), &bucket(&desired, true), &["policy"]).await;
    let bad = Desired { compression: "GZIP".to_owned(), ..desired.clone() };
    assert_eq!(stage.try_create(&bad).await.expect_err("is bad").class, ErrorClass::Refused);
    let made = stage.create(&desired).await;
    stage.delete(&made.id, &desired).await;
    buckets.delete(&desired.bucket, &bucket(&desired, true)).await;
}
