//! The distinct keys of maps, for which the values need not be read.

use super::footer::{Footer, Kind};
use super::keys::{As, Keys};
use crate::names::Names;
use crate::problem::{Fault, Place};
use crate::source::Source;

/// Collects the keys of these columns of a file, `entries` at a time.
pub fn map_keys(
    footer: &Footer,
    columns: &[usize],
    source: &dyn Source,
    entries: usize,
    names: &mut Names,
) -> Result<(), (Place, Fault)> {
    let opened =
        source.open().map_err(|error| (Place::File, Fault::new(format!("the file cannot be opened: {error}"))));
    let mut file = opened?;
    let (mut keys, mut numbers) = (Keys::default(), vec![0; entries]);
    for group in 0..footer.groups() {
        for column in columns {
            let mut read = || {
                let (chunks, _) = footer.map(group, *column)?;
                keys.begin(&chunks, source.request_bytes())?;
                let mut left = chunks.values;
                while left > 0 {
                    let count = left.min(entries as u64) as usize;
                    keys.read(&mut *file, (Kind::Text, As::Text), names, &mut numbers[..count], None)?;
                    left -= count as u64;
                }
                Ok(())
            };
            read()
                .map_err(|fault: Fault| (Place::RowGroup(group + 1), fault.of_column(&footer.columns[*column].name)))?;
        }
    }
    Ok(())
}
