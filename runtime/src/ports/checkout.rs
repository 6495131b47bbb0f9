//! Stripe as a tenant sees it: the page that takes a payment method, the customer portal, the page of an invoice.

use async_trait::async_trait;
use billing::Currency;

use super::PortError;

/// Stripe's pages for one customer.
#[async_trait]
pub trait Checkout: Send + Sync {
    /// The page on which the customer leaves a payment method: the newest one while it is open, else a new one.
    async fn set_up(&self, request: &SetUpRequest) -> Result<SetUpPage, PortError>;
    /// The customer's payment methods, newest first.
    async fn methods(&self, customer: &str) -> Result<Vec<KeptMethod>, PortError>;
    /// The address of the customer's portal. It is all that is needed to open it.
    async fn portal(&self, request: &PortalRequest) -> Result<String, PortError>;
    /// The page of a finalised invoice; none of a draft, or of an invoice that Stripe does not know.
    async fn invoice_page(&self, invoice: &str) -> Result<Option<String>, PortError>;
}

/// A page for a payment method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetUpRequest {
    /// The Stripe customer.
    pub customer: String,
    /// The tenant, by which the session is known.
    pub tenant: String,
    /// What the method is to pay in.
    pub currency: Currency,
    /// The page's language, as Stripe names it: `de`; its own choice without one.
    pub locale: Option<String>,
    /// Where the customer comes back to with a method.
    pub success_url: String,
    /// Where they come back to without one.
    pub cancel_url: String,
}

/// The page for a payment method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetUpPage {
    /// `cs_…`.
    pub id: String,
    /// Its address.
    pub url: String,
}

/// A payment method that a customer keeps, as far as people tell methods apart by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptMethod {
    /// `pm_…`.
    pub id: String,
    /// Stripe's word for its kind: `card`.
    pub kind: String,
    /// `visa`, of a card.
    pub brand: Option<String>,
    /// The last digits of its number.
    pub last4: Option<String>,
    /// Year and month after which a card does not pay any more.
    pub expires: Option<(i64, i64)>,
    /// Whether invoices are charged to it.
    pub is_default: bool,
}

/// A visit to the customer portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalRequest {
    /// The Stripe customer.
    pub customer: String,
    /// The stack's own configuration, `bpc_…`.
    pub configuration: String,
    /// Where the customer comes back to.
    pub return_url: String,
    /// Derived from the request: an address is for one visit, and is not given out again.
    pub idempotency_key: String,
}
