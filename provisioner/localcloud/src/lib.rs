//! The local cloud: MiniStack's life cycle, the gateway in front of it, the strict Stripe beside it.
//!
//! Real clients against real endpoints, on loopback only. [`LocalCloud`] runs within a process (tests, the demo);
//! [`daemon`] keeps one in the background for the command line.

// One Stripe object is a single json! of a hundred keys.
#![recursion_limit = "256"]

pub mod admin;
mod cloud;
pub mod costs;
pub mod daemon;
pub mod gateway;
pub mod ministack;
pub mod stripe;

pub use cloud::{Description, Error, LocalCloud, Options};
