//! What became of a plan.

use std::collections::BTreeMap;

use crate::plan::{Plan, Summary};
use crate::state::StoreError;
use crate::status::{ApplyError, Status};
use crate::{Action, Address, State};

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
