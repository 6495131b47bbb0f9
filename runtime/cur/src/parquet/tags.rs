//! Maps of tags: for the keys that are asked for, the value in every row.
//!
//! A map is two columns of equally many entries. Keys are compared once per dictionary; of values only those become
//! numbers that stand under a key asked for, since a report has far more values than tenants.

use super::footer::Chunks;
use super::leaf::{Leaf, Present, take_plain};
use crate::batch::RowFault;
use crate::names::{EMPTY, Names};
use crate::problem::Fault;
use crate::source::Ranges;

/// Entries looked at a time.
const ENTRIES: usize = 4096;
/// An entry whose key is not asked for, or that is none.
const OTHER: u8 = u8::MAX;
/// A value of the dictionary that has no number yet.
const UNKNOWN: u32 = u32::MAX;

/// A key asked for: its spellings, and the field its value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub field: usize,
    pub keys: Vec<String>,
}

/// The reader of one map.
#[derive(Default)]
pub struct Tags {
    keys: Leaf,
    values: Leaf,
    /// For the dictionary of keys, which of those asked for each is.
    asked: Vec<u8>,
    /// Where the values of the dictionary lie, and for every key asked for their numbers.
    places: Vec<(u32, u32)>,
    numbers: Vec<Vec<u32>>,
    /// Entries that are read and not taken: whether a row begins, the key, and the value's number.
    begins: Vec<u32>,
    which: Vec<u8>,
    found: Vec<u32>,
    at: usize,
    levels: Vec<u32>,
    codes: Vec<u32>,
    /// Entries that are still to be read.
    unread: u64,
}

impl Tags {
    /// Begins the chunks of a map's keys and values.
    pub fn begin(&mut self, keys: &Chunks, values: &Chunks, request: usize) -> Result<(), Fault> {
        if keys.values != values.values {
            return Err(Fault::damage(format!("the map has {} keys and {} values", keys.values, values.values)));
        }
        self.keys.begin(&keys.chunk, &keys.shape, keys.values, request)?;
        self.values.begin(&values.chunk, &values.shape, values.values, request)?;
        self.unread = keys.values;
        self.at = 0;
        [&mut self.begins, &mut self.found].into_iter().for_each(Vec::clear);
        self.which.clear();
        Ok(())
    }

    /// Fills the fields that are asked for with the next rows' values. The fields are of `rows` empty values.
    pub fn read(
        &mut self,
        file: &mut dyn Ranges,
        asked: &[Asked],
        names: &mut [Names],
        rows: usize,
        fields: &mut [Vec<u32>],
    ) -> Result<(), RowFault> {
        let mut row = 0;
        // Up to the entry that begins the row after the last.
        loop {
            while self.at < self.begins.len() {
                let (begins, which) = (self.begins[self.at] == 0, self.which[self.at]);
                if begins {
                    if row == rows {
                        return Ok(());
                    }
                    row += 1;
                }
                if row == 0 {
                    return Err(RowFault { row, fault: Fault::damage("the map's first entry begins no row") });
                }
                if which != OTHER && self.found[self.at] != EMPTY {
                    let field = asked[usize::from(which)].field;
                    let value = &mut fields[field][row - 1];
                    if *value != EMPTY && *value != self.found[self.at] {
                        let (one, two) = (names[field].text(*value), names[field].text(self.found[self.at]));
                        let cause = format!(
                            "a row has tag `{}` twice, as `{one}` and as `{two}`",
                            asked[usize::from(which)].keys[0]
                        );
                        return Err(RowFault { row: row - 1, fault: Fault::new(cause) });
                    }
                    *value = self.found[self.at];
                }
                self.at += 1;
            }
            if self.unread == 0 {
                break;
            }
            self.fill(file, asked, names).map_err(|fault| RowFault { row, fault })?;
        }
        if row < rows {
            return Err(RowFault {
                row,
                fault: Fault::damage(format!("the map ends {} rows before the others", rows - row)),
            });
        }
        Ok(())
    }

    /// Reads the next entries.
    fn fill(&mut self, file: &mut dyn Ranges, asked: &[Asked], names: &mut [Names]) -> Result<(), Fault> {
        for leaf in [&mut self.keys, &mut self.values] {
            if leaf.left() == 0 && !leaf.next_page(file)? {
                return Err(Fault::damage("entries of the map are missing"));
            }
        }
        self.take_dictionaries(asked)?;
        let count = self.keys.left().min(self.values.left()).min(ENTRIES);
        self.unread =
            self.unread.checked_sub(count as u64).ok_or_else(|| Fault::damage("the map has too many entries"))?;
        self.at = 0;
        self.begins.resize(count, 0);
        self.levels.resize(count, 0);
        self.keys.repetition(&mut self.begins)?;
        self.keys_of(count, asked)?;
        self.values_of(count, asked, names)
    }

    fn take_dictionaries(&mut self, asked: &[Asked]) -> Result<(), Fault> {
        let cut = || Fault::damage("the dictionary is cut off");
        if let Some((bytes, values)) = self.keys.new_dictionary() {
            self.asked.clear();
            let mut at = 0;
            for _ in 0..values {
                self.asked.push(which(asked, take_plain(bytes, &mut at, None).ok_or_else(cut)?));
            }
        }
        if let Some((bytes, values)) = self.values.new_dictionary() {
            self.places.clear();
            let mut at = 0;
            for _ in 0..values {
                let value = take_plain(bytes, &mut at, None).ok_or_else(cut)?;
                self.places.push(((at - value.len()) as u32, at as u32));
            }
            self.numbers.resize(asked.len(), Vec::new());
            for numbers in &mut self.numbers {
                numbers.clear();
                numbers.resize(self.places.len(), UNKNOWN);
            }
        }
        Ok(())
    }

    /// Which key each of the next entries has.
    fn keys_of(&mut self, count: usize, asked: &[Asked]) -> Result<(), Fault> {
        self.which.clear();
        let present = self.keys.present(&mut self.levels)?;
        let there = match present {
            Present::All => count,
            Present::None => 0,
            Present::Some(there) => there,
        };
        self.codes.resize(there, 0);
        if self.keys.has_codes() {
            self.keys.codes(&mut self.codes)?;
        } else {
            for code in &mut self.codes {
                *code = u32::from(which(asked, self.keys.plain()?));
            }
        }
        let has_codes = self.keys.has_codes();
        let of = |code: u32| match has_codes {
            true => {
                self.asked.get(code as usize).copied().ok_or_else(|| Fault::damage("a code is not in the dictionary"))
            }
            false => Ok(code as u8),
        };
        if there == count {
            for code in &self.codes {
                self.which.push(of(*code)?);
            }
            return Ok(());
        }
        let (most, mut codes) = (self.keys.most(), self.codes.iter());
        for level in &self.levels {
            let code = if *level == most { codes.next() } else { None };
            self.which.push(code.map_or(Ok(OTHER), |code| of(*code))?);
        }
        Ok(())
    }

    /// The numbers of the next entries' values, where their keys are asked for.
    fn values_of(&mut self, count: usize, asked: &[Asked], names: &mut [Names]) -> Result<(), Fault> {
        self.found.clear();
        self.found.resize(count, EMPTY);
        let present = self.values.present(&mut self.levels)?;
        let there = match present {
            Present::All => count,
            Present::None => return Ok(()),
            Present::Some(there) => there,
        };
        let most = self.values.most();
        let is_there = |levels: &[u32], entry: usize| there == count || levels[entry] == most;
        if !self.values.has_codes() {
            for entry in 0..count {
                if !is_there(&self.levels, entry) {
                    continue;
                }
                let value = self.values.plain()?;
                if let Some(key) = asked.get(usize::from(self.which[entry])) {
                    self.found[entry] = names[key.field].read(value)?;
                }
            }
            return Ok(());
        }
        self.codes.resize(there, 0);
        self.values.codes(&mut self.codes)?;
        let mut next = 0;
        for entry in 0..count {
            if !is_there(&self.levels, entry) {
                continue;
            }
            let code = self.codes[next] as usize;
            next += 1;
            let which = self.which[entry];
            if which == OTHER {
                continue;
            }
            let number = self.numbers[usize::from(which)]
                .get_mut(code)
                .ok_or_else(|| Fault::damage("a code is not in the dictionary"))?;
            if *number == UNKNOWN {
                let (from, to) = self.places[code];
                *number = names[asked[usize::from(which)].field]
                    .read(&self.values.dictionary()[from as usize..to as usize])?;
            }
            self.found[entry] = *number;
        }
        Ok(())
    }
}

/// Which of the keys asked for this is.
fn which(asked: &[Asked], key: &[u8]) -> u8 {
    let found = asked.iter().position(|asked| asked.keys.iter().any(|spelling| spelling.as_bytes() == key));
    found.and_then(|found| u8::try_from(found).ok()).unwrap_or(OTHER)
}
