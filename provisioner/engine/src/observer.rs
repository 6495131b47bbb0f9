//! The port to whoever watches: progress as events, never as text.

use crate::Address;
use crate::action::Action;
use crate::status::Status;

/// Something happened that a person might want to see.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A kind is about to be read.
    Refreshing {
        /// Which kind.
        kind: &'static str,
        /// How many resources of it are looked for.
        count: usize,
    },
    /// A kind was read.
    Refreshed {
        /// Which kind.
        kind: &'static str,
        /// How many of them exist.
        found: usize,
        /// How many could not be read.
        failed: usize,
    },
    /// A step is about to make its calls.
    Started {
        /// Which resource.
        address: Address,
        /// What is done to it.
        action: Action,
    },
    /// A call is made again after a pause.
    Retrying {
        /// Which resource.
        address: Address,
        /// How long the pause is.
        in_ms: u64,
        /// The error that asks for it.
        why: String,
    },
    /// A step came to its end, whatever that is.
    Finished {
        /// Which resource.
        address: Address,
        /// What was to be done to it.
        action: Action,
        /// What became of it.
        status: Status,
    },
}

/// Whoever watches.
pub trait Observer: Send + Sync {
    /// Takes notice; must return at once.
    fn event(&self, event: &Event);
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn event(&self, _event: &Event) {}
}
