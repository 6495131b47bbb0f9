//! Which files make up a cost report: those named, those of a manifest, or all of a folder that has none.
//!
//! A folder may hold several versions of one month, as AWS keeps them. Its manifests say which files belong together; of
//! several versions the one counts whose manifest lies highest, which is where AWS puts the newest.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cur::{Manifest, Source};

use super::disk::DiskPart;
use crate::ui::failure::Failure;

/// How files of reports end.
const ENDINGS: [&str; 4] = [".parquet", ".csv", ".csv.gz", ".zip"];

/// Finds the parts of a report at these places.
pub fn find(places: &[PathBuf]) -> Result<Vec<Box<dyn Source>>, Failure> {
    let mut files = Vec::new();
    for place in places {
        if place.is_dir() {
            files.extend(of_folder(place)?);
        } else if is_json(place) {
            files.extend(of_manifest(place, &read(place)?)?);
        } else {
            files.push(place.clone());
        }
    }
    // A file that is named twice would be counted twice.
    let mut known = Vec::new();
    files.retain(|file| {
        let path = file.canonicalize().unwrap_or_else(|_| file.clone());
        let is_new = !known.contains(&path);
        known.push(path);
        is_new
    });
    files.iter().map(|file| Ok(Box::new(DiskPart::new(file)?) as Box<dyn Source>)).collect()
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

fn of_folder(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let (mut files, mut manifests) = (Vec::new(), Vec::new());
    walk(folder, &mut |path| {
        let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        if name.ends_with("manifest.json") {
            manifests.push(path);
        } else if ENDINGS.iter().any(|ending| name.ends_with(ending)) {
            files.push(path);
        }
    })?;
    files.sort();
    if manifests.is_empty() {
        let none = || Failure::new(format!("{} has no cost report in it", folder.display()));
        let hint = "files of reports end in .parquet, .csv, .csv.gz or .zip";
        return if files.is_empty() { Err(none().hint(hint)) } else { Ok(files) };
    }
    let mut reports = BTreeMap::<String, Vec<(PathBuf, Manifest)>>::new();
    for path in manifests {
        let manifest = read(&path)?;
        reports.entry(manifest.report.clone()).or_default().push((path, manifest));
    }
    let mut parts = Vec::new();
    for versions in reports.into_values() {
        let (path, manifest) = newest(versions)?;
        parts.extend(of_manifest(&path, &manifest)?);
    }
    Ok(parts)
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

fn walk(folder: &Path, each: &mut dyn FnMut(PathBuf)) -> Result<(), Failure> {
    let unreadable = |error: std::io::Error| Failure::new(format!("{} cannot be read: {error}", folder.display()));
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        // A link could lead back here.
        if entry.file_type().map_err(unreadable)?.is_dir() { walk(&entry.path(), each)? } else { each(entry.path()) }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Manifest, Failure> {
    let bytes =
        std::fs::read(path).map_err(|error| Failure::new(format!("{} cannot be read: {error}", path.display())))?;
    Manifest::parse(&bytes).map_err(|cause| {
        let hint = "name the report's manifest, or its files one by one";
        Failure::new(format!("{}: {cause}", path.display())).hint(hint)
    })
}

/// The files that a manifest lists. Its keys are those of the bucket: however much of their beginning a copy has left
/// out, their ends lie beside the manifest or beside a folder above it.
fn of_manifest(path: &Path, manifest: &Manifest) -> Result<Vec<PathBuf>, Failure> {
    let beside = path.parent().unwrap_or(Path::new(""));
    let found = |key: &String| {
        let parts: Vec<&str> = key.split('/').filter(|part| !part.is_empty() && *part != "..").collect();
        let ends = (0..parts.len()).map(|from| parts[from..].iter().collect::<PathBuf>());
        let places = ends.flat_map(|end| beside.ancestors().map(move |folder| folder.join(&end)));
        let mut places = places.filter(|place| place.is_file());
        places.next().ok_or_else(|| {
            let text =
                format!("{} lists {key}, which is neither beside it nor beside a folder above it", path.display());
            Failure::new(text).hint("copy the report with all its folders: `aws s3 sync`")
        })
    };
    manifest.keys.iter().map(found).collect()
}
