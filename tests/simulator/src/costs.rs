//! Cost Explorer as the handlers ask it: daily cost by tag value and service, page by page, as known at the moment; of all
//! rows, or of those with further tags.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use billing::Period;
use billing::attribution::{Cut, QueriedDay, QueriedRow};
use billing::ledger::CostAmount;
use billing::tenant::Pairs;
use jiff::Timestamp;
use jiff::civil::Date;
use oracle::exact::Exact;
use oracle::facts::{Edition, Facts};
use oracle::month::{Month, days_after};
use runtime::ports::{CostPage, CostSource, Part, PortError};

use super::script::TENANT_TAG;
use super::shared::Shared;
use super::text;

/// Rows of one page.
const PAGE: usize = 400;
/// Days of the next month on which AWS calls every figure of the last one an estimate.
const BILL_DAYS: u32 = 5;

/// One month's answer, and what it was made of.
type Answer = (Edition, bool, Arc<Vec<QueriedDay>>);

/// What rows of a cut carry, and what they do not.
type Filter = (Pairs, BTreeSet<Pairs>);

/// Cost by tag value and service.
type Groups = BTreeMap<(String, String), Exact>;

/// The cost source of one simulation.
#[derive(Debug)]
pub struct Costs {
    shared: Arc<Shared>,
    /// The last answer about each month, and each cut of it: most are asked for again while nothing changed.
    answers: Mutex<BTreeMap<(Month, Option<Filter>), Answer>>,
}

impl Costs {
    /// Over the facts of a simulation.
    pub fn new(shared: Arc<Shared>) -> Costs {
        Costs { shared, answers: Mutex::default() }
    }

    /// What Cost Explorer says of a period's month.
    fn month_of(&self, period: &Period, cut: Option<&Cut>) -> Arc<Vec<QueriedDay>> {
        let now = self.shared.now();
        let month = Month::of(period.start());
        let is_billed = now >= days_after(month.close(), BILL_DAYS);
        self.shared.with_facts(|facts| {
            let edition = facts.edition(month, now);
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            let key = (month, cut.map(|cut| (cut.further.clone(), cut.except.clone())));
            match answers.get(&key).filter(|(of, billed, _)| (*of, *billed) == (edition, is_billed)) {
                Some((.., answer)) => Arc::clone(answer),
                None => {
                    let answer = Arc::new(asked(facts, month, now, is_billed, cut));
                    answers.insert(key, (edition, is_billed, Arc::clone(&answer)));
                    answer
                }
            }
        })
    }
}

/// What Cost Explorer answers of a month at an instant.
fn asked(facts: &Facts, month: Month, now: Timestamp, is_billed: bool, cut: Option<&Cut>) -> Vec<QueriedDay> {
    let mut days: BTreeMap<Date, (bool, Groups)> = BTreeMap::new();
    for row in facts.rows(month) {
        let Some(figure) = row.at(now) else { continue };
        let (estimated, groups) = days.entry(row.day).or_default();
        *estimated |= figure.estimated;
        if cut.is_some_and(|cut| !cut.takes(|key| row.tags.get(key).map(String::as_str))) {
            continue;
        }
        let value = row.tags.get(TENANT_TAG).cloned().unwrap_or_default();
        *groups.entry((value, row.service.clone())).or_default() += &figure.usd;
    }
    let all = std::iter::successors(Some(month.first()), |day| day.tomorrow().ok());
    let all = all.take_while(|day| *day <= month.last());
    let answered = all.map(|date| {
        let (estimated, groups) = days.remove(&date).unwrap_or_default();
        QueriedDay { date, estimated: estimated || !is_billed, rows: groups.into_iter().map(row).collect() }
    });
    answered.collect()
}

fn row(((tenant_value, part), usd): ((String, String), Exact)) -> QueriedRow {
    let number = |text: &str| text.parse().unwrap_or_default();
    QueriedRow { tenant_value, part, amount: CostAmount { cost: number(&text::decimal(&usd)), usage: number("1") } }
}

#[async_trait]
impl CostSource for Costs {
    async fn page(
        &self,
        period: &Period,
        _part: Part,
        cut: Option<&Cut>,
        token: Option<&str>,
    ) -> Result<CostPage, PortError> {
        const DOING: &str = "ask Cost Explorer";
        let due = self.shared.gate.begin(DOING).await?;
        let number: usize = token.and_then(|token| token.parse().ok()).unwrap_or(0);
        let month = self.month_of(period, cut);
        let days: Vec<&QueriedDay> = month.iter().filter(|day| period.contains(day.date)).collect();
        let rows = days.iter().enumerate().flat_map(|(at, day)| day.rows.iter().map(move |row| (at, row)));
        let (count, on_page) = (rows.clone().count(), rows.skip(number * PAGE).take(PAGE));
        // The first page names every day; a day's rows may go on on the next page.
        let empty = |day: &QueriedDay| QueriedDay { date: day.date, estimated: day.estimated, rows: Vec::new() };
        let mut page: BTreeMap<usize, QueriedDay> = match number {
            0 => days.iter().map(|day| empty(day)).enumerate().collect(),
            _ => BTreeMap::new(),
        };
        for (at, row) in on_page {
            page.entry(at).or_insert_with(|| empty(days[at])).rows.push(row.clone());
        }
        let next = ((number + 1) * PAGE < count).then(|| (number + 1).to_string());
        let days = page.into_values().collect();
        self.shared.gate.end(DOING, due, Ok(CostPage { days, next }))
    }
}
