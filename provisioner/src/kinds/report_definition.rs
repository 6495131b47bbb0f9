//! `report_definition`: a legacy Cost and Usage Report. The service lives in us-east-1 only.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

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
