//! Reports in CSV: plain, in gzip or in zip. Only the cells that a question needs are looked at.

mod cells;
mod map_keys;
mod records;
mod rows;
mod stream;

pub use map_keys::map_keys;
pub use rows::{header, read};
pub use stream::Packing;
