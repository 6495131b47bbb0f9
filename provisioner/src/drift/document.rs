//! The document of `drift --format json`, as `ci issues` reads it: `billform-drift/1`.

use engine::Address;
use engine::diff::FieldChange;
use serde::Deserialize;
use serde_json::Value;

use crate::drift::report::Sort;

/// The format that is read.
const FORMAT: &str = "billform-drift/1";

/// What a `drift` run found.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct DriftDocument {
    format: String,
    /// The stack.
    pub stack: String,
    /// The AWS account.
    pub account: String,
    /// Its region.
    pub region: String,
    /// What drifted: what all share first, then by tenant, each by address.
    pub changes: Vec<Found>,
    /// What could not be read.
    unreadable: Vec<Value>,
    /// Kinds that could not be listed.
    unlisted: Vec<Value>,
    /// An apply went on meanwhile: what it touched may be shown as drift.
    pub state_moved: bool,
}

/// A resource that differs from how it was left.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Found {
    /// Where it stands.
    pub address: Address,
    /// The tenant it belongs to.
    pub tenant: Option<String>,
    /// [`Sort::name`].
    pub finding: String,
    /// What happened to it, where its fields do not say so.
    pub happened: Option<String>,
    /// `before` is what is there, `after` what it was left as.
    pub fields: Vec<FieldChange>,
    /// Who changed it, where that was looked up.
    #[serde(default)]
    pub changed_by: Option<ChangedBy>,
}

/// Who changed a resource, as CloudTrail's events say it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ChangedBy {
    /// The user, role or service: `arn:aws:sts::123456789012:assumed-role/Admin/ana`.
    pub who: String,
    /// When: `2026-11-25T20:00:00Z`.
    #[serde(default)]
    pub at: Option<String>,
    /// What was called: `PutRolePolicy`.
    #[serde(default)]
    pub event: Option<String>,
    /// Why it is not known, where `who` is `unknown`.
    #[serde(default)]
    pub reason: Option<String>,
}

impl DriftDocument {
    /// Parses one; another format and an unknown finding are refused.
    pub fn parse(text: &[u8]) -> Result<DriftDocument, String> {
        let document: DriftDocument = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if document.format != FORMAT {
            return Err(format!("it has the format {}, this billform reads {FORMAT}", document.format));
        }
        match document.changes.iter().find(|found| found.sort().is_none()) {
            Some(found) => Err(format!("{} has the finding `{}`, which is not known", found.address, found.finding)),
            None => Ok(document),
        }
    }

    /// Whether something could not be judged: no drift of that is no proof that there is none.
    pub fn is_incomplete(&self) -> bool {
        !(self.unreadable.is_empty() && self.unlisted.is_empty())
    }
}

impl Found {
    /// How it differs.
    pub fn sort(&self) -> Option<Sort> {
        Sort::ALL.into_iter().find(|sort| sort.name() == self.finding)
    }
}
