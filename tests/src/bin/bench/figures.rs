//! The figures, and what is made of several rounds of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use localcloud::gateway::traffic::Counts;

use crate::phase::Phase;
use crate::process::Ran;

/// Calls by service and operation.
pub type Calls = BTreeMap<String, BTreeMap<String, u64>>;

/// One side's work, once.
#[derive(Debug, Clone)]
pub struct Side {
    /// What it took. For billform the whole process, for calls by hand the calls and their clients.
    pub wall: Duration,
    /// The whole process, start to exit; for billform the same as `wall`.
    pub process: Duration,
    /// Time on a processor, of the whole process.
    pub cpu: Duration,
    /// The most memory the process had at once.
    pub peak_memory_kib: u64,
    /// What the gateway counted.
    pub calls: Calls,
    /// The most calls under way at once, as the gateway saw it.
    pub in_flight_peak: u64,
    /// Calls that the gateway rejected for being over a rate; only the plan is held to rates.
    pub rejections: u64,
}

impl Side {
    /// What a process took, and what the gateway saw of it.
    pub fn new(ran: &Ran, wall: Duration, counts: Counts) -> Side {
        Side {
            wall,
            process: ran.wall,
            cpu: ran.cpu,
            peak_memory_kib: ran.peak_memory_kib,
            rejections: counts.rejected(),
            calls: counts.services,
            in_flight_peak: counts.in_flight_peak,
        }
    }

    /// How many calls in all.
    pub fn total(&self) -> u64 {
        self.calls.values().flat_map(BTreeMap::values).sum()
    }

    /// How many calls of each service.
    pub fn by_service(&self) -> BTreeMap<&str, u64> {
        self.calls.iter().map(|(service, operations)| (service.as_str(), operations.values().sum())).collect()
    }
}

/// The same work by both, in several rounds.
#[derive(Debug, Clone, Default)]
pub struct Work {
    /// billform, round by round.
    pub billform: Vec<Side>,
    /// The same calls by hand, round by round.
    pub raw: Vec<Side>,
}

impl Work {
    /// How many hundredths of the time by hand billform takes; medians of all rounds.
    pub fn ratio_percent(&self) -> u128 {
        let raw = median(walls(&self.raw)).as_micros().max(1);
        median(walls(&self.billform)).as_micros() * 100 / raw
    }

    /// Where the two did not make the same calls about tenants: service, operation, billform's count, the count by hand.
    /// Operations that are not made by hand are about what all tenants share.
    pub fn differing_calls(&self) -> Vec<(String, String, u64, u64)> {
        let (Some(billform), Some(raw)) = (self.billform.last(), self.raw.last()) else { return Vec::new() };
        let by_hand = raw.calls.iter().flat_map(|(service, all)| all.keys().map(move |name| (service, name)));
        let keys: BTreeSet<(&String, &String)> = by_hand.collect();
        let count = |calls: &Calls, (service, name): (&String, &String)| {
            calls.get(service).and_then(|all| all.get(name)).copied().unwrap_or(0)
        };
        let counted = keys.into_iter().map(|key| (key, count(&billform.calls, key), count(&raw.calls, key)));
        counted.filter(|(_, one, other)| one != other).map(|((s, n), a, b)| (s.clone(), n.clone(), a, b)).collect()
    }
}

/// How long each round took.
pub fn walls(sides: &[Side]) -> Vec<Duration> {
    sides.iter().map(|side| side.wall).collect()
}

/// The one in the middle; of an even number the later of the two.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// The time within which so many of a hundred were done, of times that are sorted.
pub fn within(sorted: &[Duration], percent: usize) -> Duration {
    let place = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(place).copied().unwrap_or_default()
}

/// One manifest's figures.
#[derive(Debug, Clone, Default)]
pub struct Size {
    /// How many tenants it has.
    pub tenants: usize,
    /// How many resources that makes.
    pub resources: u64,
    /// What was measured, by phase.
    pub works: BTreeMap<Phase, Work>,
}

impl Size {
    /// The figures of a phase, to be added to.
    pub fn work(&mut self, phase: Phase) -> &mut Work {
        self.works.entry(phase).or_default()
    }
}

/// All that `bench provision` measures.
#[derive(Debug, Clone)]
pub struct Figures {
    /// `billform --version`, run by run.
    pub version: Vec<Duration>,
    /// `billform validate` of many tenants, run by run.
    pub validate: Vec<Ran>,
    /// How many tenants it validated.
    pub validate_tenants: usize,
    /// How often each side ran.
    pub rounds: u16,
    /// Manifest by manifest.
    pub sizes: Vec<Size>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(wall_ms: u64, calls: &[(&str, &str, u64)]) -> Side {
        let mut all = Calls::new();
        for (service, operation, count) in calls {
            all.entry((*service).to_owned()).or_default().insert((*operation).to_owned(), *count);
        }
        let wall = Duration::from_millis(wall_ms);
        Side {
            wall,
            process: wall,
            cpu: Duration::ZERO,
            peak_memory_kib: 0,
            calls: all,
            in_flight_peak: 0,
            rejections: 0,
        }
    }

    #[test]
    fn the_ratio_is_of_medians() {
        let sides = |walls: &[u64]| walls.iter().map(|wall| side(*wall, &[])).collect();
        let work = Work { billform: sides(&[900, 150, 120]), raw: sides(&[100, 1, 500]) };
        assert_eq!(work.ratio_percent(), 150);
    }

    #[test]
    fn percentiles_are_of_what_was_measured() {
        let times = |count: u64| (1..=count).map(Duration::from_millis).collect::<Vec<_>>();
        let of = |count, percent| within(&times(count), percent);
        assert_eq!((of(300, 50), of(300, 99)), (Duration::from_millis(150), Duration::from_millis(297)));
        assert_eq!((of(1, 50), of(1, 99)), (Duration::from_millis(1), Duration::from_millis(1)));
        assert_eq!(of(0, 99), Duration::ZERO);
    }

    #[test]
    fn calls_about_tenants_that_are_not_the_same_are_named() {
        let work = Work {
            billform: vec![side(1, &[("iam", "GetRole", 2), ("budgets", "CreateBudget", 1)])],
            raw: vec![side(1, &[("budgets", "CreateBudget", 2), ("dynamodb", "GetItem", 1)])],
        };
        // Roles are what all tenants share: they are not made by hand.
        let expected = [("budgets", "CreateBudget", 1, 2), ("dynamodb", "GetItem", 0, 1)];
        assert_eq!(work.differing_calls(), expected.map(|(s, n, a, b)| (s.to_owned(), n.to_owned(), a, b)));
        assert_eq!(work.billform[0].total(), 3);
    }
}
