//! Which steps may start: what they wait for is done, and their service has room.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Options;
use crate::Address;
use crate::plan::Plan;

/// The steps of a plan by position, each waiting, ready, running or settled.
pub(super) struct Queue<'a> {
    options: &'a Options,
    services: Vec<&'static str>,
    waits_for: Vec<usize>,
    dependants: Vec<Vec<usize>>,
    ready: BTreeMap<&'static str, VecDeque<usize>>,
    running: BTreeMap<&'static str, usize>,
    total: usize,
    settled: Vec<bool>,
}

impl<'a> Queue<'a> {
    /// A queue of the steps that change something; `services` names each step's service.
    pub(super) fn new(plan: &Plan, services: Vec<&'static str>, options: &'a Options) -> Queue<'a> {
        let changing = |at: &usize| plan.steps[*at].action.is_change();
        let positions: BTreeMap<&Address, usize> =
            (0..plan.steps.len()).filter(changing).map(|at| (&plan.steps[at].address, at)).collect();
        let mut queue = Queue {
            options,
            waits_for: vec![0; services.len()],
            dependants: vec![Vec::new(); services.len()],
            settled: vec![false; services.len()],
            services,
            ready: BTreeMap::new(),
            running: BTreeMap::new(),
            total: 0,
        };
        for at in (0..plan.steps.len()).filter(changing) {
            for before in plan.steps[at].after.iter().filter_map(|address| positions.get(address)) {
                queue.waits_for[at] += 1;
                queue.dependants[*before].push(at);
            }
            if queue.waits_for[at] == 0 {
                queue.make_ready(at);
            }
        }
        queue
    }

    fn make_ready(&mut self, at: usize) {
        self.ready.entry(self.services[at]).or_default().push_back(at);
    }

    /// Takes as many ready steps as may run, one of each service in turn; they count as running.
    pub(super) fn take(&mut self) -> Vec<usize> {
        let mut taken = Vec::new();
        loop {
            let before = taken.len();
            for (service, ready) in &mut self.ready {
                let running = self.running.entry(service).or_default();
                if self.total >= self.options.total_limit.max(1) || *running >= self.options.limit(service) {
                    continue;
                }
                if let Some(at) = ready.pop_front() {
                    *running += 1;
                    self.total += 1;
                    taken.push(at);
                }
            }
            if taken.len() == before {
                return taken;
            }
        }
    }

    /// A running step ended well: what waited only for it is ready.
    pub(super) fn succeeded(&mut self, at: usize) {
        self.leave(at);
        for dependant in std::mem::take(&mut self.dependants[at]) {
            self.waits_for[dependant] -= 1;
            if self.waits_for[dependant] == 0 && !self.settled[dependant] {
                self.make_ready(dependant);
            }
        }
    }

    /// A running step failed: gives everything that waited for it, directly or not, and will now never be ready.
    pub(super) fn failed(&mut self, at: usize) -> BTreeSet<usize> {
        self.leave(at);
        let mut skipped = BTreeSet::new();
        let mut open = std::mem::take(&mut self.dependants[at]);
        while let Some(dependant) = open.pop() {
            if !self.settled[dependant] {
                self.settled[dependant] = true;
                skipped.insert(dependant);
                open.append(&mut self.dependants[dependant]);
            }
        }
        skipped
    }

    fn leave(&mut self, at: usize) {
        self.settled[at] = true;
        self.total -= 1;
        if let Some(running) = self.running.get_mut(self.services[at]) {
            *running -= 1;
        }
    }
}
