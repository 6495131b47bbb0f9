//! The rows of a row group, batch by batch: all columns of a question side by side.

use super::amounts::Amounts;
use super::footer::{Chunks, Footer, Kind};
use super::keys::{As, Keys};
use super::tags::{Asked, Tags};
use crate::ask::Resolved;
use crate::batch::{Batch, Each, ROWS, RowFault};
use crate::layout::{Field, FieldAt};
use crate::names::Names;
use crate::problem::{Fault, Place};
use crate::source::Ranges;

/// Which columns of a file are read, as what, and where they lie. The footer is not kept: it describes every column.
#[derive(Debug, Default)]
pub struct Plan {
    keys: Vec<KeyColumn>,
    maps: Vec<MapColumn>,
    /// The columns of cost, then the usage.
    figures: Vec<FigureColumn>,
    /// Columns of cost that the file lacks.
    absent: Vec<usize>,
    pub groups: Vec<Group>,
}

#[derive(Debug)]
struct KeyColumn {
    name: String,
    field: usize,
    kind: Kind,
    what: As,
}

#[derive(Debug)]
struct MapColumn {
    name: String,
    asked: Vec<Asked>,
}

#[derive(Debug)]
struct FigureColumn {
    name: String,
    /// Which of the costs it is; none for the usage.
    cost: Option<usize>,
    kind: Kind,
}

/// The chunks of a row group, in the order of the plan's columns.
#[derive(Debug)]
pub struct Group {
    pub rows: u64,
    /// Compressed bytes that are read.
    pub bytes: u64,
    keys: Vec<Chunks>,
    maps: Vec<(Chunks, Chunks)>,
    figures: Vec<Chunks>,
}

impl Plan {
    /// Checks the types of a file's columns and finds their chunks. A fault is of the file or of a row group.
    pub fn new(footer: &Footer, resolved: &Resolved, fields: &[Field]) -> Result<Plan, (Place, Fault)> {
        let mut plan = Plan::default();
        let (mut keys, mut maps, mut figures) = (Vec::new(), Vec::new(), Vec::new());
        let name = |column: usize| footer.columns[column].name.clone();
        let of_file = |fault: Fault| (Place::File, fault);
        for (field, at) in resolved.fields.iter().enumerate() {
            match at {
                FieldAt::Absent => {}
                FieldAt::Column(column) => {
                    let what = match fields[field] {
                        Field::Day => As::Day,
                        Field::Month => As::Month,
                        _ => As::Text,
                    };
                    let expected = if what == As::Text { "text" } else { "a timestamp, a date or text" };
                    let fits = if what == As::Text { Kind::is_text } else { Kind::is_day };
                    let kind = typed(footer, *column, fits, expected).map_err(of_file)?;
                    plan.keys.push(KeyColumn { name: name(*column), field, kind, what });
                    keys.push(*column);
                }
                FieldAt::Entry { column, keys } => {
                    let asked = Asked { field, keys: keys.clone() };
                    match maps.iter().position(|known| known == column) {
                        Some(known) => plan.maps[known].asked.push(asked),
                        None => {
                            plan.maps.push(MapColumn { name: name(*column), asked: vec![asked] });
                            maps.push(*column);
                        }
                    }
                }
            }
        }
        let costs = resolved.costs.iter().enumerate().map(|(place, column)| (Some(place), *column));
        for (cost, column) in costs.chain([(None, Some(resolved.usage))]) {
            let Some(column) = column else {
                plan.absent.extend(cost);
                continue;
            };
            let expected = "an amount (a double, a decimal, an integer or text)";
            let kind = typed(footer, column, Kind::is_amount, expected).map_err(of_file)?;
            plan.figures.push(FigureColumn { name: name(column), cost, kind });
            figures.push(column);
        }
        for group in 0..footer.groups() {
            let found = Group::new(footer, group, &keys, &maps, &figures);
            plan.groups.push(found.map_err(|fault| (Place::RowGroup(group + 1), fault))?);
        }
        Ok(plan)
    }

    /// Whether the file has a field.
    pub fn has(&self, field: usize) -> bool {
        let in_map = self.maps.iter().flat_map(|map| &map.asked).any(|asked| asked.field == field);
        in_map || self.keys.iter().any(|column| column.field == field)
    }
}

impl Group {
    /// All chunks that are read, and whether they hold repetition levels that are needed: those of a map's keys.
    pub fn chunks(&self) -> impl Iterator<Item = (&Chunks, bool)> {
        let plain = self.keys.iter().chain(&self.figures).map(|chunks| (chunks, false));
        plain.chain(self.maps.iter().flat_map(|(keys, values)| [(keys, true), (values, false)]))
    }

    fn new(footer: &Footer, group: usize, keys: &[usize], maps: &[usize], figures: &[usize]) -> Result<Group, Fault> {
        let named = |column: usize| move |fault: Fault| fault.of_column(&footer.columns[column].name);
        let rows = footer.rows(group);
        let chunk = |column: &usize| {
            let chunks = footer.chunk(group, *column).map_err(named(*column))?;
            if chunks.values != rows {
                let cause = format!("the column has {} values, the row group {rows} rows", chunks.values);
                return Err(named(*column)(Fault::damage(cause)));
            }
            Ok(chunks)
        };
        let map = |column: &usize| footer.map(group, *column).map_err(named(*column));
        let keys: Vec<Chunks> = keys.iter().map(chunk).collect::<Result<_, _>>()?;
        let maps: Vec<(Chunks, Chunks)> = maps.iter().map(map).collect::<Result<_, _>>()?;
        let figures: Vec<Chunks> = figures.iter().map(chunk).collect::<Result<_, _>>()?;
        let of_maps = maps.iter().flat_map(|(keys, values)| [keys, values]);
        let bytes = keys.iter().chain(&figures).chain(of_maps).map(|chunks| chunks.chunk.bytes).sum();
        Ok(Group { rows, bytes, keys, maps, figures })
    }
}

fn typed(footer: &Footer, column: usize, fits: fn(Kind) -> bool, expected: &str) -> Result<Kind, Fault> {
    let name = &footer.columns[column].name;
    let kind = footer.kind(column).map_err(|fault| fault.of_column(name))?;
    if fits(kind) {
        return Ok(kind);
    }
    let fault = Fault::new(format!("the column has values of type {kind:?}; {expected} is expected"));
    Err(fault.remedy("export the report again without changing its types").of_column(name))
}

/// The readers of one thread, reused for row group after row group.
#[derive(Default)]
pub struct GroupReader {
    keys: Vec<Keys>,
    maps: Vec<Tags>,
    figures: Vec<Amounts>,
}

impl GroupReader {
    /// Reads a row group and hands on its batches.
    pub fn read(
        &mut self,
        (plan, group): (&Plan, &Group),
        (file, request): (&mut dyn Ranges, usize),
        names: &mut Vec<Names>,
        batch: &mut Batch,
        each: &mut Each<'_>,
    ) -> Result<(), RowFault> {
        let of = |name: &str, fault: Fault| RowFault { row: 0, fault: fault.of_column(name) };
        self.begin(plan, group, request)?;
        batch.clear();
        let mut left = group.rows;
        while left > 0 {
            let rows = left.min(ROWS as u64) as usize;
            left -= rows as u64;
            batch.resize(rows);
            for (place, figures) in batch.costs.iter_mut().enumerate() {
                figures.is_absent = plan.absent.contains(&place);
            }
            for (reader, column) in self.keys.iter_mut().zip(&plan.keys) {
                let (names, keys) = (&mut names[column.field], &mut batch.keys[column.field]);
                let same = &mut batch.same[column.field];
                let read = reader.read(file, (column.kind, column.what), names, keys, *same);
                *same = read.map_err(|fault| of(&column.name, fault))?;
            }
            for (reader, column) in self.maps.iter_mut().zip(&plan.maps) {
                let done = reader.read(file, &column.asked, names, rows, &mut batch.keys);
                done.map_err(|RowFault { row, fault }| RowFault { row, fault: fault.of_column(&column.name) })?;
            }
            for (reader, column) in self.figures.iter_mut().zip(&plan.figures) {
                let figures = column.cost.map_or(&mut batch.usage, |cost| &mut batch.costs[cost]);
                reader.read(file, column.kind, figures).map_err(|fault| of(&column.name, fault))?;
            }
            each(batch, names)?;
        }
        Ok(())
    }

    fn begin(&mut self, plan: &Plan, group: &Group, request: usize) -> Result<(), RowFault> {
        let of = |name: &str, fault: Fault| RowFault { row: 0, fault: fault.of_column(name) };
        self.keys.resize_with(plan.keys.len(), Keys::default);
        self.maps.resize_with(plan.maps.len(), Tags::default);
        self.figures.resize_with(plan.figures.len(), Amounts::default);
        for ((reader, column), chunks) in self.keys.iter_mut().zip(&plan.keys).zip(&group.keys) {
            reader.begin(chunks, request).map_err(|fault| of(&column.name, fault))?;
        }
        for ((reader, column), (keys, values)) in self.maps.iter_mut().zip(&plan.maps).zip(&group.maps) {
            reader.begin(keys, values, request).map_err(|fault| of(&column.name, fault))?;
        }
        for ((reader, column), chunks) in self.figures.iter_mut().zip(&plan.figures).zip(&group.figures) {
            reader.begin(chunks, request).map_err(|fault| of(&column.name, fault))?;
        }
        Ok(())
    }
}
