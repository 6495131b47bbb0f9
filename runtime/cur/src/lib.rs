//! Reads AWS cost reports, exactly: bytes in, sums out.
//!
//! Legacy Cost and Usage Reports, CUR 2.0 and FOCUS, in Parquet or CSV. [`report`] answers a [`Query`] about the files of a
//! report; where their bytes come from is the caller's [`Source`]. A cost never passes through a float: a double of a
//! Parquet file becomes a decimal by its shortest text. Only the needed columns are read, a page at a time into buffers that
//! are reused, so that memory does not grow with the report.
//!
//! It reaches no clock, network, environment or file; `clippy.toml` beside this crate refuses them.

mod amount;
mod ask;
mod batch;
mod calendar;
mod charge;
mod csv;
mod describe;
mod file;
mod groups;
mod layout;
mod manifest;
mod names;
mod parquet;
mod problem;
mod query;
mod read;
mod report;
mod shortest;
mod source;
mod worker;

pub use amount::{Amount, MOST_PLACES, MOST_WHOLE_DIGITS};
pub use describe::{Description, FileDescription, describe};
pub use groups::Sums;
pub use layout::Layout;
pub use manifest::Manifest;
pub use parquet::parquet;
pub use problem::{Place, Problem};
pub use query::{Basis, Dimension, Query};
pub use read::{Reading, decode, report};
pub use report::{Change, Group, MonthState, Report, compare};
pub use source::{Bytes, Ranges, Source};
