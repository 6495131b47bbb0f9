//! The one list of handlers. What a process runs, what `bootstrap describe` prints and what the provisioner deploys
//! derive from it.

use billing::function::FunctionSpec;

use crate::api::api;
use crate::error::StartError;
use crate::handler::{Entry, entry};
use crate::handlers::cost_sync::CostSync;
use crate::handlers::costs::Costs;
use crate::handlers::invoicer::Invoicer;
use crate::handlers::invoices::Invoices;
use crate::handlers::pages::Pages;
use crate::handlers::payment::Payment;
use crate::handlers::payment_sweep::PaymentSweep;
use crate::handlers::session::Session;
use crate::handlers::webhook::Webhook;

/// Every handler. A new one is its file and a line here.
pub const HANDLERS: &[Entry] = &[
    entry::<CostSync>(),
    api::<Costs>(),
    entry::<Invoicer>(),
    api::<Invoices>(),
    api::<Payment>(),
    api::<Pages>(),
    entry::<PaymentSweep>(),
    api::<Session>(),
    api::<Webhook>(),
];

/// The entry of this name.
///
/// # Errors
/// [`StartError::UnknownHandler`], which lists the names there are.
pub fn find(name: &str) -> Result<&'static Entry, StartError> {
    let found = HANDLERS.iter().find(|entry| entry.spec.name == name);
    found.ok_or_else(|| StartError::UnknownHandler {
        name: name.to_owned(),
        known: HANDLERS.iter().map(|entry| entry.spec.name).collect::<Vec<_>>().join(", "),
    })
}

/// Every handler's spec.
pub fn describe() -> Vec<FunctionSpec> {
    HANDLERS.iter().map(|entry| entry.spec.describe()).collect()
}

/// The specs as `handlers.json` has them.
pub fn describe_json() -> String {
    // Plain data without maps of odd keys: this cannot fail.
    serde_json::to_string_pretty(&describe()).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests;
