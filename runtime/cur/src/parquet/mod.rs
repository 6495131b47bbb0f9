//! Reports in Parquet: only the columns that a question needs, a page at a time, as dictionary codes.

mod amounts;
mod expand;
mod export;
mod floor;
mod footer;
mod group;
mod hybrid;
mod keys;
mod leaf;
mod map_keys;
mod pages;
mod tags;
mod thrift;

pub use export::parquet;
pub use footer::Footer;
pub use group::{GroupReader, Plan};
pub use map_keys::map_keys;
