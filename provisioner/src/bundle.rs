//! The handlers' bundle: how it is built, where, and which one a run deploys.

pub mod checkout;
pub mod packaging;
pub mod selection;
