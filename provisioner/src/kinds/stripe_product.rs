//! `stripe_product`: something Stripe sells for us. Found by its metadata; archived, never deleted, once it has prices.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a product is to be. Output: `id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// Shown on invoices and pages.
    pub name: String,
    /// Shown below the name.
    pub description: Option<String>,
    /// Whether it can be bought.
    pub active: bool,
    /// Metadata beside the ownership keys.
    pub metadata: BTreeMap<String, String>,
}
