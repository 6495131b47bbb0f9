//! The pages that tenants see: pure functions from a statement and a look to HTML. No I/O here; the handler `pages` loads
//! what they show.
//!
//! Pages hold no inline script and no inline style. Every figure is written as `<data value="125.50">`, so that a test
//! reads back what a tenant sees and holds it against the API.

mod amount;
pub mod assets;
mod chart;
mod derivation;
mod error;
mod frame;
mod help;
mod invoice;
pub mod locale;
mod portal;
mod signin;
#[cfg(test)]
mod tests;
mod words;

pub use error::{ErrorPage, error};
pub use frame::Look;
pub use help::help;
pub use invoice::{InvoicePage, invoice};
pub use portal::{Message, PortalPage, portal};
pub use signin::signin;
