//! Calls to Stripe held below its rate limit, so that they are not refused in the first place.
//!
//! docs.stripe.com/rate-limits (read in November 2026): 25 requests a second in a sandbox, 100 in live mode, and 25 for
//! each endpoint. What is left free is for the account's other users; an invoice takes three endpoints in turn.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::secret::Secret;

/// Calls a second in a sandbox.
const IN_A_SANDBOX: u32 = 20;
/// Calls a second in live mode.
const LIVE: u32 = 60;
/// Calls that may go out at once after a pause.
const AT_ONCE: u32 = 10;

/// Hands out turns at an even rate.
#[derive(Debug)]
pub(super) struct Pace {
    every: Duration,
    /// When the next call is due, were calls spread evenly.
    due: Mutex<Instant>,
}

impl Pace {
    /// The pace of the mode that a key is for.
    pub(super) fn of(key: &Secret) -> Pace {
        let is_live = ["sk_live_", "rk_live_"].iter().any(|live| key.expose().starts_with(live));
        Pace::per_second(if is_live { LIVE } else { IN_A_SANDBOX })
    }

    fn per_second(calls: u32) -> Pace {
        Pace { every: Duration::from_secs(1) / calls, due: Mutex::new(Instant::now()) }
    }

    /// Waits for a turn. Turns are given in the order they are asked for.
    pub(super) async fn turn(&self) {
        let pause = self.pause(Instant::now());
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }

    /// Takes the next turn, and tells how long it is until then.
    fn pause(&self, now: Instant) -> Duration {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = (*due).max(now);
        *due = turn + self.every;
        (turn - now).saturating_sub(self.every * AT_ONCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_few_at_once_calls_go_out_at_the_rate() {
        let pace = Pace::per_second(20);
        let now = Instant::now();
        let at_once = (0..=AT_ONCE).filter(|_| pace.pause(now).is_zero()).count();
        assert_eq!(at_once, 11);
        let last = (0..100).map(|_| pace.pause(now)).last();
        assert_eq!(last, Some(Duration::from_secs(5)));
        let rested = now + Duration::from_secs(60);
        assert!((0..=AT_ONCE).all(|_| pace.pause(rested).is_zero()));
        assert_eq!(pace.pause(rested), Duration::from_millis(50));
    }

    #[test]
    fn live_keys_go_faster() {
        for (key, calls) in
            [("sk_test_a", IN_A_SANDBOX), ("rk_test_a", IN_A_SANDBOX), ("rk_live_a", LIVE), ("sk_live_a", LIVE)]
        {
            assert_eq!(Pace::of(&Secret::new(key)).every, Duration::from_secs(1) / calls, "{key}");
        }
    }
}
