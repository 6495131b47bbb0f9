//! Events that Stripe sent, or that were found undelivered: what became of each. An event is applied once; its row is
//! written in one transaction with its effect.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Expect, Indexed, Key, Ledger, PortError, Record, Stored};
use crate::Month;

/// The sort key of an event.
pub const EVENT_ITEM: &str = "event";
/// The kind that lists events that could not be applied.
pub const DEAD_EVENT: &str = "stripe_event_dead";
/// The kind that lists events that a later version of billform takes.
pub const DEFERRED_EVENT: &str = "stripe_event_deferred";
/// The kind that lists all other events.
pub const DONE_EVENT: &str = "stripe_event";

/// How long the row of an event that is done with is kept: three times as long as Stripe lists events
/// (30 days, docs.stripe.com/api/events).
const KEPT_DAYS: i64 = 90;

/// An event, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StripeEvent {
    /// `evt_…`.
    pub id: String,
    /// Stripe's type: `invoice.paid`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When it happened, to the second; two events of one second have no order.
    pub created: Timestamp,
    /// Whether it is of live mode.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub livemode: bool,
    /// The object it is about: `in_…`; none where it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Stripe's word for the kind of that object: `invoice`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_kind: Option<String>,
    /// The customer that the event names, where its object does not say so any more: `cus_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// What became of it.
    pub result: EventResult,
    /// Whom it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The month whose invoice it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month: Option<Month>,
    /// When this was written.
    pub at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Counts the writes of this row.
    pub version: u64,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum EventResult {
    /// It changed the ledger.
    Applied {
        /// What it changed.
        what: String,
    },
    /// The ledger says so already, or it does not concern this stack.
    NoEffect {
        /// Why.
        reason: String,
    },
    /// Kept for a later version of billform.
    Deferred {
        /// Why.
        reason: String,
    },
    /// It could not be applied; the nightly sweep tries again.
    Dead {
        /// Why.
        reason: String,
    },
}

impl EventResult {
    /// The state as JSON has it.
    pub fn state(&self) -> &'static str {
        match self {
            EventResult::Applied { .. } => "applied",
            EventResult::NoEffect { .. } => "no_effect",
            EventResult::Deferred { .. } => "deferred",
            EventResult::Dead { .. } => "dead",
        }
    }

    /// What it changed, or why it did not.
    pub fn text(&self) -> &str {
        match self {
            EventResult::Applied { what } => what,
            EventResult::NoEffect { reason } | EventResult::Deferred { reason } | EventResult::Dead { reason } => {
                reason
            }
        }
    }

    /// Whether the event is never looked at again.
    pub fn is_done(&self) -> bool {
        matches!(self, EventResult::Applied { .. } | EventResult::NoEffect { .. })
    }
}

/// The partition of an event's row.
pub fn event_partition(id: &str) -> String {
    format!("stripe-event#{id}")
}

impl Record for StripeEvent {
    const NAME: &'static str = "stripe_event";
    const SCHEMA: u32 = 1;

    fn sort_key(&self) -> String {
        EVENT_ITEM.to_owned()
    }

    fn indexed(&self) -> Indexed {
        let kind = match self.result {
            EventResult::Dead { .. } => DEAD_EVENT,
            EventResult::Deferred { .. } => DEFERRED_EVENT,
            EventResult::Applied { .. } | EventResult::NoEffect { .. } => DONE_EVENT,
        };
        let expires = self.at.as_second() + KEPT_DAYS * 86_400;
        Indexed {
            kind: Some(kind.to_owned()),
            version: Some(self.version),
            expires_at_s: self.result.is_done().then_some(expires),
            ..Indexed::default()
        }
    }
}

impl StripeEvent {
    /// The row as an item of a transaction, which holds only where the row is as it was read.
    pub fn write(&self, before: Option<&StripeEvent>) -> Result<(Stored, Expect), PortError> {
        let expect = before.map_or(Expect::Absent, |before| Expect::Version(before.version));
        Ok((Stored::of(&event_partition(&self.id), self)?, expect))
    }
}

/// What became of an event; none of one that was never seen.
pub async fn one(ledger: &dyn Ledger, id: &str) -> Result<Option<StripeEvent>, PortError> {
    let found = ledger.get(&Key::new(event_partition(id), EVENT_ITEM)).await?;
    found.map(|stored| stored.record()).transpose()
}

/// The same by a query: people may query the ledger, and get no item.
pub async fn queried(ledger: &dyn Ledger, id: &str) -> Result<Option<StripeEvent>, PortError> {
    let found = ledger.range(&event_partition(id), EVENT_ITEM, EVENT_ITEM).await?;
    found.first().map(Stored::record).transpose()
}

/// The events of a kind: [`DEAD_EVENT`], [`DEFERRED_EVENT`] or [`DONE_EVENT`], newest first.
pub async fn of_kind(ledger: &dyn Ledger, kind: &str) -> Result<Vec<StripeEvent>, PortError> {
    let rows = ledger.of_kind(kind).await?;
    let mut events = rows.iter().map(Stored::record).collect::<Result<Vec<StripeEvent>, _>>()?;
    events.sort_by(|left, right| (right.created, &right.id).cmp(&(left.created, &left.id)));
    Ok(events)
}
