//! `stripe_customer`: a tenant in Stripe. Found by its metadata; destroy keeps it: its invoices are the books.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a customer is to be. Output: `id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The tenant's name.
    pub name: String,
    /// Where invoices go.
    pub email: String,
    /// Languages of mails and invoices, most wanted first: `en-US`.
    pub preferred_locales: Vec<String>,
    /// Metadata beside the ownership keys.
    pub metadata: BTreeMap<String, String>,
}
