//! `report_definition`: a legacy Cost and Usage Report. The service lives in us-east-1 only.
//!
//! AWS says no to a bad combination with an empty message, so combinations are checked here; it has no call that
//! gets one report, and says "invalid" where others say "not found".

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use aws_sdk_costandusagereport::types::{
    AdditionalArtifact, AwsRegion, CompressionFormat, ReportDefinition, ReportFormat, ReportVersioning, SchemaElement,
    Tag, TimeUnit,
};
use aws_smithy_types::error::operation::BuildError;
use engine::kind::{Applied, CallError, Depth, ErrorClass, Removal};
use engine::kind_meta::{KindMeta, Permission, Verb};
use engine::{Address, Owner};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::support::tagging::{Tagged, Tags, list_tagged, retag};
use super::typed::{Answers, Seen, TypedKind, TypedListed, TypedUpdate, TypedWant, at_once};
use crate::cloud::errors::{call_error, code, refused};
use crate::cloud::{Cloud, Home, client, ownership};

/// What a report is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The report's name.
    pub name: String,
    /// `HOURLY`, `DAILY` or `MONTHLY`.
    pub time_unit: String,
    /// `Parquet` or `textORcsv`.
    pub format: String,
    /// `Parquet`, `GZIP` or `ZIP`.
    pub compression: String,
    /// The bucket it is delivered to.
    pub bucket: String,
    /// The bucket's region.
    pub bucket_region: String,
    /// The key prefix, required.
    pub prefix: String,
    /// `RESOURCES`, …
    pub schema_elements: BTreeSet<String>,
    /// `ATHENA`, …
    pub artifacts: BTreeSet<String>,
    /// Whether closed months are delivered again when AWS restates them.
    pub refresh_closed_reports: bool,
    /// `OVERWRITE_REPORT` or `CREATE_NEW_REPORT`.
    pub versioning: String,
    /// Tags beside the ownership tags.
    pub tags: BTreeMap<String, String>,
}

/// The kind, at work.
pub struct ReportDefinitions {
    cloud: Arc<Cloud>,
    cost_reports: aws_sdk_costandusagereport::Client,
}

/// How many reports' tags are read at once.
const TAG_READS: usize = 4;

const REPORT: &str = "arn:aws:cur:us-east-1:{account}:definition/{name}";
const ANY_REPORT: &str = "arn:aws:cur:us-east-1:{account}:definition/*";

impl TypedKind for ReportDefinitions {
    type Desired = Desired;

    const META: KindMeta = KindMeta {
        name: "report_definition",
        plural: "report definitions",
        service: "cur",
        summary: "Cost and Usage Report delivered to a bucket",
        create_only: &["name", "time_unit", "versioning", "schema_elements"],
        open_maps: &["tags"],
        unlisted: &["tags"],
        permissions: &[
            Permission { verb: Verb::Read, action: "cur:DescribeReportDefinitions", resource: "*" },
            // Whose a report is stands in its tags alone.
            Permission { verb: Verb::Read, action: "cur:ListTagsForResource", resource: ANY_REPORT },
            Permission { verb: Verb::Create, action: "cur:PutReportDefinition", resource: REPORT },
            Permission { verb: Verb::Create, action: "cur:TagResource", resource: REPORT },
            Permission { verb: Verb::Update, action: "cur:ModifyReportDefinition", resource: REPORT },
            Permission { verb: Verb::Update, action: "cur:TagResource", resource: REPORT },
            Permission { verb: Verb::Update, action: "cur:UntagResource", resource: REPORT },
            Permission { verb: Verb::Delete, action: "cur:DeleteReportDefinition", resource: REPORT },
        ],
        steps_at_once: 1,
        ..KindMeta::PLAIN
    };

    fn new(cloud: Arc<Cloud>) -> Self {
        ReportDefinitions { cost_reports: client!(cloud, aws_sdk_costandusagereport, Home::Payer), cloud }
    }

    async fn read(&self, wants: &[TypedWant<Desired>], depth: Depth) -> Answers<Desired> {
        let reports = self.reports().await?;
        let seen = wants.iter().map(|want| self.see(want, reports.get(&want.fields.name), depth)).collect();
        Ok(at_once(TAG_READS, seen).await)
    }

    async fn list(&self) -> Result<Vec<TypedListed<Desired>>, CallError> {
        let reports = self.reports().await?;
        list_tagged(self, &self.cloud.stack, TAG_READS, reports, |_, report, tags| observed(report, tags)).await
    }

    async fn inventory(&self) -> Result<Vec<String>, CallError> {
        Ok(self.reports().await?.into_keys().collect())
    }

    async fn create(&self, address: &Address, desired: Desired, _token: &str) -> Result<Applied, CallError> {
        let definition = to_sdk("cur:PutReportDefinition", &desired)?;
        let tags = ownership::with_owner(&self.cloud.stack, address, &desired.tags);
        let call = self.cost_reports.put_report_definition().report_definition(definition);
        match call.set_tags(Some(tags_to_sdk(tags)?)).send().await {
            Ok(_) => Ok(self.applied(&desired)),
            Err(error) => {
                let exists = code(&error) == Some("DuplicateReportNameException");
                let failed = bucket_unseen(call_error("cur:PutReportDefinition", error));
                Err(if exists { CallError { class: ErrorClass::AlreadyExists, ..failed } } else { failed })
            }
        }
    }

    async fn update(&self, change: TypedUpdate<Desired>) -> Result<Applied, CallError> {
        let desired = &change.desired;
        let reports = &self.cost_reports;
        if change.fields.iter().any(|field| !field.path.starts_with("tags")) {
            let definition = to_sdk("cur:ModifyReportDefinition", desired)?;
            let call = reports.modify_report_definition().report_name(&desired.name).report_definition(definition);
            call.send().await.map_err(|error| bucket_unseen(call_error("cur:ModifyReportDefinition", error)))?;
        }
        retag(self, &self.cloud.stack, &change, &desired.tags).await?;
        Ok(self.applied(desired))
    }

    /// A report that is not there is "invalid" to this service.
    async fn delete(&self, _address: &Address, id: &str, _last: Desired) -> Result<Removal, CallError> {
        match self.cost_reports.delete_report_definition().report_name(id).send().await {
            Err(error) if code(&error) != Some("ValidationException") => {
                Err(call_error("cur:DeleteReportDefinition", error))
            }
            _ => Ok(Removal::Gone),
        }
    }
}

impl ReportDefinitions {
    /// Every report of the account by name.
    async fn reports(&self) -> Result<HashMap<String, ReportDefinition>, CallError> {
        let mut pages = self.cost_reports.describe_report_definitions().into_paginator().send();
        let mut found = HashMap::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| call_error("cur:DescribeReportDefinitions", error))?;
            let reports = page.report_definitions.unwrap_or_default().into_iter();
            found.extend(reports.map(|report| (report.report_name.clone(), report)));
        }
        Ok(found)
    }

    async fn see(
        &self,
        want: &TypedWant<Desired>,
        report: Option<&ReportDefinition>,
        depth: Depth,
    ) -> Result<Option<Seen<Desired>>, CallError> {
        let Some(report) = report else { return Ok(None) };
        if let (Depth::Lists, Some(known)) = (depth, &want.known) {
            let owner = Owner::stack(&self.cloud.stack);
            let fields = observed(report, known.tags.clone());
            return Ok(Some(self.seen(fields, owner, vec!["tags".to_owned()])));
        }
        let Some(tags) = self.tags(&report.report_name).await? else { return Ok(None) };
        let owned = ownership::split(tags);
        Ok(Some(self.seen(observed(report, owned.tags), owned.owner, Vec::new())))
    }

    fn seen(&self, fields: Desired, owner: Owner, unread: Vec<String>) -> Seen<Desired> {
        let applied = self.applied(&fields);
        Seen { id: applied.id, fields, outputs: applied.outputs, owner, unread, pending: None }
    }

    fn applied(&self, desired: &Desired) -> Applied {
        let arn = REPORT.replace("{account}", &self.cloud.account).replace("{name}", &desired.name);
        Applied { id: desired.name.clone(), outputs: BTreeMap::from([("arn".to_owned(), json!(arn))]), pending: None }
    }
}

impl Tagged for ReportDefinitions {
    async fn tags(&self, id: &str) -> Result<Option<Tags>, CallError> {
        let answer = match self.cost_reports.list_tags_for_resource().report_name(id).send().await {
            Err(error) if code(&error) == Some("ResourceNotFoundException") => return Ok(None),
            answer => answer.map_err(|error| call_error("cur:ListTagsForResource", error))?,
        };
        Ok(Some(answer.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()))
    }

    async fn tag(&self, id: &str, tags: Tags) -> Result<(), CallError> {
        let call = self.cost_reports.tag_resource().report_name(id).set_tags(Some(tags_to_sdk(tags)?));
        call.send().await.map(drop).map_err(|error| call_error("cur:TagResource", error))
    }

    async fn untag(&self, id: &str, keys: Vec<String>) -> Result<(), CallError> {
        let call = self.cost_reports.untag_resource().report_name(id).set_tag_keys(Some(keys));
        call.send().await.map(drop).map_err(|error| call_error("cur:UntagResource", error))
    }
}

/// The one refusal that passes by itself: the bucket, or its policy, was made a moment ago.
fn bucket_unseen(error: CallError) -> CallError {
    let unseen = error.message.to_ascii_lowercase().contains("failed to verify customer bucket permission");
    if unseen { CallError { class: ErrorClass::NotYet, ..error } } else { error }
}

/// The definition as it is sent, once its combination is one that AWS takes.
fn to_sdk(operation: &str, desired: &Desired) -> Result<ReportDefinition, CallError> {
    if let Some(fault) = fault(desired) {
        return Err(refused(operation, format!("the report {}: {fault}", desired.name)));
    }
    let elements = desired.schema_elements.iter().map(|element| SchemaElement::from(element.as_str()));
    let artifacts = desired.artifacts.iter().map(|artifact| AdditionalArtifact::from(artifact.as_str()));
    ReportDefinition::builder()
        .report_name(&desired.name)
        .time_unit(TimeUnit::from(desired.time_unit.as_str()))
        .format(ReportFormat::from(desired.format.as_str()))
        .compression(CompressionFormat::from(desired.compression.as_str()))
        // Required, if empty.
        .set_additional_schema_elements(Some(elements.collect()))
        .s3_bucket(&desired.bucket)
        .s3_prefix(&desired.prefix)
        .s3_region(AwsRegion::from(desired.bucket_region.as_str()))
        .set_additional_artifacts((!desired.artifacts.is_empty()).then(|| artifacts.collect()))
        .refresh_closed_reports(desired.refresh_closed_reports)
        .report_versioning(ReportVersioning::from(desired.versioning.as_str()))
        .build()
        .map_err(|error| refused(operation, error.to_string()))
}

/// What AWS would refuse without a word.
fn fault(desired: &Desired) -> Option<&'static str> {
    let is_parquet = desired.format == "Parquet";
    let athena = desired.artifacts.contains("ATHENA");
    let overwrites = desired.versioning == "OVERWRITE_REPORT";
    if desired.prefix.is_empty() {
        Some("a prefix is required")
    } else if is_parquet != (desired.compression == "Parquet") {
        Some("the format Parquet goes with the compression Parquet, and neither without the other")
    } else if athena && desired.artifacts.len() > 1 {
        Some("the artifact ATHENA stands alone")
    } else if athena && !(is_parquet && overwrites) {
        Some("the artifact ATHENA needs the format Parquet and OVERWRITE_REPORT")
    } else if !athena && !desired.artifacts.is_empty() && (overwrites || desired.compression != "GZIP") {
        Some("the artifacts REDSHIFT and QUICKSIGHT need the compression GZIP and CREATE_NEW_REPORT")
    } else {
        None
    }
}

fn observed(report: &ReportDefinition, tags: BTreeMap<String, String>) -> Desired {
    let elements = report.additional_schema_elements().iter().map(|element| element.as_str().to_owned());
    let artifacts = report.additional_artifacts().iter().map(|artifact| artifact.as_str().to_owned());
    Desired {
        name: report.report_name.clone(),
        time_unit: report.time_unit.as_str().to_owned(),
        format: report.format.as_str().to_owned(),
        compression: report.compression.as_str().to_owned(),
        bucket: report.s3_bucket.clone(),
        bucket_region: report.s3_region.as_str().to_owned(),
        prefix: report.s3_prefix.clone(),
        schema_elements: elements.collect(),
        artifacts: artifacts.collect(),
        refresh_closed_reports: report.refresh_closed_reports.unwrap_or(false),
        // AWS's default where the report does not say.
        versioning: report.report_versioning.as_ref().map_or("CREATE_NEW_REPORT", ReportVersioning::as_str).to_owned(),
        tags,
    }
}

fn tags_to_sdk(tags: BTreeMap<String, String>) -> Result<Vec<Tag>, CallError> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build();
    let tags: Result<Vec<Tag>, BuildError> = tags.into_iter().map(tag).collect();
    tags.map_err(|error| refused("cur:TagResource", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(values: &[&str]) -> BTreeSet<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    fn desired() -> Desired {
        Desired {
            name: "portal-cur".to_owned(),
            time_unit: "HOURLY".to_owned(),
            format: "Parquet".to_owned(),
            compression: "Parquet".to_owned(),
            bucket: "reports".to_owned(),
            bucket_region: "us-east-1".to_owned(),
            prefix: "cur".to_owned(),
            schema_elements: set(&["RESOURCES"]),
            artifacts: set(&["ATHENA"]),
            refresh_closed_reports: true,
            versioning: "OVERWRITE_REPORT".to_owned(),
            tags: BTreeMap::new(),
        }
    }

    #[test]
    fn a_definition_survives_its_translation() {
        let plain = Desired { artifacts: set(&[]), schema_elements: set(&[]), ..desired() };
        for desired in [desired(), plain] {
            let sent = to_sdk("cur:PutReportDefinition", &desired).expect("is good");
            assert_eq!(observed(&sent, BTreeMap::new()), desired);
        }
    }

    #[test]
    fn bad_combinations_are_refused_here_with_a_word() {
        let csv = Desired { format: "textORcsv".to_owned(), compression: "GZIP".to_owned(), ..desired() };
        let bad = [
            Desired { prefix: String::new(), ..desired() },
            Desired { compression: "GZIP".to_owned(), ..desired() },
            Desired { artifacts: set(&["ATHENA", "REDSHIFT"]), ..desired() },
            Desired { versioning: "CREATE_NEW_REPORT".to_owned(), ..desired() },
            csv.clone(),
            Desired { artifacts: set(&["REDSHIFT"]), ..csv.clone() },
            Desired { compression: "Parquet".to_owned(), artifacts: set(&[]), ..csv.clone() },
        ];
        for desired in bad {
            let error = to_sdk("cur:PutReportDefinition", &desired).expect_err("is bad");
            assert!(error.message.starts_with("the report portal-cur: "), "{error}");
        }
        let versioning = "CREATE_NEW_REPORT".to_owned();
        assert_eq!(fault(&Desired { artifacts: set(&["REDSHIFT"]), versioning, ..csv.clone() }), None);
        assert_eq!(fault(&Desired { artifacts: set(&[]), ..csv }), None);
    }

    #[test]
    fn only_the_unseen_bucket_is_waited_for() {
        let error = |message: &str| CallError {
            operation: "cur:PutReportDefinition".to_owned(),
            message: message.to_owned(),
            class: ErrorClass::Refused,
        };
        let unseen = error("Failed to verify customer bucket permission. accountId: 1 (ValidationException)");
        assert_eq!(bucket_unseen(unseen).class, ErrorClass::NotYet);
        assert_eq!(bucket_unseen(error("Invalid prefix (ValidationException)")).class, ErrorClass::Refused);
    }
}
