//! Columns of amounts: doubles, decimals, integers or texts as exact decimals.

use super::footer::{Chunks, Kind};
use super::leaf::{Leaf, Present, take_plain};
use crate::amount::Amount;
use crate::batch::Figures;
use crate::problem::Fault;
use crate::shortest;
use crate::source::Ranges;

/// The reader of one such column.
#[derive(Default)]
pub struct Amounts {
    leaf: Leaf,
    dictionary: Vec<Amount>,
    levels: Vec<u32>,
    codes: Vec<u32>,
}

impl Amounts {
    /// Begins a column chunk.
    pub fn begin(&mut self, chunks: &Chunks, request: usize) -> Result<(), Fault> {
        self.leaf.begin(&chunks.chunk, &chunks.shape, chunks.values, request)
    }

    /// Fills `out` with the next amounts; one that is missing is zero.
    pub fn read(&mut self, file: &mut dyn Ranges, kind: Kind, out: &mut Figures) -> Result<(), Fault> {
        let (rows, mut done) = (out.coarse.len(), 0);
        while done < rows {
            if self.leaf.left() == 0 && !self.leaf.next_page(file)? {
                return Err(Fault::damage(format!("{} values are missing", rows - done)));
            }
            if let Some((bytes, values)) = self.leaf.new_dictionary() {
                self.dictionary.clear();
                let mut at = 0;
                for _ in 0..values {
                    let value = take_plain(bytes, &mut at, kind.width())
                        .ok_or_else(|| Fault::damage("the dictionary is cut off"))?;
                    self.dictionary.push(amount(kind, value)?);
                }
            }
            let count = self.leaf.left().min(rows - done);
            self.part(kind, done, count, out)?;
            done += count;
        }
        Ok(())
    }

    fn part(&mut self, kind: Kind, from: usize, count: usize, out: &mut Figures) -> Result<(), Fault> {
        self.levels.resize(count, 0);
        let present = self.leaf.present(&mut self.levels)?;
        let there = match present {
            Present::All => count,
            Present::None => return Ok(()),
            Present::Some(there) => there,
        };
        let most = self.leaf.most();
        let is_all = present == Present::All;
        let levels = &self.levels;
        let rows = (0..count).filter(move |row| is_all || levels[*row] == most).map(|row| from + row);
        if self.leaf.has_codes() {
            self.codes.resize(there, 0);
            self.leaf.codes(&mut self.codes)?;
            for (row, code) in rows.zip(&self.codes) {
                let amount = self
                    .dictionary
                    .get(*code as usize)
                    .ok_or_else(|| Fault::damage("a code is not in the dictionary"))?;
                out.set(row, *amount);
            }
        } else if let Some(width) = kind.width() {
            // One look at the page for all of them.
            let block = self.leaf.plain_block(there, width)?;
            for (row, value) in rows.zip(block.chunks_exact(width.max(1))) {
                out.set(row, amount(kind, value)?);
            }
        } else {
            for row in rows {
                out.set(row, amount(kind, self.leaf.plain()?)?);
            }
        }
        Ok(())
    }
}

/// A value as an amount.
#[inline]
fn amount(kind: Kind, value: &[u8]) -> Result<Amount, Fault> {
    let cut = || Fault::damage("a value is cut off");
    Ok(match kind {
        Kind::Double => shortest::amount(u64::from_le_bytes(value.try_into().map_err(|_| cut())?))?,
        Kind::Single => shortest::of_single(u32::from_le_bytes(value.try_into().map_err(|_| cut())?))?,
        Kind::Integer { width: 8, places } => {
            Amount::scaled(i64::from_le_bytes(value.try_into().map_err(|_| cut())?).into(), places)?
        }
        Kind::Integer { places, .. } => {
            Amount::scaled(i32::from_le_bytes(value.try_into().map_err(|_| cut())?).into(), places)?
        }
        Kind::Decimal { places, .. } => {
            let Some(first) = value.first().filter(|_| value.len() <= 16) else { return Err(cut()) };
            let mut word = [if first & 0x80 == 0 { 0 } else { 0xff }; 16];
            word[16 - value.len()..].copy_from_slice(value);
            Amount::scaled(i128::from_be_bytes(word), places)?
        }
        Kind::Text if value.is_empty() => Amount::ZERO,
        Kind::Text => Amount::parse(value)?,
        _ => return Err(Fault::new("its values are not amounts")),
    })
}
