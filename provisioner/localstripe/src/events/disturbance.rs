//! Duplicates, losses and another order of deliveries on request, the same for the same seed. Stripe promises neither order nor
//! exactly one delivery; a client that counts on them fails here.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What is done to the deliveries of the events that follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disturbance {
    /// The same seed disturbs the same deliveries in the same way.
    pub seed: u64,
    /// How many of a hundred deliveries come twice.
    pub duplicate_percent: u8,
    /// Each delivery comes up to so many seconds of the local Stripe's clock late.
    pub reorder_seconds: u32,
    /// How many of a hundred deliveries never come: they are not tried again, and the event stays undelivered.
    pub lost_percent: u8,
    drawn: u64,
}

impl Disturbance {
    /// Disturbs from the first delivery on.
    pub fn new(seed: u64, duplicate_percent: u8, reorder_seconds: u32) -> Disturbance {
        Disturbance { seed, duplicate_percent: duplicate_percent.min(100), reorder_seconds, lost_percent: 0, drawn: 0 }
    }

    /// The same, with so many of a hundred deliveries lost.
    pub fn losing(self, lost_percent: u8) -> Disturbance {
        Disturbance { lost_percent: lost_percent.min(100), ..self }
    }

    /// Whether a delivery never comes.
    pub(crate) fn loses(&mut self) -> bool {
        self.lost_percent > 0 && self.draw() % 100 < u64::from(self.lost_percent)
    }

    /// How late a delivery comes, in seconds.
    pub(crate) fn delay(&mut self) -> i64 {
        i64::try_from(self.draw() % (u64::from(self.reorder_seconds) + 1)).unwrap_or(0)
    }

    /// How late its duplicate comes, when it has one.
    pub(crate) fn duplicate(&mut self) -> Option<i64> {
        let twice = self.draw() % 100 < u64::from(self.duplicate_percent);
        twice.then(|| self.delay())
    }

    /// As the control address answers it.
    pub(crate) fn shown(&self) -> Value {
        json!({
            "seed": self.seed, "duplicate_percent": self.duplicate_percent, "reorder_seconds": self.reorder_seconds,
            "lost_percent": self.lost_percent,
        })
    }

    fn draw(&mut self) -> u64 {
        self.drawn += 1;
        let mut hash = Sha256::new();
        hash.update(self.seed.to_le_bytes());
        hash.update(self.drawn.to_le_bytes());
        let bytes = hash.finalize();
        bytes.iter().take(8).fold(0, |drawn, byte| (drawn << 8) | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_disturbs_in_the_same_way() {
        let draws = |seed| {
            let mut disturbance = Disturbance::new(seed, 50, 60);
            (0..40).map(|_| (disturbance.delay(), disturbance.duplicate())).collect::<Vec<_>>()
        };
        assert_eq!(draws(7), draws(7));
        assert_ne!(draws(7), draws(8));
        assert!(draws(7).iter().any(|(_, duplicate)| duplicate.is_some()));
        assert!(draws(7).iter().any(|(_, duplicate)| duplicate.is_none()));
        assert!(draws(7).iter().all(|(delay, _)| (0..=60).contains(delay)));
    }
}
