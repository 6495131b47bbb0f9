//! What is said once about a kind, as data: names, permissions, and how its fields are compared.

use serde::Serialize;

/// What is said once about a kind, as data; help, permissions and documentation derive from it.
#[derive(Debug, Clone, Copy)]
pub struct KindMeta {
    /// The kind's name, first half of its addresses: `iam_role`.
    pub name: &'static str,
    /// The service whose rate it shares, key of the concurrency limits: `iam`.
    pub service: &'static str,
    /// One sentence: what it is.
    pub summary: &'static str,
    /// Paths of fields that only a new resource can have otherwise: a change replaces. `keys`, `report.prefix`.
    pub create_only: &'static [&'static str],
    /// Paths of maps in which keys that we never set are left alone: `tags`.
    pub open_maps: &'static [&'static str],
    /// Fields that the service's lists do not give; `plan` takes them from the state unless told to read all.
    pub unlisted: &'static [&'static str],
    /// What each verb needs to be allowed.
    pub permissions: &'static [Permission],
    /// Whether deleting or replacing it can lose what billform did not write, so that [`crate::Kind::contents`] is asked first.
    pub guarded: bool,
    /// What a delete leaves behind, where it does: a plan says it before, an outcome after.
    pub leaves: Option<&'static str>,
}

/// One IAM action that a verb needs. Resources are templates with `{account}`, `{region}` and `{stack}`-derived names,
/// filled by the provisioner; `*` where the action knows no resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Permission {
    /// Which verb needs it.
    pub verb: Verb,
    /// `iam:CreateRole`.
    pub action: &'static str,
    /// `arn:aws:iam::{account}:role/{project}-*`.
    pub resource: &'static str,
}

/// What can be done with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Look at it.
    Read,
    /// Make it.
    Create,
    /// Change it.
    Update,
    /// Remove or archive it.
    Delete,
}
