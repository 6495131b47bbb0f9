//! The cost of a row: one column, or for amortised cost the one that its line type asks for.

use crate::amount::Amount;
use crate::batch::{Batch, Figures, RowFault};
use crate::names::{EMPTY, Names};
use crate::problem::Fault;

/// What counts for a line type. The numbers are those of [`crate::layout::Layout::costs`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// This column.
    Column(usize),
    /// The sum of two columns.
    Sum(usize, usize),
    /// The first column less the second.
    Difference(usize, usize),
    /// Nothing: it is in the rows it covers.
    Nothing,
    /// A fee: nothing where it is a reservation's.
    Fee,
}

impl Rule {
    fn of(line_type: &str) -> Rule {
        match line_type {
            "SavingsPlanCoveredUsage" => Rule::Column(1),
            "SavingsPlanRecurringFee" => Rule::Difference(2, 3),
            "SavingsPlanNegation" | "SavingsPlanUpfrontFee" => Rule::Nothing,
            "DiscountedUsage" => Rule::Column(4),
            "RIFee" => Rule::Sum(5, 6),
            "Fee" => Rule::Fee,
            _ => Rule::Column(0),
        }
    }
}

/// Where the fields lie that decide.
#[derive(Debug, Clone, Copy)]
pub struct Amortisation {
    pub line_type: usize,
    pub reservation: usize,
}

/// Works out the amortised cost of every row of a batch.
pub fn amortise(
    batch: &Batch,
    names: &[Names],
    fields: Amortisation,
    columns: &[&str],
    rules: &mut Rules,
) -> Result<Figures, RowFault> {
    let mut costs = Figures::default();
    costs.resize(batch.rows);
    for row in 0..batch.rows {
        let line_type = batch.keys[fields.line_type][row];
        let rule = rules.of(line_type, &names[fields.line_type]);
        let figure = |column: usize| {
            let figures = &batch.costs[column];
            if figures.is_absent {
                let of = names[fields.line_type].text(line_type);
                let fault = Fault::new(format!("the column is missing, and the cost of a row of type `{of}` is in it"))
                    .remedy("add the column to the export, or choose `--basis unblended`");
                return Err(RowFault { row, fault: fault.of_column(columns[column]) });
            }
            Ok(figures.get(row))
        };
        let cost = match rule {
            Rule::Column(column) => figure(column)?,
            Rule::Sum(one, two) => figure(one)? + figure(two)?,
            Rule::Difference(one, two) => figure(one)? - figure(two)?,
            Rule::Nothing => Amount::ZERO,
            Rule::Fee if batch.keys[fields.reservation][row] != EMPTY => Amount::ZERO,
            Rule::Fee => figure(0)?,
        };
        costs.set(row, cost);
    }
    Ok(costs)
}

/// The rules of line types by their numbers.
#[derive(Debug, Default)]
pub struct Rules(Vec<Rule>);

impl Rules {
    fn of(&mut self, line_type: u32, names: &Names) -> Rule {
        while self.0.len() <= line_type as usize {
            self.0.push(Rule::of(names.text(self.0.len() as u32)));
        }
        self.0[line_type as usize]
    }
}
