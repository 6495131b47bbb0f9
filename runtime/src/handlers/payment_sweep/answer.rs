//! What a sweep found.

use billing::Money;
use billing::ledger::EventResult;
use serde::Serialize;

use crate::run::{ERRORS, EVENTS_DEAD, INVOICES_UNKNOWN, Metric, PAYMENTS_SWEPT};
use crate::stripe_events::Postponed;

/// What a sweep found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SweepAnswer {
    /// What it brought up to date.
    pub changed: Vec<Seen>,
    /// Events that were found undelivered and change nothing.
    pub without_effect: usize,
    /// Events of which neither an effect nor a dead letter could be stored: only Stripe has them.
    pub not_stored: usize,
    /// What could not be applied, and why.
    pub failed: Vec<Failed>,
    /// Stripe's invoices with a tenant's name that the ledger does not know.
    pub unknown: Vec<UnknownInvoice>,
    /// Tenants that there was no time for.
    pub left: usize,
    #[serde(skip)]
    dead: usize,
}

/// Something that the sweep brought up to date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// An event's id, or whose money it is.
    pub what: String,
    /// What it changed.
    pub result: String,
}

/// Something that could not be applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// An event's id, or whose money it is.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// An invoice that the ledger does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnknownInvoice {
    /// Whose name it carries.
    pub tenant: String,
    /// `in_…`.
    pub stripe_invoice: String,
    /// What it comes to; none in a currency that billform does not know.
    pub total: Option<Money>,
}

impl SweepAnswer {
    /// Adds what became of an event.
    pub(super) fn event(&mut self, id: &str, result: &EventResult) {
        match result {
            EventResult::NoEffect { .. } | EventResult::Deferred { .. } => self.without_effect += 1,
            result => self.looked(id, Some(result.clone())),
        }
    }

    /// Adds what a look changed; nothing where the ledger said so already.
    pub(super) fn looked(&mut self, what: &str, result: Option<EventResult>) {
        let what = what.to_owned();
        match result {
            Some(EventResult::Applied { what: result }) => self.changed.push(Seen { what, result }),
            Some(EventResult::Dead { reason }) => {
                self.dead += 1;
                self.failed.push(Failed { what, reason });
            }
            Some(EventResult::NoEffect { .. } | EventResult::Deferred { .. }) | None => {}
        }
    }

    /// Adds what has to be tried again.
    pub(super) fn postponed(&mut self, what: String, postponed: &Postponed) {
        self.failed.push(Failed { what, reason: postponed.to_string() });
    }

    /// Adds what another look found.
    pub(super) fn absorb(&mut self, other: SweepAnswer) {
        let SweepAnswer { changed, without_effect, not_stored, failed, unknown, left, dead } = other;
        self.changed.extend(changed);
        self.failed.extend(failed);
        self.unknown.extend(unknown);
        self.without_effect += without_effect;
        self.not_stored += not_stored;
        self.left += left;
        self.dead += dead;
    }

    /// What a person has to look at, or another run to do.
    pub(super) fn failures(&self) -> usize {
        self.failed.len() + self.unknown.len() + self.left
    }

    /// Counts for CloudWatch.
    pub(super) fn metrics(&self) -> Vec<Metric> {
        vec![
            Metric::new(PAYMENTS_SWEPT, self.changed.len()),
            Metric::new(EVENTS_DEAD, self.dead),
            Metric::new(INVOICES_UNKNOWN, self.unknown.len()),
            Metric::new(ERRORS, self.failures()),
        ]
    }
}
