//! What the ledger keeps of an invoice, from the claim on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Invoice, Settlement};
use crate::pricing::Terms;
use crate::{Money, Month, names};

/// One (tenant, month, revision) as the ledger holds it under [`crate::ledger::invoice_key`].
///
/// The claim stores the priced invoice and its terms, so a run that goes on after a crash draws up the same lines
/// whatever became of prices and costs meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceRecord {
    /// How far it got.
    pub state: InvoiceState,
    /// Counts up when an issued invoice is replaced; 1 is the first.
    pub revision: u32,
    /// Counts up with every write of this record: a write that expects another version fails.
    pub version: u64,
    /// Who is working on it; none when nobody is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// The Stripe customer it is for; none when nothing is charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// The Stripe invoice, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stripe_invoice: Option<String>,
    /// The Stripe invoice items, in the order of the lines, as far as they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stripe_items: Vec<String>,
    /// Days until it is due.
    pub days_until_due: u32,
    /// The terms it was priced under.
    pub terms: Terms,
    /// Lines, total, explanation.
    pub invoice: Invoice,
}

/// How far an invoice got. Only ever moves down this list, but for a month with nothing due whose cost is found late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceState {
    /// Priced and taken on; nothing is known to exist in Stripe.
    Claimed,
    /// The draft exists in Stripe, lines are being added.
    Drafting,
    /// The draft is whole and its total was verified.
    Draft,
    /// Somebody finalised it in Stripe.
    Issued,
    /// The total is zero: there is no Stripe invoice.
    NothingDue,
    /// The total is negative: no Stripe invoice, the amount goes to the next month.
    Credit,
}

/// A claim on an invoice record that ends by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The run that holds it.
    pub holder: String,
    /// When it ends.
    pub until: Timestamp,
}

impl InvoiceState {
    /// Whether nothing is left to do.
    pub fn is_done(self) -> bool {
        match self {
            InvoiceState::Claimed | InvoiceState::Drafting => false,
            InvoiceState::Draft | InvoiceState::Issued | InvoiceState::NothingDue | InvoiceState::Credit => true,
        }
    }
}

impl InvoiceRecord {
    /// The tenant's id.
    pub fn tenant(&self) -> &str {
        &self.invoice.tenant
    }

    /// The month billed.
    pub fn month(&self) -> Month {
        self.invoice.month
    }

    /// What it leaves to the next month: the amount owed to the tenant, where it closed as a credit.
    pub fn carried_credit(&self) -> Option<Money> {
        match self.invoice.settlement() {
            Settlement::Credit(credit) if self.state == InvoiceState::Credit => Some(credit),
            Settlement::Credit(_) | Settlement::Charge(_) | Settlement::Nothing => None,
        }
    }

    /// Whether another run holds it at `now`.
    pub fn held_by_other(&self, holder: &str, now: Timestamp) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.holder != holder && lease.until > now)
    }

    /// The idempotency key of one step, derived from what the step is about and nothing else.
    ///
    /// The customer is part of it: stacks that share a Stripe account may have tenants of the same name.
    pub fn idempotency_key(&self, step: &str) -> String {
        let customer = self.customer.as_deref().unwrap_or("none");
        let (tenant, month, revision) = (self.tenant(), self.month(), self.revision);
        format!("billform-{customer}-{tenant}-{month}-r{revision}-{step}")
    }

    /// The metadata by which the Stripe invoice is found again.
    pub fn metadata(&self) -> Vec<(String, String)> {
        [
            (names::TENANT_METADATA, self.tenant().to_owned()),
            (names::PERIOD_METADATA, self.month().to_string()),
            (names::REVISION_METADATA, self.revision.to_string()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .to_vec()
    }
}
