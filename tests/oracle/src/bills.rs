//! Bills that were told apart already, and what was owed by them: the same answers, without reckoning them again each
//! day.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::Timestamp;

use crate::attribution::Attribution;
use crate::facts::{Edition, Facts, Policy, Rate, Tenant, TenantId};
use crate::month::Month;
use crate::owed::{NotOwed, Owed, owed_of};

/// What a tenant owes, or why nothing can be billed.
type Answer = Result<Owed, NotOwed>;

/// Answers about one set of facts, kept while it changes: see [`Bills::follow`].
#[derive(Debug, Default)]
pub struct Bills {
    policy: Policy,
    tenants: BTreeMap<TenantId, Tenant>,
    rates: Vec<Rate>,
    bills: Kept<(Month, Edition), Attribution>,
    owed: Kept<(Month, Edition, TenantId), Answer>,
    estimated: Kept<(Month, Edition), bool>,
}

impl Bills {
    /// Forgets what no longer holds, and what was not asked for since the last call. To be called before questions
    /// about facts that may have changed.
    pub fn follow(&mut self, facts: &Facts) {
        if self.policy != facts.policy || self.tenants != facts.tenants || self.rates != facts.rates {
            self.policy = facts.policy.clone();
            self.tenants = facts.tenants.clone();
            self.rates = facts.rates.clone();
            self.bills = Kept::default();
            self.owed = Kept::default();
            self.estimated = Kept::default();
        }
        self.bills.turn();
        self.owed.turn();
        self.estimated.turn();
    }

    /// Says whether a figure of a month that was known at an instant is still an estimate.
    #[must_use]
    pub fn is_estimated(&self, facts: &Facts, month: Month, known_at: Timestamp) -> bool {
        let key = (month, facts.edition(month, known_at));
        *self.estimated.get(key, || facts.is_estimated(month, known_at))
    }

    /// Returns a month's bill as known at an instant.
    #[must_use]
    pub fn bill(&self, facts: &Facts, month: Month, known_at: Timestamp) -> Rc<Attribution> {
        let key = (month, facts.edition(month, known_at));
        self.bills.get(key, || Attribution::of(facts, month, known_at))
    }

    /// Returns what a tenant owes for a month, by the cost that was known at an instant.
    #[must_use]
    pub fn owed(&self, facts: &Facts, tenant: &TenantId, month: Month, known_at: Timestamp) -> Rc<Answer> {
        let key = (month, facts.edition(month, known_at), tenant.clone());
        self.owed.get(key, || owed_of(facts, &self.bill(facts, month, known_at), tenant, month))
    }
}

/// Answers of this turn and of the one before.
#[derive(Debug)]
struct Kept<K, V> {
    now: RefCell<BTreeMap<K, Rc<V>>>,
    before: BTreeMap<K, Rc<V>>,
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self { now: RefCell::default(), before: BTreeMap::new() }
    }
}

impl<K: Ord, V> Kept<K, V> {
    fn turn(&mut self) {
        self.before = self.now.take();
    }

    fn get(&self, key: K, answer: impl FnOnce() -> V) -> Rc<V> {
        let kept = self.now.borrow().get(&key).or_else(|| self.before.get(&key)).map(Rc::clone);
        let value = kept.unwrap_or_else(|| Rc::new(answer()));
        self.now.borrow_mut().insert(key, Rc::clone(&value));
        value
    }
}
