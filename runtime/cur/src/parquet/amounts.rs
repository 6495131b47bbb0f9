//! Columns of amounts: doubles, decimals, integers or texts as exact decimals.

use super::footer::{Chunks, Kind};
use super::leaf::{Leaf, take_plain};
use crate::amount::Amount;
use crate::batch::Figures;
use crate::problem::Fault;
use crate::shortest;
use crate::source::Ranges;

/// What stands in the dictionary for an amount that does not fit into 64 bits.
const LONG: i64 = i64::MIN;

/// The reader of one such column.
#[derive(Default)]
pub struct Amounts {
    leaf: Leaf,
    /// The dictionary's amounts, and those of them that do not fit, with their codes.
    dictionary: Vec<i64>,
    long: Vec<(u32, Amount)>,
    levels: Vec<u8>,
    codes: Vec<u32>,
    shorts: Vec<i64>,
}

impl Amounts {
    /// Begins a column chunk.
    pub fn begin(&mut self, chunks: &Chunks, request: usize) -> Result<(), Fault> {
        self.leaf.begin(&chunks.chunk, &chunks.shape, chunks.values, request)
    }

    /// Fills `out` with the next amounts; one that is missing is zero.
    pub fn read(&mut self, file: &mut dyn Ranges, kind: Kind, out: &mut Figures) -> Result<(), Fault> {
        let (rows, mut done) = (out.short.len(), 0);
        while done < rows {
            if self.leaf.left() == 0 && !self.leaf.next_page(file)? {
                return Err(Fault::damage(format!("{} values are missing", rows - done)));
            }
            if let Some((bytes, values)) = self.leaf.new_dictionary() {
                self.dictionary.clear();
                self.long.clear();
                let mut at = 0;
                for code in 0..values {
                    let value = take_plain(bytes, &mut at, kind.width())
                        .ok_or_else(|| Fault::damage("the dictionary is cut off"))?;
                    if let Some(short) = quick(kind, value) {
                        self.dictionary.push(short);
                        continue;
                    }
                    let amount = amount(kind, value)?;
                    let short = amount.short().filter(|short| *short != LONG);
                    self.dictionary.push(short.unwrap_or(LONG));
                    if short.is_none() {
                        self.long.push((code as u32, amount));
                    }
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
        let there = self.leaf.present(&mut self.levels)?.of(count);
        let first_long = out.long.len();
        if there == count {
            self.values(kind, &mut out.short[from..from + count], &mut out.long)?;
            out.long[first_long..].iter_mut().for_each(|(row, _)| *row += from);
            return Ok(());
        }
        let rows = &mut out.short[from..from + count];
        if there == 0 {
            rows.fill(0);
            return Ok(());
        }
        // The amounts that are there first, then each to its row.
        let mut shorts = std::mem::take(&mut self.shorts);
        // One more, which the loop looks at behind the last.
        shorts.resize(there + 1, 0);
        self.values(kind, &mut shorts[..there], &mut out.long)?;
        let (most, mut next) = (self.leaf.most(), 0);
        for (short, level) in rows.iter_mut().zip(&self.levels) {
            let (value, is_there) = (shorts[next], *level == most);
            *short = if is_there { value } else { 0 };
            next += usize::from(is_there);
        }
        if out.long.len() > first_long {
            let mut rows = (0..count).filter(|row| self.levels[*row] == most).enumerate();
            for (place, _) in &mut out.long[first_long..] {
                let row = rows.find(|(there, _)| there == place).map_or(0, |(_, row)| row);
                *place = from + row;
            }
        }
        self.shorts = shorts;
        Ok(())
    }

    /// Takes the next amounts of the page. Long ones are added to `long` with their places among them.
    fn values(&mut self, kind: Kind, out: &mut [i64], long: &mut Vec<(usize, Amount)>) -> Result<(), Fault> {
        let mut put = |place: usize, short: &mut i64, amount: Amount| match amount.short() {
            Some(known) => *short = known,
            None => {
                *short = 0;
                long.push((place, amount));
            }
        };
        if self.leaf.has_codes() {
            self.codes.resize(out.len(), 0);
            self.leaf.all_codes(&mut self.codes)?;
            let wrong = || Fault::damage("a code is not in the dictionary");
            for (place, (short, code)) in out.iter_mut().zip(&self.codes).enumerate() {
                *short = *self.dictionary.get(*code as usize).ok_or_else(wrong)?;
                if *short == LONG {
                    let at = self.long.binary_search_by_key(code, |(code, _)| *code).map_err(|_| wrong())?;
                    put(place, short, self.long[at].1);
                }
            }
        } else if kind == Kind::Double {
            // One look at the page for all of them.
            let (values, _) = self.leaf.plain_block(out.len(), 8)?.as_chunks::<8>();
            for (place, (short, value)) in out.iter_mut().zip(values).enumerate() {
                let bits = u64::from_le_bytes(*value);
                match shortest::quick(bits) {
                    Some(known) => *short = known,
                    None => put(place, short, shortest::amount(bits)?),
                }
            }
        } else {
            for (place, short) in out.iter_mut().enumerate() {
                put(place, short, amount(kind, self.leaf.plain()?)?);
            }
        }
        Ok(())
    }
}

/// A double as an amount, if it has one of the usual.
#[inline]
fn quick(kind: Kind, value: &[u8]) -> Option<i64> {
    let bytes = value.first_chunk().filter(|_| kind == Kind::Double)?;
    shortest::quick(u64::from_le_bytes(*bytes)).filter(|short| *short != LONG)
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
