//! `tenant_record`: one tenant as an item of the ledger table; the runtime reads it.
//! Attributes beside the record (paused, ids learned later) are the runtime's and never drift.

use engine::Input;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a tenant record is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The ledger table's name.
    pub table: String,
    /// The tenant's id, the item's partition key.
    pub tenant: String,
    /// `billing::tenant::TenantRecord` as JSON, but for the customer's id.
    pub record: Value,
    /// The tenant's Stripe customer; goes into the stored record as `stripe_customer`.
    pub stripe_customer: Option<Input<String>>,
}
