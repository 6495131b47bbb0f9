//! One file of a report: its format, found by its first bytes, and its columns.

use crate::ask::Ask;
use crate::csv::{self, Packing};
use crate::layout::{Column, Layout};
use crate::parquet::{Footer, Plan};
use crate::problem::{Fault, Place, Problem};
use crate::source::Source;

/// A file whose head has been read.
pub struct Head {
    pub format: Format,
    pub columns: Vec<Column>,
    pub layout: Layout,
}

/// The formats there are.
pub enum Format {
    Parquet(Footer),
    Csv(Packing),
}

/// A file that is ready to be read.
pub enum Ready {
    Parquet(Plan),
    Csv { packing: Packing, columns: Vec<Column>, resolved: crate::ask::Resolved },
}

impl Head {
    /// Reads the head of a file.
    pub fn read(source: &dyn Source) -> Result<Head, Problem> {
        let located = |fault: Fault| fault.at(source.name(), Place::File);
        let mut file =
            source.open().map_err(|error| located(Fault::new(format!("the file cannot be opened: {error}"))))?;
        let mut head = [0; 4];
        let length = source.length().min(4) as usize;
        if length == 0 {
            return Err(located(
                Fault::new("the file is empty").remedy("fetch it again, and compare its size with the bucket's"),
            ));
        }
        file.read_at(0, &mut head[..length])
            .map_err(|error| located(Fault::damage(format!("the file cannot be read: {error}"))))?;
        let (format, columns) = if &head == b"PAR1" {
            let mut footer = Footer::read(file.as_mut(), source.length()).map_err(located)?;
            let columns = std::mem::take(&mut footer.columns);
            footer.columns.clone_from(&columns);
            (Format::Parquet(footer), columns)
        } else {
            let packing = Packing::of(&head[..length]);
            let columns = csv::header(source, packing).map_err(|(place, fault)| fault.at(source.name(), place))?;
            (Format::Csv(packing), columns)
        };
        let layout = Layout::of(&columns).map_err(located)?;
        Ok(Head { format, columns, layout })
    }

    /// Finds what a question takes.
    pub fn ready(self, source: &dyn Source, ask: &Ask) -> Result<(Ready, crate::ask::Resolved), Problem> {
        let resolve = || ask.resolve(&self.columns).map_err(|fault| fault.at(source.name(), Place::File));
        let resolved = resolve()?;
        let ready = match self.format {
            Format::Parquet(footer) => {
                let plan = Plan::new(&footer, &resolved, &ask.fields);
                Ready::Parquet(plan.map_err(|(place, fault)| fault.at(source.name(), place))?)
            }
            Format::Csv(packing) => Ready::Csv { packing, resolved: resolve()?, columns: self.columns },
        };
        Ok((ready, resolved))
    }
}

impl Ready {
    /// Whether the file has a field.
    pub fn has(&self, field: usize) -> bool {
        match self {
            Ready::Parquet(plan) => plan.has(field),
            Ready::Csv { resolved, .. } => resolved.fields[field] != crate::layout::FieldAt::Absent,
        }
    }
}
