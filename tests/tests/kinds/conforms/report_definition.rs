//! `report_definition`: its fixture, and what is special about it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_costandusagereport::types::{CompressionFormat, ReportDefinition, ReportFormat, Tag};
use provisioner::cloud::Cloud;
use provisioner::kinds::report_definition::{Desired, ReportDefinitions};
use provisioner::kinds::s3_bucket::{self, S3Buckets};
use provisioner::kinds::typed::TypedKind;
use serde_json::json;
use tests::conformance::{Fixture, NAMED, Ownership, act};
use tests::live::clients::Clients as _;
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
    let all = root.cost_reports().describe_report_definitions().send().await.expect("reports").report_definitions;
    let mut report = all.unwrap_or_default().into_iter().find(|report| report.report_name == id).expect("is there");
    change(&mut report);
    let call = root.cost_reports().modify_report_definition().report_name(id).report_definition(report);
    call.send().await.expect("is changed");
}

tests::conforms!(fixture);

async fn fixture() -> Fixture {
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
                root.cost_reports().tag_resource().report_name(&id).set_tags(tags).send().await.expect("tags are set");
            }
            if !gone.is_empty() {
                let keys = Some(gone.into_iter().collect());
                root.cost_reports().untag_resource().report_name(&id).set_tag_keys(keys).send().await.expect("tags go");
            }
        },
        |root, id| async move {
            let answer = root.cost_reports().list_tags_for_resource().report_name(id).send().await.expect("tags");
            answer.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
        },
    )
}

mod special {
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;

    use engine::diff::FieldChange;
    use engine::kind::ErrorClass;
    use provisioner::cloud::Cloud;
    use provisioner::kinds::report_definition::{Desired, ReportDefinitions};
    use provisioner::kinds::s3_bucket::{self, S3Buckets};
    use provisioner::kinds::typed::TypedKind;
    use serde_json::json;

    use tests::live::{Stage, allowed, cloud, tags};

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
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
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
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
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
}
