//! Some rows of a report, column by column, as every reader gives them.

use crate::amount::Amount;
use crate::names::Names;
use crate::problem::{Fault, Place};

/// Rows read at a time.
pub const ROWS: usize = 4096;

/// Rows of a file.
#[derive(Debug, Default)]
pub struct Batch {
    pub rows: usize,
    /// For every field its values' numbers.
    pub keys: Vec<Vec<u32>>,
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
        batch.costs.resize_with(costs, Figures::default);
        batch
    }

    /// Empties it, and makes it so many rows of nothing.
    pub fn clear(&mut self, rows: usize) {
        self.rows = rows;
        self.lines.clear();
        for keys in &mut self.keys {
            keys.clear();
            keys.resize(rows, crate::names::EMPTY);
        }
        self.costs.iter_mut().for_each(|figures| figures.clear(rows));
        self.usage.clear(rows);
    }

    /// Keeps the rows for which `keep` holds.
    pub fn retain(&mut self, keep: &[bool]) {
        fn retained<T: Copy>(values: &mut Vec<T>, keep: &[bool]) {
            let mut at = 0;
            values.retain(|_| {
                at += 1;
                keep.get(at - 1).copied().unwrap_or(true)
            });
        }
        self.keys.iter_mut().for_each(|keys| retained(keys, keep));
        retained(&mut self.lines, keep);
        for figures in self.costs.iter_mut().chain([&mut self.usage]) {
            let mut fine = figures.dense_fine();
            retained(&mut figures.coarse, keep);
            retained(&mut fine, keep);
            figures.fine = fine.into_iter().enumerate().filter(|(_, fine)| *fine != 0).collect();
        }
        self.rows = keep.iter().filter(|kept| **kept).count();
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

/// A column of amounts: the coarse part of each, and the fine part of those that have one.
#[derive(Debug, Default)]
pub struct Figures {
    pub coarse: Vec<i128>,
    pub fine: Vec<(usize, i128)>,
    /// Whether the file has no such column.
    pub is_absent: bool,
}

impl Figures {
    /// Makes it so many zeros.
    pub fn clear(&mut self, rows: usize) {
        self.coarse.clear();
        self.coarse.resize(rows, 0);
        self.fine.clear();
    }

    /// Sets a row's amount; rows are set in order.
    #[inline]
    pub fn set(&mut self, row: usize, amount: Amount) {
        self.coarse[row] = amount.coarse;
        if amount.fine != 0 {
            self.fine.push((row, amount.fine));
        }
    }

    /// The fine parts of all rows; empty where none has one.
    pub fn dense_fine(&self) -> Vec<i128> {
        if self.fine.is_empty() {
            return Vec::new();
        }
        let mut dense = vec![0; self.coarse.len()];
        self.fine.iter().for_each(|(row, fine)| dense[*row] = *fine);
        dense
    }

    /// The sum of all rows; none where it does not fit into an amount.
    pub fn sum(&self) -> Amount {
        let mut sum = Amount { coarse: self.coarse.iter().sum(), fine: 0 };
        self.fine.iter().for_each(|(_, fine)| sum.add_fine(*fine));
        sum
    }
}
