//! The manifest's files as edits write them.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use billing::manifest::edit::FileEdit;

use crate::store::file;
use crate::ui::failure::Failure;

/// Keeps other edits of the manifest waiting until it is dropped: it is read, edited and written in one go.
pub fn lock(manifest: &Path) -> Result<File, Failure> {
    let folder = super::folder_of(manifest);
    let locked = File::open(&folder).and_then(|folder| folder.lock().map(|()| folder));
    locked.map_err(|error| Failure::new(format!("{} cannot be locked for an edit: {error}", folder.display())))
}

/// Writes one edit: the file replaced at once, made, or deleted. A file that changed since it was read is left alone.
pub fn write(edit: &FileEdit) -> Result<(), Failure> {
    let path = Path::new(&edit.path);
    let now = fs::read(path).ok();
    if now.as_deref() != edit.before.as_deref().map(str::as_bytes) {
        return Err(Failure::new(format!("{} changed while it was edited", edit.path)).hint("try again"));
    }
    let done = match &edit.after {
        Some(text) => replace(path, text),
        None => fs::remove_file(path),
    };
    done.map_err(|error| Failure::new(format!("{} cannot be written: {error}", edit.path)))
}

/// Replaces a file's text: that of the file a link leads to, with the permissions that it has.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let Ok(path) = path.canonicalize() else { return file::replace(path, text.as_bytes()) };
    let permissions = fs::metadata(&path)?.permissions();
    file::replace(&path, text.as_bytes())?;
    fs::set_permissions(&path, permissions)
}

/// The folder of a manifest's tenants as its sources name it, where each tenant has a file of its own.
pub fn tenants_folder(manifest: &Path) -> Option<String> {
    let folder = manifest.join("tenants");
    let shown = folder.strip_prefix(".").unwrap_or(&folder).display().to_string();
    (manifest.is_dir() && folder.is_dir()).then_some(shown)
}
