//! The port to the cloud: what the engine asks of a kind of resource, with erased values.
//!
//! Observe, then let the engine decide: no kind contains "if it exists, update".

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Address;
use crate::diff::FieldChange;
use crate::kind_meta::KindMeta;

/// How much a read looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// What lists and batches give; [`KindMeta::unlisted`] fields come from [`Want::known`] where that is given.
    Lists,
    /// Every managed field.
    Full,
}

/// One resource to look for.
#[derive(Debug, Clone, PartialEq)]
pub struct Want {
    /// Where it stands; ownership tags and metadata carry it.
    pub address: Address,
    /// The cloud's id of it, if the state knows one.
    pub id: Option<String>,
    /// The fields to find it by: the desired ones (references unresolved where unknown), or the last applied ones.
    pub fields: Value,
    /// The fields as last applied, complete; with them a list read may leave out [`KindMeta::unlisted`].
    pub known: Option<Arc<Value>>,
}

/// Who made a resource, as its tags or metadata say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// A billform stack; perhaps this one.
    Stack {
        /// The stack's name.
        name: String,
        /// The address it says it stands at; none when that was not read.
        address: Option<String>,
    },
    /// Nobody we know: no ownership tag.
    Unknown,
    /// Nobody can say: resources of this kind have no place to write it.
    Untold,
}

impl Owner {
    /// A stack, when the address that the resource says it stands at was not read.
    pub fn stack(name: &str) -> Owner {
        Owner::Stack { name: name.to_owned(), address: None }
    }

    /// A stack and the address that the resource says it stands at.
    pub fn at(name: &str, address: &impl ToString) -> Owner {
        Owner::Stack { name: name.to_owned(), address: Some(address.to_string()) }
    }

    /// Whether it is that stack.
    pub fn is_stack(&self, stack: &str) -> bool {
        matches!(self, Owner::Stack { name, .. } if name == stack)
    }
}

/// A resource as the cloud shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The cloud's id of it.
    pub id: String,
    /// Its fields, in the shape of the kind's `Desired`.
    pub fields: Arc<Value>,
    /// What others may refer to.
    pub outputs: BTreeMap<String, Value>,
    /// Who made it.
    pub owner: Owner,
    /// Paths whose values were taken from [`Want::known`] because the lists do not give them.
    pub unread: Vec<String>,
    /// Set while the resource is there but waits for something outside: a tag not yet active.
    pub pending: Option<String>,
}

/// What a create or an update brought about.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Applied {
    /// The cloud's id.
    pub id: String,
    /// What others may refer to.
    pub outputs: BTreeMap<String, Value>,
    /// Set when it is done as far as it can be now: "pending until …".
    pub pending: Option<String>,
}

/// What became of a resource that was to go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Removal {
    /// It is gone, or was already.
    Gone,
    /// The service keeps it; it was archived or deactivated. Says why and what stays.
    Archived(String),
    /// It stays as it is, on purpose. Says why.
    Kept(String),
}

/// A create to carry out.
#[derive(Debug, Clone, PartialEq)]
pub struct Create {
    /// Where it stands; goes into the ownership tags.
    pub address: Address,
    /// The fields, every reference resolved.
    pub desired: Value,
    /// The same for the same address and fields: idempotency key or client token where the service takes one.
    pub token: String,
}

/// An update to carry out.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// Where it stands.
    pub address: Address,
    /// The cloud's id.
    pub id: String,
    /// The fields to be, every reference resolved.
    pub desired: Value,
    /// The fields as they were seen.
    pub observed: Value,
    /// What is to change, never empty unless it only claims ownership.
    pub changes: Vec<FieldChange>,
    /// The ownership tags are missing or another's and are to be set: an approved takeover.
    pub claim: bool,
    /// The same for the same address, fields and change.
    pub token: String,
}

/// A delete to carry out.
#[derive(Debug, Clone, PartialEq)]
pub struct Delete {
    /// Where it stands.
    pub address: Address,
    /// The cloud's id.
    pub id: String,
    /// The fields as last seen or applied.
    pub fields: Value,
}

/// Why a call failed, as far as the engine must know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{operation}: {message}")]
pub struct CallError {
    /// `iam:CreateRole`, `stripe:POST /v1/prices`.
    pub operation: String,
    /// The cause in the service's words, free of secrets.
    pub message: String,
    /// What can be done about it.
    pub class: ErrorClass,
}

/// What can be done about a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// Too many calls: wait and call again.
    Throttled,
    /// It may or may not have taken effect (connection lost, 5xx): look before calling again.
    Ambiguous,
    /// Not yet: something just made is not visible everywhere, or another change is under way. Wait and call again.
    NotYet,
    /// Something of that name exists: look whose it is.
    AlreadyExists,
    /// The credentials do not allow it, or are no good.
    Denied,
    /// Refused for good: calling again will not help.
    Refused,
    /// Not made at all: this run may make no more calls that change something (its lock lapsed, the network is gone).
    Halted,
}

/// What a guarded resource holds that billform did not write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// What is in it, for a person: "at least 100 items".
    pub described: String,
}

/// A resource that carries this stack's name, as [`Kind::list`] finds it without knowing of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The address that its tags or metadata say.
    pub address: Address,
    /// The tenant it belongs to, as its tags or metadata say.
    pub tenant: Option<String>,
    /// The cloud's id of it.
    pub id: String,
    /// Fields enough to find it by, in the shape of the kind's `Desired`; the rest empty.
    pub fields: Value,
}

/// One kind of resource, over erased values.
#[async_trait]
pub trait Kind: Send + Sync {
    /// What is said once about it.
    fn meta(&self) -> &'static KindMeta;

    /// What stands in the way of `desired`, field by field. `last` is what we applied last: it tells a tag that we
    /// dropped from a tag that others added. The default compares the erased values.
    fn diff(&self, desired: &Value, observed: &Value, last: Option<&Value>) -> Vec<FieldChange> {
        crate::diff::fields(self.meta(), desired, observed, last)
    }

    /// What is remembered of a resource that is now as `desired`. `before` is what was remembered of it, or else seen,
    /// before. A field that `desired` leaves as it is keeps its value there, so that a change of it is seen later.
    fn remembered(&self, desired: Value, _before: Option<&Value>) -> Value {
        desired
    }

    /// Looks for all of `wants`, one answer each, in their order. `Ok(None)`: it does not exist.
    async fn read(&self, wants: &[Want], depth: Depth) -> Vec<Result<Option<Observed>, CallError>>;

    /// Everything of this kind in the account that carries this stack's name, known to us or not. What has no place
    /// to say whose it is ([`Owner::Untold`]) is not listed.
    async fn list(&self) -> Result<Vec<Listed>, CallError>;

    /// The same, of which those with a known id may be missing, where that saves calls.
    async fn list_unknown(&self, _known: &BTreeSet<String>) -> Result<Vec<Listed>, CallError> {
        self.list().await
    }

    /// Makes it, ownership tags included.
    async fn create(&self, request: Create) -> Result<Applied, CallError>;

    /// Changes it in place.
    async fn update(&self, request: Update) -> Result<Applied, CallError>;

    /// Removes it; what is already gone is [`Removal::Gone`].
    async fn delete(&self, request: Delete) -> Result<Removal, CallError>;

    /// What a guarded resource holds that billform did not write; `None` when that is nothing.
    async fn contents(&self, _id: &str, _fields: &Value) -> Result<Option<Contents>, CallError> {
        Ok(None)
    }
}

impl dyn Kind + '_ {
    /// Returns the paths that [`Kind::diff`] reports although a resource is compared with itself: what is compared
    /// beside fields, as whether the value given for a secret is the deployed one. Only what is seen can tell; it is
    /// something to apply, and never drift.
    pub(crate) fn opaque_paths(&self, fields: &Value) -> BTreeSet<String> {
        let changes = self.diff(fields, fields, Some(fields));
        changes.into_iter().map(|change| change.path).collect()
    }
}
