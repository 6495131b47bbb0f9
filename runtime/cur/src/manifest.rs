//! Manifests: which files make up a report. AWS writes one beside every version of it.

use serde::Deserialize;

/// A manifest of either kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The bucket the files lie in.
    pub bucket: String,
    /// The keys of the files.
    pub keys: Vec<String>,
    /// What names the version: the legacy report's assembly, the export's execution.
    pub version: String,
    /// What names the report and its month: manifests of the same are versions of each other.
    pub report: String,
}

/// `<report>-Manifest.json` of a Cost and Usage Report.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Legacy {
    assembly_id: String,
    bucket: String,
    report_keys: Vec<String>,
    report_name: Option<String>,
    billing_period: Period,
}

#[derive(Deserialize)]
struct Period {
    start: String,
}

/// `<export>-Manifest.json` of Data Exports.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Export {
    execution_id: Option<String>,
    export_arn: Option<String>,
    data_files: Vec<String>,
}

impl Manifest {
    /// Reads a manifest. The error says what it lacks.
    pub fn parse(bytes: &[u8]) -> Result<Manifest, String> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let value: serde_json::Value =
            serde_json::from_slice(bytes).map_err(|error| format!("it is not JSON: {error}"))?;
        if value.get("dataFiles").is_some() {
            let export: Export =
                serde_json::from_value(value).map_err(|error| format!("it is not an export's manifest: {error}"))?;
            return Manifest::of_export(export);
        }
        if value.get("reportKeys").is_none() {
            return Err("it has neither `reportKeys` nor `dataFiles`, which a manifest of AWS has".to_owned());
        }
        let legacy: Legacy =
            serde_json::from_value(value).map_err(|error| format!("it is not a report's manifest: {error}"))?;
        if legacy.report_keys.is_empty() {
            return Err("it lists no files".to_owned());
        }
        let report = format!("{} {}", legacy.report_name.unwrap_or_default(), legacy.billing_period.start);
        Ok(Manifest { bucket: legacy.bucket, keys: legacy.report_keys, version: legacy.assembly_id, report })
    }

    fn of_export(export: Export) -> Result<Manifest, String> {
        let (mut bucket, mut keys) = (None, Vec::new());
        for file in &export.data_files {
            let place = file.strip_prefix("s3://").and_then(|place| place.split_once('/'));
            let (of, key) = place.ok_or_else(|| format!("`{file}` is not an address such as s3://BUCKET/KEY"))?;
            if *bucket.get_or_insert(of) != of {
                return Err("its files lie in several buckets".to_owned());
            }
            keys.push(key.to_owned());
        }
        let first = keys.first().ok_or("it lists no files")?;
        // The month stands in the path only: .../data/BILLING_PERIOD=2026-01/...
        let month = first.split('/').find(|part| part.starts_with("BILLING_PERIOD=")).unwrap_or_default();
        let report = format!("{} {month}", export.export_arn.unwrap_or_default());
        let bucket = bucket.unwrap_or_default().to_owned();
        Ok(Manifest { bucket, version: export.execution_id.unwrap_or_default(), report, keys })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_are_read() {
        let legacy = br#"{"assemblyId":"a1","account":"123456789012","columns":[],"charset":"UTF-8","compression":"GZIP","bucket":"b",
            "reportName":"r","billingPeriod":{"start":"20260101T000000.000Z","end":"20260201T000000.000Z"},"reportKeys":["p/r/a1/r-1.csv.gz"]}"#;
        let manifest = Manifest::parse(legacy).expect("a manifest");
        assert_eq!((manifest.bucket.as_str(), manifest.keys.len(), manifest.version.as_str()), ("b", 1, "a1"));
        assert_eq!(manifest.report, "r 20260101T000000.000Z");
        let export = br#"{"executionId":"e","exportArn":"arn:x","columns":[],"dataFiles":["s3://b/p/e/data/BILLING_PERIOD=2026-01/e-00001.snappy.parquet"]}"#;
        let manifest = Manifest::parse(export).expect("a manifest");
        assert_eq!(manifest.keys, ["p/e/data/BILLING_PERIOD=2026-01/e-00001.snappy.parquet"]);
        assert_eq!(manifest.report, "arn:x BILLING_PERIOD=2026-01");
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        let cause = |text: &str| Manifest::parse(text.as_bytes()).expect_err("refused");
        assert!(cause("{").starts_with("it is not JSON"));
        assert!(cause("{}").contains("neither"));
        assert_eq!(cause(r#"{"dataFiles":[]}"#), "it lists no files");
        assert!(cause(r#"{"dataFiles":["x"]}"#).contains("`x` is not an address"));
        assert!(cause(r#"{"reportKeys":["x"]}"#).contains("assemblyId"));
    }
}
