//! Lets time pass: what falls due happens in order, each thing at its moment, and ends before the next begins.
//!
//! The machine's own time moves the clock as well, but makes nothing happen: what fell due meanwhile happens at the next
//! advance. So nothing depends on when a test runs.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use localstripe::Stripe;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::budgets::{EVALUATIONS, Published, Watch};
use crate::clock::{Clock, day};
use crate::costs::Costs;
use crate::gateway::pipeline::{Upstream, UpstreamError};
use crate::mailbox::Mailbox;
use crate::schedules::cron::Cron;
use crate::schedules::firing::{Fired, fire};
use crate::schedules::registry::Registry;
use crate::schedules::rules::{self, ScheduledRule};

/// The furthest that one advance goes: ten years.
pub const MOST_SECONDS: u64 = 10 * 366 * 86_400;

/// What `POST /_billform/clock/advance` takes.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advance {
    /// How far to go; 0 lets only that happen which is due already.
    pub seconds: u64,
}

/// What happened in an advance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advanced {
    /// The time it is now, to the second.
    pub now: Timestamp,
    /// How far ahead of the machine's time it is, in seconds.
    pub offset_seconds: i64,
    /// The firings of schedules, in order.
    pub fired: Vec<Fired>,
    /// The alerts of budgets, in order.
    pub published: Vec<Published>,
}

/// Why time did not pass to the end. It stands where it came to; the next advance goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum AdvanceError {
    /// Further than [`MOST_SECONDS`].
    #[error("an advance goes at most {MOST_SECONDS} seconds (ten years), not {0}; advance in steps")]
    TooFar(u64),
    /// MiniStack went away.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
}

/// A handle on all that follows the clock; clones share it.
#[derive(Clone, Debug)]
pub struct Timeline {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    upstream: Upstream,
    costs: Costs,
    stripe: Stripe,
    registry: Registry,
    watch: Watch,
    mailbox: Mailbox,
    /// All that fell due up to this moment has happened. Held for as long as time passes.
    happened_until: Mutex<Timestamp>,
}

/// What may fall due in an advance; nothing but an advance changes it meanwhile.
struct Due {
    rules: Vec<ScheduledRule>,
    evaluations: Option<Cron>,
}

impl Timeline {
    /// Joins what follows the clock.
    pub(crate) fn new(clock: Clock, upstream: Upstream, costs: Costs, stripe: Stripe) -> Timeline {
        let (registry, mailbox) = (Registry::new(clock.clone()), Mailbox::default());
        let watch = Watch::new(upstream.clone(), costs.clone(), mailbox.clone());
        let happened_until = Mutex::new(clock.now());
        Timeline {
            shared: Arc::new(Shared { clock, upstream, costs, stripe, registry, watch, mailbox, happened_until }),
        }
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// The mails that AWS sent.
    pub fn mailbox(&self) -> &Mailbox {
        &self.shared.mailbox
    }

    /// Since when schedules count.
    pub(crate) fn registry(&self) -> &Registry {
        &self.shared.registry
    }

    /// Lets this many seconds pass. Two advances at a time follow one another.
    pub async fn advance(&self, seconds: u64) -> Result<Advanced, AdvanceError> {
        let span = i64::try_from(seconds).ok().filter(|_| seconds <= MOST_SECONDS).map(SignedDuration::from_secs);
        let span = span.ok_or(AdvanceError::TooFar(seconds))?;
        // In a task of its own, so that a client that goes away does not leave a firing half done.
        let timeline = self.clone();
        match tokio::spawn(async move { timeline.pass(span).await }).await {
            Ok(advanced) => advanced,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }

    async fn pass(&self, span: SignedDuration) -> Result<Advanced, AdvanceError> {
        let Shared { clock, upstream, registry, watch, happened_until, .. } = &*self.shared;
        let mut happened_until = happened_until.lock().await;
        let ahead = clock.offset().ahead().saturating_add(span);
        let until = clock.now().checked_add(span).unwrap_or(Timestamp::MAX);
        let due = Due { rules: rules::read(upstream, registry).await?, evaluations: Cron::parse(EVALUATIONS).ok() };
        let mut budgets = watch.read().await?;
        let (mut fired, mut published) = (Vec::new(), Vec::new());
        while let Some(moment) = due.next(*happened_until, until) {
            self.move_to(moment).await;
            if due.is_evaluation(*happened_until, moment) {
                published.extend(watch.evaluate(&mut budgets, moment).await?);
            }
            for rule in due.rules.iter().filter(|rule| rule.next(*happened_until, moment).is_some()) {
                fired.extend(fire(upstream, rule, moment).await?);
            }
            *happened_until = moment;
        }
        // The machine's time went on while functions ran: it counts on top, so that an advance is as long as asked for.
        clock.advance_until_ahead(ahead);
        self.move_to(until).await;
        *happened_until = until;
        let reading = clock.reading();
        Ok(Advanced { now: reading.now, offset_seconds: reading.offset_seconds, fired, published })
    }

    /// Moves the clock and all that follows it by itself; returns when Stripe's events are delivered.
    async fn move_to(&self, moment: Timestamp) {
        let Shared { clock, costs, stripe, .. } = &*self.shared;
        clock.advance_to(moment);
        costs.pass_to(day(moment));
        stripe.clock().advance_to(clock.now()).await;
    }

    /// Forgets what was published and sent, and every rule. Time stays: it never goes back.
    pub(crate) async fn reset(&self) {
        let Shared { clock, registry, watch, mailbox, happened_until, .. } = &*self.shared;
        let mut happened_until = happened_until.lock().await;
        registry.reset();
        watch.reset();
        mailbox.clear();
        *happened_until = clock.now();
    }
}

impl Due {
    /// The first moment after `after` and up to `until` at which anything is due.
    fn next(&self, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let rules = self.rules.iter().filter_map(|rule| rule.next(after, until));
        rules.chain(self.evaluations.iter().filter_map(|evaluations| evaluations.next(after, until))).min()
    }

    fn is_evaluation(&self, after: Timestamp, moment: Timestamp) -> bool {
        self.evaluations.iter().any(|evaluations| evaluations.next(after, moment).is_some())
    }
}
