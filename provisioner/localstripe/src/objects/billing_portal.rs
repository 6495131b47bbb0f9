//! The customer portal: what it lets a customer do, and the page that one customer may open.

pub(crate) mod configuration;
pub(crate) mod session;
