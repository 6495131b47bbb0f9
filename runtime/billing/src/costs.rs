//! E1's answer: what a tenant's AWS usage cost in a period, by service, project and day, with a forecast.
//!
//! Each shown figure is rounded once, and the parts of every breakdown sum to the shown total. Amounts are US dollars.

pub mod query;

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::exact::ExactNumber;
use crate::ledger::{self, CostAmount, CostDay, SyncMark};
use crate::money::round;
use crate::names::NO_PROJECT;
use crate::split::rounded_parts;
use crate::{Currency, Period};

pub use query::{AskedPeriod, PeriodKind, QueryError};

/// How many days a forecast looks ahead, and back at most.
pub const FORECAST_DAYS: i64 = 30;
/// With fewer complete days there is no forecast.
pub const FORECAST_NEEDS_DAYS: usize = 7;

/// E1's JSON. Numbers are exact; `period.end` is the last day, inclusive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CostAnswer {
    /// The tenant's tag value.
    pub client_organization: String,
    /// The period asked for.
    pub period: ShownPeriod,
    /// What is known of it.
    pub summary: Summary,
    /// The next 30 days at the rate of the last; `null` while too few days are known.
    pub forecast: Option<Forecast>,
}

/// A period as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownPeriod {
    /// The first day.
    pub start: Date,
    /// The last day, inclusive.
    pub end: Date,
    /// How it was asked for.
    #[serde(rename = "type")]
    pub kind: PeriodKind,
}

/// The period's cost and its three breakdowns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The sum of each breakdown.
    pub total_cost: ExactNumber,
    /// By AWS service.
    pub by_service: BTreeMap<String, ShownAmount>,
    /// By project; cost without one under [`NO_PROJECT`]. Empty when the stack tells no projects apart.
    pub by_project: BTreeMap<String, ShownAmount>,
    /// Every day from the first up to the last known one.
    pub daily_breakdown: Vec<ShownDay>,
}

/// Cost and usage as shown. `usage` adds unlike units (see [`CostAmount`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownAmount {
    /// US dollars, rounded.
    pub cost: ExactNumber,
    /// Usage quantity, exact.
    pub usage: ExactNumber,
}

/// One day's cost as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownDay {
    /// The day.
    pub date: Date,
    /// US dollars, rounded.
    pub cost: ExactNumber,
}

/// What the next 30 days will cost if they go on like the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// US dollars, rounded.
    pub amount: ExactNumber,
    /// Always `USD`.
    pub unit: Currency,
    /// Always `next-30-days`.
    pub period: &'static str,
    /// The complete days whose mean it rests on. Pages say it; E1's contract has no field for it.
    #[serde(skip)]
    pub basis: Period,
}

/// The last day any mark covers: cost is known up to it.
pub fn last_known(marks: &[SyncMark]) -> Option<Date> {
    marks.iter().map(|mark| mark.through).max()
}

/// The days an answer needs from the ledger: the period itself, and those the forecast looks back on.
pub fn days_needed(asked: &AskedPeriod, marks: &[SyncMark]) -> Period {
    let Some(last) = last_known(marks) else {
        return asked.period;
    };
    let back = (FORECAST_DAYS - 1).days();
    let first = last.checked_sub(back).unwrap_or(last);
    let start = first.min(asked.period.start());
    let end = last.max(asked.period.last_day());
    Period::inclusive(start, end).unwrap_or(asked.period)
}

/// E1's answer from the ledger: `days` of [`days_needed`], `marks` of the months they lie in.
pub fn answer(organization: &str, asked: &AskedPeriod, days: &[CostDay], marks: &[SyncMark]) -> CostAnswer {
    let known = by_date(days);
    CostAnswer {
        client_organization: organization.to_owned(),
        period: ShownPeriod { start: asked.period.start(), end: asked.period.last_day(), kind: asked.kind },
        summary: summary(&asked.period, &known, last_known(marks)),
        forecast: forecast(&known, marks),
    }
}

/// Days by their date.
pub(crate) fn by_date(days: &[CostDay]) -> BTreeMap<Date, &CostDay> {
    days.iter().map(|day| (day.date, day)).collect()
}

/// The figures of a period: E1, pages, tables and CSV all show these.
pub(crate) fn summary(period: &Period, known: &BTreeMap<Date, &CostDay>, last_known: Option<Date>) -> Summary {
    let shown: Vec<Date> = period.days().take_while(|day| last_known.is_some_and(|last| *day <= last)).collect();
    let in_period = || shown.iter().filter_map(|day| known.get(day).copied());
    let services = ledger::by_service(in_period());
    let exact_total: Decimal = services.values().map(|amount| amount.cost).sum();
    let projects = with_remainder(ledger::by_project(in_period()), &services);
    let daily: Vec<Decimal> = shown.iter().map(|day| known.get(day).map_or(Decimal::ZERO, |day| day.cost())).collect();
    let decimals = Currency::USD.decimals();
    Summary {
        total_cost: shown_cost(round(exact_total, decimals)),
        by_service: shown_amounts(services),
        by_project: shown_amounts(projects),
        daily_breakdown: shown
            .iter()
            .zip(rounded_parts(&daily, decimals))
            .map(|(date, cost)| ShownDay { date: *date, cost: shown_cost(cost) })
            .collect(),
    }
}

/// Projects with what they lack of the services' total, so that both breakdowns sum to one total: Cost Explorer rounds
/// each grouping's amounts by itself, and days from before the project tag was set have no projects.
fn with_remainder(
    mut projects: BTreeMap<String, CostAmount>,
    services: &BTreeMap<String, CostAmount>,
) -> BTreeMap<String, CostAmount> {
    let sum = |parts: &BTreeMap<String, CostAmount>| -> Decimal { parts.values().map(|amount| amount.cost).sum() };
    let lacking = sum(services) - sum(&projects);
    if !projects.is_empty() && !lacking.is_zero() {
        projects.entry(NO_PROJECT.to_owned()).or_default().cost += lacking;
    }
    projects
}

fn shown_amounts(amounts: BTreeMap<String, CostAmount>) -> BTreeMap<String, ShownAmount> {
    let costs: Vec<Decimal> = amounts.values().map(|amount| amount.cost).collect();
    let rounded = rounded_parts(&costs, Currency::USD.decimals());
    amounts
        .into_iter()
        .zip(rounded)
        .map(|((name, amount), cost)| {
            let shown = ShownAmount { cost: shown_cost(cost), usage: ExactNumber(amount.usage.normalize()) };
            (name, shown)
        })
        .collect()
}

/// With the currency's decimals even when they are zero: `125.50`.
fn shown_cost(mut cost: Decimal) -> ExactNumber {
    cost.rescale(Currency::USD.decimals());
    ExactNumber(cost)
}

/// 30 times the mean of the last up to 30 days known without a gap.
pub(crate) fn forecast(known: &BTreeMap<Date, &CostDay>, marks: &[SyncMark]) -> Option<Forecast> {
    let last = last_known(marks)?;
    let days: Vec<Date> = last
        .series((-1).days())
        .take(usize::try_from(FORECAST_DAYS).ok()?)
        .take_while(|day| marks.iter().any(|mark| mark.covers(*day)))
        .collect();
    if days.len() < FORECAST_NEEDS_DAYS {
        return None;
    }
    let basis = Period::inclusive(*days.last()?, last).ok()?;
    let costs: Vec<Decimal> = days.iter().map(|day| known.get(day).map_or(Decimal::ZERO, |day| day.cost())).collect();
    // Multiplied before it is divided: 30 days of a third of a cent lose nothing.
    let sum: Decimal = costs.iter().sum();
    let amount = sum * Decimal::from(FORECAST_DAYS) / Decimal::from(costs.len());
    Some(Forecast {
        amount: shown_cost(round(amount, Currency::USD.decimals())),
        unit: Currency::USD,
        period: "next-30-days",
        basis,
    })
}

#[cfg(test)]
mod tests;
