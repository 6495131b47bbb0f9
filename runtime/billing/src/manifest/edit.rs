//! Edits of a manifest's text: a tenant added, changed or removed in place, and the whole in its standard form.
//!
//! ```text
//! text --outline--> places --splices--> text     all that an edit does not name stays, byte for byte
//! ```
//!
//! An edit is proved before it is handed out: the new text is a sound manifest, and it says what the old one said but
//! for the edit. Nothing here writes a file.

mod format;
mod outline;
mod said;
mod splice;
mod tenant;
mod written;

pub use format::formatted;
pub use tenant::{TenantEdit, add_tenant, remove_tenant, set_tenant};
pub use written::Written;

use granit_parser::ScanError;

use super::problem::Problem;
use super::source::Source;

/// What an edit does to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEdit {
    /// The file's path, as the source names it.
    pub path: String,
    /// Its text before; none for a new file.
    pub before: Option<String>,
    /// Its text after; none for a file that is deleted.
    pub after: Option<String>,
}

/// Why there is no edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The manifest, before or after the edit, has problems. Places refer to the text after, where it was edited.
    Unsound(Vec<Problem>),
    /// The edit cannot be made: a message and what to do.
    Impossible(String, String),
}

impl Refusal {
    fn impossible(message: impl Into<String>, hint: impl Into<String>) -> Refusal {
        Refusal::Impossible(message.into(), hint.into())
    }
}

impl From<ScanError> for Refusal {
    fn from(error: ScanError) -> Refusal {
        Refusal::impossible(format!("the manifest is no YAML: {error}"), "`billform validate` shows the place")
    }
}

impl FileEdit {
    /// The sources as they are after the edit.
    pub fn applied(&self, sources: &[Source]) -> Vec<Source> {
        let mut after: Vec<Source> = sources.to_vec();
        after.retain(|source| source.path != self.path || self.after.is_some());
        if let Some(text) = &self.after {
            match after.iter_mut().find(|source| source.path == self.path) {
                Some(source) => source.text.clone_from(text),
                None => after.push(Source { path: self.path.clone(), text: text.clone() }),
            }
        }
        after
    }
}
