//! Waiting between two looks at something that takes its time: short first, bounded always.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(1);

/// Pauses of 20 ms, doubling to a second, until they add up to the limit.
pub struct Waiter {
    pause: Duration,
    left: Duration,
}

impl Waiter {
    /// Waits for at most `limit_s` seconds altogether.
    pub fn new(limit_s: u64) -> Waiter {
        Waiter { pause: FIRST, left: Duration::from_secs(limit_s) }
    }

    /// Waits once; false, at once, when the limit is reached.
    pub async fn pause(&mut self) -> bool {
        match self.next() {
            Some(pause) => {
                tokio::time::sleep(pause).await;
                true
            }
            None => false,
        }
    }

    fn next(&mut self) -> Option<Duration> {
        let pause = self.pause.min(self.left);
        self.left -= pause;
        self.pause = (self.pause * 2).min(LONGEST);
        (!pause.is_zero()).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_a_second_and_add_up_to_the_limit() {
        let mut waiter = Waiter::new(3);
        let pauses: Vec<u128> = std::iter::from_fn(|| waiter.next()).map(|pause| pause.as_millis()).collect();
        assert_eq!(pauses[..7], [20, 40, 80, 160, 320, 640, 1000]);
        assert_eq!(pauses.iter().sum::<u128>(), 3000);
        assert_eq!(waiter.next(), None);
    }
}
