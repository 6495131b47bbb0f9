//! Many seeds, each a simulation by itself, on every processor.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Counts, Failure, Plan, Planted, Simulation, Sizes};

/// What is played.
#[derive(Clone, Copy, Debug)]
pub struct Campaign {
    /// How large each plan is.
    pub sizes: Sizes,
    /// The first seed; the others follow it.
    pub first: u64,
    /// When no further seed is begun.
    pub enough: Enough,
    /// A defect that is put back.
    pub planted: Option<Planted>,
}

/// When no further seed is begun. A violation ends a campaign in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enough {
    /// After so many seeds.
    Seeds(u64),
    /// After so many months of tenants.
    TenantMonths(u64),
}

/// What came of a campaign.
#[derive(Debug, Default)]
pub struct Played {
    /// How many seeds were played to their end, or to a violation.
    pub seeds: u64,
    /// What they did together.
    pub counts: Counts,
    /// The smallest seed that shows a violation, and the violation.
    pub failed: Option<(Plan, Box<Failure>)>,
}

impl Campaign {
    /// Plays the seeds, so many at a time. `report` hears of each that is done: its seed, what it did, and what was done
    /// in all.
    pub fn play(&self, threads: usize, report: impl Fn(u64, &Counts, &Played) + Sync) -> Played {
        let state = Mutex::new((self.first, Played::default()));
        std::thread::scope(|scope| {
            for _ in 0..threads.max(1) {
                scope.spawn(|| {
                    loop {
                        let next = self.next(&mut lock(&state));
                        let Some(seed) = next else { break };
                        let plan = Plan::draw(self.sizes, seed).as_built();
                        let (counts, result) = Simulation::play(&plan, self.planted);
                        let mut state = lock(&state);
                        let played = &mut state.1;
                        played.take(plan, &counts, result.err());
                        report(seed, &counts, played);
                    }
                });
            }
        });
        state.into_inner().unwrap_or_else(PoisonError::into_inner).1
    }

    /// Hands out the next seed.
    fn next(&self, (next, played): &mut (u64, Played)) -> Option<u64> {
        let is_enough = match self.enough {
            Enough::Seeds(count) => *next >= self.first.saturating_add(count),
            Enough::TenantMonths(count) => played.counts.tenant_months >= count,
        };
        let seed = (!is_enough && played.failed.is_none()).then_some(*next)?;
        *next += 1;
        Some(seed)
    }
}

impl Played {
    fn take(&mut self, plan: Plan, counts: &Counts, failure: Option<Box<Failure>>) {
        self.seeds += 1;
        self.counts.add(counts);
        if let Some(failure) = failure
            && self.failed.as_ref().is_none_or(|(smallest, _)| plan.seed < smallest.seed)
        {
            self.failed = Some((plan, failure));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
