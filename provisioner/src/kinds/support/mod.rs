//! What several kinds share: waiting, tags, policies, name prefixes, and Stripe's way of listing and archiving.

pub mod cloudwatch;
pub mod inventory;
pub mod policy;
pub mod prefix;
pub mod stripe;
pub mod tagging;
pub mod waiter;
