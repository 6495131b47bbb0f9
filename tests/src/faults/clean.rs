//! What a run comes to that nobody disturbs: its calls, and what is there afterwards.

use std::collections::BTreeMap;

use localcloud::gateway::traffic::LoggedCall;
use serde_json::Value;

use super::{Case, Change, Disturbance};
use crate::stage::Inventory;

/// A clean run.
#[derive(Debug, Clone)]
pub struct Clean {
    /// What it did.
    pub change: Change,
    /// How often it made each call: service, operation, whether that changes something.
    pub calls: BTreeMap<(String, String, bool), u64>,
    /// What is there afterwards.
    pub inventory: Inventory,
    /// What need not be there: what a change that is given up leaves behind once it was made.
    pub optional: Inventory,
    /// What the state says afterwards.
    pub records: BTreeMap<String, Value>,
}

impl Clean {
    /// How often each call is in the gateway's log.
    pub fn count(log: &[LoggedCall]) -> BTreeMap<(String, String, bool), u64> {
        let mut calls = BTreeMap::new();
        for call in log {
            *calls.entry((call.service.clone(), call.operation.clone(), call.write)).or_default() += 1;
        }
        calls
    }

    /// How many calls it made.
    pub fn total(&self) -> u64 {
        self.calls.values().sum()
    }

    /// How many of them change something.
    pub fn writes(&self) -> u64 {
        self.calls.iter().filter(|((_, _, write), _)| *write).map(|(_, count)| count).sum()
    }

    /// Every call with every way to disturb it.
    pub fn cases(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for ((service, operation, write), count) in &self.calls {
            for nth in 1..=*count {
                cases.extend(Disturbance::of(self.change, *write).map(|disturbance| Case {
                    change: self.change,
                    service: service.clone(),
                    operation: operation.clone(),
                    nth,
                    disturbance,
                }));
            }
        }
        cases
    }
}
