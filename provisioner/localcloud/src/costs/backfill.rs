//! One backfill of cost-allocation tags.
//!
//! Source: docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/cost-allocation-backfill.html and
//! docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_StartCostAllocationTagBackfill.html. How long one takes
//! is not published; here it ends with the day.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A backfill that was requested: the keys that were active then count from its first day on, once it has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backfill {
    /// The first of a month.
    pub from: Date,
    /// The day it was requested on; none where the model has no present day, and it ends at once.
    pub requested: Option<Date>,
    /// The keys that were active.
    pub keys: BTreeSet<String>,
}

impl Backfill {
    /// Whether it has ended by this day: it takes until the next one.
    pub fn has_ended(&self, today: Option<Date>) -> bool {
        self.requested.is_none_or(|requested| today.is_none_or(|today| today > requested))
    }

    /// Whether it covers a key's cost of a day.
    pub fn reaches(&self, key: &str, day: Date) -> bool {
        self.keys.contains(key) && day >= self.from
    }

    /// As the history shows it.
    pub fn described(&self, today: Option<Date>) -> Value {
        let instant = |day: Date| format!("{day}T00:00:00Z");
        let requested = self.requested.unwrap_or(self.from);
        let mut shown = json!({ "BackfillFrom": instant(self.from), "RequestedAt": instant(requested) });
        let (status, updated) = match self.has_ended(today) {
            true => ("SUCCEEDED", self.requested.and_then(|day| day.tomorrow().ok()).unwrap_or(requested)),
            false => ("PROCESSING", requested),
        };
        shown["BackfillStatus"] = json!(status);
        shown["LastUpdatedAt"] = json!(instant(updated));
        if status == "SUCCEEDED" {
            shown["CompletedAt"] = json!(instant(updated));
        }
        shown
    }
}
