//! What is wrong with a report, and where.

use std::fmt;

/// An error with its place: the file, the row group or line, the column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{place}{}: {cause}{}", column.as_ref().map(|column| format!(", column `{column}`")).unwrap_or_default(), remedy.map(|remedy| format!("; {remedy}")).unwrap_or_default())]
pub struct Problem {
    /// The file's name.
    pub file: String,
    /// Where in the file.
    pub place: Place,
    /// The column as the file names it.
    pub column: Option<String>,
    /// What is wrong.
    pub cause: String,
    /// What to do about it.
    pub remedy: Option<&'static str>,
}

/// A place within a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// All of it.
    File,
    /// A row group of a Parquet file, counted from 1.
    RowGroup(usize),
    /// A line of a CSV file, counted from 1; the header is the first.
    Line(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File => Ok(()),
            Place::RowGroup(number) => write!(out, ", row group {number}"),
            Place::Line(number) => write!(out, ", line {number}"),
        }
    }
}

/// What to do about a file that is damaged.
pub(crate) const FETCH_AGAIN: &str =
    "the file may be cut off or damaged: fetch it again and compare its size with the bucket's";

/// A cause whose place is added by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub column: Option<String>,
    pub cause: String,
    pub remedy: Option<&'static str>,
}

impl Fault {
    /// A fault of the report's content.
    pub fn new(cause: impl Into<String>) -> Fault {
        Fault { column: None, cause: cause.into(), remedy: None }
    }

    /// A fault of the file's bytes.
    pub fn damage(cause: impl Into<String>) -> Fault {
        Fault { remedy: Some(FETCH_AGAIN), ..Fault::new(cause) }
    }

    pub fn remedy(self, remedy: &'static str) -> Fault {
        Fault { remedy: Some(remedy), ..self }
    }

    pub fn of_column(self, column: &str) -> Fault {
        Fault { column: self.column.or_else(|| Some(column.to_owned())), ..self }
    }

    pub fn at(self, file: &str, place: Place) -> Problem {
        Problem { file: file.to_owned(), place, column: self.column, cause: self.cause, remedy: self.remedy }
    }
}

impl From<String> for Fault {
    fn from(cause: String) -> Fault {
        Fault::new(cause)
    }
}
