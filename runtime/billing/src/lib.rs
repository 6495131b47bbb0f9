//! The pure billing domain: what money, a period, a tenant, a price and an invoice are.
//!
//! It reaches no clock, network, environment or file; `clippy.toml` beside this crate refuses them.

pub mod attribution;
pub mod balance;
pub mod brand;
pub mod costs;
pub mod csv;
pub mod currency;
pub mod evidence;
pub mod exact;
pub mod function;
pub mod invoice;

pub mod ledger;
pub mod link;
pub mod link_key;
#[cfg(feature = "manifest")]
pub mod manifest;
pub mod money;
pub mod names;
pub mod period;
pub mod pricing;
pub mod rotated;
pub mod session;
pub mod sharing;
pub mod split;
pub mod statement;
pub mod tenant;

pub use currency::Currency;
pub use money::{Money, Percent};
pub use period::{Month, Period};
