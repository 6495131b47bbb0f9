//! The operator's settings that decide who bears what, and when.

use std::collections::BTreeMap;

use super::cost::{RecordType, Tags};

/// The operator's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Who bears cost that belongs to no tenant.
    pub unallocated: Unallocated,
    /// Record types that are not allocated as usage is; the others are [`RecordPolicy::AsTagged`].
    pub records: BTreeMap<RecordType, RecordPolicy>,
    /// Only rows with this tag belong to the system; all where there is none.
    pub scope: Option<Scope>,
    /// Days after a month's close until its figures count as settled: `invoicing.settle_days`, 14 by default.
    pub settle_days: u32,
    /// The day of the next month from which a month may be drafted as provisional: `invoicing.day`, the first by
    /// default.
    pub draft_day: i8,
    /// Months for which a billed month is looked at again: three by default.
    pub look_back_months: i32,
    /// Days beyond settling for which a month may wait before it is an error: three.
    pub wait_days: u32,
    /// Days before a month's last day from which on an exchange rate is near it: 15.
    pub rate_days_before: u32,
    /// Days after a month's last day up to which an exchange rate is near it: 31.
    pub rate_days_after: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            unallocated: Unallocated::Operator,
            records: BTreeMap::new(),
            scope: None,
            settle_days: 14,
            draft_day: 1,
            look_back_months: 3,
            wait_days: 3,
            rate_days_before: 15,
            rate_days_after: 31,
        }
    }
}

/// Who bears cost that belongs to no tenant: `costs.unallocated`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unallocated {
    /// The operator.
    Operator,
    /// The month's tenants, in proportion to their own cost.
    Proportional,
    /// The month's tenants, each the same part.
    Even,
}

/// To whom the rows of a record type belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordPolicy {
    /// The tenant that the tags name, and without one as [`Policy::unallocated`] says.
    AsTagged,
    /// All rows, tagged or not, are shared in this way.
    Shared(Unallocated),
}

/// A tag that cost must carry to belong to the system: `attribution.scope`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The tag's key.
    pub key: String,
    /// Its value.
    pub value: String,
}

impl Scope {
    pub(super) fn holds(&self, tags: &Tags) -> bool {
        tags.get(&self.key) == Some(&self.value)
    }
}
