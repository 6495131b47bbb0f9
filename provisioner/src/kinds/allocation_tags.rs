//! `allocation_tags`: tag keys that are active for cost allocation. They are the whole payer's, so they are
//! activated and never deactivated; a key AWS has not seen yet is pending, not an error.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Which tag keys are to be active.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The keys: `ClientOrganization`.
    pub active: BTreeSet<String>,
}
