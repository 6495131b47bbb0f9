//! The local cloud: MiniStack's life cycle, the gateway in front of it, and the strict Stripe started beside it.
//!
//! Real clients against real endpoints, on loopback only. [`LocalCloud`] runs within a process (tests, the demo);
//! [`daemon`] keeps one in the background for the command line.

pub mod admin;
mod budgets;
pub mod clock;
mod cloud;
pub mod costs;
pub mod daemon;
pub mod gateway;
pub mod mailbox;
pub mod ministack;
pub mod remote;
mod schedules;
mod stripe;
pub mod timeline;

pub use budgets::Published;
pub use cloud::{Description, Error, LocalCloud, Options};
pub use schedules::Fired;
