//! The handlers as a stack deploys them, started on its settings.

use std::sync::Arc;

use billing::function::Setting;
use oracle::facts::Policy;
use runtime::environment::Environment;
use runtime::error::StartError;
use runtime::handler::Started;
use runtime::ports::Ports;
use runtime::registry;
use runtime::settings::Settings;

use super::script::TENANT_TAG;

/// The name of the secret that holds what Stripe signs its events with.
pub(crate) const SIGNING_SECRET: &str = "signing";
/// Where events come in.
pub(crate) const WEBHOOK_PATH: &str = "/billing/webhook";

/// Starts a handler by its name.
///
/// # Errors
/// It does not start on these settings.
pub fn start(
    name: &str,
    policy: &Policy,
    is_manual: bool,
    ports: Arc<dyn Ports>,
) -> Result<Box<dyn Started>, StartError> {
    let settings = [
        (Setting::LedgerTable, "ledger".to_owned()),
        (Setting::Stack, "simulation".to_owned()),
        (Setting::StripeSecret, "stripe".to_owned()),
        (Setting::WebhookSecret, SIGNING_SECRET.to_owned()),
        (Setting::WebhookPath, WEBHOOK_PATH.to_owned()),
        (Setting::TenantTag, TENANT_TAG.to_owned()),
        (Setting::CostBasis, "UnblendedCost".to_owned()),
        (Setting::SettleDays, policy.settle_days.to_string()),
        (Setting::InvoicingDay, policy.draft_day.to_string()),
        (Setting::Approval, if is_manual { "manual" } else { "automatic" }.to_owned()),
        (Setting::ApprovalDeviation, if is_manual { "" } else { "400%" }.to_owned()),
        (Setting::Collection, "send-invoice".to_owned()),
    ];
    let settings = Settings::new(settings.map(|(setting, value)| (setting.variable().to_owned(), value)));
    let entry = registry::find(name)?;
    entry.start(&Environment::new(entry.spec, settings, ports))
}
