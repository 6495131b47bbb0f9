//! Which files are a report's: by how their names end, and by the manifests that count.
//!
//! A place may hold several versions of one month, as AWS keeps them. Its manifests say which files belong together; of
//! several versions the one counts whose manifest lies highest, which is where AWS puts the newest.

use std::collections::BTreeMap;
use std::path::PathBuf;

use cur::Manifest;

use crate::ui::failure::Failure;

/// How files of reports end.
const ENDINGS: [&str; 4] = [".parquet", ".csv", ".csv.gz", ".zip"];

/// Whether a file with this name is part of a report.
pub fn is_report(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Whether a file with this name lists the files of a report.
pub fn is_manifest(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with("manifest.json")
}

/// Of the manifests of each report and month the one that counts.
pub fn chosen(manifests: Vec<(PathBuf, Manifest)>) -> Result<Vec<(PathBuf, Manifest)>, Failure> {
    let mut reports = BTreeMap::<String, Vec<(PathBuf, Manifest)>>::new();
    for (path, manifest) in manifests {
        reports.entry(manifest.report.clone()).or_default().push((path, manifest));
    }
    reports.into_values().map(newest).collect()
}

/// The version whose manifest lies highest; two that lie alike must be the same.
fn newest(mut versions: Vec<(PathBuf, Manifest)>) -> Result<(PathBuf, Manifest), Failure> {
    versions.sort_by_key(|(path, _)| (path.components().count(), path.clone()));
    let depth = versions[0].0.components().count();
    let other = versions
        .iter()
        .find(|(path, manifest)| path.components().count() == depth && manifest.version != versions[0].1.version);
    match other {
        None => Ok(versions.swap_remove(0)),
        Some((other, _)) => {
            let text = format!("{} and {} are two versions of one month", versions[0].0.display(), other.display());
            Err(Failure::new(text).hint("name the manifest of one of them, or compare both with --compare OLD NEW"))
        }
    }
}
