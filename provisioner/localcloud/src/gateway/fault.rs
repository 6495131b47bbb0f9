//! Faults that tests arm: which call they strike, and what becomes of it.
//!
//! Nothing here is random. A test that wants chance draws the numbers from its own seed.

use serde::{Deserialize, Serialize};

/// A fault to arm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Strikes the n-th matching call from now on; 1 is the next one.
    pub nth: u64,
    /// Whether reads count too.
    #[serde(default)]
    pub of: Of,
    /// Only calls of this service (as requests are signed for it, or `stripe`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Only calls of this operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// What becomes of the call.
    pub effect: Effect,
}

/// Which calls a fault counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Of {
    /// All of them.
    #[default]
    Calls,
    /// Those that change something.
    Writes,
}

/// What becomes of the call that a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Answered with an internal error; nothing happens.
    FailBefore,
    /// Answered with the service's throttling error; nothing happens.
    Throttle,
    /// It happens, then the connection closes without an answer.
    LoseAnswer,
    /// The network is lost: the connection of this and of every later matching call closes and nothing happens, until
    /// something else is armed.
    CutOff,
    /// It happens; the answer waits until it is released or the client has gone.
    HoldAnswer,
    /// It waits before it does anything: released it happens, and if the client has gone it never does.
    HoldCall,
    /// The connection closes at once without an answer, and three seconds later it happens all the same.
    ActLate,
}

/// How far a fault has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultState {
    /// Waits for its call.
    Armed,
    /// Its call is under way.
    Struck,
    /// Its call is held: it took effect and the answer is withheld, or it has yet to take effect.
    Holding,
    /// Over.
    Done,
}

/// A fault with how far it has come.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FaultStatus {
    /// Names the fault; counts from 1 and is never used again.
    pub id: u64,
    /// What was armed.
    pub fault: Fault,
    /// How far it has come.
    pub state: FaultState,
    /// How many matching calls it has seen.
    pub seen: u64,
    /// The number of the call it struck, as in the call log.
    pub call: Option<u64>,
}

/// What cannot be armed.
#[derive(Debug, thiserror::Error)]
pub enum FaultError {
    /// A fault that strikes the call before the first.
    #[error("fault {position}: nth is 0, and the next call is number 1; set nth to 1 or more")]
    NthIsZero {
        /// Its place in the list, from 1.
        position: usize,
    },
}

impl Fault {
    /// The n-th call from now.
    pub fn on_call(nth: u64, effect: Effect) -> Fault {
        Fault { nth, of: Of::Calls, service: None, operation: None, effect }
    }

    /// The n-th call from now that changes something.
    pub fn on_write(nth: u64, effect: Effect) -> Fault {
        Fault { of: Of::Writes, ..Fault::on_call(nth, effect) }
    }

    /// The next call of an operation.
    pub fn on_operation(service: &str, operation: &str, effect: Effect) -> Fault {
        let (service, operation) = (Some(service.to_owned()), Some(operation.to_owned()));
        Fault { service, operation, ..Fault::on_call(1, effect) }
    }

    /// Whether the fault counts such a call.
    pub fn counts(&self, service: &str, operation: &str, write: bool) -> bool {
        let same = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        (write || self.of == Of::Calls) && same(&self.service, service) && same(&self.operation, operation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_counts_only_what_it_names() {
        let write = Fault::on_write(1, Effect::LoseAnswer);
        assert!(write.counts("iam", "CreateRole", true));
        assert!(!write.counts("iam", "GetRole", false));
        let role = Fault::on_operation("iam", "CreateRole", Effect::Throttle);
        assert!(role.counts("iam", "CreateRole", true));
        assert!(!role.counts("iam", "DeleteRole", true));
        assert!(!role.counts("stripe", "CreateRole", true));
    }

    #[test]
    fn faults_are_written_as_plain_json_and_typos_are_refused() {
        let fault: Fault = serde_json::from_str(r#"{"nth":2,"of":"writes","effect":"hold_answer"}"#).unwrap();
        assert_eq!(fault, Fault::on_write(2, Effect::HoldAnswer));
        assert!(serde_json::from_str::<Fault>(r#"{"nth":2,"efect":"throttle"}"#).is_err());
    }
}
