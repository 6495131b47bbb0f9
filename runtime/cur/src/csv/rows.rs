//! The rows of a CSV report, batch by batch.

use std::io::Read;

use super::cells::{KeyCells, MapCells};
use super::records::Records;
use super::stream::{Packing, each_text};
use crate::amount::Amount;
use crate::ask::Resolved;
use crate::batch::{Batch, Each, ROWS, RowFault};
use crate::layout::{Column, Field, FieldAt};
use crate::names::Names;
use crate::problem::{Fault, Place};
use crate::source::Source;

/// Columns that hold maps, written as JSON.
const MAPS: [&str; 8] =
    ["resource_tags", "tags", "cost_category", "product", "discount", "Tags", "x_CostCategories", "x_Discounts"];

/// The columns of a CSV report. Of several texts in an archive all must have the same.
pub fn header(source: &dyn Source, packing: Packing) -> Result<Vec<Column>, (Place, Fault)> {
    let headers = each_text(source, packing, |text| {
        let mut records = Records::new(text);
        if !records.next()? {
            return Err(Fault::new("the file is empty").remedy("a report has a header at least: fetch it again"));
        }
        columns(&records)
    });
    let headers = headers.map_err(|fault| (Place::File, fault))?;
    if let Some(other) = headers.iter().find(|columns| **columns != headers[0]) {
        let cause = format!("the archive's files have different columns: {} and {}", headers[0].len(), other.len());
        return Err((Place::File, Fault::new(cause).remedy("unpack it and name the files one by one")));
    }
    headers.into_iter().next().ok_or_else(|| (Place::File, Fault::new("the archive is empty")))
}

fn columns(records: &Records<'_>) -> Result<Vec<Column>, Fault> {
    let mut scratch = Vec::new();
    let column = |field: usize| {
        let name = std::str::from_utf8(records.field(field, &mut scratch))
            .map_err(|_| Fault::damage("the header is not UTF-8"))?;
        Ok(Column::new(name, MAPS.contains(&name)))
    };
    (0..records.fields.len()).map(column).collect()
}

/// Reads all rows and hands them on in batches.
pub fn read(
    source: &dyn Source,
    (packing, columns, resolved, fields): (Packing, &[Column], &Resolved, &[Field]),
    names: &mut Vec<Names>,
    batch: &mut Batch,
    each: &mut Each<'_>,
) -> Result<(), (Place, Fault)> {
    let mut place = Place::File;
    let done = each_text(source, packing, |text| {
        let mut rows = Rows::new(columns, resolved, fields);
        rows.read(text, names, batch, each).map_err(|(at, fault)| {
            place = at;
            fault
        })
    });
    done.map(drop).map_err(|fault| (place, fault))
}

struct Rows<'a> {
    columns: &'a [Column],
    fields: &'a [Field],
    keys: Vec<(usize, usize, KeyCells)>,
    maps: Vec<(usize, MapCells)>,
    /// The place among the costs, none for the usage, and the column.
    figures: Vec<(Option<usize>, usize)>,
    absent: Vec<usize>,
}

impl<'a> Rows<'a> {
    fn new(columns: &'a [Column], resolved: &Resolved, fields: &'a [Field]) -> Rows<'a> {
        let mut rows =
            Rows { columns, fields, keys: Vec::new(), maps: Vec::new(), figures: Vec::new(), absent: Vec::new() };
        for (field, at) in resolved.fields.iter().enumerate() {
            match at {
                FieldAt::Absent => {}
                FieldAt::Column(column) => rows.keys.push((field, *column, KeyCells::default())),
                FieldAt::Entry { column, keys } => match rows.maps.iter_mut().find(|(known, _)| known == column) {
                    Some((_, cells)) => cells.asked.push((field, keys.clone())),
                    None => rows.maps.push((*column, MapCells::new(vec![(field, keys.clone())]))),
                },
            }
        }
        for (place, column) in resolved.costs.iter().enumerate() {
            match column {
                Some(column) => rows.figures.push((Some(place), *column)),
                None => rows.absent.push(place),
            }
        }
        rows.figures.push((None, resolved.usage));
        rows
    }

    fn read(
        &mut self,
        text: &mut dyn Read,
        names: &mut Vec<Names>,
        batch: &mut Batch,
        each: &mut Each<'_>,
    ) -> Result<(), (Place, Fault)> {
        let mut records = Records::new(text);
        let mut lines = Vec::with_capacity(ROWS);
        let mut scratch = Vec::new();
        let at = |records: &Records<'_>| Place::Line(records.line);
        // The header, which is known.
        records.next().map_err(|fault| (at(&records), fault))?;
        batch.clear();
        loop {
            batch.resize(ROWS);
            for (place, figures) in batch.costs.iter_mut().enumerate() {
                figures.is_absent = self.absent.contains(&place);
            }
            lines.clear();
            let mut is_end = false;
            while lines.len() < ROWS {
                if !records.next().map_err(|fault| (at(&records), fault))? {
                    is_end = true;
                    break;
                }
                self.row(&records, lines.len(), names, batch, &mut scratch).map_err(|fault| (at(&records), fault))?;
                lines.push(records.line);
            }
            let rows = lines.len();
            batch.truncate(rows);
            batch.lines.clone_from(&lines);
            if rows > 0 {
                each(batch, names).map_err(|RowFault { row, fault }| (batch.place(row, Place::File), fault))?;
            }
            if is_end {
                return Ok(());
            }
        }
    }

    fn row(
        &mut self,
        records: &Records<'_>,
        row: usize,
        names: &mut [Names],
        batch: &mut Batch,
        scratch: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        if records.fields.len() != self.columns.len() {
            let cause = format!("the line has {} fields, the header {}", records.fields.len(), self.columns.len());
            return Err(Fault::damage(cause));
        }
        let columns = self.columns;
        let named = |column: usize| move |fault: Fault| fault.of_column(&columns[column].name);
        for (field, column, cells) in &mut self.keys {
            let cell = records.field(*column, scratch);
            let number = cells.number(&self.fields[*field], cell, &mut names[*field]);
            batch.keys[*field][row] = number.map_err(named(*column))?;
        }
        for (column, cells) in &mut self.maps {
            let cell = records.field(*column, scratch);
            let numbers = cells.numbers(cell, names).map_err(named(*column))?.to_vec();
            for ((field, _), number) in cells.asked.iter().zip(numbers) {
                batch.keys[*field][row] = number;
            }
        }
        for (cost, column) in &self.figures {
            let cell = records.field(*column, scratch);
            let amount = if cell.is_empty() {
                Amount::ZERO
            } else {
                Amount::parse(cell).map_err(Fault::from).map_err(named(*column))?
            };
            cost.map_or(&mut batch.usage, |cost| &mut batch.costs[cost]).set(row, amount);
        }
        Ok(())
    }
}
