//! Stripe as the invoicer sees it: drafts, their items, and how to find them again.

use async_trait::async_trait;
use billing::money::MinorUnits;
use billing::{Currency, Period};

use super::PortError;

/// Stripe's invoices.
#[async_trait]
pub trait Invoices: Send + Sync {
    /// The customer's invoice with this metadata that is not void, found by listing; search lags behind.
    async fn find(&self, customer: &str, metadata: &[(String, String)]) -> Result<Option<RemoteInvoice>, PortError>;
    /// Creates an empty draft that takes up no pending items and advances only when told to.
    async fn create_draft(&self, request: &DraftRequest) -> Result<RemoteInvoice, PortError>;
    /// The invoice as it is now.
    async fn invoice(&self, id: &str) -> Result<RemoteInvoice, PortError>;
    /// The items attached to an invoice.
    async fn items(&self, invoice: &str) -> Result<Vec<RemoteItem>, PortError>;
    /// Attaches an item to a draft.
    async fn add_item(&self, request: &ItemRequest) -> Result<RemoteItem, PortError>;
}

/// A draft to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftRequest {
    /// The Stripe customer.
    pub customer: String,
    /// The invoice's currency.
    pub currency: Currency,
    /// Days until it is due, from when it is finalised.
    pub days_until_due: u32,
    /// A note shown on the invoice.
    pub description: Option<String>,
    /// By which it is found again.
    pub metadata: Vec<(String, String)>,
    /// Derived from what the draft is for.
    pub idempotency_key: String,
}

/// An item to attach to a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemRequest {
    /// The Stripe customer.
    pub customer: String,
    /// The draft.
    pub invoice: String,
    /// What it comes to.
    pub amount: MinorUnits,
    /// The invoice's currency.
    pub currency: Currency,
    /// As the tenant reads it.
    pub description: String,
    /// The days it is for.
    pub period: Period,
    /// Its place on the invoice, counted from 0.
    pub line: usize,
    /// Derived from what the item is for.
    pub idempotency_key: String,
}

/// An invoice in Stripe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteInvoice {
    /// `in_…`.
    pub id: String,
    /// How far it got.
    pub status: RemoteStatus,
    /// The sum of its items.
    pub total: MinorUnits,
    /// Its currency's code, upper case.
    pub currency: String,
}

/// How far an invoice got in Stripe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoteStatus {
    /// Can still be edited.
    Draft,
    /// Finalised: open, paid or uncollectible.
    Issued,
    /// Taken back.
    Void,
    /// A status that this version does not know; never taken for success.
    Unknown(String),
}

/// An item of an invoice in Stripe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteItem {
    /// `ii_…`.
    pub id: String,
    /// Its place on the invoice; none when somebody else added it.
    pub line: Option<usize>,
}
