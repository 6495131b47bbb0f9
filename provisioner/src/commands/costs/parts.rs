//! Which files make up a cost report: those named, those of a manifest, or all of a folder that has none.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cur::{Manifest, Source};

use super::disk::DiskPart;
use super::listed::{chosen, is_manifest, is_report};
use super::objects::Objects;
use super::place::Place;
use crate::ui::failure::Failure;

/// The parts of a report.
pub struct Parts {
    /// The files and objects.
    pub sources: Vec<Box<dyn Source>>,
    /// Set once one of them is found to have changed since.
    pub changed: Arc<AtomicBool>,
}

/// Finds the parts of a report at these places.
pub async fn find(places: &[Place]) -> Result<Parts, Failure> {
    let (mut files, mut sources, changed) = (Vec::new(), Vec::new(), Arc::<AtomicBool>::default());
    for place in places {
        match place {
            Place::Disk(path) if path.is_dir() => files.extend(of_folder(path)?),
            Place::Disk(path) if is_json(path) => files.extend(of_manifest(path, &read(path)?)?),
            Place::Disk(path) => files.push(path.clone()),
            Place::Bucket(address) => {
                let objects = Objects::open(&address.bucket, changed.clone()).await?;
                sources.extend(objects.find(address).await?);
            }
        }
    }
    for file in files {
        sources.push(Box::new(DiskPart::new(&file)?) as Box<dyn Source>);
    }
    // A part that is named twice would be counted twice.
    let mut known = BTreeSet::new();
    sources.retain(|source| {
        let path = Path::new(source.name()).canonicalize();
        known.insert(path.unwrap_or_else(|_| source.name().into()))
    });
    Ok(Parts { sources, changed })
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

fn of_folder(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let (mut files, mut manifests) = (Vec::new(), Vec::new());
    walk(folder, &mut |path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if is_manifest(&name) {
            manifests.push(path);
        } else if is_report(&name) {
            files.push(path);
        }
    })?;
    files.sort();
    if manifests.is_empty() {
        let none = || Failure::new(format!("{} has no cost report in it", folder.display()));
        let hint = "files of reports end in .parquet, .csv, .csv.gz or .zip";
        return if files.is_empty() { Err(none().hint(hint)) } else { Ok(files) };
    }
    let manifests = manifests.into_iter().map(|path| Ok((path.clone(), read(&path)?)));
    let chosen = chosen(manifests.collect::<Result<_, Failure>>()?)?;
    let parts = chosen.iter().map(|(path, manifest)| of_manifest(path, manifest));
    Ok(parts.collect::<Result<Vec<_>, _>>()?.concat())
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
