//! Secrets by reference, and the Stripe account that uses them.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::function::{DEFAULT_WEBHOOK_API_VERSION, DEFAULT_WEBHOOK_PATH};

/// A secret in AWS Secrets Manager: where it is kept, never what it is.
///
/// Its value comes from the environment variable [`Secret::variable`], from a prompt, or is generated. The entry `evidence`
/// holds the key pair that signs evidence of invoices; billform adds it wherever `stripe` is set, and makes it up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// The secret's name in Secrets Manager; `<prefix>/<secret>` when left out.
    #[serde(default)]
    pub name: String,
    /// The JSON key that holds the value: `apiKey`. The whole secret is the value when left out.
    #[serde(default)]
    pub key: Option<String>,
    /// Whether billform makes up the value when it creates the secret.
    #[serde(default)]
    pub generate: bool,
    /// What it is for, shown in the console.
    #[serde(default)]
    pub description: Option<String>,
}

impl Secret {
    /// The entry that is made wherever invoices are: the key pair that signs their evidence.
    pub const EVIDENCE: &str = "evidence";

    /// The environment variable that gives the value of the secret named `name` in the manifest:
    /// `BILLFORM_SECRET_STRIPE`.
    pub fn variable(name: &str) -> String {
        let upper = name.chars().map(|c| match c.is_ascii_alphanumeric() {
            true => c.to_ascii_uppercase(),
            false => '_',
        });
        format!("BILLFORM_SECRET_{}", upper.collect::<String>())
    }
}

/// The Stripe account that bills.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stripe {
    /// Which entry of `secrets` holds the secret key.
    pub secret_key: String,
    /// The publishable key, `pk_…`: public, served to payment pages.
    #[serde(default)]
    #[schemars(extend("x-billform-later" = true))]
    pub publishable_key: Option<String>,
    /// How tenants may pay.
    #[serde(default = "card")]
    pub payment_methods: Vec<PaymentMethod>,
    /// Where Stripe's events arrive; nothing learns of payments from events without it.
    #[serde(default)]
    pub webhook: Option<Webhook>,
    /// What Stripe's customer portal allows.
    #[serde(default)]
    pub portal: Option<PortalConfiguration>,
}

fn card() -> Vec<PaymentMethod> {
    vec![PaymentMethod::Card]
}

/// How tenants may pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PaymentMethod {
    /// Cards.
    Card,
    /// SEPA direct debit.
    #[schemars(extend("x-billform-refused" = "write `payment_methods: [card]`; Stripe's Dashboard says what else an invoice's page offers"))]
    SepaDebit,
    /// Debit from a US bank account.
    #[schemars(extend("x-billform-refused" = "write `payment_methods: [card]`; Stripe's Dashboard says what else an invoice's page offers"))]
    UsBankAccount,
}

/// The webhook that Stripe's events arrive at. Which events those are follows from the handlers that are deployed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where it lies on the HTTP API: `/billing/webhook`.
    #[serde(default = "webhook_path")]
    pub path: String,
    /// Which entry of `secrets` holds the signing secret; billform stores what Stripe issues there. An entry `webhook` is
    /// made when it is left out.
    #[serde(default = "webhook_secret")]
    pub secret: String,
    /// The version of Stripe's API that events are written in: `2026-09-30.endive`. Another one is a rotation: a second
    /// endpoint is made before the first is removed.
    #[serde(default = "webhook_api_version")]
    pub api_version: String,
}

impl Webhook {
    /// The entry of `secrets` that is made when a webhook names none.
    pub const SECRET: &str = "webhook";
}

fn webhook_path() -> String {
    DEFAULT_WEBHOOK_PATH.to_owned()
}

fn webhook_secret() -> String {
    Webhook::SECRET.to_owned()
}

fn webhook_api_version() -> String {
    DEFAULT_WEBHOOK_API_VERSION.to_owned()
}

/// What Stripe's customer portal allows. The stack has a configuration of its own there; the account's default is left alone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PortalConfiguration {
    /// Where it returns to when nothing else is said: `https://billing.example.com/`.
    pub return_url: String,
    /// Whether subscriptions may be cancelled, at the end of their period.
    #[serde(default)]
    pub allow_cancel: bool,
    /// Whether the payment method may be changed.
    #[serde(default = "yes")]
    pub allow_payment_method: bool,
}

fn yes() -> bool {
    true
}
