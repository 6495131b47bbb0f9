//! What a saved plan promises: which steps, on which live objects. It is carried out by planning again and doing only
//! what was promised, so that a promise holds digests and no values, and altering it is found out.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Action, Address, Plan, Step};

/// One step that was promised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promise {
    /// Where it stands.
    pub address: Address,
    /// What is done.
    pub action: Action,
    /// [`Step::live_digest`] of the object as it was seen.
    pub live: String,
    /// [`Step::intent_digest`]: what exactly is done to it.
    pub intent: String,
}

/// Why a promise cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// Not all of it is to be done any more.
    Stale {
        /// Nothing is to be done to these: it was carried out, or is not wanted any more.
        done: BTreeSet<Address>,
        /// These live objects, or what they need, are no longer as they were seen.
        changed: BTreeSet<Address>,
    },
    /// The objects are as they were, yet what is to be done to these is not what was promised: the saved plan was
    /// altered, or made by another version.
    Altered(BTreeSet<Address>),
}

impl Plan {
    /// What this plan promises.
    pub fn promises(&self) -> Vec<Promise> {
        self.changes().map(promise).collect()
    }

    /// This plan, doing only what was promised, if all of that still holds.
    pub fn keeping(self, promises: &[Promise]) -> Result<Plan, Broken> {
        let now: BTreeMap<&Address, &Step> = self.changes().map(|step| (&step.address, step)).collect();
        let promised: BTreeSet<Address> = promises.iter().map(|promise| promise.address.clone()).collect();
        let (mut done, mut changed, mut altered) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for given in promises {
            match now.get(&given.address) {
                Some(step) if step.live_digest() != given.live || !step.after.is_subset(&promised) => {
                    changed.insert(given.address.clone());
                }
                Some(step) if promise(step) != *given => {
                    altered.insert(given.address.clone());
                }
                Some(_) => {}
                None => {
                    done.insert(given.address.clone());
                }
            }
        }
        match (done.is_empty() && changed.is_empty(), altered.is_empty()) {
            (true, true) => Ok(self.restricted(|address| promised.contains(address))),
            (false, _) => Err(Broken::Stale { done, changed }),
            (true, false) => Err(Broken::Altered(altered)),
        }
    }
}

fn promise(step: &Step) -> Promise {
    Promise {
        address: step.address.clone(),
        action: step.action,
        live: step.live_digest(),
        intent: step.intent_digest(),
    }
}
