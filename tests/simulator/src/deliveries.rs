//! How a day's events reach the webhook: most at once, some late, some twice, some never.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use localstripe::Waiting;
use oracle::world::Event;
use serde_json::json;

use super::gate::{Due, Fault};
use super::planted::Planted;
use super::random::Random;
use super::requests::{Form, send};
use super::shared::Shared;
use super::webhook::{Endpoint, Webhook};

/// How long Stripe surely lists an event, in hours: 30 days, less the one on which a look may come late.
const LISTED_HOURS: i64 = 29 * 24;
/// Days for which two secrets hold.
const ROTATION_DAYS: i64 = 3;

/// The webhook and what is on its way to it.
pub struct Deliveries {
    shared: Arc<Shared>,
    webhook: Webhook,
    endpoint: Endpoint,
    /// The one before, and until when both hold.
    retired: Option<(Endpoint, Date)>,
    random: Random,
    /// Events that no sweep has settled, and since when.
    open: BTreeMap<String, Timestamp>,
}

impl Deliveries {
    /// One endpoint, whose secret the webhook has.
    pub fn new(shared: Arc<Shared>, webhook: Webhook, random: Random) -> Deliveries {
        let endpoint = webhook.endpoint();
        shared.set_signing_secret(&endpoint.secret);
        Deliveries { shared, webhook, endpoint, retired: None, random, open: BTreeMap::new() }
    }

    /// Puts another endpoint beside the present one, unless there are two; both secrets hold for some days.
    pub fn rotate(&mut self, on: Date) {
        if self.retired.is_some() {
            return;
        }
        let before = std::mem::replace(&mut self.endpoint, self.webhook.endpoint());
        let pair = json!({"current": self.endpoint.secret, "previous": before.secret});
        self.shared.set_signing_secret(&pair.to_string());
        let until = on.checked_add(Span::new().days(ROTATION_DAYS)).unwrap_or(Date::MAX);
        self.retired = Some((before, until));
    }

    /// Takes the endpoint away whose days are over, and its secret.
    pub fn end_rotation(&mut self, on: Date) {
        if let Some((before, _)) = self.retired.take_if(|(_, until)| *until <= on) {
            let path = format!("/v1/webhook_endpoints/{}", before.id);
            send(&self.shared, ("DELETE", &path), &Form::default()).expect("an endpoint");
            self.shared.set_signing_secret(&self.endpoint.secret);
        }
    }

    /// Attempts what is due while nothing answers: Stripe gives up after three days.
    pub fn refuse(&self) {
        let now = self.shared.now().as_second();
        for waiting in self.shared.stripe.waiting().into_iter().filter(|waiting| waiting.due <= now) {
            self.shared.stripe.answered(waiting.number, Err("the connection was refused".to_owned()));
        }
    }

    /// Attempts what is due, in any order. A fault strikes some of the attempts at a call of theirs.
    pub fn deliver(&mut self, fault: Option<Fault>) {
        let mut waiting = self.shared.stripe.waiting();
        waiting.sort_by_key(|waiting| waiting.number);
        self.note();
        let now = self.shared.now().as_second();
        waiting.retain(|waiting| waiting.due <= now);
        while !waiting.is_empty() {
            let at = self.random.below(u32::try_from(waiting.len()).unwrap_or(u32::MAX));
            let next = waiting.swap_remove(at as usize);
            self.attempt(&next, fault);
        }
    }

    fn attempt(&mut self, waiting: &Waiting, fault: Option<Fault>) {
        let due = fault.filter(|_| self.random.chance(20)).map(|fault| (Due::Nth(self.random.between(1, 10)), fault));
        self.shared.gate.begin_run(due, None);
        let stripe = &self.shared.stripe;
        let Some(sent) = stripe.sent(&waiting.event, &waiting.endpoint) else { return };
        if self.shared.has(Planted::EventBelieved) {
            let event: serde_json::Value = serde_json::from_str(&sent.body).unwrap_or_default();
            self.shared.with_trace(|trace| trace.believed = Some(event["data"]["object"].clone()));
        }
        match self.random.below(20) {
            // Late, to be tried the next time.
            0..=2 => {}
            3 => stripe.answered(waiting.number, Err("the connection was refused".to_owned())),
            4 => {
                self.shared.gate.begin_run(None, Some(self.random.clone()));
                let statuses = self.webhook.post_at_once(&[sent.clone(), sent]);
                stripe.answered(waiting.number, Ok(statuses.into_iter().max().unwrap_or(500)));
            }
            5 => {
                // Its answer is lost: it comes again.
                let _ = self.webhook.post(&sent);
                stripe.answered(waiting.number, Ok(self.webhook.post(&sent)));
            }
            _ => stripe.answered(waiting.number, Ok(self.webhook.post(&sent))),
        }
        self.shared.with_trace(|trace| trace.believed = None);
    }

    /// Returns the events that are not settled, and how often each was done with.
    pub fn events(&self) -> Vec<Event> {
        self.shared.with_trace(|trace| {
            let times = |id: &String| trace.done_events.get(id).copied().unwrap_or_default();
            self.open.keys().map(|id| Event { id: id.clone(), times_done: times(id) }).collect()
        })
    }

    /// Notes what is on its way now, and forgets what Stripe lists no more: a sweep sees the rest.
    pub fn note(&mut self) {
        let now = self.shared.now();
        for waiting in self.shared.stripe.waiting() {
            self.open.entry(waiting.event).or_insert(now);
        }
        self.open.retain(|_, since| now.duration_since(*since).as_hours() < LISTED_HOURS);
    }

    /// Forgets events that were done with and are on their way no more.
    pub fn forget_settled(&mut self) {
        let waiting: BTreeSet<String> = self.shared.stripe.waiting().into_iter().map(|waiting| waiting.event).collect();
        self.shared.with_trace(|trace| {
            self.open.retain(|id, _| waiting.contains(id) || !trace.done_events.contains_key(id));
            trace.done_events.retain(|id, _| self.open.contains_key(id));
        });
    }
}
