//! Whose cost is it: Cost Explorer's grouped days become each tenant's days, and what nobody claims is kept apart.
//!
//! Whatever goes in comes out: tenants and [`UNALLOCATED`] together are the bill.

pub mod window;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::ledger::{CostAmount, CostDay, SyncMark};
use crate::names::{NO_PROJECT, UNALLOCATED};
use crate::tenant::TenantRecord;
use crate::{Month, Period};

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

/// Everybody's days of a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribution {
    /// By tenant id, [`UNALLOCATED`] among them: every day of the period, in order, also those that cost nothing.
    pub days: BTreeMap<String, Vec<CostDay>>,
    /// What is known after it, for each month of the period; the same for every tenant.
    pub marks: Vec<SyncMark>,
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
    #[error("tenants {first} and {second} have the same value `{value}` of the tenant tag")]
    SharedValue {
        /// The tag's value.
        value: String,
        /// One tenant's id.
        first: String,
        /// The other's.
        second: String,
    },
}

/// Cost Explorer rounds each group by itself, so two groupings of one cost differ in far digits. More than this, US
/// dollars a day, is a restatement.
const TOLERANCE: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

/// Which tenant owns which value of the tenant tag.
pub fn owners(tenants: &[TenantRecord], tenant_tag: &str) -> Result<BTreeMap<String, String>, AttributionError> {
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    for tenant in tenants {
        let Some(value) = tenant.tags.get(tenant_tag).filter(|value| !value.is_empty()) else {
            continue;
        };
        if let Some(first) = owners.insert(value.clone(), tenant.id.clone()) {
            return Err(AttributionError::SharedValue { value: value.clone(), first, second: tenant.id.clone() });
        }
    }
    Ok(owners)
}

/// Gives every queried group to its owner or to [`UNALLOCATED`].
///
/// `by_project` is none when the stack tells no projects apart. Tenants without cost get days that cost nothing.
pub fn attribute(
    period: &Period,
    by_service: &[QueriedDay],
    by_project: Option<&[QueriedDay]>,
    owners: &BTreeMap<String, String>,
    synced_at: Timestamp,
) -> Result<Attribution, AttributionError> {
    let mut services = by_date(period, by_service)?;
    let mut projects = by_project.map(|days| by_date(period, days)).transpose()?;
    let ids: Vec<&str> = owners.values().map(String::as_str).chain([UNALLOCATED]).collect();
    let mut days: BTreeMap<String, Vec<CostDay>> = ids.iter().map(|id| ((*id).to_owned(), Vec::new())).collect();
    let mut estimated: BTreeMap<Date, bool> = BTreeMap::new();
    for date in period.days() {
        let mut service_day = services.remove(&date).unwrap_or_default();
        let mut project_day = projects.as_mut().and_then(|days| days.remove(&date));
        let day_estimated = service_day.estimated || project_day.as_ref().is_some_and(|day| day.estimated);
        estimated.insert(date, day_estimated);
        let mut service_parts = split_by_owner(&mut service_day, owners, "(no service)");
        let mut project_parts =
            project_day.as_mut().map(|day| split_by_owner(day, owners, NO_PROJECT)).unwrap_or_default();
        for id in &ids {
            let day = CostDay {
                services: service_parts.remove(*id).unwrap_or_default(),
                projects: project_parts.remove(*id).unwrap_or_default(),
                estimated: day_estimated,
                ..CostDay::nothing(date, synced_at)
            };
            if projects.is_some() {
                check_agreement(id, &day)?;
            }
            days.entry((*id).to_owned()).or_default().push(day);
        }
    }
    let marks = marks(period, &estimated, synced_at);
    Ok(Attribution { days, marks })
}

/// The days of `desired` that the ledger does not yet say: changed ones, and new ones that cost something.
pub fn changed<'a>(stored: &[CostDay], desired: &'a [CostDay]) -> Vec<&'a CostDay> {
    let stored: BTreeMap<Date, &CostDay> = stored.iter().map(|day| (day.date, day)).collect();
    let differs = |day: &&CostDay| match stored.get(&day.date) {
        Some(stored) => !stored.same_figures(day),
        None => !(day.services.is_empty() && day.projects.is_empty()),
    };
    desired.iter().filter(differs).collect()
}

#[derive(Default)]
struct DayRows<'a> {
    estimated: bool,
    rows: Vec<&'a QueriedRow>,
}

fn by_date<'a>(period: &Period, days: &'a [QueriedDay]) -> Result<BTreeMap<Date, DayRows<'a>>, AttributionError> {
    let mut dated: BTreeMap<Date, DayRows> = BTreeMap::new();
    for day in days {
        let entry = dated.entry(day.date).or_default();
        entry.estimated |= day.estimated;
        entry.rows.extend(&day.rows);
    }
    match period.days().find(|day| !dated.contains_key(day)) {
        Some(missing) => Err(AttributionError::MissingDay(missing)),
        None => Ok(dated),
    }
}

fn split_by_owner<'a>(
    day: &mut DayRows,
    owners: &'a BTreeMap<String, String>,
    unnamed: &str,
) -> BTreeMap<&'a str, BTreeMap<String, CostAmount>> {
    let mut parts: BTreeMap<&str, BTreeMap<String, CostAmount>> = BTreeMap::new();
    for row in day.rows.drain(..) {
        let owner = owners.get(&row.tenant_value).map_or(UNALLOCATED, String::as_str);
        let part = if row.part.is_empty() { unnamed } else { &row.part };
        parts.entry(owner).or_default().entry(part.to_owned()).or_default().add(row.amount);
    }
    parts
}

fn check_agreement(tenant: &str, day: &CostDay) -> Result<(), AttributionError> {
    let services = day.cost();
    let projects: Decimal = day.projects.values().map(|amount| amount.cost).sum();
    if (services - projects).abs() <= TOLERANCE {
        return Ok(());
    }
    Err(AttributionError::Disagreement { date: day.date, tenant: tenant.to_owned(), services, projects })
}

fn marks(period: &Period, estimated: &BTreeMap<Date, bool>, synced_at: Timestamp) -> Vec<SyncMark> {
    let mut marks: Vec<SyncMark> = Vec::new();
    for day in period.days() {
        let month = Month::of(day);
        let estimated = estimated.get(&day).copied().unwrap_or(true);
        match marks.last_mut().filter(|mark| mark.month == month) {
            Some(mark) => {
                mark.through = day;
                mark.estimated |= estimated;
            }
            None => marks.push(SyncMark { month, through: day, estimated, complete: true, synced_at }),
        }
    }
    marks
}

#[cfg(test)]
mod tests;
