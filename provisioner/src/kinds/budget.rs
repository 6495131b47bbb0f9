//! `budget`: a monthly cost budget of one tenant, with its notifications. Amounts compare as numbers.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What a budget is to be: COST, MONTHLY, ACTUAL, GREATER_THAN, PERCENTAGE.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// At most 100 characters, no `:` or `\`: `daylily-acme-monthly`.
    pub name: String,
    /// The limit in USD.
    pub limit_usd: Decimal,
    /// The cost-allocation tag it filters on.
    pub tag_key: String,
    /// The tag value it filters on.
    pub tag_value: String,
    /// Threshold in percent -> who is told.
    pub alerts: BTreeMap<u32, Subscribers>,
    /// Tags beside the ownership tags.
    pub tags: BTreeMap<String, String>,
}

/// Who is told when a threshold is passed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribers {
    /// E-mail addresses, at most ten.
    pub emails: BTreeSet<String>,
    /// ARN of one SNS topic.
    pub topic: Option<String>,
}
