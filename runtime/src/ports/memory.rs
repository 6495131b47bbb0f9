//! The world in memory, for tests: every port over one state, and a fault before or after the nth call.

pub(crate) mod checkout;
mod costs;
mod ledger;
pub(crate) mod payments;
mod secrets;
pub(crate) mod stripe;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use billing::Month;
use billing::attribution::QueriedDay;
use billing::balance::{Balance, Entry};
use billing::invoice::InvoiceRecord;
use billing::ledger::{CostDay, MemoryLedger, SyncMark};
use billing::tenant::TenantRecord;
use jiff::Timestamp;
use jiff::civil::Date;

use super::{Checkout, Clock, CostQuery, CostSource, Invoices, Ledger, Payments, PortError, Ports, Secrets};
use crate::secret::Secret;

/// Everything the ports hold. Compared after faults. What the ledger holds is shown by record.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct World {
    pub(crate) tenants: BTreeMap<String, TenantRecord>,
    pub(crate) days: BTreeMap<(String, Date), CostDay>,
    pub(crate) marks: BTreeMap<(String, Month), SyncMark>,
    pub(crate) invoices: BTreeMap<(String, Month), InvoiceRecord>,
    pub(crate) claims: BTreeMap<(String, Month), String>,
    pub(crate) by_service: Vec<QueriedDay>,
    pub(crate) by_project: Vec<QueriedDay>,
    pub(crate) by_record: Vec<QueriedDay>,
    pub(crate) stripe: stripe::Stripe,
    /// Open balances by tenant, and their entries.
    pub(crate) balances: BTreeMap<String, Balance>,
    pub(crate) entries: BTreeMap<(String, String), Entry>,
    pub(crate) secrets: BTreeMap<String, String>,
}

/// When a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing happened.
    Before,
    /// It happened, the answer got lost.
    After,
    /// The service says no: nothing happened, and saying it again is in vain.
    Refused,
    /// The process died before it: no call after it happens either, until [`Memory::revive`].
    Killed,
}

/// Which call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// The nth, counted from 0.
    Nth(usize),
    /// The first that does this.
    Doing(&'static str),
    /// All.
    Every,
}

/// The world behind all ports; a clone is the same world.
#[derive(Debug, Default, Clone)]
pub(crate) struct Memory {
    /// All but what the ledger holds.
    world: Arc<Mutex<World>>,
    ledger: Arc<MemoryLedger>,
    /// What was done since the last fault was planned.
    calls: Arc<Mutex<Vec<String>>>,
    fault: Arc<Mutex<Option<(Due, Fault)>>>,
    meanwhile: Arc<Mutex<Option<Meanwhile>>>,
}

/// What others do once a call is answered.
struct Meanwhile {
    doing: &'static str,
    happens: Box<dyn FnOnce(&Memory) + Send>,
}

impl std::fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "after {}", self.doing)
    }
}

/// A clock that stands where it is put.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FixedClock(Timestamp);

impl FixedClock {
    pub(crate) fn at(text: &str) -> FixedClock {
        FixedClock(text.parse().expect("a time"))
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

impl Memory {
    pub(crate) fn new(world: World) -> Memory {
        let memory = Memory::default();
        memory.with(|present| *present = world);
        memory
    }

    /// Looks at or changes the world, outside any port.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.world.lock().expect("the world");
        ledger::show(&self.ledger, &mut world);
        let before = world.clone();
        let seen = look(&mut world);
        ledger::keep(&self.ledger, &before, &world);
        seen
    }

    /// Lets the nth call from now on (counted from 0) fail, once.
    pub(crate) fn fail(&self, nth: usize, fault: Fault) {
        self.plan(Due::Nth(nth), fault);
    }

    /// Lets the first call that does this fail, once.
    pub(crate) fn fail_at(&self, doing: &'static str, fault: Fault) {
        self.plan(Due::Doing(doing), fault);
    }

    /// Lets something happen behind the first call that does this.
    pub(crate) fn meanwhile(&self, doing: &'static str, happens: impl FnOnce(&Memory) + Send + 'static) {
        *self.meanwhile.lock().expect("a time") = Some(Meanwhile { doing, happens: Box::new(happens) });
    }

    /// Lets every call succeed from now on.
    pub(crate) fn revive(&self) {
        *self.fault.lock().expect("a fault") = None;
    }

    fn plan(&self, due: Due, fault: Fault) {
        self.calls.lock().expect("calls").clear();
        *self.fault.lock().expect("a fault") = Some((due, fault));
    }

    /// How many calls there were to Stripe since this was last asked.
    pub(crate) fn count_stripe(&self) -> usize {
        let calls = std::mem::take(&mut *self.calls.lock().expect("calls"));
        calls.iter().filter(|doing| stripe::DOINGS.contains(&doing.as_str())).count()
    }

    /// How many calls there were since the last `fail`.
    pub(crate) fn calls(&self) -> usize {
        self.calls.lock().expect("calls").len()
    }

    /// A call of a port on the world.
    fn call<T>(&self, doing: &str, effect: impl FnOnce(&mut World) -> Result<T, String>) -> Result<T, PortError> {
        let due = self.begin(doing)?;
        let done = effect(&mut self.world.lock().expect("the world")).map_err(|cause| PortError::new(doing, cause))?;
        let meanwhile = self.meanwhile.lock().expect("a time").take_if(|meanwhile| meanwhile.doing == doing);
        if let Some(Meanwhile { happens, .. }) = meanwhile {
            happens(self);
        }
        end(doing, due, done)
    }

    /// Counts a call; an error if it is to fail before it does anything.
    fn begin(&self, doing: &str) -> Result<Option<Fault>, PortError> {
        let nth = {
            let mut calls = self.calls.lock().expect("calls");
            calls.push(doing.to_owned());
            calls.len() - 1
        };
        let mut fault = self.fault.lock().expect("a fault");
        let is_due = |due: &Due| match due {
            Due::Nth(at) => *at == nth,
            Due::Doing(what) => *what == doing,
            Due::Every => true,
        };
        let due = fault.filter(|(due, _)| is_due(due)).map(|(_, fault)| fault);
        if due.is_some() {
            *fault = (due == Some(Fault::Killed)).then_some((Due::Every, Fault::Killed));
        }
        match due {
            Some(Fault::Before | Fault::Killed) => Err(PortError::new(doing, "refused by the test")),
            Some(Fault::Refused) => Err(PortError { refused: true, ..PortError::new(doing, "the service refused it") }),
            due => Ok(due),
        }
    }
}

/// What a call answers that was done: its result, or an error if the answer is to be lost.
fn end<T>(doing: &str, due: Option<Fault>, done: T) -> Result<T, PortError> {
    match due {
        Some(Fault::After) => Err(PortError::new(doing, "the test lost the answer")),
        _ => Ok(done),
    }
}

impl Ports for Memory {
    fn ledger(&self, _table: &str) -> Arc<dyn Ledger> {
        Arc::new(self.clone())
    }

    fn secrets(&self) -> Arc<dyn Secrets> {
        Arc::new(self.clone())
    }

    fn cost_source(&self, _query: CostQuery) -> Arc<dyn CostSource> {
        Arc::new(self.clone())
    }

    fn invoices(&self, _key: Secret) -> Result<Arc<dyn Invoices>, PortError> {
        Ok(Arc::new(self.clone()))
    }

    fn checkout(&self, _key: Secret) -> Result<Arc<dyn Checkout>, PortError> {
        Ok(Arc::new(self.clone()))
    }

    fn payments(&self, _key: Secret) -> Result<Arc<dyn Payments>, PortError> {
        Ok(Arc::new(self.clone()))
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(FixedClock::at("2026-11-21T08:00:00Z"))
    }
}
