//! `schedule`: an EventBridge rule with its one target, a function. The permission to call it is the function's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a schedule is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The rule's name: `monthly-client-billing`.
    pub name: String,
    /// Shown in the console.
    pub description: String,
    /// `cron(0 0 1 * ? *)`, UTC.
    pub expression: String,
    /// Whether it fires.
    pub enabled: bool,
    /// ARN of the function it calls.
    pub target_arn: String,
    /// The event the function gets.
    pub input: Value,
    /// Tags beside the ownership tags.
    pub tags: BTreeMap<String, String>,
}
