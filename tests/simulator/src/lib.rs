//! The world that the simulator runs the handlers in: tenants, what AWS says each day cost and how that changes, edits
//! of the manifest, and what people and machines do to runs and invoices.
//!
//! [`Plan::draw`] makes a plan from a seed: a list of [`Event`]s, each of a day, which mean something alone, so that
//! [`shrink`] can drop them one by one. A [`Script`] plays a plan day by day: [`Script::advance`] returns the day's
//! [`Trouble`]s, and [`Script::facts`] is what is true since. They know no handler.
//!
//! [`Simulation`] drives the real handlers through a plan. Their ports lie over memory (`memory`): the ledger, Cost
//! Explorer as it answers the script's facts, the strict Stripe in this process, a clock that is moved. An observer reads
//! what there is then in Stripe and in the ledger, and the oracle judges that each day.
//!
//! Readings of the contract are the oracle's, not this package's: a plan only says what happened.

mod audit;
#[cfg(test)]
mod biller;
mod campaign;
mod cash;
pub mod cli;
mod costs;
mod deliveries;
mod disturbance;
mod draw;
mod driver;
mod event;
mod exchange;
mod gate;
mod handlers;
mod invoices;
mod kept;
mod ledger;
mod memory;
mod observer;
mod payers;
mod people;
mod plan;
mod planted;
mod random;
mod records;
mod requests;
mod said;
mod script;
mod shared;
mod shrink;
mod story;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod trace;
mod webhook;

pub use campaign::{Campaign, Enough, Played};
pub use cash::Cash;
pub use draw::Sizes;
pub use driver::{Counts, Failure, Simulation};
pub use event::{Company, Deed, Event, Trouble, Workload};
pub use handlers::start;
pub use memory::Memory;
pub use plan::Plan;
pub use planted::Planted;
pub use random::Random;
pub use requests::{Form, lines, send};
pub use script::{Script, TENANT_TAG};
pub use shared::Shared;
pub use shrink::shrink;
pub use story::story;
pub use table::Table;
pub use webhook::{Endpoint, Webhook};
