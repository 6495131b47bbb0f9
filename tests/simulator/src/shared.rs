//! What the ports of a simulation, its driver and its observer share.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use billing::ledger::MemoryLedger;
use jiff::Timestamp;
use localstripe::Stripe;
use oracle::facts::Facts;

use super::gate::Gate;
use super::kept::Kept;
use super::planted::Planted;
use super::script::Script;
use super::trace::Trace;

/// What all ports share.
pub struct Shared {
    /// What every call passes.
    pub gate: Gate,
    /// The ledger's items.
    pub ledger: MemoryLedger,
    /// The strict Stripe.
    pub stripe: Stripe,
    /// The defect that is put back.
    pub planted: Option<Planted>,
    script: Mutex<Script>,
    now: Mutex<Timestamp>,
    signing: Mutex<String>,
    kept: Mutex<Kept>,
    trace: Mutex<Trace>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("now", &self.now()).field("planted", &self.planted).finish_non_exhaustive()
    }
}

impl Shared {
    /// On the eve of a script's first day.
    pub fn new(script: Script, stripe: Stripe, planted: Option<Planted>) -> Shared {
        let now = Mutex::new(stripe.now());
        let (gate, ledger, script) = (Gate::default(), MemoryLedger::default(), Mutex::new(script));
        Shared {
            gate,
            ledger,
            stripe,
            planted,
            script,
            now,
            signing: Mutex::default(),
            kept: Mutex::default(),
            trace: Mutex::default(),
        }
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        *lock(&self.now)
    }

    /// Moves the clock, Stripe's with it.
    pub fn move_to(&self, at: Timestamp) {
        self.stripe.advance(at.duration_since(self.stripe.now()));
        *lock(&self.now) = at;
    }

    /// The text of the secret that holds what events are signed with.
    pub fn signing_secret(&self) -> String {
        lock(&self.signing).clone()
    }

    /// Writes it.
    pub fn set_signing_secret(&self, text: &str) {
        text.clone_into(&mut lock(&self.signing));
    }

    /// Looks at the answers of Stripe's that are kept.
    pub fn with_kept<T>(&self, look: impl FnOnce(&mut Kept) -> T) -> T {
        look(&mut lock(&self.kept))
    }

    /// Looks at what is true.
    pub fn with_facts<T>(&self, look: impl FnOnce(&Facts) -> T) -> T {
        look(lock(&self.script).facts())
    }

    /// Plays the script on.
    pub fn with_script<T>(&self, play: impl FnOnce(&mut Script) -> T) -> T {
        play(&mut lock(&self.script))
    }

    /// Notes, or looks up, what an observer saw pass.
    pub fn with_trace<T>(&self, note: impl FnOnce(&mut Trace) -> T) -> T {
        note(&mut lock(&self.trace))
    }

    /// Whether a defect is put back.
    pub fn has(&self, planted: Planted) -> bool {
        self.planted == Some(planted)
    }

    /// The invoices that were written to since this was last asked.
    pub fn touched(&self) -> BTreeSet<String> {
        self.with_trace(|trace| std::mem::take(&mut trace.touched))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
