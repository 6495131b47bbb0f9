//! Stripe as the invoicer sees it: an invoice's whole life, and how invoices are found again.

use async_trait::async_trait;
use billing::invoice::{Attempt, Collection, Remote, RemoteCreditNote};
use billing::money::MinorUnits;
use billing::{Currency, Period};

use super::PortError;

/// Stripe's invoices.
#[async_trait]
pub trait Invoices: Send + Sync {
    /// Every invoice of a customer that billform made, found by listing; search lags behind. Fails for a customer that this
    /// account and mode do not know.
    async fn of_customer(&self, customer: &str) -> Result<Vec<Remote>, PortError>;
    /// The invoice as it is now; none when Stripe does not know it.
    async fn invoice(&self, id: &str) -> Result<Option<Remote>, PortError>;
    /// Creates an empty draft that takes up no pending items and advances only when told to.
    async fn create_draft(&self, request: &DraftRequest) -> Result<Remote, PortError>;
    /// Adds lines to a draft, and states in its metadata what it then carries: all in one call, or nothing.
    async fn add_lines(&self, request: &LinesRequest) -> Result<Remote, PortError>;
    /// The ids of all lines of a draft.
    async fn line_ids(&self, invoice: &str) -> Result<Vec<String>, PortError>;
    /// Removes lines from a draft, and states so in its metadata.
    async fn remove_lines(&self, request: &RemoveRequest) -> Result<Remote, PortError>;
    /// Changes a draft's metadata, and how its money comes in.
    async fn update(&self, request: &UpdateRequest) -> Result<Remote, PortError>;
    /// Finalises a draft; from then on Stripe advances it by itself.
    async fn finalize(&self, step: &StepRequest) -> Result<Remote, PortError>;
    /// E-mails a finalised invoice.
    async fn send(&self, step: &StepRequest) -> Result<Remote, PortError>;
    /// Takes a finalised invoice back.
    async fn void(&self, step: &StepRequest) -> Result<Remote, PortError>;
    /// Every payment towards a finalised invoice, oldest first, with its refunds and disputes.
    async fn payments(&self, invoice: &str) -> Result<Vec<Attempt>, PortError>;
    /// Every credit note on an invoice, voided ones too.
    async fn credit_notes(&self, invoice: &str) -> Result<Vec<RemoteCreditNote>, PortError>;
    /// Issues a credit note on an invoice that is open or paid.
    async fn credit(&self, request: &CreditRequest) -> Result<RemoteCreditNote, PortError>;
    /// The refund that was made for the same request before; found by its metadata.
    async fn refund_of(&self, request: &RefundRequest) -> Result<Option<String>, PortError>;
    /// Gives money of a payment back; the refund's id, `re_…`.
    async fn refund(&self, request: &RefundRequest) -> Result<String, PortError>;
    /// Deletes a draft; one that is gone already is deleted.
    async fn delete_draft(&self, invoice: &str) -> Result<(), PortError>;
    /// Whether the customer has a payment method that invoices are charged to by default.
    async fn can_charge(&self, customer: &str) -> Result<bool, PortError>;
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

/// All lines of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinesRequest {
    /// The draft.
    pub invoice: String,
    /// The lines, in order.
    pub lines: Vec<LineRequest>,
    /// The days they are for.
    pub period: Period,
    /// Set on the draft in the same call.
    pub metadata: Vec<(String, String)>,
    /// Derived from what the lines are for.
    pub idempotency_key: String,
}

/// One line of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineRequest {
    /// What it comes to.
    pub amount: MinorUnits,
    /// As the tenant reads it.
    pub description: String,
}

/// Lines to remove from a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoveRequest {
    /// The draft.
    pub invoice: String,
    /// The lines' ids.
    pub lines: Vec<String>,
    /// Set on the draft in the same call.
    pub metadata: Vec<(String, String)>,
    /// Derived from what is removed.
    pub idempotency_key: String,
}

/// What to change of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateRequest {
    /// The draft.
    pub invoice: String,
    /// Set on it; other keys stay.
    pub metadata: Vec<(String, String)>,
    /// How its money comes in from now on.
    pub collection: Option<Collection>,
    /// What it says of itself, in place of what it said; as it is without.
    pub description: Option<String>,
    /// Derived from what is changed.
    pub idempotency_key: String,
}

/// A credit note to issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditRequest {
    /// The invoice.
    pub invoice: String,
    /// What is given back.
    pub amount: MinorUnits,
    /// What of it was paid already: it goes to the customer's balance. Stripe refuses another amount than that.
    pub to_balance: MinorUnits,
    /// As the tenant reads it.
    pub memo: String,
    /// By which it is found again.
    pub metadata: Vec<(String, String)>,
    /// Derived from what it is for.
    pub idempotency_key: String,
}

/// One step of an invoice's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRequest {
    /// The invoice.
    pub invoice: String,
    /// Derived from the step.
    pub idempotency_key: String,
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundRequest {
    /// `pi_…`, or `ch_…` of a charge without an intent.
    pub payment: String,
    /// What is given back.
    pub amount: MinorUnits,
    /// By which it is found again.
    pub metadata: Vec<(String, String)>,
    /// Derived from what it is for.
    pub idempotency_key: String,
}
