//! One thread's share of a question: its batches added up.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::amount::Amount;
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
        let sums = Sums { cost: costs.sum(), usage: batch.usage.sum(), rows: batch.rows as u64 };
        self.total.add(&sums);
        self.add_months(batch, costs, &sums);
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
        let mut last = EMPTY;
        for (row, number) in batch.keys[self.ask.currency].iter().enumerate() {
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
        let sizes = figures.coarse.iter().fold(0_u128, |sum, coarse| sum.saturating_add(coarse.unsigned_abs() + 1));
        self.magnitude = self.magnitude.saturating_add(sizes);
        // Threads are added up as well: a 64th leaves room for as many.
        if self.magnitude < i128::MAX.unsigned_abs() / 64 {
            Ok(())
        } else {
            Err(Fault::new("the amounts are too large to be added up"))
        }
    }

    fn add_months(&mut self, batch: &Batch, costs: &Figures, sums: &Sums) {
        let (months, invoices) = (&batch.keys[self.ask.month], &batch.keys[self.ask.invoice]);
        let first = (months[0], invoices[0]);
        if months.iter().all(|month| *month == first.0) && invoices.iter().all(|invoice| *invoice == first.1) {
            self.months.entry((first.0, first.1 != EMPTY)).or_default().add(sums);
            return;
        }
        let (cost_fine, usage_fine) = (costs.dense_fine(), batch.usage.dense_fine());
        for row in 0..batch.rows {
            let amount = |figures: &Figures, fine: &[i128]| Amount {
                coarse: figures.coarse[row],
                fine: fine.get(row).copied().unwrap_or_default(),
            };
            let (cost, usage) = (amount(costs, &cost_fine), amount(&batch.usage, &usage_fine));
            let key = (months[row], invoices[row] != EMPTY);
            self.months.entry(key).or_default().add(&Sums { cost, usage, rows: 1 });
        }
    }

    /// Adds this thread's sums to those of all.
    pub fn merge(self, names: &[Names], all: &mut Merged) {
        let by: Vec<&Names> = self.ask.by.iter().map(|field| &names[*field]).collect();
        for (members, sums) in self.groups.iter() {
            let values = members.iter().zip(&by).map(|(number, names)| names.text(*number).clone()).collect();
            all.groups.entry(values).or_default().add(sums);
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
