//! Cost that is told apart by more than the tenant tag, and how it is asked for.
//!
//! Cost Explorer groups by two keys at most, the tenant tag and a part, and each page of an answer costs 0.01 USD. So the
//! whole cost of a month is asked for as if the tenant tag alone told it apart, and once more for each combination of
//! further pairs that tenants have, filtered by it: one request serves every tenant with `Environment=prod`, whatever
//! their value of the tenant tag is. What such an answer gives to a tenant is taken away from what the whole answer gave to
//! the value's other owner, or to no tenant. Sums are the whole answer's therefore, whatever the filtered ones say: where
//! AWS restates a figure between the two, or rounds one, the difference is no tenant's until the next run.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;

use crate::Period;
use crate::tenant::Pairs;

/// One part of the cost of some values of the tenant tag, by their further tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The days to ask for.
    pub period: Period,
    /// The values of the tenant tag of which some is wanted; other values may be in the answer.
    pub values: BTreeSet<String>,
    /// Pairs that the cost carries beside the tenant tag's, at least one.
    pub further: Pairs,
    /// Cost is left out that carries all pairs of one of these: it is of a claim that comes first.
    pub except: BTreeSet<Pairs>,
}

impl Cut {
    /// Whether cost with these further tags is in it: what Cost Explorer's filter says, for sources that have rows.
    pub fn takes<'a>(&self, tag: impl Fn(&str) -> Option<&'a str>) -> bool {
        let carries = |pairs: &Pairs| pairs.iter().all(|(key, value)| tag(key) == Some(value));
        carries(&self.further) && !self.except.iter().any(carries)
    }
}

/// A cut, and which tenant has which part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CutOwners {
    pub(super) cut: Cut,
    owners: HashMap<String, Vec<(Period, usize)>>,
}

/// A part of a cut that a tenant takes.
pub(super) struct Taken {
    /// The value of the tenant tag.
    pub(super) value: String,
    pub(super) days: Period,
    /// Index among the owners' tenants.
    pub(super) tenant: usize,
}

/// Cuts while they are collected: tenants with the same further tags share one.
pub(super) struct Cuts(BTreeMap<(Pairs, BTreeSet<Pairs>), Vec<Taken>>);

impl CutOwners {
    pub(super) fn none() -> Cuts {
        Cuts(BTreeMap::new())
    }

    /// The tenant that has what the cut takes of a value of the tenant tag on a day; none where it is not asked for it.
    pub(super) fn on(&self, value: &str, day: Date) -> Option<usize> {
        let owners = self.owners.get(value)?;
        owners.iter().find(|(days, _)| days.contains(day)).map(|(_, tenant)| *tenant)
    }
}

impl Cuts {
    pub(super) fn add(&mut self, further: Pairs, except: BTreeSet<Pairs>, taken: Taken) {
        self.0.entry((further, except)).or_default().push(taken);
    }

    /// The cuts, each asked for from the first to the last day that it is needed on.
    pub(super) fn finish(self) -> Vec<CutOwners> {
        let cut = |((further, except), all): ((Pairs, BTreeSet<Pairs>), Vec<Taken>)| {
            let first = all.iter().map(|taken| taken.days.start()).min()?;
            let end = all.iter().map(|taken| taken.days.end()).max()?;
            let mut owners: HashMap<String, Vec<(Period, usize)>> = HashMap::new();
            for Taken { value, days, tenant } in all {
                owners.entry(value).or_default().push((days, tenant));
            }
            let (period, values) = (Period::new(first, end).ok()?, owners.keys().cloned().collect());
            Some(CutOwners { cut: Cut { period, values, further, except }, owners })
        };
        self.0.into_iter().filter_map(cut).collect()
    }
}
