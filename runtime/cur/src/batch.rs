//! Some rows of a report, column by column, as every reader gives them.

use std::ops::Range;

use crate::amount::Amount;
use crate::names::Names;
use crate::problem::{Fault, Place};

/// Rows read at a time.
pub const ROWS: usize = 1024;

/// Rows of a file.
#[derive(Debug, Default)]
pub struct Batch {
    pub rows: usize,
    /// For every field its values' numbers.
    pub keys: Vec<Vec<u32>>,
    /// For every field the number that all rows have, where its reader knows that it is one.
    pub same: Vec<Option<u32>>,
    /// The columns that make up the cost.
    pub costs: Vec<Figures>,
    pub usage: Figures,
    /// The lines that the rows begin on; empty for Parquet.
    pub lines: Vec<u64>,
}

impl Batch {
    /// A batch for this many fields and columns of cost.
    pub fn new(fields: usize, costs: usize) -> Batch {
        let mut batch = Batch::default();
        batch.keys.resize_with(fields, Vec::new);
        batch.same.resize(fields, None);
        batch.costs.resize_with(costs, Figures::default);
        batch
    }

    /// Empties it, so that what is not written from here on is nothing.
    pub fn clear(&mut self) {
        self.rows = 0;
        self.lines.clear();
        self.keys.iter_mut().for_each(Vec::clear);
        self.same.fill(None);
        self.figures().for_each(Figures::clear);
    }

    /// Makes it so many rows. Columns keep what they had: their reader writes every row, and one that nothing is read
    /// into stays empty.
    pub fn resize(&mut self, rows: usize) {
        if self.rows != rows {
            self.same.fill(None);
        }
        self.rows = rows;
        self.lines.clear();
        self.keys.iter_mut().for_each(|keys| keys.resize(rows, crate::names::EMPTY));
        self.figures().for_each(|figures| figures.resize(rows));
    }

    /// Leaves the first rows.
    pub fn truncate(&mut self, rows: usize) {
        self.rows = rows;
        self.keys.iter_mut().for_each(|keys| keys.truncate(rows));
        self.figures().for_each(|figures| figures.short.truncate(rows));
    }

    /// Keeps the rows for which `keep` holds.
    pub fn retain(&mut self, keep: &[bool]) {
        self.keys.iter_mut().for_each(|keys| retained(keys, keep));
        self.same.fill(None);
        retained(&mut self.lines, keep);
        self.figures().for_each(|figures| figures.retain(keep));
        self.rows = keep.iter().filter(|kept| **kept).count();
    }

    fn figures(&mut self) -> impl Iterator<Item = &mut Figures> {
        self.costs.iter_mut().chain([&mut self.usage])
    }

    /// The place of a row.
    pub fn place(&self, row: usize, otherwise: Place) -> Place {
        self.lines.get(row).map_or(otherwise, |line| Place::Line(*line))
    }
}

/// What is done with each batch, whose values' numbers the names explain.
pub type Each<'a> = dyn FnMut(&mut Batch, &mut Vec<Names>) -> Result<(), RowFault> + 'a;

/// A fault of one row of a batch.
#[derive(Debug)]
pub struct RowFault {
    pub row: usize,
    pub fault: Fault,
}

/// A column of amounts. Those of cost reports fit into 64 bits as a rule; the few that do not stand apart.
#[derive(Debug, Default)]
pub struct Figures {
    /// Units of 10^-12; zero where the amount stands apart.
    pub short: Vec<i64>,
    /// Amounts that are larger or finer, with their rows, in order.
    pub long: Vec<(usize, Amount)>,
    /// Whether the file has no such column.
    pub is_absent: bool,
}

impl Figures {
    /// Empties it.
    pub fn clear(&mut self) {
        self.short.clear();
        self.long.clear();
    }

    /// Makes it so many rows, whose amounts are to be written.
    pub fn resize(&mut self, rows: usize) {
        self.short.resize(rows, 0);
        self.long.clear();
    }

    /// Sets a row's amount; rows are set in order.
    #[inline]
    pub fn set(&mut self, row: usize, amount: Amount) {
        match amount.short() {
            Some(short) => self.short[row] = short,
            None => {
                self.short[row] = 0;
                self.long.push((row, amount));
            }
        }
    }

    /// A row's amount.
    #[inline]
    pub fn get(&self, row: usize) -> Amount {
        let short = self.short[row];
        if short != 0 || self.long.is_empty() {
            return Amount::of_short(short);
        }
        self.long.binary_search_by_key(&row, |(row, _)| *row).map_or(Amount::ZERO, |at| self.long[at].1)
    }

    /// The sum of some rows, and of those among them for which `counts` holds.
    #[inline]
    pub fn sums(&self, rows: Range<usize>, counts: impl Fn(usize) -> bool) -> (Amount, Amount) {
        let short = || self.short[rows.clone()].iter().zip(rows.clone());
        let bits = self.short[rows.clone()].iter().fold(0, |bits, short| bits | (short ^ short >> 63));
        // A stretch of small amounts cannot leave 64 bits; that is the usual case, and several are added at once.
        let is_small = bits.leading_zeros() > usize::BITS - rows.len().saturating_sub(1).leading_zeros();
        let (mut all, mut counted) = if is_small {
            let sums = short().fold((0_i64, 0_i64), |(all, counted), (short, row)| {
                (all + short, counted + if counts(row) { *short } else { 0 })
            });
            (Amount::of_short(sums.0), Amount::of_short(sums.1))
        } else {
            short().fold((Amount::ZERO, Amount::ZERO), |(all, counted), (short, row)| {
                let amount = Amount::of_short(*short);
                (all + amount, if counts(row) { counted + amount } else { counted })
            })
        };
        for (row, amount) in self.long.iter().filter(|(row, _)| rows.contains(row)) {
            all.add(*amount);
            if counts(*row) {
                counted.add(*amount);
            }
        }
        (all, counted)
    }

    fn retain(&mut self, keep: &[bool]) {
        retained(&mut self.short, keep);
        let (mut at, mut kept) = (0, 0);
        self.long.retain_mut(|(row, _)| {
            kept += keep[at..*row].iter().filter(|kept| **kept).count();
            at = *row;
            *row = kept;
            keep[at]
        });
    }
}

fn retained<T: Copy>(values: &mut Vec<T>, keep: &[bool]) {
    let mut at = 0;
    values.retain(|_| {
        at += 1;
        keep.get(at - 1).copied().unwrap_or(true)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_any_size_are_kept_summed_and_retained() {
        let texts = ["1.5", "9223372.036854775807", "-9223372.036854775809", "0.0000000000001", "", "12345678901", "2"];
        let amounts = texts.map(|text| Amount::parse(text.as_bytes()).unwrap_or(Amount::ZERO));
        let mut figures = Figures::default();
        figures.resize(texts.len());
        amounts.iter().enumerate().for_each(|(row, amount)| figures.set(row, *amount));
        assert_eq!(figures.long.len(), 3);
        let all = |figures: &Figures| (0..figures.short.len()).map(|row| figures.get(row)).collect::<Vec<_>>();
        assert_eq!(all(&figures), amounts);
        assert_eq!(figures.sums(0..7, |_| false), (amounts.into_iter().sum(), Amount::ZERO));
        let some = amounts[1] + amounts[3] + amounts[5];
        assert_eq!(figures.sums(1..6, |row| row != 2), (some + amounts[2], some));
        figures.retain(&[false, true, false, true, false, true, true]);
        assert_eq!(all(&figures), [amounts[1], amounts[3], amounts[5], amounts[6]]);
    }
}
