//! What is deployed besides the API: functions, the ledger table, schedules.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::manifest::text::{Days, Seconds};

/// Every handler a manifest may name, and whether this billform deploys it.
pub const HANDLERS: &[(&str, bool)] = &[
    ("billing", false),
    ("budget_guard", false),
    ("cost_sync", true),
    ("costs", true),
    ("dunning", false),
    ("invoicer", true),
    ("notices", false),
    ("payment", false),
    ("post_confirmation", false),
    ("reconcile", false),
    ("report_processor", false),
    ("usage", false),
    ("usage_collector", false),
    ("usage_meter", false),
    ("webhook", false),
];

/// The deployed functions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Functions {
    /// How long the functions' logs stay; one of the spans that CloudWatch knows.
    #[serde(default = "thirty_days")]
    pub log_retention: Days,
    /// Names and sizes by handler: `costs`, `cost_sync`, `invoicer`.
    #[serde(default)]
    pub handlers: BTreeMap<String, Handler>,
}

impl Default for Functions {
    fn default() -> Self {
        Functions { log_retention: thirty_days(), handlers: BTreeMap::new() }
    }
}

impl Functions {
    /// The manifest's settings of a handler; empty ones when it says nothing.
    pub fn handler(&self, name: &str) -> Handler {
        self.handlers.get(name).cloned().unwrap_or_default()
    }
}

/// Name and size of one function. What is left out comes from the bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Handler {
    /// The function's name; `<prefix>-<handler>` when left out. [`super::Manifest::function_name`] knows both.
    #[serde(default)]
    pub name: String,
    /// Memory, in MB.
    #[serde(default)]
    #[schemars(range(min = 128, max = 10240))]
    pub memory_mb: Option<u32>,
    /// Time-out.
    #[serde(default)]
    pub timeout: Option<Seconds>,
}

/// The table that holds costs, invoices and tenants.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// The table's name; `<prefix>-ledger` when left out.
    #[serde(default)]
    pub name: String,
    /// Whether AWS refuses to delete it.
    #[serde(default = "yes")]
    pub deletion_protection: bool,
    /// Whether it can be restored to any second of the last 35 days.
    #[serde(default = "yes")]
    pub point_in_time_recovery: bool,
}

impl Default for Ledger {
    fn default() -> Self {
        Ledger { name: String::new(), deletion_protection: true, point_in_time_recovery: true }
    }
}

/// When the scheduled functions run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedules {
    /// The daily run: cost figures are fetched.
    #[serde(default)]
    pub daily: Schedule,
    /// The daily look whether a month has settled and can be drafted; harmless when it is drafted already.
    #[serde(default)]
    pub invoicing: Schedule,
    /// The monthly run: invoices are drafted.
    #[serde(default)]
    pub monthly: Schedule,
}

impl Schedules {
    /// All of them with their names in the manifest.
    pub fn all(&self) -> [(&'static str, &Schedule); 3] {
        [("daily", &self.daily), ("invoicing", &self.invoicing), ("monthly", &self.monthly)]
    }

    /// A schedule by the name that function triggers use: `daily`, `invoicing`, `monthly`.
    pub fn named(&self, name: &str) -> Option<&Schedule> {
        self.all().into_iter().find_map(|(known, schedule)| (known == name).then_some(schedule))
    }
}

/// One EventBridge rule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The rule's name; `<prefix>-daily`, `-invoicing` or `-monthly` when left out.
    #[serde(default)]
    pub name: String,
    /// When it fires, in UTC: `cron(0 6 * * ? *)`. The function's own when left out.
    #[serde(default)]
    pub expression: Option<String>,
    /// Whether it fires at all.
    #[serde(default = "yes")]
    pub enabled: bool,
}

impl Default for Schedule {
    fn default() -> Self {
        Schedule { name: String::new(), expression: None, enabled: true }
    }
}

fn yes() -> bool {
    true
}

fn thirty_days() -> Days {
    Days::new(30)
}
