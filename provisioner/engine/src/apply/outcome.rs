//! What became of a plan.

use std::collections::BTreeMap;

use crate::input::OutputRef;
use crate::kind::CallError;
use crate::plan::{Plan, Summary};
use crate::state::StoreError;
use crate::{Action, Address, Owner, State};

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
    UnknownKind(#[from] crate::UnknownKind),
}

fn whose(owner: &Owner) -> String {
    match owner {
        Owner::Stack { name, .. } => format!("belongs to the stack {name}"),
        Owner::Unknown | Owner::Untold => "was not made by billform".to_owned(),
    }
}

/// What became of a plan.
#[derive(Debug)]
pub struct Outcome {
    /// What became of each step.
    pub statuses: BTreeMap<Address, Status>,
    /// What was done; only steps that succeeded count, and what turned out not to differ counts as no-op.
    pub summary: Summary,
    /// The state as it is now, whether or not it could be kept.
    pub state: State,
    /// Why the state could not be kept. What was done then is found again by the next plan.
    pub store_error: Option<StoreError>,
    /// Whether somebody asked to stop before all was begun.
    pub stopped: bool,
    /// Why the run stopped by itself before all was begun: its lock lapsed, or nothing can be reached.
    pub halted: Option<String>,
}

impl Outcome {
    /// Whether every step succeeded and the state was kept.
    pub fn succeeded(&self) -> bool {
        self.store_error.is_none() && self.statuses.values().all(Status::succeeded)
    }

    /// The steps that failed, with why.
    pub fn failed(&self) -> impl Iterator<Item = (&Address, &ApplyError)> {
        self.statuses.iter().filter_map(|(address, status)| match status {
            Status::Failed(error) => Some((address, error)),
            _ => None,
        })
    }
}

pub(super) fn summary(plan: &Plan, statuses: &BTreeMap<Address, Status>) -> Summary {
    let mut summary = Summary::default();
    for step in &plan.steps {
        match statuses.get(&step.address) {
            Some(Status::Done | Status::Pending(_) | Status::Archived(_)) => summary.count(step.action),
            Some(Status::Unchanged) => summary.count(Action::NoOp),
            _ => {}
        }
    }
    summary
}
