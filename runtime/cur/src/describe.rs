//! What a report is, before anything is asked of it.

use std::collections::BTreeSet;

use crate::batch::ROWS;
use crate::csv;
use crate::file::{Format, Head};
use crate::layout::{Column, Layout};
use crate::names::Names;
use crate::parquet::map_keys;
use crate::problem::{Place, Problem};
use crate::query::{Dimension, Query};
use crate::read::{Reading, report};
use crate::report::{MonthState, Report};
use crate::source::Source;

/// A report's description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The layout of the files.
    pub layout: Layout,
    /// Its files, in the order given.
    pub files: Vec<FileDescription>,
    /// The names of all columns, in the order they were met.
    pub columns: Vec<String>,
    /// Tags that a row can be grouped by, as the report names them.
    pub tags: BTreeSet<String>,
    /// Billing months, with what is final.
    pub months: Vec<MonthState>,
    /// Currencies with their rows.
    pub currencies: Vec<(String, u64)>,
    /// Rows in all files.
    pub rows: u64,
}

/// One file of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDescription {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// `Parquet`, `CSV`, `CSV in gzip` or `CSV in zip`.
    pub format: &'static str,
    /// Row groups of a Parquet file.
    pub row_groups: Option<usize>,
}

/// The names of maps whose keys are tags.
const TAGS: [&str; 3] = ["resource_tags", "tags", "Tags"];

/// Describes the files of a report; all rows are read.
pub fn describe(sources: &[&dyn Source], reading: &Reading<'_>) -> Result<Description, Problem> {
    let query = Query::new(vec![Dimension::Currency]);
    let Report { layout, groups, months, total, .. } = report(sources, &query, reading)?;
    let currencies = groups.iter().map(|group| (group.values[0].to_string(), group.sums.rows)).collect();
    let (files, columns, tags) = Default::default();
    let mut described = Description { layout, files, columns, tags, months, currencies, rows: total.rows };
    for source in sources {
        described.add(*source, Head::read(*source)?)?;
    }
    Ok(described)
}

impl Description {
    fn add(&mut self, source: &dyn Source, head: Head) -> Result<(), Problem> {
        let (format, row_groups) = match &head.format {
            Format::Parquet(footer) => ("Parquet", Some(footer.groups())),
            Format::Csv(csv::Packing::None) => ("CSV", None),
            Format::Csv(csv::Packing::Gzip) => ("CSV in gzip", None),
            Format::Csv(csv::Packing::Zip) => ("CSV in zip", None),
        };
        self.files.push(FileDescription { name: source.name().to_owned(), bytes: source.length(), format, row_groups });
        for column in &head.columns {
            if !self.columns.contains(&column.name) {
                self.columns.push(column.name.clone());
            }
        }
        self.tags.extend(Layout::tag_columns(&head.columns));
        let is_tags = |column: &Column| column.is_map && TAGS.contains(&column.canonical.as_str());
        let maps: Vec<usize> = (0..head.columns.len()).filter(|at| is_tags(&head.columns[*at])).collect();
        let mut names = Names::default();
        match &head.format {
            Format::Parquet(footer) => {
                map_keys(footer, &maps, source, ROWS, &mut names)
                    .map_err(|(place, fault)| fault.at(source.name(), place))?;
            }
            Format::Csv(packing) => {
                let read = csv::map_keys(source, *packing, &maps, &mut names);
                read.map_err(|(line, fault)| fault.at(source.name(), line.map_or(Place::File, Place::Line)))?;
            }
        }
        self.tags.extend((1..names.len()).map(|number| names.text(number as u32).to_string()));
        Ok(())
    }
}
