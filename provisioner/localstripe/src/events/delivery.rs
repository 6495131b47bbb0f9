//! Which event goes to which endpoint, and when: first at once, then with growing delays for three days.

use serde_json::{Value, json};

use super::disturbance::Disturbance;

/// Seconds between one attempt and the next; the last one repeats until three days have passed.
const DELAYS: [i64; 7] = [5 * 60, 30 * 60, 2 * 3600, 4 * 3600, 8 * 3600, 16 * 3600, 24 * 3600];

/// How long after the event attempts go on.
const GIVE_UP_AFTER: i64 = 3 * 24 * 3600;

/// How many attempts are remembered.
const REMEMBERED: usize = 10_000;

/// One event on its way to one endpoint. Times are unix seconds of the local Stripe's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) number: u64,
    pub(crate) event: String,
    pub(crate) endpoint: String,
    /// When the next attempt is due.
    pub(crate) due: i64,
    /// Attempts made.
    pub(crate) attempts: usize,
    /// When the event happened.
    since: i64,
    /// A duplicate made on request: it does not count as pending, and is not repeated.
    pub(crate) extra: bool,
}

/// One attempt that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The event's id.
    pub event: String,
    /// The endpoint's id.
    pub endpoint: String,
    /// Unix seconds of the local Stripe's clock.
    pub at: i64,
    /// 1 for the first attempt.
    pub attempt: usize,
    /// The status the endpoint answered, or why there is none.
    pub outcome: Result<u16, String>,
    /// Whether this was a duplicate made on request.
    pub duplicate: bool,
}

impl Attempt {
    /// As the control address answers it.
    pub(crate) fn shown(&self) -> Value {
        let (status, error) = match &self.outcome {
            Ok(status) => (Some(*status), None),
            Err(error) => (None, Some(error)),
        };
        json!({
            "event": self.event, "endpoint": self.endpoint, "at": self.at, "attempt": self.attempt,
            "status": status, "error": error, "duplicate": self.duplicate,
        })
    }

    /// Whether the endpoint took it.
    pub fn succeeded(&self) -> bool {
        self.outcome.as_ref().is_ok_and(|status| (200..300).contains(status))
    }
}

/// All deliveries that are not done.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Vec<Delivery>,
    made: u64,
    attempts: Vec<Attempt>,
    /// Duplicates and another order, when a test asks for them.
    pub(crate) disturbance: Option<Disturbance>,
}

impl Queue {
    pub(crate) fn add(&mut self, event: &str, endpoint: &str, at: i64) {
        if self.disturbance.as_mut().is_some_and(Disturbance::loses) {
            return;
        }
        let (delay, duplicate) = match &mut self.disturbance {
            Some(disturbance) => (disturbance.delay(), disturbance.duplicate()),
            None => (0, None),
        };
        self.push(event, endpoint, at, delay, false);
        if let Some(delay) = duplicate {
            self.push(event, endpoint, at, delay, true);
        }
    }

    fn push(&mut self, event: &str, endpoint: &str, at: i64, delay: i64, extra: bool) {
        self.made += 1;
        self.waiting.push(Delivery {
            number: self.made,
            event: event.to_owned(),
            endpoint: endpoint.to_owned(),
            due: at.saturating_add(delay),
            attempts: 0,
            since: at,
            extra,
        });
    }

    /// The delivery to attempt next; it stays until [`Queue::settle`], so that none is lost.
    pub(crate) fn due(&self, now: i64) -> Option<Delivery> {
        let due = self.waiting.iter().filter(|delivery| delivery.due <= now);
        due.min_by_key(|delivery| (delivery.due, delivery.number)).cloned()
    }

    /// When the next attempt is due.
    pub(crate) fn next(&self) -> Option<i64> {
        self.waiting.iter().map(|delivery| delivery.due).min()
    }

    /// Writes down what came of an attempt; answers whether the endpoint has the event now.
    pub(crate) fn settle(&mut self, number: u64, now: i64, outcome: Result<u16, String>) -> Option<String> {
        let place = self.waiting.iter().position(|delivery| delivery.number == number)?;
        let delivery = &mut self.waiting[place];
        delivery.attempts += 1;
        let attempt = Attempt {
            event: delivery.event.clone(),
            endpoint: delivery.endpoint.clone(),
            at: now,
            attempt: delivery.attempts,
            outcome,
            duplicate: delivery.extra,
        };
        let taken = attempt.succeeded();
        let next = now.saturating_add(DELAYS[(delivery.attempts - 1).min(DELAYS.len() - 1)]);
        let over = taken || delivery.extra || next > delivery.since.saturating_add(GIVE_UP_AFTER);
        delivery.due = next;
        let delivered = (taken && !delivery.extra).then(|| delivery.event.clone());
        if over {
            self.waiting.swap_remove(place);
        }
        if self.attempts.len() == REMEMBERED {
            self.attempts.remove(0);
        }
        self.attempts.push(attempt);
        delivered
    }

    /// Drops deliveries to an endpoint that was deleted; their events stay undelivered.
    pub(crate) fn forget(&mut self, endpoint: &str) {
        self.waiting.retain(|delivery| delivery.endpoint != endpoint);
    }

    /// Drops one delivery: its endpoint is disabled.
    pub(crate) fn skip(&mut self, number: u64) {
        self.waiting.retain(|delivery| delivery.number != number);
    }

    pub(crate) fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    pub(crate) fn all(&self) -> &[Delivery] {
        &self.waiting
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_and_attempts_end_after_three_days() {
        let mut queue = Queue::default();
        queue.add("evt_1", "we_1", 1_000);
        let mut times = Vec::new();
        while let Some(at) = queue.next() {
            let delivery = queue.due(at).unwrap();
            times.push(at);
            assert_eq!(queue.settle(delivery.number, at, Ok(500)), None);
        }
        let delays: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(delays.windows(2).all(|pair| pair[0] <= pair[1]), "{delays:?}");
        assert_eq!(delays[0], 300);
        assert!(times.last().unwrap() - 1_000 <= GIVE_UP_AFTER);
        assert!(times.len() >= 6, "{times:?}");
    }

    #[test]
    fn a_delivery_that_was_taken_is_over() {
        let mut queue = Queue::default();
        queue.add("evt_1", "we_1", 0);
        let delivery = queue.due(0).unwrap();
        assert_eq!(queue.settle(delivery.number, 0, Ok(204)).as_deref(), Some("evt_1"));
        assert_eq!((queue.next(), queue.attempts().len()), (None, 1));
    }

    #[test]
    fn only_two_hundreds_count() {
        for outcome in [Ok(302), Ok(199), Ok(404), Err("refused".to_owned())] {
            let mut queue = Queue::default();
            queue.add("evt_1", "we_1", 0);
            assert_eq!(queue.settle(1, 0, outcome), None);
            assert_eq!(queue.next(), Some(300));
        }
    }
}
