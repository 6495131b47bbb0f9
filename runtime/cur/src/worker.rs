//! One thread's share of a question: its batches added up.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::ask::Ask;
use crate::batch::{Batch, Figures, RowFault};
use crate::charge::{Rules, amortise};
use crate::groups::{Groups, Sums};
use crate::names::{EMPTY, Names};
use crate::problem::{Fault, Place};
use crate::query::Query;

/// The place of a batch: the file's number, and where in it.
pub type At = (usize, Place);

/// What a thread has added up.
pub struct Worker<'q> {
    ask: &'q Ask,
    query: &'q Query,
    groups: Groups,
    /// By month and whether there is an invoice.
    months: HashMap<(u32, bool), Sums>,
    total: Sums,
    /// Costs and usages without their signs: while this fits, every sum does.
    magnitude: u128,
    outside: u64,
    /// Where each currency was seen first.
    currencies: BTreeMap<u32, At>,
    rules: Rules,
    /// For the numbers of days, whether they are asked for.
    days: Vec<bool>,
}

/// What all threads add up together.
#[derive(Default)]
pub struct Merged {
    pub groups: BTreeMap<Vec<Arc<str>>, Sums>,
    pub months: BTreeMap<(Arc<str>, bool), Sums>,
    pub total: Sums,
    pub outside: u64,
    pub currencies: BTreeMap<Arc<str>, (usize, u64, Place)>,
}

impl<'q> Worker<'q> {
    pub fn new(ask: &'q Ask, query: &'q Query) -> Worker<'q> {
        let groups = Groups::new(ask.by.clone());
        let (months, total, magnitude, outside, currencies, rules, days) = Default::default();
        Worker { ask, query, groups, months, total, magnitude, outside, currencies, rules, days }
    }

    /// Adds a batch.
    pub fn add(&mut self, batch: &mut Batch, names: &[Names], at: At) -> Result<(), RowFault> {
        if let Some(day) = self.ask.day {
            self.limit(batch, day, &names[day]);
        }
        if batch.rows == 0 {
            return Ok(());
        }
        self.see_currencies(batch, at);
        let amortised;
        let costs = match self.ask.amortisation {
            None => &batch.costs[0],
            Some(fields) => {
                amortised = amortise(batch, names, fields, &self.ask.costs.columns, &mut self.rules)?;
                &amortised
            }
        };
        let all = |fault| RowFault { row: 0, fault };
        self.watch(costs).and_then(|()| self.watch(&batch.usage)).map_err(all)?;
        self.groups.add(batch, costs, names).map_err(all)?;
        self.add_months(batch, costs);
        Ok(())
    }

    /// Keeps the rows of the days asked for.
    fn limit(&mut self, batch: &mut Batch, day: usize, names: &Names) {
        while self.days.len() < names.len() {
            let text = names.text(self.days.len() as u32);
            let number = crate::calendar::parse_day(text.as_bytes()).ok();
            let is_in =
                |day: i64| self.query.from.is_none_or(|from| day >= from) && self.query.to.is_none_or(|to| day <= to);
            self.days.push(number.is_some_and(is_in));
        }
        let keep: Vec<bool> = batch.keys[day].iter().map(|number| self.days[*number as usize]).collect();
        let kept = keep.iter().filter(|kept| **kept).count();
        if kept < batch.rows {
            self.outside += (batch.rows - kept) as u64;
            batch.retain(&keep);
        }
    }

    fn see_currencies(&mut self, batch: &Batch, (file, place): At) {
        let numbers = &batch.keys[self.ask.currency];
        if batch.same[self.ask.currency].is_some_and(|number| self.currencies.contains_key(&number)) {
            return;
        }
        let mut last = EMPTY;
        for (row, number) in numbers.iter().enumerate() {
            if *number != last {
                last = *number;
                if last != EMPTY {
                    self.currencies.entry(last).or_insert_with(|| (file, batch.place(row, place)));
                }
            }
        }
    }

    /// Refuses rows whose sum might not fit.
    fn watch(&mut self, figures: &Figures) -> Result<(), Fault> {
        let short = (figures.short.len() as u128) << 63;
        let long = figures.long.iter().map(|(_, amount)| amount.coarse.unsigned_abs() + 1);
        self.magnitude = long.fold(self.magnitude.saturating_add(short), u128::saturating_add);
        // Threads are added up as well: a 64th leaves room for as many.
        if self.magnitude < i128::MAX.unsigned_abs() / 64 {
            Ok(())
        } else {
            Err(Fault::new("the amounts are too large to be added up"))
        }
    }

    /// Adds the rows to their months and to all: stretch by stretch of one month, as reports have them.
    fn add_months(&mut self, batch: &Batch, costs: &Figures) {
        let (months, invoices) = (&batch.keys[self.ask.month], &batch.keys[self.ask.invoice]);
        let is_same = batch.same[self.ask.month].is_some();
        let mut end = 0;
        for stretch in months.chunk_by(|one, two| is_same || one == two) {
            let rows = end..end + stretch.len();
            end = rows.end;
            let is_open = |row: usize| invoices[row] == EMPTY;
            let (cost, open_cost) = costs.sums(rows.clone(), is_open);
            let (usage, open_usage) = batch.usage.sums(rows.clone(), is_open);
            let count = rows.len() as u64;
            let open_rows = rows.filter(|row| is_open(*row)).count() as u64;
            let open = Sums { cost: open_cost, usage: open_usage, rows: open_rows };
            let rest = Sums { cost: cost - open_cost, usage: usage - open_usage, rows: count - open_rows };
            self.total.add(&Sums { cost, usage, rows: count });
            for (sums, is_invoiced) in [(open, false), (rest, true)] {
                if sums.rows > 0 {
                    self.months.entry((stretch[0], is_invoiced)).or_default().add(&sums);
                }
            }
        }
    }

    /// Adds this thread's sums to those of all.
    pub fn merge(self, names: &[Names], all: &mut Merged) {
        let by: Vec<&Names> = self.ask.by.iter().map(|field| &names[*field]).collect();
        for (members, sums) in self.groups.iter() {
            let values = members.iter().zip(&by).map(|(number, names)| names.text(*number).clone()).collect();
            all.groups.entry(values).or_default().add(&sums);
        }
        for ((month, is_invoiced), sums) in &self.months {
            let month = names[self.ask.month].text(*month).clone();
            all.months.entry((month, *is_invoiced)).or_default().add(sums);
        }
        all.total.add(&self.total);
        all.outside += self.outside;
        for (currency, (file, place)) in self.currencies {
            let number = match place {
                Place::File => 0,
                Place::RowGroup(group) => group as u64,
                Place::Line(line) => line,
            };
            let seen =
                all.currencies.entry(names[self.ask.currency].text(currency).clone()).or_insert((file, number, place));
            if (file, number) < (seen.0, seen.1) {
                *seen = (file, number, place);
            }
        }
    }
}
