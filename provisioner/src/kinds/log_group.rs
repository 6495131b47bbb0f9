//! `log_group`: a CloudWatch log group that we make ourselves, so that no function brings it back untagged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a log group is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// `/aws/lambda/client-billing-costs`.
    pub name: String,
    /// How long its lines are kept, in days: one of the values AWS allows.
    pub retention_days: u32,
    /// Tags beside the ownership tags.
    pub tags: BTreeMap<String, String>,
}
