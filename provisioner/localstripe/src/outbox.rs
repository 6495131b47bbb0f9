//! Deliveries without HTTP: a simulator takes them out of the queue in any order, and says how each was answered.

use crate::events::signature;
use crate::handle::Stripe;
use crate::wire::object::{flag, text};
use crate::work::signed;

/// One event on its way to one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Names the delivery to [`Stripe::answered`].
    pub number: u64,
    /// The event's id.
    pub event: String,
    /// The endpoint's id.
    pub endpoint: String,
    /// When the next attempt is due, in unix seconds of the local Stripe's clock.
    pub due: i64,
}

/// What one attempt sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The `Stripe-Signature` header.
    pub signature: String,
    /// The body.
    pub body: String,
}

impl Stripe {
    /// The deliveries that are not done, in no order.
    pub fn waiting(&self) -> Vec<Waiting> {
        let state = self.state();
        let shown = state.events.queue.all().iter().map(|delivery| Waiting {
            number: delivery.number,
            event: delivery.event.clone(),
            endpoint: delivery.endpoint.clone(),
            due: delivery.due,
        });
        shown.collect()
    }

    /// What an endpoint that is enabled would be sent of an event now, be it the first time or again; none of an event or
    /// endpoint that is gone.
    pub fn sent(&self, event: &str, endpoint: &str) -> Option<Sent> {
        let state = self.state();
        let endpoint = state.endpoints.find(endpoint).ok()?;
        let is_enabled = text(endpoint, "status") == Some("enabled") && flag(endpoint, "deleted") != Some(true);
        let post =
            is_enabled.then(|| state.events.log.find(event).ok().map(|event| signed(&state, endpoint, event)))??;
        Some(Sent { signature: post.signature, body: post.body })
    }

    /// Writes down how an attempt of a delivery was answered: another one follows unless it was taken, or three days have
    /// passed.
    pub fn answered(&self, number: u64, outcome: Result<u16, String>) {
        let mut state = self.state();
        let now = state.now();
        if let Some(event) = state.events.queue.settle(number, now, outcome) {
            // An event that is gone, as after a reset, has nothing left to count.
            let _ = state.events.delivered(&event);
        }
    }
}

/// The `Stripe-Signature` header of a body, as an endpoint with this secret is sent it at a time (unix seconds).
pub fn sign(secret: &str, at_s: i64, body: &[u8]) -> String {
    signature::header(secret, at_s, body)
}
