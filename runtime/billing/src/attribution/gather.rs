//! A period's answers, taken in page by page: a row of an answer takes 40 bytes here, whatever its names are, and a
//! tenant's days are made only when they are written.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::cut::{Cut, CutOwners};
use super::{AttributionError, Owners, Part, QueriedDay, QueriedRow, TOLERANCE};
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
    /// What is asked for beside the whole cost.
    cuts: Vec<CutOwners>,
    /// Tenants' ids, and [`UNALLOCATED`] last.
    tenants: Vec<String>,
    names: Names,
    /// Cost of no tenant by day and value of the tenant tag, of the answers by service and by record type.
    values: BTreeMap<(u16, u32), CostAmount>,
    /// Those of `values` of which a cut took something.
    cut_values: BTreeSet<(u16, u32)>,
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
    /// Which days AWS may still restate, by any answer.
    estimated: Answered,
    /// What is known after it, for each month of the period; the same for every tenant.
    pub marks: Vec<SyncMark>,
}

/// One query's rows by tenant, and the days it answered.
#[derive(Debug)]
struct Grouped {
    rows: Vec<Vec<Row>>,
    whole: Answered,
    /// Of each cut.
    cuts: Vec<Answered>,
}

/// The days that an answer has, and whether AWS may still restate them.
type Answered = BTreeMap<Date, bool>;

#[derive(Debug)]
struct Row {
    amount: CostAmount,
    name: u32,
    /// Counted from the period's first.
    day: u16,
    /// What a cut gave to another owner: an amount to take away.
    is_taken: bool,
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
        let (owners, cuts) = (owners.clone(), owners.cuts(&period));
        let grouped = || Grouped {
            rows: tenants.iter().map(|_| Vec::new()).collect(),
            whole: Answered::new(),
            cuts: vec![Answered::new(); cuts.len()],
        };
        let (services, projects, records) = (grouped(), with_projects.then(grouped), with_records.then(grouped));
        let (names, values, cut_values) = (Names::default(), BTreeMap::new(), BTreeSet::new());
        Gathering { period, owners, cuts, tenants, names, values, cut_values, services, projects, records }
    }

    /// What is to be asked for of each part beside the whole cost.
    pub fn cuts(&self) -> Vec<Cut> {
        self.cuts.iter().map(|of| of.cut.clone()).collect()
    }

    /// Takes in a page of the answer by a part: of the whole cost, or of the nth of [`Gathering::cuts`]. A day may come on
    /// several pages.
    pub fn take(&mut self, part: Part, cut: Option<usize>, page: &[QueriedDay]) {
        let (answer, unnamed) = match part {
            Part::Service => (Some(&mut self.services), NO_SERVICE),
            Part::Project => (self.projects.as_mut(), NO_PROJECT),
            Part::Record => (self.records.as_mut(), NO_SERVICE),
        };
        let Some(answer) = answer else { return };
        let unallocated = self.tenants.len() - 1;
        let place = Place { period: &self.period, owners: &self.owners, unallocated, unnamed };
        let (values, cut_values) = (&mut self.values, &mut self.cut_values);
        let mut unclaimed = |day: u16, value: u32, amount: CostAmount| {
            // The other two answers together are the bill.
            if part != Part::Project {
                values.entry((day, value)).or_default().add(amount);
            }
        };
        match cut.map(|nth| (nth, &self.cuts[nth])) {
            None => answer.take(page, &place, &mut self.names, unclaimed),
            Some((nth, of)) => answer.take_cut(page, (nth, of), &place, &mut self.names, |day, value, amount| {
                cut_values.insert((day, value));
                unclaimed(day, value, amount);
            }),
        }
    }

    /// The whole period, once every page of each query is in.
    ///
    /// # Errors
    /// When a day is missing, or the two queries tell different sums of a tenant's day.
    pub fn finish(self, synced_at: Timestamp) -> Result<Attribution, AttributionError> {
        let queries = std::iter::once(&self.services).chain(&self.projects).chain(&self.records);
        for grouped in queries.clone() {
            let of_cuts = self.cuts.iter().zip(&grouped.cuts).map(|(of, answered)| (&of.cut.period, answered));
            for (period, answered) in std::iter::once((&self.period, &grouped.whole)).chain(of_cuts) {
                if let Some(missing) = period.days().find(|day| !answered.contains_key(day)) {
                    return Err(AttributionError::MissingDay(missing));
                }
            }
        }
        for (at, tenant) in self.tenants.iter().enumerate() {
            self.check_agreement(at, tenant)?;
        }
        let mut estimated = Answered::new();
        for (day, of_answer) in queries.flat_map(Grouped::answers).flatten() {
            *estimated.entry(*day).or_default() |= of_answer;
        }
        let marks = marks(&self.period, &estimated, synced_at);
        Ok(Attribution { gathered: self, synced_at, estimated, marks })
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
        let estimated = |date: &Date| self.estimated.get(date).copied().unwrap_or(true);
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
            add(row, label, &mut day.services);
            if gathered.projects.is_some() {
                add(row, NO_PROJECT, &mut day.projects);
            }
            if let Some(kind) = kind {
                let amount = day.records.entry(kind).or_default();
                amount.add(row.amount);
                if row.is_taken && *amount == CostAmount::default() {
                    day.records.remove(&kind);
                }
            }
        }
        for (key @ (day, value), amount) in gathered.values.iter().filter(|_| at + 1 == gathered.tenants.len()) {
            if *amount != CostAmount::default() || !gathered.cut_values.contains(key) {
                days[usize::from(*day)].values.insert(gathered.names.name(*value).to_owned(), *amount);
            }
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

impl Place<'_> {
    /// A day's number in the period.
    fn day(&self, date: Date) -> u16 {
        let since = date.since(self.period.start()).map(|span| span.get_days());
        since.ok().and_then(|days| u16::try_from(days).ok()).unwrap_or_default()
    }

    /// Who has what no cut takes of a value.
    fn owner(&self, value: &str, date: Date) -> usize {
        self.owners.on(value, date).unwrap_or(self.unallocated)
    }

    fn name<'a>(&'a self, row: &'a QueriedRow) -> &'a str {
        if row.part.is_empty() { self.unnamed } else { &row.part }
    }
}

impl Grouped {
    /// The days of each of its answers.
    fn answers(&self) -> impl Iterator<Item = &Answered> {
        std::iter::once(&self.whole).chain(&self.cuts)
    }

    /// Takes in a page, and tells of cost of no tenant: its day, the number of its value of the tenant tag, and the amount.
    fn take(
        &mut self,
        page: &[QueriedDay],
        place: &Place,
        names: &mut Names,
        mut unclaimed: impl FnMut(u16, u32, CostAmount),
    ) {
        for queried in page.iter().filter(|queried| place.period.contains(queried.date)) {
            *self.whole.entry(queried.date).or_default() |= queried.estimated;
            let day = place.day(queried.date);
            for row in &queried.rows {
                let owner = place.owner(&row.tenant_value, queried.date);
                if owner == place.unallocated {
                    unclaimed(day, names.number(&row.tenant_value), row.amount);
                }
                let name = names.number(place.name(row));
                self.rows[owner].push(Row { amount: row.amount, name, day, is_taken: false });
            }
        }
    }

    /// Takes in a page of a cut: gives its rows to their tenants, and takes them away from whoever had them by the whole
    /// answer. Tells of what is taken away from cost of no tenant.
    fn take_cut(
        &mut self,
        page: &[QueriedDay],
        (nth, of): (usize, &CutOwners),
        place: &Place,
        names: &mut Names,
        mut unclaimed: impl FnMut(u16, u32, CostAmount),
    ) {
        for queried in page.iter().filter(|queried| of.cut.period.contains(queried.date)) {
            *self.cuts[nth].entry(queried.date).or_default() |= queried.estimated;
            let day = place.day(queried.date);
            for row in &queried.rows {
                let Some(tenant) = of.on(&row.tenant_value, queried.date) else { continue };
                let (from, taken) = (place.owner(&row.tenant_value, queried.date), row.amount.opposite());
                if from == place.unallocated {
                    unclaimed(day, names.number(&row.tenant_value), taken);
                }
                let name = names.number(place.name(row));
                self.rows[from].push(Row { amount: taken, name, day, is_taken: true });
                self.rows[tenant].push(Row { amount: row.amount, name, day, is_taken: false });
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
        add(row, self.name(row.name), parts);
    }
}

/// Adds a row to what it names; what cuts took all of is not there.
fn add(row: &Row, name: &str, parts: &mut BTreeMap<String, CostAmount>) {
    match parts.get_mut(name) {
        Some(amount) => {
            amount.add(row.amount);
            if row.is_taken && *amount == CostAmount::default() {
                parts.remove(name);
            }
        }
        None => {
            parts.insert(name.to_owned(), row.amount);
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
