//! Cost and Usage Reports: one region, the combinations that AWS takes, the permission of the bucket, what cannot be
//! changed, and the tags given on create, which MiniStack loses.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::super::pipeline::{Answer, Call, Rule, Upstream};
use super::Refusal;
use super::ask::Ask;
use super::policy::{Policy, Question};
use super::refused;
use super::shape::{shaped, tag_fault, word};

const REGION: &str = "us-east-1";
const DELIVERER: &str = "billingreports.amazonaws.com";
const IMMUTABLE: &[&str] = &["ReportName", "TimeUnit", "ReportVersioning", "AdditionalSchemaElements"];
const MOST_TAGS: usize = 50;

/// Everything about report definitions.
pub(super) struct Reports;

impl Rule for Reports {
    fn applies(&self, call: &Call) -> bool {
        call.service == "cur"
    }

    fn before<'a>(&'a self, call: &'a mut Call, upstream: &'a Upstream) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(async move { refused(call, check(call, Ask::new(call, upstream)).await) })
    }

    fn after<'a>(&'a self, call: &'a Call, answer: Answer, upstream: &'a Upstream) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            let body = call.json();
            if answer.is_success() && call.operation == "PutReportDefinition" && body["Tags"].is_array() {
                let tagged = json!({"ReportName": body["ReportDefinition"]["ReportName"], "Tags": body["Tags"]});
                Ask::new(call, upstream).target("cur", "AWSOrigamiServiceGatewayService.TagResource", &tagged).await;
            }
            answer
        })
    }
}

async fn check(call: &Call, ask: Ask<'_>) -> Result<(), Refusal> {
    if ask.region() != REGION {
        return Err(invalid(format!(
            "The Cost and Usage Report API is served in {REGION} only, not in {}",
            ask.region()
        )));
    }
    let body = call.json();
    let definition = &body["ReportDefinition"];
    match call.operation.as_str() {
        "PutReportDefinition" => {
            check_definition(definition)?;
            check_tags(&body["Tags"])?;
            check_bucket(definition, ask).await
        }
        "ModifyReportDefinition" => {
            check_definition(definition)?;
            check_unchanged(&body["ReportName"], definition, ask).await?;
            check_bucket(definition, ask).await
        }
        "TagResource" => check_tags(&body["Tags"]),
        _ => Ok(()),
    }
}

fn check_definition(definition: &Value) -> Result<(), Refusal> {
    let text = |key: &str| definition[key].as_str().unwrap_or_default();
    let required = |key: &str, known: &[&str]| {
        let fits = known.contains(&text(key));
        fits.then_some(()).ok_or_else(|| {
            invalid(format!("ReportDefinition.{key} must be one of {}, not '{}'", known.join(", "), text(key)))
        })
    };
    if !shaped(text("ReportName"), 1..=256, word("!-_.*'()")) {
        return Err(invalid(format!(
            "ReportDefinition.ReportName '{}' must have 1 to 256 letters, digits or any of !-_.*'()",
            text("ReportName")
        )));
    }
    required("TimeUnit", &["HOURLY", "DAILY", "MONTHLY"])?;
    required("Format", &["textORcsv", "Parquet"])?;
    required("Compression", &["ZIP", "GZIP", "Parquet"])?;
    if text("S3Bucket").is_empty() || text("S3Region").is_empty() {
        return Err(invalid("ReportDefinition.S3Bucket and S3Region are required"));
    }
    if !shaped(text("S3Prefix"), 1..=256, word("!-_.*'()/")) {
        return Err(invalid(format!(
            "ReportDefinition.S3Prefix '{}' is required: 1 to 256 letters, digits or any of !-_.*'()/",
            text("S3Prefix")
        )));
    }
    listed(
        definition,
        "AdditionalSchemaElements",
        &["RESOURCES", "SPLIT_COST_ALLOCATION_DATA", "MANUAL_DISCOUNT_COMPATIBILITY"],
        true,
    )?;
    listed(definition, "AdditionalArtifacts", &["REDSHIFT", "QUICKSIGHT", "ATHENA"], false)?;
    if !definition["ReportVersioning"].is_null() {
        required("ReportVersioning", &["CREATE_NEW_REPORT", "OVERWRITE_REPORT"])?;
    }
    check_combination(definition)
}

fn listed(definition: &Value, key: &str, known: &[&str], required: bool) -> Result<(), Refusal> {
    let Some(values) = definition[key].as_array() else {
        return if required {
            Err(invalid(format!("ReportDefinition.{key} is required; it may be empty")))
        } else {
            Ok(())
        };
    };
    match values.iter().find(|value| !value.as_str().is_some_and(|value| known.contains(&value))) {
        Some(other) => Err(invalid(format!("ReportDefinition.{key}: {other} is not one of {}", known.join(", ")))),
        None => Ok(()),
    }
}

/// AWS says no with an empty message here; the local cloud says why.
fn check_combination(definition: &Value) -> Result<(), Refusal> {
    let is_parquet = |key: &str| definition[key] == "Parquet";
    if is_parquet("Format") != is_parquet("Compression") {
        return Err(invalid("Parquet format needs Parquet compression, and the other way about"));
    }
    let artifacts = definition["AdditionalArtifacts"].as_array().map(Vec::as_slice).unwrap_or_default();
    let athena = artifacts.iter().any(|artifact| artifact == "ATHENA");
    let overwrites = definition["ReportVersioning"] == "OVERWRITE_REPORT";
    if athena && (artifacts.len() > 1 || !overwrites || !is_parquet("Format")) {
        return Err(invalid("The ATHENA artifact stands alone, with Parquet and OVERWRITE_REPORT"));
    }
    if !athena && !artifacts.is_empty() && (overwrites || definition["Compression"] != "GZIP") {
        return Err(invalid("The REDSHIFT and QUICKSIGHT artifacts need GZIP and CREATE_NEW_REPORT"));
    }
    Ok(())
}

fn check_tags(tags: &Value) -> Result<(), Refusal> {
    let Some(tags) = tags.as_array() else { return Ok(()) };
    let pairs =
        tags.iter().map(|tag| (tag["Key"].as_str().unwrap_or_default(), tag["Value"].as_str().unwrap_or_default()));
    tag_fault(pairs, MOST_TAGS).map_or(Ok(()), |fault| Err(invalid(fault)))
}

async fn check_bucket(definition: &Value, ask: Ask<'_>) -> Result<(), Refusal> {
    let bucket = definition["S3Bucket"].as_str().unwrap_or_default();
    let policy = ask.get("s3", &format!("/{bucket}?policy")).await;
    let policy = policy.map(|answer| Policy::parse(&String::from_utf8_lossy(&answer.body))).unwrap_or_default();
    match missing_permission(&policy, bucket, ask.account()) {
        None => Ok(()),
        Some(action) => Err(invalid(format!(
            "Failed to verify customer bucket permission: the policy of bucket {bucket} does not let {DELIVERER} do {action}"
        ))),
    }
}

/// The first of the three actions that the bucket's policy does not give to the deliverer of reports.
fn missing_permission(policy: &Policy, bucket: &str, account: &str) -> Option<&'static str> {
    let whole = format!("arn:aws:s3:::{bucket}");
    let context = BTreeMap::from([
        ("aws:sourceaccount".to_owned(), vec![account.to_owned()]),
        ("aws:sourcearn".to_owned(), vec![format!("arn:aws:cur:{REGION}:{account}:definition/*")]),
    ]);
    let admitted = |action: &str, resource: &str| {
        let question = Question { action: action.to_owned(), resource: resource.to_owned(), context: context.clone() };
        policy.admits_service(DELIVERER, &question)
    };
    let inside = format!("{whole}/report");
    let needed = [("s3:GetBucketAcl", &whole), ("s3:GetBucketPolicy", &whole), ("s3:PutObject", &inside)];
    needed.into_iter().find(|(action, resource)| !admitted(action, resource)).map(|(action, _)| action)
}

async fn check_unchanged(name: &Value, definition: &Value, ask: Ask<'_>) -> Result<(), Refusal> {
    let all = ask
        .target("cur", "AWSOrigamiServiceGatewayService.DescribeReportDefinitions", &json!({}))
        .await
        .unwrap_or_default();
    let present =
        all["ReportDefinitions"].as_array().and_then(|all| all.iter().find(|report| report["ReportName"] == *name));
    let Some(present) = present else { return Ok(()) };
    match IMMUTABLE.iter().find(|key| present[**key] != definition[**key]) {
        Some(key) => Err(invalid(format!(
            "ReportDefinition.{key} cannot be changed: it is {}, not {}",
            present[*key], definition[*key]
        ))),
        None => Ok(()),
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("ValidationException", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(key: &str, value: Value) -> Value {
        let mut definition = json!({"ReportName": "portal-cur", "TimeUnit": "HOURLY", "Format": "Parquet", "Compression": "Parquet",
            "AdditionalSchemaElements": ["RESOURCES"], "S3Bucket": "b", "S3Prefix": "cur", "S3Region": "us-east-1",
            "AdditionalArtifacts": ["ATHENA"], "RefreshClosedReports": true, "ReportVersioning": "OVERWRITE_REPORT"});
        definition[key] = value;
        definition
    }

    #[test]
    fn only_good_combinations_pass() {
        assert_eq!(check_definition(&definition("S3Prefix", json!("cur/x"))), Ok(()));
        assert_eq!(check_definition(&definition("AdditionalArtifacts", Value::Null)), Ok(()));
        for (key, value) in [
            ("ReportName", json!("a b")),
            ("TimeUnit", json!("WEEKLY")),
            ("Format", json!("textORcsv")),
            ("Compression", json!("GZIP")),
            ("S3Prefix", json!("")),
            ("S3Prefix", Value::Null),
            ("S3Bucket", Value::Null),
            ("AdditionalSchemaElements", Value::Null),
            ("AdditionalSchemaElements", json!(["TAGS"])),
            ("AdditionalArtifacts", json!(["ATHENA", "REDSHIFT"])),
            ("AdditionalArtifacts", json!(["REDSHIFT"])),
            ("ReportVersioning", json!("CREATE_NEW_REPORT")),
            ("ReportVersioning", json!("NEW")),
        ] {
            assert!(check_definition(&definition(key, value.clone())).is_err(), "{key} {value}");
        }
    }

    fn bucket_policy(actions: Value, condition: Value) -> Policy {
        Policy::parse(
            &json!({"Statement": [{"Effect": "Allow", "Principal": {"Service": DELIVERER}, "Action": actions,
            "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"], "Condition": condition}]})
            .to_string(),
        )
    }

    #[test]
    fn the_bucket_must_admit_the_deliverer_to_all_three_actions() {
        let all = json!(["s3:GetBucketAcl", "s3:GetBucketPolicy", "s3:PutObject"]);
        let ours = json!({"StringEquals": {"aws:SourceAccount": "123456789012"}, "StringLike": {"aws:SourceArn": "arn:aws:cur:us-east-1:123456789012:definition/*"}});
        assert_eq!(missing_permission(&bucket_policy(all.clone(), ours), "b", "123456789012"), None);
        let another = json!({"StringEquals": {"aws:SourceAccount": "999999999999"}});
        assert_eq!(missing_permission(&bucket_policy(all, another), "b", "123456789012"), Some("s3:GetBucketAcl"));
        let put_only = bucket_policy(json!(["s3:GetBucketAcl", "s3:PutObject"]), json!({}));
        assert_eq!(missing_permission(&put_only, "b", "123456789012"), Some("s3:GetBucketPolicy"));
        assert_eq!(missing_permission(&Policy::default(), "b", "1"), Some("s3:GetBucketAcl"));
    }
}
