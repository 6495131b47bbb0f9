//! A period's answers, taken in page by page: a row of an answer takes 40 bytes here, whatever its names are, and a
//! tenant's days are made only when they are written.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{AttributionError, Owners, QueriedDay, TOLERANCE};
use crate::ledger::{CostAmount, CostDay, SyncMark};
use crate::names::{NO_PROJECT, UNALLOCATED};
use crate::sharing::RecordType;
use crate::{Month, Period};

/// Cost whose service is not named.
const NO_SERVICE: &str = "(no service)";

/// The answers about one period while their pages arrive.
#[derive(Debug)]
pub struct Gathering {
    period: Period,
    /// Their indexes are those of `tenants`.
    owners: Owners,
    /// Tenants' ids, and [`UNALLOCATED`] last.
    tenants: Vec<String>,
    names: Names,
    /// Cost of no tenant by day and value of the tenant tag, of the answer by service.
    values: BTreeMap<(u16, u32), CostAmount>,
    services: Grouped,
    /// None when the stack tells no projects apart.
    projects: Option<Grouped>,
    /// None when the stack tells no record types apart.
    records: Option<Grouped>,
}

/// Every tenant's days of a period, whole and checked.
#[derive(Debug)]
pub struct Attribution {
    gathered: Gathering,
    synced_at: Timestamp,
    /// What is known after it, for each month of the period; the same for every tenant.
    pub marks: Vec<SyncMark>,
}

/// One query's rows by tenant, and the days it answered.
#[derive(Debug)]
struct Grouped {
    rows: Vec<Vec<Row>>,
    /// Whether AWS may still restate the day.
    estimated: BTreeMap<Date, bool>,
}

#[derive(Debug)]
struct Row {
    amount: CostAmount,
    name: u32,
    /// Counted from the period's first.
    day: u16,
}

/// Names of services and projects, each stored once.
#[derive(Debug, Default)]
struct Names {
    numbers: HashMap<Arc<str>, u32>,
    names: Vec<Arc<str>>,
}

impl Gathering {
    /// Nothing yet. `with_projects` and `with_records` say whether there are queries by project and by record type.
    pub fn new(period: Period, owners: &Owners, with_projects: bool, with_records: bool) -> Gathering {
        let tenants: Vec<String> = owners.tenants().iter().cloned().chain([UNALLOCATED.to_owned()]).collect();
        let owners = owners.clone();
        let grouped = || Grouped { rows: tenants.iter().map(|_| Vec::new()).collect(), estimated: BTreeMap::new() };
        let (services, projects, records) = (grouped(), with_projects.then(grouped), with_records.then(grouped));
        let (names, values) = (Names::default(), BTreeMap::new());
        Gathering { period, owners, tenants, names, values, services, projects, records }
    }

    /// Takes in a page of the answer by service. A day may come on several pages.
    pub fn services(&mut self, page: &[QueriedDay]) {
        let unallocated = self.tenants.len() - 1;
        let place = Place { period: &self.period, owners: &self.owners, unallocated, unnamed: NO_SERVICE };
        self.services.take(page, &place, &mut self.names, |day, value, amount| {
            self.values.entry((day, value)).or_default().add(amount);
        });
    }

    /// Takes in a page of the answer by project.
    pub fn projects(&mut self, page: &[QueriedDay]) {
        let unallocated = self.tenants.len() - 1;
        let place = Place { period: &self.period, owners: &self.owners, unallocated, unnamed: NO_PROJECT };
        if let Some(projects) = &mut self.projects {
            projects.take(page, &place, &mut self.names, |_, _, _| {});
        }
    }

    /// Takes in a page of the answer by record type, which holds what the other answers leave out.
    pub fn records(&mut self, page: &[QueriedDay]) {
        let unallocated = self.tenants.len() - 1;
        let place = Place { period: &self.period, owners: &self.owners, unallocated, unnamed: NO_SERVICE };
        if let Some(records) = &mut self.records {
            records.take(page, &place, &mut self.names, |day, value, amount| {
                self.values.entry((day, value)).or_default().add(amount);
            });
        }
    }

    /// The whole period, once every page of each query is in.
    ///
    /// # Errors
    /// When a day is missing, or the two queries tell different sums of a tenant's day.
    pub fn finish(self, synced_at: Timestamp) -> Result<Attribution, AttributionError> {
        let queries = std::iter::once(&self.services).chain(&self.projects).chain(&self.records);
        for grouped in queries.clone() {
            if let Some(missing) = self.period.days().find(|day| !grouped.estimated.contains_key(day)) {
                return Err(AttributionError::MissingDay(missing));
            }
        }
        for (at, tenant) in self.tenants.iter().enumerate() {
            self.check_agreement(at, tenant)?;
        }
        let mut estimated: BTreeMap<Date, bool> = BTreeMap::new();
        for grouped in queries {
            for (day, of_query) in &grouped.estimated {
                *estimated.entry(*day).or_default() |= of_query;
            }
        }
        let marks = marks(&self.period, &estimated, synced_at);
        Ok(Attribution { gathered: self, synced_at, marks })
    }

    fn check_agreement(&self, tenant: usize, id: &str) -> Result<(), AttributionError> {
        let Some(projects) = &self.projects else { return Ok(()) };
        let (services, projects) = (self.services.daily(tenant), projects.daily(tenant));
        for (day, date) in (0_u16..).zip(self.period.days()) {
            let sum = |sums: &BTreeMap<u16, Decimal>| sums.get(&day).copied().unwrap_or_default();
            let (services, projects) = (sum(&services), sum(&projects));
            if (services - projects).abs() > TOLERANCE {
                return Err(AttributionError::Disagreement { date, tenant: id.to_owned(), services, projects });
            }
        }
        Ok(())
    }
}

impl Attribution {
    /// The tenants' ids, [`UNALLOCATED`] last.
    pub fn tenants(&self) -> &[String] {
        &self.gathered.tenants
    }

    /// A tenant's days: every day of the period, in order, also those that cost nothing; none of an unknown tenant.
    pub fn days_of(&self, tenant: &str) -> Vec<CostDay> {
        let gathered = &self.gathered;
        let Some(at) = gathered.tenants.iter().position(|id| id == tenant) else { return Vec::new() };
        let queries = || std::iter::once(&gathered.services).chain(&gathered.projects).chain(&gathered.records);
        let estimated = |date: &Date| queries().any(|query| query.estimated.get(date).copied().unwrap_or(true));
        let nothing = |date| CostDay { estimated: estimated(&date), ..CostDay::nothing(date, self.synced_at) };
        let mut days: Vec<CostDay> = gathered.period.days().map(nothing).collect();
        for row in &gathered.services.rows[at] {
            gathered.names.add(row, &mut days[usize::from(row.day)].services);
        }
        for row in gathered.projects.iter().flat_map(|projects| &projects.rows[at]) {
            gathered.names.add(row, &mut days[usize::from(row.day)].projects);
        }
        for row in gathered.records.iter().flat_map(|records| &records.rows[at]) {
            let day = &mut days[usize::from(row.day)];
            let name = gathered.names.name(row.name);
            let kind = kind_of(name);
            let label: &str = match kind {
                Some(kind) => kind.label(),
                None => name,
            };
            day.services.entry(label.to_owned()).or_default().add(row.amount);
            if gathered.projects.is_some() {
                day.projects.entry(NO_PROJECT.to_owned()).or_default().add(row.amount);
            }
            if let Some(kind) = kind {
                day.records.entry(kind).or_default().add(row.amount);
            }
        }
        for ((day, value), amount) in gathered.values.iter().filter(|_| at + 1 == gathered.tenants.len()) {
            days[usize::from(*day)].values.insert(gathered.names.name(*value).to_owned(), *amount);
        }
        days
    }

    /// The bill of the period, and the part of it that no tenant's tag claims; US dollars.
    pub fn totals(&self) -> (Decimal, Decimal) {
        let sum = |rows: &Vec<Row>| -> Decimal { rows.iter().map(|row| row.amount.cost).sum() };
        let answers = || std::iter::once(&self.gathered.services).chain(&self.gathered.records);
        let all = answers().flat_map(|answer| &answer.rows).map(sum).sum();
        (all, answers().filter_map(|answer| answer.rows.last()).map(sum).sum())
    }
}

/// The record type that Cost Explorer calls so.
fn kind_of(value: &str) -> Option<RecordType> {
    RecordType::ALL.into_iter().find(|kind| kind.values().contains(&value))
}

/// Where rows go.
struct Place<'a> {
    period: &'a Period,
    owners: &'a Owners,
    unallocated: usize,
    unnamed: &'a str,
}

impl Grouped {
    /// Takes in a page, and tells of cost of no tenant: its day, the number of its value of the tenant tag, and the amount.
    fn take(
        &mut self,
        page: &[QueriedDay],
        place: &Place,
        names: &mut Names,
        mut unclaimed: impl FnMut(u16, u32, CostAmount),
    ) {
        for queried in page.iter().filter(|queried| place.period.contains(queried.date)) {
            *self.estimated.entry(queried.date).or_default() |= queried.estimated;
            let since = queried.date.since(place.period.start()).map(|span| span.get_days());
            let day = since.ok().and_then(|days| u16::try_from(days).ok()).unwrap_or_default();
            for row in &queried.rows {
                let owner = place.owners.on(&row.tenant_value, queried.date).unwrap_or(place.unallocated);
                if owner == place.unallocated {
                    unclaimed(day, names.number(&row.tenant_value), row.amount);
                }
                let name = names.number(if row.part.is_empty() { place.unnamed } else { &row.part });
                self.rows[owner].push(Row { amount: row.amount, name, day });
            }
        }
    }

    /// A tenant's cost by day.
    fn daily(&self, tenant: usize) -> BTreeMap<u16, Decimal> {
        let mut sums = BTreeMap::new();
        for row in &self.rows[tenant] {
            *sums.entry(row.day).or_default() += row.amount.cost;
        }
        sums
    }
}

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let shared: Arc<str> = name.into();
        self.numbers.insert(shared.clone(), number);
        self.names.push(shared);
        number
    }

    fn name(&self, number: u32) -> &str {
        let name = usize::try_from(number).ok().and_then(|number| self.names.get(number));
        name.map_or("", |name| &**name)
    }

    fn add(&self, row: &Row, parts: &mut BTreeMap<String, CostAmount>) {
        let name = self.name(row.name);
        match parts.get_mut(name) {
            Some(amount) => amount.add(row.amount),
            None => {
                parts.insert(name.to_owned(), row.amount);
            }
        }
    }
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
