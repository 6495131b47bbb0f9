//! Calling again: one bounded waiter with exponential back-off, jitter and an injected clock.
//!
//! The jitter comes from a hash, not from chance: the same run waits the same.

use futures::future::BoxFuture;
use sha2::{Digest, Sha256};

use crate::clock::Clock;
use crate::kind::ErrorClass;
use crate::observer::{Event, Observer};
use crate::{Address, CallError};

/// How often, and after which pauses, a call is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often a call is made at most, the first time included.
    pub attempts: u32,
    /// The same after an answer that leaves open what happened: a server that fails for longer is down, and is not
    /// waited for as what was just made is.
    pub attempts_ambiguous: u32,
    /// The longest the first pause can be.
    pub base_ms: u64,
    /// The longest any pause can be.
    pub cap_ms: u64,
    /// Spreads the pauses of different machines.
    pub seed: u64,
}

impl Default for RetryPolicy {
    /// About a minute of patience, which is what a new IAM role takes at worst to be seen everywhere; eight seconds with
    /// a server that fails (the AWS SDK repeats each of these attempts itself, another 3 s).
    fn default() -> Self {
        RetryPolicy { attempts: 12, attempts_ambiguous: 6, base_ms: 250, cap_ms: 10_000, seed: 0 }
    }
}

impl RetryPolicy {
    /// How often a call that failed like this is made at most.
    pub fn attempts_after(&self, class: ErrorClass) -> u32 {
        match class {
            ErrorClass::Ambiguous => self.attempts_ambiguous.min(self.attempts),
            _ => self.attempts,
        }
    }

    /// The pause after a failed attempt, counted from 0: between half and all of the exponential bound.
    pub fn pause_ms(&self, address: &Address, attempt: u32) -> u64 {
        let factor = 1u64.checked_shl(attempt).unwrap_or(u64::MAX);
        let bound = self.base_ms.saturating_mul(factor).min(self.cap_ms);
        let mut hash = Sha256::new();
        hash.update(self.seed.to_be_bytes());
        hash.update(attempt.to_be_bytes());
        hash.update(address.kind());
        hash.update(b".");
        hash.update(address.name());
        let digest = hash.finalize();
        let spread = u64::from_be_bytes(digest[..8].try_into().expect("a digest has eight bytes"));
        bound - bound / 2 + spread % (bound / 2 + 1)
    }
}

/// Makes calls again where that helps.
#[derive(Clone, Copy)]
pub(crate) struct Retrier<'a> {
    pub(crate) clock: &'a dyn Clock,
    pub(crate) policy: RetryPolicy,
    pub(crate) observer: &'a dyn Observer,
}

impl Retrier<'_> {
    /// Calls until it succeeds, fails with a class that is not `retriable`, or the attempts are used up.
    pub(crate) async fn call<'c, T>(
        &self,
        address: &Address,
        retriable: fn(ErrorClass) -> bool,
        mut call: impl FnMut() -> BoxFuture<'c, Result<T, CallError>> + Send,
    ) -> Result<T, CallError> {
        let mut attempt = 0;
        loop {
            let error = match call().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if !retriable(error.class) || !self.pause(address, attempt, &error).await {
                return Err(error);
            }
            attempt += 1;
        }
    }

    /// Waits before the next attempt; false, at once, when there is none left.
    pub(crate) async fn pause(&self, address: &Address, attempt: u32, why: &CallError) -> bool {
        if attempt + 1 >= self.policy.attempts_after(why.class) {
            return false;
        }
        let in_ms = self.policy.pause_ms(address, attempt);
        self.observer.event(&Event::Retrying { address: address.clone(), in_ms, why: why.to_string() });
        self.clock.sleep(in_ms).await;
        true
    }
}

/// Reads and other calls that change nothing or the same again: whatever may pass.
pub(crate) fn harmless_again(class: ErrorClass) -> bool {
    matches!(class, ErrorClass::Throttled | ErrorClass::NotYet | ErrorClass::Ambiguous)
}

/// Creates: only what certainly had no effect.
pub(crate) fn without_effect(class: ErrorClass) -> bool {
    matches!(class, ErrorClass::Throttled | ErrorClass::NotYet)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The longest that a policy waits in all after errors of a class.
    fn patience_ms(class: ErrorClass) -> u64 {
        let policy = RetryPolicy::default();
        let address = Address::new("item", "a");
        (0..policy.attempts_after(class) - 1).map(|attempt| policy.pause_ms(&address, attempt)).sum()
    }

    #[test]
    fn a_failing_server_is_waited_for_less_than_what_was_just_made() {
        assert!(patience_ms(ErrorClass::Ambiguous) < 8_000);
        assert!(patience_ms(ErrorClass::NotYet) > 30_000);
        assert!(patience_ms(ErrorClass::Throttled) > 30_000);
    }

    #[test]
    fn pauses_grow_to_the_cap_and_repeat() {
        let policy = RetryPolicy { attempts: 80, attempts_ambiguous: 80, base_ms: 100, cap_ms: 1_000, seed: 7 };
        let address = Address::new("item", "a");
        for attempt in 0..80 {
            let bound = 100u64.checked_shl(attempt).map_or(1_000, |bound| if attempt > 3 { 1_000 } else { bound });
            let pause = policy.pause_ms(&address, attempt);
            assert!((bound / 2..=bound).contains(&pause), "attempt {attempt}: {pause} of {bound}");
            assert_eq!(pause, policy.pause_ms(&address, attempt));
        }
        let spread: std::collections::BTreeSet<u64> =
            (0..20).map(|n| policy.pause_ms(&Address::new("item", n.to_string()), 3)).collect();
        assert!(spread.len() > 10, "different resources wait differently: {spread:?}");
    }
}
