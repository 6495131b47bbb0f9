//! What disturbs the runs of a day.

use super::event::Trouble;
use super::gate::{Due, Fault};
use super::random::Random;

/// The most that a drawn call counts to.
const DRAWN_CALLS: u32 = 120;

/// What disturbs the runs of a day: one thing at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// Nothing.
    None,
    /// One call of one of the runs.
    Call {
        /// Counted from 1 to [`DRAWN_CALLS`], a place in the run whatever its length.
        call: u32,
        /// What becomes of it.
        fault: Fault,
    },
    /// Two runs at once.
    Two {
        /// What interleaves them.
        seed: u64,
    },
    /// Schedules come twice, in any order, before they come in their order.
    Repeated {
        /// What orders them.
        seed: u64,
    },
}

impl Disturbance {
    /// Returns the first disturbance among a day's troubles.
    #[must_use]
    pub fn of(troubles: &[Trouble]) -> Disturbance {
        let found = troubles.iter().find_map(|trouble| match trouble {
            Trouble::Kill { call } => Some(Disturbance::Call { call: *call, fault: Fault::Killed }),
            Trouble::LoseAnswer { call } => Some(Disturbance::Call { call: *call, fault: Fault::AnswerLost }),
            Trouble::TwoAtOnce { seed } => Some(Disturbance::Two { seed: *seed }),
            Trouble::RepeatEvents { seed } => Some(Disturbance::Repeated { seed: *seed }),
            _ => None,
        });
        found.unwrap_or(Disturbance::None)
    }

    /// Says whether the day's last runs come to their end.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        matches!(self, Disturbance::None | Disturbance::Repeated { .. })
    }

    /// Returns what becomes of a call, where one is disturbed: of some webhooks' too.
    #[must_use]
    pub fn of_a_call(&self) -> Option<Fault> {
        match self {
            Disturbance::Call { fault, .. } => Some(*fault),
            _ => None,
        }
    }

    /// Returns how many runs there are at once.
    #[must_use]
    pub fn runs_at_once(&self) -> u32 {
        if matches!(self, Disturbance::Two { .. }) { 2 } else { 1 }
    }

    /// Returns what interleaves the calls of runs at once.
    #[must_use]
    pub fn interleaving(&self) -> Option<Random> {
        match self {
            Disturbance::Two { seed } => Some(Random::new(*seed)),
            _ => None,
        }
    }

    /// Returns the fault of a handler's run, which usually makes so many calls. Odd calls are of the first handler, even
    /// ones of the second.
    #[must_use]
    pub fn fault(&self, handler: usize, usual_calls: u32) -> Option<(Due, Fault)> {
        let Disturbance::Call { call, fault } = *self else { return None };
        let is_its = (call % 2 == 1) == (handler == 0);
        is_its.then(|| (Due::Nth(1 + call * usual_calls / (DRAWN_CALLS + 1)), fault))
    }
}
