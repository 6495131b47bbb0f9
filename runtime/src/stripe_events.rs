//! What an event of Stripe's does to the ledger, however often and in whatever order events come.
//!
//! An event names an object. The object is fetched as it is now, and what depends on it is brought up to date: the money of
//! an invoice, or how a customer pays. So events of any order, twice or lost, end in the same ledger. The event's row is
//! written in one transaction with what it changed.

mod customer;
mod invoice;
pub mod kinds;

use billing::Month;
use billing::ledger::{Expect, Ledger, PortError, Stored, StripeEvent, Wrote, stripe_events};
use jiff::Timestamp;

pub use billing::ledger::EventResult;

use crate::events::Envelope;
use crate::ports::{About, Clock, Invoices, Payments};

/// How often an effect is worked out again that another writer was quicker with.
const TRIES: u32 = 5;

/// What applies events.
pub struct StripeEvents<'a> {
    /// The ledger.
    pub ledger: &'a dyn Ledger,
    /// Stripe's invoices.
    pub invoices: &'a dyn Invoices,
    /// Stripe's payments, customers and events.
    pub payments: &'a dyn Payments,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// Why nothing was stored of an event: it has to come again.
#[derive(Debug, thiserror::Error)]
pub enum Postponed {
    /// A call failed that may succeed later.
    #[error(transparent)]
    Port(#[from] PortError),
    /// A run of the invoicer works on the invoice.
    #[error("{tenant}'s invoice of {month} is being worked on until {until}")]
    Held {
        /// The tenant.
        tenant: String,
        /// The month.
        month: Month,
        /// When the claim ends.
        until: Timestamp,
    },
    /// Another writer was quicker each time.
    #[error("the ledger changed each time it was read")]
    Contended,
}

/// What an event changes, and what is said of it.
struct Effect {
    items: Vec<(Stored, Expect)>,
    result: EventResult,
    tenant: Option<String>,
    month: Option<Month>,
}

impl Effect {
    fn none(reason: impl Into<String>) -> Effect {
        Effect::only(EventResult::NoEffect { reason: reason.into() })
    }

    fn dead(reason: impl Into<String>) -> Effect {
        Effect::only(EventResult::Dead { reason: reason.into() })
    }

    fn only(result: EventResult) -> Effect {
        Effect { items: Vec::new(), result, tenant: None, month: None }
    }

    fn of(self, tenant: &str, month: Option<Month>) -> Effect {
        Effect { tenant: Some(tenant.to_owned()), month, ..self }
    }
}

/// Whether an event was seen before, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// What became of it.
    pub result: EventResult,
    /// Whether an earlier delivery did it.
    pub known: bool,
}

impl StripeEvents<'_> {
    /// Applies an event once, and keeps what became of it.
    ///
    /// # Errors
    /// When neither an effect nor a dead letter could be stored.
    pub async fn take(&self, event: &Envelope) -> Result<Taken, Postponed> {
        for _ in 0..TRIES {
            let before = stripe_events::one(self.ledger, &event.id).await?;
            if let Some(done) = before.as_ref().filter(|before| before.result.is_done()) {
                return Ok(Taken { result: done.result.clone(), known: true });
            }
            let effect = match self.effect(event).await {
                // What Stripe refuses for good is kept for a person.
                Err(Postponed::Port(error)) if error.refused => Effect::dead(error.to_string()),
                effect => effect?,
            };
            let row = self.row(event, before.as_ref(), &effect);
            let result = effect.result;
            let mut items = effect.items;
            items.push(row.write(before.as_ref())?);
            if self.ledger.transact(items).await? == Wrote::Done {
                return Ok(Taken { result, known: false });
            }
        }
        Err(Postponed::Contended)
    }

    /// Closes a dead letter: a person has looked at it, and there is nothing to do. None where there is none of that id.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn dismiss(&self, id: &str, reason: &str) -> Result<Option<EventResult>, Postponed> {
        for _ in 0..TRIES {
            let before = stripe_events::one(self.ledger, id).await?;
            let Some(before) = before.filter(|before| matches!(before.result, EventResult::Dead { .. })) else {
                return Ok(None);
            };
            let result = EventResult::NoEffect { reason: format!("dismissed by a person: {reason}") };
            let after = StripeEvent {
                result: result.clone(),
                at: self.clock.now(),
                version: before.version + 1,
                ..before.clone()
            };
            if self.ledger.transact(vec![after.write(Some(&before))?]).await? == Wrote::Done {
                return Ok(Some(result));
            }
        }
        Err(Postponed::Contended)
    }

    /// Stores what a look without an event changes; none where the ledger says so already.
    async fn store(&self, Effect { items, result, .. }: Effect) -> Result<Option<EventResult>, Postponed> {
        if items.is_empty() {
            return Ok(matches!(result, EventResult::Dead { .. }).then_some(result));
        }
        match self.ledger.transact(items).await? {
            Wrote::Done => Ok(Some(result)),
            Wrote::Refused => Err(Postponed::Contended),
        }
    }

    fn row(&self, event: &Envelope, before: Option<&StripeEvent>, effect: &Effect) -> StripeEvent {
        let (object_kind, object) = event.object.clone().unzip();
        StripeEvent {
            id: event.id.clone(),
            event_type: event.event_type.clone(),
            created: event.created,
            livemode: event.livemode,
            object,
            object_kind,
            customer: event.customer.clone(),
            result: effect.result.clone(),
            tenant: effect.tenant.clone(),
            month: effect.month,
            at: self.clock.now(),
            attempts: before.map_or(0, |before| before.attempts) + 1,
            version: before.map_or(0, |before| before.version) + 1,
        }
    }

    async fn effect(&self, event: &Envelope) -> Result<Effect, Postponed> {
        let mode = |live| if live { "live" } else { "test" };
        let Some((kind, id)) = &event.object else {
            return Ok(Effect::dead("the body names no object; `billform events retry` fetches it from Stripe"));
        };
        if let Some(account) = &event.account {
            return Ok(Effect::none(format!("it is of the connected account {account}")));
        }
        let ours = self.payments.livemode();
        if event.livemode != ours {
            let (theirs, ours) = (mode(event.livemode), mode(ours));
            return Ok(Effect::none(format!("it is of {theirs} mode, and the stack works in {ours} mode")));
        }
        if kinds::is_deferred(&event.event_type) {
            return Ok(deferred());
        }
        if !kinds::is_taken(&event.event_type) {
            return Ok(Effect::none(format!("billform takes no events of the type {}", event.event_type)));
        }
        match self.payments.about(kind, id).await? {
            About::Invoices(invoices) => self.of_invoices(&invoices, event.customer.as_deref()).await,
            About::Customer(customer) => match customer.as_ref().or(event.customer.as_ref()) {
                Some(customer) => self.of_customer(customer).await,
                None => Ok(Effect::none(format!("the {kind} belongs to no customer"))),
            },
            About::Subscription => Ok(deferred()),
            About::Nothing => Ok(Effect::none(format!("billform looks after no {kind}"))),
            About::Unknown => Ok(Effect::dead(format!("Stripe does not know the {kind} {id}"))),
        }
    }
}

fn deferred() -> Effect {
    Effect::only(EventResult::Deferred { reason: "this version of billform bills no subscriptions".to_owned() })
}
