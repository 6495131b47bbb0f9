//! Where cost figures come from, and the report beside them.

use super::{Checker, steps};
use crate::manifest::model::{CostSource, CostsEngine, ReportFormat, ReportVersioning};

pub(super) fn check(checker: &mut Checker<'_>) {
    let costs = &checker.manifest.costs;
    let reads_report = costs.source != CostSource::CostExplorer;
    if reads_report && costs.report.is_none() {
        let hint = "add `report: {}` under `costs`, or write `source: cost-explorer`".to_owned();
        checker.at(&steps!["costs", "source"], "cost is read from a report, and none is described", hint);
    }
    if let (Some(_), false) = (costs.engine, reads_report) {
        let hint = "leave `engine` out".to_owned();
        checker.at(&steps!["costs", "engine"], "cost comes from Cost Explorer, so no engine reads a report", hint);
    }
    let Some(report) = &costs.report else { return };
    if costs.engine == Some(CostsEngine::Athena) && report.format != ReportFormat::Parquet {
        let hint = "write `format: parquet`".to_owned();
        checker.at(&steps!["costs", "report", "format"], "Athena reads reports in Parquet only", hint);
    }
    if costs.engine == Some(CostsEngine::Athena) && report.versioning != ReportVersioning::Overwrite {
        let hint = "write `versioning: overwrite`".to_owned();
        checker.at(&steps!["costs", "report", "versioning"], "Athena reads reports that are overwritten only", hint);
    }
    if report.prefix.starts_with('/') || report.prefix.ends_with('/') {
        let hint = format!("write it as `{}`", report.prefix.trim_matches('/'));
        checker.at(&steps!["costs", "report", "prefix"], "a prefix begins and ends without a slash", hint);
    }
    if let Some(delete) = report.retention.delete_after.filter(|delete| *delete <= report.retention.archive_after) {
        let hint = "delete later, or never: the files are the audit basis of invoices".to_owned();
        let steps = steps!["costs", "report", "retention", "delete_after"];
        checker.at(&steps, format!("files are deleted after {delete}, before they are archived"), hint);
    }
}
