//! `stripe_price`: what a product costs. Immutable: another amount is a new price that takes the lookup key over,
//! and the old one is archived.

use std::collections::BTreeMap;

use engine::Input;
use serde::{Deserialize, Serialize};

/// What a price is to be. Output: `id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The key it is found by, unique in the account: `mmp-toledo-portal`.
    pub lookup_key: String,
    /// The product's id.
    pub product: Input<String>,
    /// Lower case: `usd`.
    pub currency: String,
    /// The amount in minor units.
    pub unit_amount: i64,
    /// `month`, `year`, …; none for a one-off price.
    pub interval: Option<String>,
    /// Shown in the dashboard.
    pub nickname: Option<String>,
    /// Whether it can be used.
    pub active: bool,
    /// Metadata beside the ownership keys.
    pub metadata: BTreeMap<String, String>,
}
