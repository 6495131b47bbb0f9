//! The handlers: each its work and its [`SPEC`](crate::handler::Handler::SPEC) in one place.

pub mod cost_sync;
pub mod costs;
pub mod invoicer;
pub mod invoices;
pub mod pages;
pub mod payment;
pub mod payment_sweep;
pub mod session;
pub mod webhook;
