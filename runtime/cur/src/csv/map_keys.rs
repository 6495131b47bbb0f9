//! The distinct keys of maps.

use std::collections::HashSet;

use super::cells::keys;
use super::records::Records;
use super::stream::{Packing, each_text};
use crate::names::Names;
use crate::problem::Fault;
use crate::source::Source;

/// Texts of maps that are known to have nothing new.
const KEPT: usize = 16_384;

/// Collects the keys of these columns. A fault comes with its line.
pub fn map_keys(
    source: &dyn Source,
    packing: Packing,
    columns: &[usize],
    names: &mut Names,
) -> Result<(), (Option<u64>, Fault)> {
    if columns.is_empty() {
        return Ok(());
    }
    let (mut line, mut known, mut scratch) = (None, HashSet::new(), Vec::new());
    let done = each_text(source, packing, |text| {
        let mut records = Records::new(text);
        // The header.
        records.next()?;
        while records.next()? {
            line = Some(records.line);
            for column in columns {
                let cell = records.field(*column, &mut scratch);
                if cell.is_empty() || known.contains(cell) {
                    continue;
                }
                for key in keys(cell)? {
                    names.number(&key);
                }
                if known.len() < KEPT {
                    known.insert(cell.to_vec());
                }
            }
        }
        Ok(())
    });
    done.map(drop).map_err(|fault| (line, fault))
}
