//! Since when each rule's schedule counts: EventBridge fires nothing for the time before a rule existed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::clock::Clock;

/// A handle on the moments at which rules were created or enabled; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Registry {
    clock: Clock,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug)]
struct Known {
    /// For rules that the gateway did not see being created.
    start: Timestamp,
    since: HashMap<String, Timestamp>,
}

impl Registry {
    /// An empty one.
    pub(crate) fn new(clock: Clock) -> Registry {
        let known = Known { start: clock.now(), since: HashMap::new() };
        Registry { clock, known: Arc::new(Mutex::new(known)) }
    }

    /// A rule was created, changed or enabled just now.
    pub(crate) fn begin(&self, rule: &str) {
        let now = self.clock.now();
        self.known().since.insert(rule.to_owned(), now);
    }

    /// Since when this rule counts.
    pub(crate) fn since(&self, rule: &str) -> Timestamp {
        let known = self.known();
        known.since.get(rule).copied().unwrap_or(known.start)
    }

    /// Forgets every rule.
    pub(crate) fn reset(&self) {
        *self.known() = Known { start: self.clock.now(), since: HashMap::new() };
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
