//! The world that the simulator runs the handlers in: tenants, what AWS says each day cost and how that changes, edits
//! of the manifest, and what people and machines do to runs and invoices. It knows no handler and no port.
//!
//! [`Plan::draw`] makes a plan from a seed: a list of [`Event`]s, each of a day, which mean something alone, so that
//! [`shrink`] can drop them one by one. A [`Script`] plays a plan day by day: [`Script::advance`] returns the day's
//! [`Trouble`]s, for whoever drives the handlers to cause, and [`Script::facts`] is what is true since, for the ports
//! (cost as of now, tenants as the manifest says) and for the oracle that judges.
//!
//! Readings of the contract are the oracle's, not this package's: a plan only says what happened.

#[cfg(test)]
mod biller;
mod draw;
mod event;
mod plan;
mod random;
mod script;
mod shrink;
#[cfg(test)]
mod tests;

pub use draw::Sizes;
pub use event::{Company, Deed, Event, Trouble, Workload};
pub use plan::Plan;
pub use random::Random;
pub use script::{Script, TENANT_TAG};
pub use shrink::shrink;
