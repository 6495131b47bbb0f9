//! Answers: sums by group, what is final, and that nothing was lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::amount::Amount;
use crate::groups::Sums;
use crate::layout::Layout;
use crate::query::{Basis, Dimension};

/// The answer to a [`crate::Query`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The layout of the files.
    pub layout: Layout,
    /// The currency of all amounts; none where the files name none, or several that are grouped by.
    pub currency: Option<String>,
    /// Which cost was added up.
    pub basis: Basis,
    /// The columns it was taken from.
    pub columns: Vec<String>,
    /// What was grouped by.
    pub by: Vec<Dimension>,
    /// The groups in the order of their values.
    pub groups: Vec<Group>,
    /// The sum of all rows, added up apart from the groups.
    pub total: Sums,
    /// Rows that the chosen days leave out.
    pub outside: u64,
    /// The billing months, in order.
    pub months: Vec<MonthState>,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// A value for every dimension; empty where a row has none.
    pub values: Vec<Arc<str>>,
    /// What its rows add up to.
    pub sums: Sums,
}

/// A billing month, and how much of it AWS has invoiced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthState {
    /// `2026-01`; empty where the files do not name it.
    pub month: String,
    /// All of it.
    pub all: Sums,
    /// What bears no invoice id yet; none where the files have no such column.
    pub open: Option<Sums>,
}

impl MonthState {
    /// Whether AWS has invoiced all of it.
    pub fn is_final(&self) -> Option<bool> {
        self.open.as_ref().map(|open| open.rows == 0)
    }
}

impl Report {
    /// Whether the groups add up to the rows: it always holds, and is checked before a report is given out.
    pub fn is_conserved(&self) -> bool {
        let mut sum = Sums::default();
        self.groups.iter().for_each(|group| sum.add(&group.sums));
        sum == self.total
    }

    /// The place of a dimension among the values of a group.
    pub fn place(&self, dimension: &Dimension) -> Option<usize> {
        self.by.iter().position(|by| by == dimension)
    }

    /// What no tenant of `tenants` has used, by the value of the tenant's tag; the empty value is untagged cost. None
    /// where the report is not by tenant.
    pub fn unallocated(&self, tenants: &[&str]) -> Option<BTreeMap<Arc<str>, Sums>> {
        let place = self.place(&Dimension::Tenant)?;
        let mut found = BTreeMap::<Arc<str>, Sums>::new();
        for group in &self.groups {
            let value = &group.values[place];
            if !tenants.contains(&&**value) {
                found.entry(value.clone()).or_default().add(&group.sums);
            }
        }
        Some(found)
    }

    /// The groups of the first `width` dimensions alone.
    pub fn rolled_up(&self, width: usize) -> Vec<Group> {
        let mut sums = BTreeMap::<Vec<Arc<str>>, Sums>::new();
        for group in &self.groups {
            sums.entry(group.values[..width].to_vec()).or_default().add(&group.sums);
        }
        sums.into_iter().map(|(values, sums)| Group { values, sums }).collect()
    }
}

/// What a restatement changed in one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// A value for every dimension.
    pub values: Vec<Arc<str>>,
    /// Before; none where the group is new.
    pub old: Option<Sums>,
    /// Now; none where the group is gone.
    pub new: Option<Sums>,
}

impl Change {
    /// By how much the cost changed.
    pub fn cost(&self) -> Amount {
        let cost = |sums: &Option<Sums>| sums.map(|sums| sums.cost).unwrap_or_default();
        cost(&self.new) - cost(&self.old)
    }
}

/// The groups whose cost or usage differs between two reports of the same question, in the order of their values.
pub fn compare(old: &Report, new: &Report) -> Vec<Change> {
    let mut changes = BTreeMap::<&Vec<Arc<str>>, (Option<Sums>, Option<Sums>)>::new();
    old.groups.iter().for_each(|group| changes.entry(&group.values).or_default().0 = Some(group.sums));
    new.groups.iter().for_each(|group| changes.entry(&group.values).or_default().1 = Some(group.sums));
    let differs = |(old, new): &(Option<Sums>, Option<Sums>)| {
        let amounts = |sums: &Option<Sums>| sums.map(|sums| (sums.cost, sums.usage));
        amounts(old) != amounts(new)
    };
    let changed = changes.into_iter().filter(|(_, both)| differs(both));
    changed.map(|(values, (old, new))| Change { values: values.clone(), old, new }).collect()
}
