//! `report_definition`, live.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_costandusagereport::types::Tag;
use engine::diff::FieldChange;
use engine::kind::{ErrorClass, KindMeta, Permission, Verb};
use provisioner::cloud::Cloud;
use provisioner::kinds::report_definition::{Desired, ReportDefinitions};
use provisioner::kinds::s3_bucket::{self, S3Buckets};
use provisioner::kinds::typed::TypedKind;
use serde_json::json;

use crate::stage::{Stage, allowed, cloud, tags};

/// AWS asks for these on the definition; MiniStack finds none in the call and asks for them on `*`.
const ON_ANYTHING: KindMeta = KindMeta {
    name: "report_definition_on_anything",
    permissions: &[
        Permission { verb: Verb::Read, action: "cur:ListTagsForResource", resource: "*" },
        Permission { verb: Verb::Create, action: "cur:PutReportDefinition", resource: "*" },
        Permission { verb: Verb::Update, action: "cur:ModifyReportDefinition", resource: "*" },
        Permission { verb: Verb::Update, action: "cur:TagResource", resource: "*" },
        Permission { verb: Verb::Update, action: "cur:UntagResource", resource: "*" },
        Permission { verb: Verb::Delete, action: "cur:DeleteReportDefinition", resource: "*" },
    ],
    ..ReportDefinitions::META
};

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
    let cloud = allowed(&root, &[&ReportDefinitions::META, &S3Buckets::META, &ON_ANYTHING], BTreeMap::new()).await;
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
async fn a_report_is_repaired() {
    let cloud = cloud().await;
    let stage = Stage::<ReportDefinitions>::new(&cloud, "repair");
    let desired = desired("repair");
    let buckets = made_bucket(&cloud, &desired).await;
    let made = stage.create(&desired).await;
    let reports = &cloud.cost_reports;

    let all = reports.describe_report_definitions().send().await.expect("reports").report_definitions;
    let mut other = all.unwrap_or_default().into_iter().find(|it| it.report_name == desired.name).expect("is there");
    other.s3_prefix = "theirs".to_owned();
    other.refresh_closed_reports = Some(false);
    let call = reports.modify_report_definition().report_name(&desired.name).report_definition(other);
    call.send().await.expect("is changed");
    stage.repair(&desired, &["prefix", "refresh_closed_reports"]).await;

    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().expect("a tag");
    let call = reports.tag_resource().report_name(&desired.name);
    call.tags(tag("team", "theirs")).tags(tag("other", "stays")).send().await.expect("tags are changed");
    stage.repair(&desired, &["tags.team"]).await;
    let seen = reports.list_tags_for_resource().report_name(&desired.name).send().await.expect("tags").tags;
    assert!(seen.unwrap_or_default().contains(&tag("other", "stays")));
    let call = reports.untag_resource().report_name(&desired.name).tag_keys(billing::names::OWNER_TAG);
    call.send().await.expect("is disowned");
    stage.reclaim(&desired).await;

    stage.delete(&made.id, &desired).await;
    buckets.delete(&desired.bucket, &bucket(&desired, true)).await;
}

#[tokio::test]
async fn a_report_waits_for_its_bucket_and_refuses_bad_combinations() {
    let root = cloud().await;
    let cloud = allowed(&root, &[&ReportDefinitions::META, &S3Buckets::META, &ON_ANYTHING], BTreeMap::new()).await;
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
