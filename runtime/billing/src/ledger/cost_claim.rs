//! Who is invoiced for a month's cost.

use serde::{Deserialize, Serialize};

use super::{Indexed, Key, Record};
use crate::Month;

/// Both keys of a claim start with it; no tenant's id does.
pub const CLAIM_PREFIX: &str = "claim#";

/// Who is invoiced for the cost of one tag value in one month.
///
/// Cost is told apart by tags, and invoices by tenants; ids and tags change hands. Whoever claims the cost first has it,
/// so that no cost comes onto two invoices.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CostClaim {
    /// The tag that tells the cost apart, `key=value`: `ClientOrganization=Acme`.
    pub tag: String,
    /// The month.
    pub month: Month,
    /// The tenant who is invoiced for it.
    pub tenant: String,
}

impl Record for CostClaim {
    const NAME: &'static str = "cost_claim";
    const SCHEMA: u32 = 1;

    fn sort_key(&self) -> String {
        format!("{CLAIM_PREFIX}{}", self.month)
    }

    fn indexed(&self) -> Indexed {
        Indexed { holder: Some(self.tenant.clone()), ..Indexed::default() }
    }
}

impl CostClaim {
    /// The claim's partition key, `claim#ClientOrganization=Acme`: it belongs to the cost, whoever the tenant is.
    pub fn partition(&self) -> String {
        format!("{CLAIM_PREFIX}{}", self.tag)
    }

    /// Where the claim on this cost lies, whoever has it.
    pub fn key(&self) -> Key {
        Key::new(self.partition(), self.sort_key())
    }
}
