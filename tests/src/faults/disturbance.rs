//! What becomes of the struck call, and of the run that made it.

use std::fmt;
use std::str::FromStr;

use localcloud::gateway::fault::Effect;

use super::Change;

/// One way to disturb a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Disturbance {
    /// It is answered with an internal error and has no effect.
    Fails,
    /// It takes effect, and the answer is lost.
    AnswerLost,
    /// It is answered with the service's throttling error.
    Throttled,
    /// SIGKILL while the call is under way; it never takes effect.
    KilledBefore,
    /// SIGKILL after it took effect and before its answer.
    KilledAfter,
    /// The connection is lost at once, and three seconds later it takes effect: after the run looked and called again.
    ActsLate,
    /// SIGKILL while it is under way; it takes effect three seconds later, while the next run is at work.
    KilledActsLate,
}

impl Disturbance {
    /// All of them.
    pub const ALL: [Disturbance; 7] = [
        Disturbance::Fails,
        Disturbance::AnswerLost,
        Disturbance::Throttled,
        Disturbance::KilledBefore,
        Disturbance::KilledAfter,
        Disturbance::ActsLate,
        Disturbance::KilledActsLate,
    ];

    /// Those that are told apart for such a call. A read has no effect, so that killing its caller before and after it
    /// are one, and when it takes effect is all the same. Only creates are worth making late: they are what can be
    /// there twice. A delete of a run that is dead can even reach what the next run made under the same name, which no
    /// client can prevent.
    pub fn of(change: Change, write: bool) -> impl Iterator<Item = Disturbance> {
        Disturbance::ALL.into_iter().filter(move |disturbance| match disturbance {
            // A change that is given up matters where it was begun and not ended.
            _ if change == Change::Abandon => write && *disturbance == Disturbance::KilledAfter,
            Disturbance::Fails | Disturbance::AnswerLost | Disturbance::Throttled | Disturbance::KilledBefore => true,
            Disturbance::KilledAfter => write,
            Disturbance::ActsLate | Disturbance::KilledActsLate => write && change == Change::Create,
        })
    }

    /// What the gateway does to the call.
    pub fn effect(self) -> Effect {
        match self {
            Disturbance::Fails => Effect::FailBefore,
            Disturbance::AnswerLost => Effect::LoseAnswer,
            Disturbance::Throttled => Effect::Throttle,
            Disturbance::KilledBefore => Effect::HoldCall,
            Disturbance::KilledAfter => Effect::HoldAnswer,
            Disturbance::ActsLate | Disturbance::KilledActsLate => Effect::ActLate,
        }
    }

    /// Whether the run is killed when the call is struck.
    pub fn kills(self) -> bool {
        matches!(self, Disturbance::KilledBefore | Disturbance::KilledAfter | Disturbance::KilledActsLate)
    }

    fn name(self) -> &'static str {
        match self {
            Disturbance::Fails => "fails",
            Disturbance::AnswerLost => "answer-lost",
            Disturbance::Throttled => "throttled",
            Disturbance::KilledBefore => "killed-before",
            Disturbance::KilledAfter => "killed-after",
            Disturbance::ActsLate => "acts-late",
            Disturbance::KilledActsLate => "killed-acts-late",
        }
    }
}

impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Disturbance {
    type Err = String;

    fn from_str(text: &str) -> Result<Disturbance, String> {
        let known = Disturbance::ALL.into_iter().find(|disturbance| disturbance.name() == text);
        known.ok_or_else(|| {
            let names = Disturbance::ALL.map(Disturbance::name).join(", ");
            format!("`{text}` is none of {names}")
        })
    }
}
