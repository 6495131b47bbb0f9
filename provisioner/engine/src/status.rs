//! What became of one step, and why it failed.

use crate::input::OutputRef;
use crate::{Address, CallError, Owner, UnknownKind};

/// What became of one step.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// Done as planned.
    Done,
    /// Nothing was to be done, or nothing differed any more when its inputs were known.
    Unchanged,
    /// Done as far as it can be now; says what it waits for.
    Pending(String),
    /// To be deleted, but the service keeps it: archived or deactivated. Says why.
    Archived(String),
    /// To be deleted, but it stays as it is, on purpose. Says why.
    Kept(String),
    /// It failed; what waited for it was skipped.
    Failed(ApplyError),
    /// It needs a step that did not succeed.
    Skipped {
        /// That step.
        because: Address,
    },
    /// It was not begun: the run was stopped, or the state could not be kept.
    NotStarted,
}

impl Status {
    /// Whether the resource is as it is to be, so that what waits for it may start.
    pub fn succeeded(&self) -> bool {
        match self {
            Status::Done | Status::Unchanged | Status::Pending(_) | Status::Archived(_) | Status::Kept(_) => true,
            Status::Failed(_) | Status::Skipped { .. } | Status::NotStarted => false,
        }
    }
}

/// Why a step failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ApplyError {
    /// A call failed for good, or too often.
    #[error("{0}")]
    Call(#[from] CallError),
    /// Something of its name appeared that is not ours.
    #[error("{address} exists as {id} and {}; `--adopt` takes it over", whose(.owner))]
    NotOurs {
        /// Where it was to stand.
        address: Address,
        /// The cloud's id of it.
        id: String,
        /// Whose it is.
        owner: Owner,
    },
    /// Something of its name appeared with fields that only a new resource can have otherwise.
    #[error("{address} turned out to exist with another {fields}, which only a replacement can change; plan again")]
    NeedsReplacement {
        /// Where it stands.
        address: Address,
        /// The paths of those fields.
        fields: String,
    },
    /// What was to be imported has gone since it was planned.
    #[error("{id} is no longer there to import at {address}, and nothing was created in its place; plan again")]
    NothingToImport {
        /// Where it was to stand.
        address: Address,
        /// The cloud's id of it.
        id: String,
    },
    /// Something of its name is there that we cannot see.
    #[error("{0}; it cannot be seen with these credentials, so it is probably somebody else's: choose another name")]
    Hidden(CallError),
    /// A reference leads to an output that did not come out.
    #[error("{address} needs the output `{}` of {}, which gives {given}; this is a bug in billform", .wanted.name, .wanted.of)]
    NoSuchOutput {
        /// Who refers.
        address: Address,
        /// To which output.
        wanted: Box<OutputRef>,
        /// What the resource does give.
        given: String,
    },
    /// The plan is of a kind that nobody registered.
    #[error("{0}")]
    UnknownKind(#[from] UnknownKind),
}

fn whose(owner: &Owner) -> String {
    match owner {
        Owner::Stack { name, .. } => format!("belongs to the stack {name}"),
        Owner::Unknown | Owner::Untold => "was not made by billform".to_owned(),
    }
}
