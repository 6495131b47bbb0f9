//! Whose cost is it: Cost Explorer's grouped days become each tenant's days, and what nobody claims is kept apart.
//!
//! Whatever goes in comes out: tenants and [`crate::names::UNALLOCATED`] together are the bill. [`Gathering`] takes the
//! answers in page by page. Where tenants have more tags than the tenant tag, it says which [`Cut`]s to ask for beside it.

mod cut;
mod gather;
mod owners;
pub mod window;

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

pub use cut::Cut;
pub use gather::{Attribution, Gathering};
pub use owners::Owners;

use crate::ledger::{CostAmount, CostDay};

/// Which part a cost query groups by, beside the tenant tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// AWS service.
    Service,
    /// The project tag.
    Project,
    /// The record type: of cost that the other two leave out, as the query tells it apart.
    Record,
}

/// One day of an answer grouped by the tenant tag and by one part: service or project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueriedDay {
    /// The day.
    pub date: Date,
    /// AWS may still restate it.
    pub estimated: bool,
    /// Its groups, in any order; the same keys may come twice.
    pub rows: Vec<QueriedRow>,
}

/// One group of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueriedRow {
    /// The tenant tag's value, empty for untagged cost.
    pub tenant_value: String,
    /// The service's name or the project tag's value, empty for untagged cost.
    pub part: String,
    /// Cost and usage.
    pub amount: CostAmount,
}

/// Why the answers are not taken into the ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttributionError {
    /// The answer has no such day.
    #[error("Cost Explorer's answer lacks {0}; nothing was written, run the sync again")]
    MissingDay(Date),
    /// Both queries must tell the same story.
    #[error(
        "Cost Explorer gives {tenant} {services} USD by service and {projects} USD by project on {date}: it was \
         restated between the two queries; nothing was written, run the sync again"
    )]
    Disagreement {
        /// The day.
        date: Date,
        /// The tenant's id.
        tenant: String,
        /// The sum by service.
        services: Decimal,
        /// The sum by project.
        projects: Decimal,
    },
    /// Two tenants claim the same cost.
    #[error(
        "tenants {first} and {second} have the same value `{value}` of the tenant tag{} and no other tag with two values: \
         give one of them another value",
        .since.map_or_else(String::new, |day| format!(" from {day} on"))
    )]
    SharedValue {
        /// The tag's value.
        value: String,
        /// One tenant's id.
        first: String,
        /// The other's.
        second: String,
        /// The first day on which both have it; none from the beginning on.
        since: Option<Date>,
    },
}

/// Cost Explorer rounds each group by itself, so two groupings of one cost differ in far digits. More than this, US
/// dollars a day, is a restatement.
const TOLERANCE: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

/// The days of `desired` that the ledger does not yet say: changed ones, and new ones that cost something.
pub fn changed<'a>(stored: &[CostDay], desired: &'a [CostDay]) -> Vec<&'a CostDay> {
    let stored: BTreeMap<Date, &CostDay> = stored.iter().map(|day| (day.date, day)).collect();
    let differs = |day: &&CostDay| match stored.get(&day.date) {
        Some(stored) => !stored.same_figures(day),
        None => !(day.services.is_empty() && day.projects.is_empty()),
    };
    desired.iter().filter(differs).collect()
}

#[cfg(test)]
mod tests;
