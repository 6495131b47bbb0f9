//! How a tenant pays: the payment method that Stripe charges by default, as of the last look.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Expect, Indexed, Key, Ledger, PortError, Record, Stored};

/// The sort key of a tenant's payment set-up.
pub const PAYMENT_SETUP_ITEM: &str = "payment-setup";

/// How a tenant pays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentSetup {
    /// The Stripe customer, `cus_…`.
    pub customer: String,
    /// Whether the customer was deleted in Stripe.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// What invoices are charged to by default; none where nothing can be charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<PaymentMethod>,
    /// The last set-up whose method was made the default: an earlier one never replaces it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup_intent: Option<String>,
    /// Stripe's word for the mandate of that set-up: `active`, `inactive`, `pending`; none where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mandate: Option<String>,
    /// When this was last changed.
    pub at: Timestamp,
    /// Counts the writes of this record.
    pub version: u64,
}

/// A payment method, as far as people tell methods apart by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentMethod {
    /// `pm_…`.
    pub id: String,
    /// Stripe's word for its kind: `card`, `sepa_debit`.
    pub kind: String,
    /// The last digits of its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last4: Option<String>,
}

/// `card ending in 4242`.
impl fmt::Display for PaymentMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        match &self.last4 {
            Some(last4) => write!(f, " ending in {last4}"),
            None => Ok(()),
        }
    }
}

impl Record for PaymentSetup {
    const NAME: &'static str = "payment_setup";
    const SCHEMA: u32 = 1;

    fn sort_key(&self) -> String {
        PAYMENT_SETUP_ITEM.to_owned()
    }

    fn indexed(&self) -> Indexed {
        Indexed { version: Some(self.version), ..Indexed::default() }
    }
}

impl PaymentSetup {
    /// Whether both say the same of how the tenant pays.
    pub fn agrees_with(&self, other: &PaymentSetup) -> bool {
        let PaymentSetup { at, version, .. } = other.clone();
        PaymentSetup { at, version, ..self.clone() } == *other
    }

    /// The record as an item of a transaction, which holds only where it is as it was read.
    pub fn write(&self, tenant: &str, before: Option<&PaymentSetup>) -> Result<(Stored, Expect), PortError> {
        let expect = before.map_or(Expect::Absent, |before| Expect::Version(before.version));
        Ok((Stored::of(tenant, self)?, expect))
    }
}

/// How a tenant pays; none where Stripe said nothing of it yet.
pub async fn one(ledger: &dyn Ledger, tenant: &str) -> Result<Option<PaymentSetup>, PortError> {
    let found = ledger.get(&Key::new(tenant, PAYMENT_SETUP_ITEM)).await?;
    found.map(|stored| stored.record()).transpose()
}

/// The same by a query: people may query the ledger, and get no item.
pub async fn queried(ledger: &dyn Ledger, tenant: &str) -> Result<Option<PaymentSetup>, PortError> {
    let found = ledger.range(tenant, PAYMENT_SETUP_ITEM, PAYMENT_SETUP_ITEM).await?;
    found.first().map(Stored::record).transpose()
}
