//! The HTTP API.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::manifest::text::{Days, Seconds};

/// The HTTP API; none is deployed when `surfaces` is empty.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// The API's name; `<prefix>-api` when left out.
    #[serde(default)]
    pub name: String,
    /// Its stage.
    #[serde(default = "prod")]
    pub stage: String,
    /// Which endpoints, functions and pages are deployed.
    #[serde(default)]
    pub surfaces: Vec<Surface>,
    /// A domain of its own.
    #[serde(default)]
    #[schemars(extend("x-billform-later" = true))]
    pub domain: Option<ApiDomain>,
    /// Which pages of other origins may call it.
    #[serde(default)]
    pub cors: Cors,
    /// How many requests it takes.
    #[serde(default)]
    pub throttle: Throttle,
    /// Where requests are logged.
    #[serde(default)]
    pub access_log: AccessLog,
}

impl Default for Api {
    fn default() -> Self {
        Api {
            name: String::new(),
            stage: prod(),
            surfaces: Vec::new(),
            domain: None,
            cors: Cors::default(),
            throttle: Throttle::default(),
            access_log: AccessLog::default(),
        }
    }
}

fn prod() -> String {
    "prod".to_owned()
}

/// A group of endpoints with their functions and pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Surface {
    /// Costs and payment for a client: `/costs`, `/payment`.
    Portal,
    /// Usage of a customer: `/customers/{id}/…`.
    #[schemars(extend("x-billform-later" = true))]
    Customers,
    /// The current bill: `/billing`.
    #[schemars(extend("x-billform-later" = true))]
    Billing,
    /// Subscriptions: `/admin/billing/…`.
    #[schemars(extend("x-billform-later" = true))]
    Admin,
    /// The usage page: `/portal/usage`.
    #[schemars(extend("x-billform-later" = true))]
    Usage,
}

impl Surface {
    /// As the manifest and function specs write it: `portal`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Surface::Portal => "portal",
            Surface::Customers => "customers",
            Surface::Billing => "billing",
            Surface::Admin => "admin",
            Surface::Usage => "usage",
        }
    }
}

/// A domain of the API's own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiDomain {
    /// The domain: `api.billing.example.com`.
    pub name: String,
    /// The domain its certificate is for, when wider: `*.billing.example.com`.
    #[serde(default)]
    pub certificate: Option<String>,
    /// The hosted zone that gets the record; without it billform prints the record to make.
    #[serde(default)]
    pub zone: Option<String>,
}

/// Which pages of other origins may call the API.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cors {
    /// The origins: `https://mmp-toledo.billing.example.com`. None when empty.
    #[serde(default)]
    pub origins: Vec<String>,
    /// How long browsers remember the answer.
    #[serde(default = "five_minutes")]
    pub max_age: Seconds,
}

impl Default for Cors {
    fn default() -> Self {
        Cors { origins: Vec::new(), max_age: five_minutes() }
    }
}

fn five_minutes() -> Seconds {
    Seconds::new(300)
}

/// How many requests the API takes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Throttle {
    /// Requests per second, lasting.
    #[serde(default = "fifty")]
    #[schemars(range(min = 1, max = 10000))]
    pub rate: u32,
    /// Requests at once.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1, max = 5000))]
    pub burst: u32,
}

impl Default for Throttle {
    fn default() -> Self {
        Throttle { rate: fifty(), burst: hundred() }
    }
}

fn fifty() -> u32 {
    50
}

fn hundred() -> u32 {
    100
}

/// Where requests are logged.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessLog {
    /// The log group; `/aws/apigateway/<api>` when left out.
    #[serde(default)]
    pub group: String,
    /// How long entries stay.
    #[serde(default = "thirty_days")]
    pub retention: Days,
}

impl Default for AccessLog {
    fn default() -> Self {
        AccessLog { group: String::new(), retention: thirty_days() }
    }
}

fn thirty_days() -> Days {
    Days::new(30)
}
