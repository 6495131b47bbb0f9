//! A desired resource: what the manifest wants to exist, before anyone looked.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Address;

/// One node of the desired graph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// Where it stands.
    pub address: Address,
    /// The tenant it belongs to; none for what all share.
    pub tenant: Option<String>,
    /// The kind's `Desired`, erased; references to other resources stand in it as [`crate::Input`]s.
    pub desired: Value,
    /// What must exist first though no field refers to it (a role whose ARN follows from its name).
    pub depends_on: BTreeSet<Address>,
}
