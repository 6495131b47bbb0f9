//! What is deployed besides the API: functions, the ledger table, schedules.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::manifest::text::{Days, Seconds};

/// The deployed functions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Functions {
    /// How long the functions' logs stay; one of the spans that CloudWatch knows.
    #[serde(default = "thirty_days")]
    pub log_retention: Days,
    /// Names and sizes by handler of the bundle: `costs`, `cost_sync`, `invoicer`.
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
    /// Another stack's ledger, by its table's name, or by its ARN where it lies in another account: cost is claimed there
    /// too, so that several stacks that read one payer's bill never invoice the same tag value and month. The others name
    /// the ledger of one; that one leaves this out.
    #[serde(default)]
    pub claims: Option<String>,
    /// Whether AWS refuses to delete it.
    #[serde(default = "yes")]
    pub deletion_protection: bool,
    /// Whether it can be restored to any second of the last 35 days.
    #[serde(default = "yes")]
    pub point_in_time_recovery: bool,
}

impl Default for Ledger {
    fn default() -> Self {
        Ledger { name: String::new(), claims: None, deletion_protection: true, point_in_time_recovery: true }
    }
}

/// One EventBridge rule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The rule's name; `<prefix>-<schedule>` when left out.
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
