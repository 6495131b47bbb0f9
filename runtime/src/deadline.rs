//! Until when calls to AWS and Stripe may take, so that a handler's own answer gets out before Lambda ends the process.
//!
//! The deadline goes with the task: adapters ask [`left`] and [`attempt`], and no signature between carries it.

use std::time::Duration;

use tokio::time::Instant;

/// What a handler needs to turn a failed call into its answer, and Lambda to take it.
const RESERVE: Duration = Duration::from_secs(1);
/// The longest that one attempt of a call may take.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(20);
/// Shorter attempts fail where a cold connection would have succeeded.
const SHORTEST_ATTEMPT: Duration = Duration::from_secs(1);
/// Attempts that fit into what is left, so that one lost answer does not use it up.
const ATTEMPTS: u32 = 3;

/// When the parts of a run end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// Calls end here, with an error.
    pub calls: Instant,
    /// A request is refused here if it is not answered, so that its caller learns why.
    pub answer: Instant,
    /// The handler ends here, whatever it does.
    pub work: Instant,
    /// Lambda ends the process here.
    pub process: Instant,
}

impl Deadline {
    /// The deadline of a run that Lambda ends after `left`. A second is kept for the answer, of short runs a fifth.
    pub fn after(left: Duration) -> Deadline {
        let reserve = RESERVE.min(left / 5);
        let process = Instant::now() + left;
        Deadline { calls: process - reserve, answer: process - reserve / 2, work: process - reserve / 4, process }
    }
}

tokio::task_local! {
    static CALLS_END: Instant;
}

/// Runs `work` with the time-outs of its calls derived from the deadline.
pub async fn scope<F: Future>(deadline: Deadline, work: F) -> F::Output {
    CALLS_END.scope(deadline.calls, work).await
}

/// How long a call with all its attempts may take from now on; none outside of a run.
pub fn left() -> Option<Duration> {
    CALLS_END.try_with(|end| end.saturating_duration_since(Instant::now())).ok()
}

/// How long one attempt of a call may take: a third of what is left, at least a second, at most twenty.
pub fn attempt() -> Duration {
    left().map_or(LONGEST_ATTEMPT, |left| (left / ATTEMPTS).clamp(SHORTEST_ATTEMPT, LONGEST_ATTEMPT).min(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answers_time_is_kept() {
        for (left_ms, reserve_ms) in [(10_000, 1000), (600_000, 1000), (3000, 600), (0, 0)] {
            let left = Duration::from_millis(left_ms);
            let Deadline { calls, answer, work, process } = Deadline::after(left);
            assert_eq!(process - calls, Duration::from_millis(reserve_ms), "{left_ms}");
            assert_eq!(process - answer, Duration::from_millis(reserve_ms) / 2, "{left_ms}");
            assert_eq!(process - work, Duration::from_millis(reserve_ms) / 4, "{left_ms}");
        }
    }

    #[tokio::test]
    async fn an_attempt_is_a_part_of_what_is_left() {
        assert_eq!((left(), attempt()), (None, LONGEST_ATTEMPT));
        let within = |seconds| scope(Deadline::after(Duration::from_secs(seconds)), async { attempt() });
        assert_eq!(within(600).await, LONGEST_ATTEMPT);
        let of_ten = within(10).await;
        assert!(of_ten <= Duration::from_secs(3) && of_ten > Duration::from_secs(2), "{of_ten:?}");
        assert_eq!(within(0).await, Duration::ZERO);
    }
}
