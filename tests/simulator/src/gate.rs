//! What every call of a port passes: it counts calls, kills runs, loses answers, and interleaves two runs.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::poll_fn;
use runtime::ports::PortError;

use super::random::Random;

/// What becomes of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process dies before it: no call after it happens either.
    Killed,
    /// It happens, and its answer is lost.
    AnswerLost,
}

/// Which call meets with the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The nth of the run, from 1.
    Nth(u32),
    /// The first that does this, in this run or a later one.
    Doing(&'static str),
}

/// The gate of all ports of one simulation.
#[derive(Debug, Default)]
pub struct Gate(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    calls: u32,
    all_calls: u64,
    fault: Option<(Due, Fault)>,
    is_dead: bool,
    interleaving: Option<Random>,
}

/// The most times that a call gives way to another run's.
const GIVES_WAY: u32 = 3;

impl Gate {
    /// Begins a run: calls are counted from 1 again, a killed process lives.
    pub fn begin_run(&self, fault: Option<(Due, Fault)>, interleaving: Option<Random>) {
        let mut state = self.lock();
        let kept = state.fault.filter(|(due, _)| matches!(due, Due::Doing(_)));
        (state.calls, state.is_dead) = (0, false);
        (state.fault, state.interleaving) = (fault.or(kept), interleaving);
    }

    /// Returns how many calls the run made.
    pub fn calls(&self) -> u32 {
        self.lock().calls
    }

    /// Returns how many calls all runs made.
    pub fn all_calls(&self) -> u64 {
        self.lock().all_calls
    }

    /// Lets a call begin.
    ///
    /// # Errors
    /// The process is dead.
    pub async fn begin(&self, doing: &'static str) -> Result<Option<Fault>, PortError> {
        self.give_way().await;
        let mut state = self.lock();
        state.calls += 1;
        state.all_calls += 1;
        let is_due = |due: Due| match due {
            Due::Nth(nth) => nth == state.calls,
            Due::Doing(what) => what == doing,
        };
        let due = state.fault.filter(|(due, _)| is_due(*due)).map(|(_, fault)| fault);
        if due.is_some() {
            state.fault = None;
        }
        state.is_dead |= due == Some(Fault::Killed);
        match state.is_dead {
            true => Err(PortError::new(doing, "the process was killed")),
            false => Ok(due),
        }
    }

    /// Returns what a call that was done answers.
    ///
    /// # Errors
    /// Its answer is lost, or its own.
    pub fn end<T>(&self, doing: &'static str, due: Option<Fault>, done: Result<T, PortError>) -> Result<T, PortError> {
        match due {
            Some(Fault::AnswerLost) => Err(PortError::new(doing, "the answer was lost")),
            _ => done,
        }
    }

    /// Lets calls of the other run go first, as often as the seed says.
    async fn give_way(&self) {
        let mut times = self.lock().interleaving.as_mut().map_or(0, |random| random.below(GIVES_WAY + 1));
        poll_fn(|context| {
            if times == 0 {
                return std::task::Poll::Ready(());
            }
            times -= 1;
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
