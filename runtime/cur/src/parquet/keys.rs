//! Columns of texts and days as numbers: a dictionary is looked at once, its codes become numbers by a table.

use super::footer::{Chunks, Kind};
use super::leaf::{Leaf, Present, take_plain};
use crate::calendar::{day_text, month_text, parse_day};
use crate::names::{EMPTY, Names};
use crate::problem::Fault;
use crate::source::Ranges;

/// What a column's values are taken as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum As {
    Text,
    Day,
    Month,
}

/// The reader of one such column.
#[derive(Default)]
pub struct Keys {
    leaf: Leaf,
    /// The numbers of the dictionary's values.
    numbers: Vec<u32>,
    levels: Vec<u8>,
    codes: Vec<u32>,
}

impl Keys {
    /// Begins a column chunk.
    pub fn begin(&mut self, chunks: &Chunks, request: usize) -> Result<(), Fault> {
        self.leaf.begin(&chunks.chunk, &chunks.shape, chunks.values, request)
    }

    /// Fills `out` with the numbers of the next values. Where all of them are one it is returned; `known` says what `out`
    /// is full of already.
    pub fn read(
        &mut self,
        file: &mut dyn Ranges,
        (kind, what): (Kind, As),
        names: &mut Names,
        out: &mut [u32],
        known: Option<u32>,
    ) -> Result<Option<u32>, Fault> {
        let mut done = 0;
        while done < out.len() {
            if self.leaf.left() == 0 && !self.leaf.next_page(file)? {
                return Err(Fault::damage(format!("{} values are missing", out.len() - done)));
            }
            if let Some((bytes, values)) = self.leaf.new_dictionary() {
                self.numbers.clear();
                let mut at = 0;
                for _ in 0..values {
                    let value = take_plain(bytes, &mut at, kind.width())
                        .ok_or_else(|| Fault::damage("the dictionary is cut off"))?;
                    self.numbers.push(number(kind, what, names, value)?);
                }
            }
            let count = self.leaf.left().min(out.len() - done);
            let same = self.part((kind, what), names, &mut out[done..done + count])?;
            if count == out.len() {
                if let Some(same) = same.filter(|_| same != known) {
                    out.fill(same);
                }
                return Ok(same);
            }
            if let Some(same) = same {
                out[done..done + count].fill(same);
            }
            done += count;
        }
        Ok(None)
    }

    /// Fills `out` from the page under way, or returns the number that all of it is.
    fn part(&mut self, (kind, what): (Kind, As), names: &mut Names, out: &mut [u32]) -> Result<Option<u32>, Fault> {
        self.levels.resize(out.len(), 0);
        let present = match self.leaf.present(&mut self.levels)? {
            Present::All => out.len(),
            Present::None => return Ok(Some(EMPTY)),
            Present::Some(count) => count,
        };
        // The values that are there first, then each to its row. One more, which that looks at behind the last.
        self.codes.resize(present + 1, 0);
        let is_all = present == out.len();
        let values = if is_all { &mut *out } else { &mut self.codes[..present] };
        if self.leaf.has_codes() {
            let wrong = || Fault::damage("a code is not in the dictionary");
            match self.leaf.codes(values)? {
                Some(code) => {
                    let same = *self.numbers.get(code as usize).ok_or_else(wrong)?;
                    if is_all {
                        return Ok(Some(same));
                    }
                    let most = self.leaf.most();
                    for (number, level) in out.iter_mut().zip(&self.levels) {
                        *number = if *level == most { same } else { EMPTY };
                    }
                    return Ok(None);
                }
                None => {
                    for value in values.iter_mut() {
                        *value = *self.numbers.get(*value as usize).ok_or_else(wrong)?;
                    }
                }
            }
        } else {
            for value in values.iter_mut() {
                *value = number(kind, what, names, self.leaf.plain()?)?;
            }
        }
        if !is_all {
            let (most, mut next) = (self.leaf.most(), 0);
            for (number, level) in out.iter_mut().zip(&self.levels) {
                let (value, is_there) = (self.codes[next], *level == most);
                *number = if is_there { value } else { EMPTY };
                next += usize::from(is_there);
            }
        }
        Ok(None)
    }
}

/// The number of a value.
fn number(kind: Kind, what: As, names: &mut Names, value: &[u8]) -> Result<u32, Fault> {
    if what == As::Text {
        return names.read(value);
    }
    let day = match kind {
        Kind::Text | Kind::Fixed(_) if value.is_empty() => return Ok(EMPTY),
        Kind::Text | Kind::Fixed(_) => parse_day(value)?,
        Kind::Date => i64::from(i32::from_le_bytes(array(value)?)),
        Kind::Stamp { per_day } => i64::from_le_bytes(array(value)?).div_euclid(per_day),
        // Nanoseconds of the day, then the Julian day.
        Kind::Int96 => i64::from(u32::from_le_bytes(array(value.get(8..).unwrap_or_default())?)) - 2_440_588,
        _ => return Err(Fault::new("its values are not days")),
    };
    names.day(day, if what == As::Day { day_text } else { month_text })
}

fn array<const N: usize>(value: &[u8]) -> Result<[u8; N], Fault> {
    value.try_into().map_err(|_| Fault::damage("a value is cut off"))
}
