//! What the clock does: drafts that finalise themselves, deliveries and their retries, in the order they fall due.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::events::delivery::Delivery;
use crate::events::send::{Post, send};
use crate::events::signature;
use crate::handle::Stripe;
use crate::objects::invoice::schedule;
use crate::state::State;
use crate::wire::object::{Object, set, text};

/// The clock of one local Stripe; clones move the same one.
#[derive(Clone, Debug)]
pub struct Clock {
    stripe: Stripe,
}

impl Clock {
    /// The time it is for this Stripe.
    pub fn now(&self) -> Timestamp {
        self.stripe.now()
    }

    /// Moves the clock forward, step by step through everything that falls due on the way: drafts that finalise
    /// themselves, deliveries and their retries. Returns when all of it is done and every endpoint has answered.
    ///
    /// A time that has passed only does what is due already. The clock never goes back.
    pub async fn advance_to(&self, to: Timestamp) {
        loop {
            deliver_due(&self.stripe).await;
            let arrived = step(&mut self.stripe.state(), to);
            if arrived {
                break;
            }
        }
        deliver_due(&self.stripe).await;
    }
}

impl Stripe {
    /// The handle that moves this Stripe's clock.
    pub fn clock(&self) -> Clock {
        Clock { stripe: self.clone() }
    }

    /// Lets time pass without waiting for deliveries, which the server makes: idempotency keys expire after 24 hours,
    /// drafts with `auto_advance` are finalised after one. [`Clock::advance_to`] waits.
    pub fn advance(&self, by: SignedDuration) {
        let mut state = self.state();
        let to = state.clock.now().checked_add(by).unwrap_or(Timestamp::MAX);
        while let Some(at) = schedule::next(&state).and_then(moment).filter(|at| *at < to) {
            state.clock.advance_to(at);
            schedule::tick(&mut state);
        }
        state.clock.advance_to(to);
        schedule::tick(&mut state);
        drop(state);
        self.wake();
    }
}

/// Works until it is dropped: whenever something happened, the clock moved, or something falls due by itself.
pub(crate) async fn work(stripe: Stripe) -> std::convert::Infallible {
    loop {
        schedule::tick(&mut stripe.state());
        deliver_due(&stripe).await;
        let rest = until_next(&stripe.state());
        tokio::select! {
            () = stripe.woken() => {}
            () = tokio::time::sleep(rest) => {}
        }
    }
}

/// Moves to what falls due next, or to `to` when that comes first; answers whether `to` is reached.
fn step(state: &mut State, to: Timestamp) -> bool {
    let next = next_due(state).and_then(moment).filter(|at| *at <= to);
    state.clock.advance_to(next.unwrap_or(to));
    schedule::tick(state);
    next.is_none()
}

/// When something falls due that is not due yet, in unix seconds.
fn next_due(state: &State) -> Option<i64> {
    let now = state.now();
    [schedule::next(state), state.events.queue.next()].into_iter().flatten().filter(|at| *at > now).min()
}

fn moment(second: i64) -> Option<Timestamp> {
    Timestamp::from_second(second).ok()
}

/// How long nothing falls due by itself; a clock that only tests move has nothing to wait for.
fn until_next(state: &State) -> Duration {
    const LONG: Duration = Duration::from_secs(3600);
    if !state.clock.runs() {
        return LONG;
    }
    let next = next_due(state).and_then(moment).map(|at| at.duration_since(state.clock.now()));
    next.map_or(LONG, |rest| rest.unsigned_abs()).min(LONG)
}

/// How long a browser waits until the endpoints have heard of what it did.
const REDIRECT_WAITS: Duration = Duration::from_secs(10);

/// Delivers what is due before a browser is sent on; after ten seconds it is sent on all the same.
pub(crate) async fn deliver_before_redirect(stripe: &Stripe) {
    // What is not delivered by then comes with the next turn.
    let _ = tokio::time::timeout(REDIRECT_WAITS, deliver_due(stripe)).await;
    stripe.wake();
}

/// Makes every attempt that is due, one after the other; returns when none is left, also of another caller's.
async fn deliver_due(stripe: &Stripe) {
    let _turn = stripe.delivering().await;
    loop {
        let Some((delivery, post)) = next_attempt(&mut stripe.state()) else {
            return;
        };
        let outcome = send(post).await;
        let mut state = stripe.state();
        let now = state.now();
        if let Some(event) = state.events.queue.settle(delivery.number, now, outcome) {
            // An event that is gone, as after a reset, has nothing left to count.
            let _ = state.events.delivered(&event);
        }
    }
}

/// The attempt that is due first, signed at this moment.
fn next_attempt(state: &mut State) -> Option<(Delivery, Post)> {
    let now = state.now();
    loop {
        let delivery = state.events.queue.due(now)?;
        let endpoint = state.endpoints.find(&delivery.endpoint).ok();
        let event = state.events.log.find(&delivery.event).ok();
        let (Some(endpoint), Some(event)) = (endpoint, event) else {
            state.events.queue.forget(&delivery.endpoint);
            continue;
        };
        if text(endpoint, "status") != Some("enabled") {
            state.events.queue.skip(delivery.number);
            continue;
        }
        let post = signed(state, endpoint, event);
        return Some((delivery, post));
    }
}

/// An event as it goes to an endpoint, signed at this moment.
pub(crate) fn signed(state: &State, endpoint: &Object, event: &Object) -> Post {
    let mut event = state.events.shown(event);
    if let (Some(version), Some(event)) = (text(endpoint, "api_version"), event.as_object_mut()) {
        set(event, "api_version", version);
    }
    let body = serde_json::to_string_pretty(&event).unwrap_or_default();
    let secret = text(endpoint, "secret").unwrap_or_default();
    Post {
        url: text(endpoint, "url").unwrap_or_default().to_owned(),
        signature: signature::header(secret, state.now(), body.as_bytes()),
        body,
    }
}
