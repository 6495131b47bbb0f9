//! The wire: forms in, JSON out, and everything Stripe checks before an object is looked at. Knows no object.

pub(crate) mod auth;
pub(crate) mod blank;
pub(crate) mod error;
pub(crate) mod expand;
pub(crate) mod form;
pub(crate) mod idempotency;
pub(crate) mod list;
pub(crate) mod object;
pub(crate) mod params;
pub(crate) mod schema;
pub(crate) mod server;
