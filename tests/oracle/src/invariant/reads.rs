//! The reads of a world by month, in order of time: asked for every month of every tenant.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::month::Month;
use crate::world::World;

/// Every read of a month's whole cost.
pub(super) struct Reads {
    by_month: BTreeMap<Month, Vec<Timestamp>>,
    all: Vec<Timestamp>,
}

impl Reads {
    pub(super) fn of(world: &World) -> Self {
        let mut by_month: BTreeMap<Month, Vec<Timestamp>> = BTreeMap::new();
        for read in &world.reads {
            by_month.entry(read.month).or_default().push(read.at);
        }
        by_month.values_mut().for_each(|reads| reads.sort_unstable());
        let mut all: Vec<Timestamp> = world.reads.iter().map(|read| read.at).collect();
        all.sort_unstable();
        Self { by_month, all }
    }

    /// Returns the last read of a month's whole cost that was made at an instant or before.
    pub(super) fn last(&self, month: Month, at: Timestamp) -> Option<Timestamp> {
        last(self.of_month(month), at)
    }

    /// Returns the last read of any month that was made at an instant or before.
    pub(super) fn last_sync(&self, at: Timestamp) -> Option<Timestamp> {
        last(&self.all, at)
    }

    /// Returns the reads of a month's whole cost, the earliest first.
    pub(super) fn of_month(&self, month: Month) -> &[Timestamp] {
        self.by_month.get(&month).map_or(&[], Vec::as_slice)
    }
}

fn last(reads: &[Timestamp], at: Timestamp) -> Option<Timestamp> {
    let made = reads.partition_point(|read_at| *read_at <= at);
    made.checked_sub(1).and_then(|last| reads.get(last)).copied()
}
