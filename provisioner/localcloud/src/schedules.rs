//! Schedules of EventBridge: when they are due, and what happens then.
//!
//! MiniStack keeps the rules; the gateway fires them, by the local cloud's clock. MiniStack's own scheduler follows the
//! machine's time and is switched off.

pub mod cron;
pub mod expression;
pub(crate) mod firing;
pub(crate) mod registry;
pub(crate) mod rules;

pub use firing::Fired;
