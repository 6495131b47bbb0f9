//! Stripe as the webhook and the sweep see it: what an event is about, how a customer pays, and the events themselves.

use async_trait::async_trait;
use billing::ledger::PaymentMethod;

use super::PortError;
use crate::events::Envelope;

/// What Stripe says beside its invoices.
#[async_trait]
pub trait Payments: Send + Sync {
    /// Whether the key is of live mode.
    fn livemode(&self) -> bool;
    /// What an object is about, as it is now.
    async fn about(&self, kind: &str, id: &str) -> Result<About, PortError>;
    /// How a customer pays; none of one that Stripe does not know.
    async fn customer(&self, id: &str) -> Result<Option<RemoteCustomer>, PortError>;
    /// The customer's newest set-up that succeeded and whose method was not detached since.
    async fn newest_setup(&self, customer: &str) -> Result<Option<RemoteSetup>, PortError>;
    /// Makes a method what the customer's invoices are charged to.
    async fn set_default(&self, request: &DefaultRequest) -> Result<(), PortError>;
    /// One event; none once Stripe lists it no more.
    async fn event(&self, id: &str) -> Result<Option<Envelope>, PortError>;
    /// Events that some endpoint did not take, newest first; further pages begin after an event.
    async fn undelivered(&self, after: Option<&str>) -> Result<EventPage, PortError>;
}

/// What an object of Stripe is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// The money of invoices; none for a payment that is for something else.
    Invoices(Vec<String>),
    /// How a customer pays; none where it belongs to no customer, or not any more.
    Customer(Option<String>),
    /// A subscription, which a later version takes.
    Subscription,
    /// Nothing that billform looks after.
    Nothing,
    /// Stripe does not know the object.
    Unknown,
}

/// A customer in Stripe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemoteCustomer {
    /// Whether it was deleted.
    pub deleted: bool,
    /// What invoices are charged to by default.
    pub method: Option<PaymentMethod>,
}

/// A set-up intent that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteSetup {
    /// `seti_…`.
    pub id: String,
    /// The method that it set up, while it is the customer's.
    pub method: Option<PaymentMethod>,
    /// Stripe's word for its mandate: `active`, `inactive`, `pending`.
    pub mandate: Option<String>,
    /// Newer ones that succeeded, whose methods are the customer's no more.
    pub detached: Vec<String>,
}

/// A default payment method to set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultRequest {
    /// The customer.
    pub customer: String,
    /// `pm_…`.
    pub method: String,
    /// Derived from the set-up that it comes from.
    pub idempotency_key: String,
}

/// A page of events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventPage {
    /// The events; of one that cannot be read there is at least the id.
    pub events: Vec<Envelope>,
    /// Whether there are older ones.
    pub has_more: bool,
}
