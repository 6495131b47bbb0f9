//! Where cost figures come from: the activated tags, and the cost report with the bucket it is delivered to.

use std::collections::{BTreeMap, BTreeSet};

use billing::manifest::model::{CostsEngine, Manifest, Report, ReportFormat, ReportVersioning};
use engine::{Address, Resource};
use serde_json::{Value, json};

use super::{Plan, shared};
use crate::kinds::{allocation_tags, report_definition, s3_bucket};

/// The tags to activate, the report and its bucket, as far as the manifest names them.
pub fn resources(stack: &Plan) -> Vec<Resource> {
    let tags = allocation(stack.manifest);
    let report = stack.manifest.costs.report.as_ref().map(|report| [bucket(stack, report), definition(stack, report)]);
    tags.into_iter().chain(report.into_iter().flatten()).collect()
}

/// The keys to activate. In a payer's account of its own they are not reachable with this account's credentials.
fn allocation(manifest: &Manifest) -> Option<Resource> {
    let active: BTreeSet<String> = manifest.attribution.activate.iter().cloned().collect();
    let here = manifest.aws.payer.is_none() && !active.is_empty();
    here.then(|| shared(Address::new("allocation_tags", "active"), allocation_tags::Desired { active }, []))
}

fn bucket_address() -> Address {
    Address::new("s3_bucket", "reports")
}

fn bucket(stack: &Plan, report: &Report) -> Resource {
    let manifest = stack.manifest;
    let rule = s3_bucket::LifecycleRule {
        prefix: format!("{}/", report.prefix),
        transitions: BTreeMap::from([("GLACIER".to_owned(), report.retention.archive_after.count())]),
        expire_days: report.retention.delete_after.map(|days| days.count()),
        abort_uploads_days: Some(ABORT_UPLOADS_DAYS),
    };
    let desired = s3_bucket::Desired {
        name: report.bucket.clone(),
        region: manifest.aws.region.clone(),
        encryption: "AES256".to_owned(),
        public_access_blocked: true,
        versioning: true,
        lifecycle: BTreeMap::from([("ArchiveReports".to_owned(), rule)]),
        policy: Some(delivery_policy(manifest, &report.bucket)),
        tags: stack.tags(),
    };
    shared(bucket_address(), desired, [])
}

/// Unfinished uploads are of no use to anyone after a week (seed-contract, "Resources to provision").
const ABORT_UPLOADS_DAYS: u32 = 7;

/// Lets AWS's billing service deliver the report, for this account's reports only (aws-stripe-quirks, "Reports and cost").
fn delivery_policy(manifest: &Manifest, bucket: &str) -> Value {
    let account = &manifest.aws.account;
    let condition = json!({ "StringEquals": {
        "aws:SourceAccount": account,
        "aws:SourceArn": format!("arn:aws:cur:us-east-1:{account}:definition/*"),
    } });
    let statement = |sid: &str, actions: Value, resource: String| {
        json!({
            "Sid": sid,
            "Effect": "Allow",
            "Principal": { "Service": "billingreports.amazonaws.com" },
            "Action": actions,
            "Resource": resource,
            "Condition": condition,
        })
    };
    let reads = json!(["s3:GetBucketAcl", "s3:GetBucketPolicy"]);
    json!({ "Version": "2012-10-17", "Statement": [
        statement("ReportChecks", reads, format!("arn:aws:s3:::{bucket}")),
        statement("ReportDelivery", json!("s3:PutObject"), format!("arn:aws:s3:::{bucket}/*")),
    ] })
}

fn definition(stack: &Plan, report: &Report) -> Resource {
    let (format, compression) = match report.format {
        ReportFormat::Parquet => ("Parquet", "Parquet"),
        ReportFormat::Csv => ("textORcsv", "GZIP"),
    };
    let versioning = match report.versioning {
        ReportVersioning::Overwrite => "OVERWRITE_REPORT",
        ReportVersioning::CreateNew => "CREATE_NEW_REPORT",
    };
    let athena = stack.manifest.costs.engine == Some(CostsEngine::Athena);
    let set = |name: &str, is: bool| is.then(|| name.to_owned()).into_iter().collect::<BTreeSet<String>>();
    let desired = report_definition::Desired {
        name: report.name.clone(),
        time_unit: report.time_unit.as_str().to_owned(),
        format: format.to_owned(),
        compression: compression.to_owned(),
        bucket: report.bucket.clone(),
        bucket_region: stack.manifest.aws.region.clone(),
        prefix: report.prefix.clone(),
        schema_elements: set("RESOURCES", report.resource_ids),
        artifacts: set("ATHENA", athena),
        refresh_closed_reports: report.refresh_closed,
        versioning: versioning.to_owned(),
        tags: stack.tags(),
    };
    shared(Address::new("report_definition", "costs"), desired, [bucket_address()])
}
