//! Which bundle a run deploys: the one named, or the newest that was packaged for this manifest.

use std::path::{Path, PathBuf};

use billing::manifest::model::Architecture;

use crate::cloud::bundle::Bundle;
use crate::project::Project;
use crate::ui::failure::Failure;

/// Where `package` puts the bundle of a manifest: beside its state, one per architecture.
pub fn default_path(project: &Project) -> PathBuf {
    path_for(project, project.manifest.aws.architecture)
}

/// The same for an architecture that may not be the manifest's.
pub fn path_for(project: &Project, architecture: Architecture) -> PathBuf {
    project.folder.join(".billform").join(format!("bundle-{}.zip", architecture.as_str()))
}

/// The bundle named, else the packaged one, else none.
pub fn find(project: &Project, named: Option<&Path>) -> Result<Option<Bundle>, Failure> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => default_path(project),
    };
    if named.is_none() && !path.exists() {
        return Ok(None);
    }
    let bundle = Bundle::read(&path).map_err(|error| {
        Failure::new(format!("the bundle {} cannot be read: {error}", path.display()))
            .hint("`billform package` builds one")
    })?;
    Ok(Some(bundle))
}
