//! Tenants' parts of a state in a file: files of their own in a folder beside it, each with a journal and a lock.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use billing::names::is_id;
use engine::state::StoreError;

use super::{FileStore, beside, failed};

/// Who has a tenant's part, and thereby keeps others from the whole.
pub(super) fn holder(path: &Path) -> Option<String> {
    let tenants = locks(path).ok()?;
    tenants.iter().find_map(|tenant| FileStore::open(&place(path, tenant)).holder().ok().flatten())
}

/// Where a tenant's part of the state at `path` lies.
pub fn place(path: &Path, tenant: &str) -> PathBuf {
    beside(path, "tenants").join(tenant)
}

/// The tenants who have a part that holds something; what lies beside a part has no name of an id.
pub fn kept(path: &Path) -> Result<Vec<String>, StoreError> {
    let folder = beside(path, "tenants");
    Ok(names(path)?.into_iter().filter(|name| is_id(name) && folder.join(name).is_file()).collect())
}

/// The tenants whose part was ever locked.
pub fn locks(path: &Path) -> Result<Vec<String>, StoreError> {
    let locked = |name: &String| name.strip_suffix(".lock").filter(|name| is_id(name)).map(str::to_owned);
    Ok(names(path)?.iter().filter_map(locked).collect())
}

/// Removes a part that counts no more. Its lock stays: one that is deleted can be had twice.
pub fn discard(path: &Path, tenant: &str) {
    let part = place(path, tenant);
    // A journal without a part is emptied by whoever begins the next; what stays because of an error says nothing.
    if fs::remove_file(&part).is_ok() {
        let _ = fs::remove_file(beside(&part, "journal"));
    }
}

/// What lies in the folder of the parts, in the order of the names.
fn names(path: &Path) -> Result<Vec<String>, StoreError> {
    let folder = beside(path, "tenants");
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(&folder, "cannot be read", &error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| failed(&folder, "cannot be read", &error))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    Ok(names)
}
