//! A month's cost by other tag values, as far as the ledger tells: a tenant's cost is kept by service, and cost of no
//! tenant by value. So values that are added, and one that takes the place of all others, can be told; a part cannot.
//! After a tenant's last month its cost is no tenant's, too.

use std::collections::{BTreeMap, BTreeSet};

use billing::Month;
use billing::invoice::sharing_of;
use billing::ledger::{CostAmount, CostDay};
use billing::tenant::TenantRecord;

use super::facts::Change;

/// What other values do to a tenant's cost.
pub(super) enum Moved {
    /// Cost of these values comes to it.
    To {
        /// The tag's key.
        tag: String,
        /// The values, of which the cost is no tenant's.
        added: BTreeSet<String>,
        /// Whether the cost it has stays.
        keeps_own: bool,
    },
    /// The ledger cannot tell.
    Unknown,
}

impl Moved {
    /// The tenant's days with the other values; none where that cannot be told.
    pub(super) fn days(&self, own: &[CostDay], unallocated: &[CostDay]) -> Option<Vec<CostDay>> {
        let Moved::To { tag, added, keeps_own } = self else { return None };
        let kept = own.iter().filter(|_| *keeps_own).cloned();
        let brought = unallocated.iter().map(|day| {
            let of = |value: &String| Some((format!("{tag}={value}"), *day.values.get(value)?));
            let services: BTreeMap<String, CostAmount> = added.iter().filter_map(of).collect();
            CostDay { services, ..CostDay::nothing(day.date, day.synced_at) }
        });
        Some(kept.chain(brought).collect())
    }
}

/// What the edit's tag values do to the month; none where they are what they were.
pub(super) fn moved<'a>(
    change: &Change,
    month: Month,
    tag: &str,
    mut others: impl Iterator<Item = &'a TenantRecord>,
) -> Option<Moved> {
    let (deployed, planned) = (change.deployed(), change.supposed(month));
    let left = |record: &TenantRecord| record.last_period.is_some_and(|last| last < month);
    if deployed.tags == planned.tags && left(deployed) == left(&planned) {
        return None;
    }
    if left(&planned) && !left(deployed) {
        // Cost of a tenant who left is no tenant's.
        return Some(Moved::To { tag: tag.to_owned(), added: BTreeSet::new(), keeps_own: false });
    }
    let tells_records = |record: &TenantRecord| !sharing_of(record, month, None).records.is_empty();
    let (Some(before), Some(after)) = (values(deployed, tag, month), values(&planned, tag, month)) else {
        return Some(Moved::Unknown);
    };
    if before == after {
        return None;
    }
    let added: BTreeSet<String> = after.difference(&before).cloned().collect();
    let (drops, keeps) = (before.difference(&after).next().is_some(), before.intersection(&after).next().is_some());
    let is_anothers = |other: &TenantRecord| {
        let days = month.period();
        other.tag_spans(tag).any(|span| added.contains(&span.value) && days.days().any(|day| span.covers(day)))
    };
    if (drops && keeps) || tells_records(deployed) || tells_records(&planned) || others.any(is_anothers) {
        return Some(Moved::Unknown);
    }
    Some(Moved::To { tag: tag.to_owned(), added, keeps_own: !drops })
}

/// The values by which cost of the whole month is the tenant's; none where they change within it, or where further tags
/// narrow them.
fn values(record: &TenantRecord, tag: &str, month: Month) -> Option<BTreeSet<String>> {
    if record.tags.keys().any(|key| key != tag) {
        return None;
    }
    let days = month.period();
    let mut values = BTreeSet::new();
    for span in record.tag_spans(tag) {
        let covered = days.days().filter(|day| span.covers(*day)).count();
        if covered == days.len_days() {
            values.insert(span.value);
        } else if covered > 0 {
            return None;
        }
    }
    Some(values)
}
