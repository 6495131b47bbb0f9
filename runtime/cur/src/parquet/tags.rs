//! Maps of tags: for the keys that are asked for, the value in every row.
//!
//! A map is two columns of equally many entries. Keys are compared once per dictionary; of values only those become
//! numbers that stand under a key asked for, since a report has far more values than tenants.

use super::footer::Chunks;
use super::leaf::{Leaf, take_plain};
use crate::batch::RowFault;
use crate::names::{EMPTY, Names};
use crate::problem::Fault;
use crate::source::Ranges;

/// Entries looked at a time.
const ENTRIES: usize = 1024;
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

/// An entry whose key is asked for and that has a value, in one word: the value's code in the dictionary or its place in
/// the page, later the number of that value; its row among those that the entries read last begin, from 1, or 0 for the row before;
/// and which of the keys it has.
#[derive(Debug, Clone, Copy, Default)]
struct Hit(u64);

impl Hit {
    fn new(value: u32, row: u16, which: u8) -> Hit {
        Hit(u64::from(value) | u64::from(row) << 32 | u64::from(which) << 48)
    }

    fn value(self) -> u32 {
        self.0 as u32
    }

    fn row(self) -> u64 {
        self.0 >> 32 & 0xffff
    }

    fn which(self) -> usize {
        (self.0 >> 48) as usize
    }

    fn set_value(&mut self, value: u32) {
        self.0 = self.0 >> 32 << 32 | u64::from(value);
    }
}

/// Some entries: whether each begins a row, the levels of its key and value and those that say they are there, and which
/// key those have that have one.
struct Entries<'a> {
    begins: &'a [u8],
    key_levels: &'a [u8],
    value_levels: &'a [u8],
    most: (u8, u8),
    which: &'a [u8],
}

/// How many rows the entries begin, and how many of them count.
struct Found {
    rows: u16,
    hits: usize,
}

/// Finds the entries that count. `take` gives the next value's code or place, and goes on where it is told that the entry
/// has a value. Every entry takes the same steps, whether it counts or not: which of them do is more than a processor can
/// foresee.
#[inline]
fn find_hits(entries: Entries<'_>, hits: &mut Vec<Hit>, mut take: impl FnMut(bool) -> u32) -> Found {
    hits.resize(ENTRIES + 1, Hit::default());
    let (hits, (most_key, most_value)) = (&mut hits[..], entries.most);
    let (mut key, mut found) = (0, Found { rows: 0, hits: 0 });
    let levels = entries.key_levels.iter().zip(entries.value_levels);
    for (begins, (key_level, value_level)) in entries.begins.iter().zip(levels) {
        found.rows += u16::from(*begins == 0);
        let (is_key, is_value) = (*key_level == most_key, *value_level == most_value);
        let which = entries.which[key];
        let which = if is_key { which } else { OTHER };
        hits[found.hits] = Hit::new(take(is_value), found.rows, which);
        key += usize::from(is_key);
        found.hits += usize::from(is_value & (which != OTHER));
    }
    found
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
    /// Entries that are read; those from `at` on are of rows to come.
    hits: Vec<Hit>,
    at: usize,
    /// Rows that have begun, those that had before the hits, and rows that were handed out.
    begun: u64,
    before: u64,
    given: u64,
    /// Entries that are still to be read.
    unread: u64,
    begins: Vec<u8>,
    key_levels: Vec<u8>,
    value_levels: Vec<u8>,
    /// Which key those entries have that have one, and which value.
    which: Vec<u8>,
    codes: Vec<u32>,
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
        (self.at, self.begun, self.before, self.given) = (0, 0, 0, 0);
        self.hits.clear();
        Ok(())
    }

    /// Fills the fields that are asked for with the next rows' values.
    pub fn read(
        &mut self,
        file: &mut dyn Ranges,
        asked: &[Asked],
        names: &mut [Names],
        rows: usize,
        fields: &mut [Vec<u32>],
    ) -> Result<(), RowFault> {
        asked.iter().for_each(|asked| fields[asked.field].fill(EMPTY));
        let end = self.given + rows as u64;
        loop {
            self.take(end, asked, names, fields)?;
            // Up to the entry that begins the row after the last.
            if self.begun > end || self.unread == 0 {
                break;
            }
            let row = (self.begun - self.given) as usize;
            self.fill(file, asked, names).map_err(|fault| RowFault { row, fault })?;
        }
        if self.begun < end {
            let row = (self.begun - self.given) as usize;
            let cause = format!("the map ends {} rows before the others", end - self.begun);
            return Err(RowFault { row, fault: Fault::damage(cause) });
        }
        self.given = end;
        Ok(())
    }

    /// Takes what is read of the rows before `end`.
    fn take(&mut self, end: u64, asked: &[Asked], names: &[Names], fields: &mut [Vec<u32>]) -> Result<(), RowFault> {
        // Of a row that is taken in two parts, the row before the hits is the last one begun.
        let last = (end + 1).saturating_sub(self.before);
        let hits = &self.hits[self.at..];
        let hits = &hits[..hits.partition_point(|hit| hit.row() < last)];
        self.at += hits.len();
        for hit in hits {
            let (row, number) = ((self.before + hit.row() - 1 - self.given) as usize, hit.value());
            let asked = &asked[hit.which()];
            let value = &mut fields[asked.field][row];
            if *value != EMPTY && *value != number && number != EMPTY {
                let text = |number: u32| names[asked.field].text(number);
                let (one, two) = (text(*value), text(number));
                let cause = format!("a row has tag `{}` twice, as `{one}` and as `{two}`", asked.keys[0]);
                return Err(RowFault { row, fault: Fault::new(cause) });
            }
            *value |= number;
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
        self.begins.resize(count, 0);
        self.keys.repetition(&mut self.begins)?;
        if self.begun == 0 && self.begins[0] != 0 {
            return Err(Fault::damage("the map's first entry begins no row"));
        }
        self.keys_of(count, asked)?;
        self.value_levels.resize(count, 0);
        let there = self.values.levels(&mut self.value_levels)?;
        let entries = Entries {
            begins: &self.begins,
            key_levels: &self.key_levels,
            value_levels: &self.value_levels,
            most: (self.keys.most(), self.values.most()),
            which: &self.which,
        };
        if self.values.has_codes() {
            // One more, which the loop over the entries looks at behind the last.
            self.codes.resize(there + 1, 0);
            self.values.all_codes(&mut self.codes[..there])?;
            let (codes, mut next) = (&self.codes[..], 0);
            let found = find_hits(entries, &mut self.hits, |is_value| {
                let code = codes[next];
                next += usize::from(is_value);
                code
            });
            self.found(found);
            self.number_codes(asked, names)
        } else {
            let (page, next) = self.values.plain_bytes()?;
            let mut at = *next;
            let length = |at: usize| page.get(at..)?.first_chunk().map(|length| u32::from_le_bytes(*length) as usize);
            let found = find_hits(entries, &mut self.hits, |is_value| {
                let place = at as u32;
                let whole = 4 + length(at).unwrap_or_default();
                at += if is_value { whole } else { 0 };
                place
            });
            let cut = || Fault::damage("a page ends before its values do");
            if at > page.len() {
                return Err(cut());
            }
            *next = at;
            for hit in &mut self.hits[..found.hits] {
                let text = take_plain(page, &mut (hit.value() as usize), None).ok_or_else(cut)?;
                hit.set_value(names[asked[hit.which()].field].read(text)?);
            }
            self.found(found);
            Ok(())
        }
    }

    /// Makes the hits that were found those to be taken.
    fn found(&mut self, found: Found) {
        (self.at, self.before) = (0, self.begun);
        self.begun += u64::from(found.rows);
        self.hits.truncate(found.hits);
    }

    /// Puts numbers in the place of the dictionary's codes.
    fn number_codes(&mut self, asked: &[Asked], names: &mut [Names]) -> Result<(), Fault> {
        for hit in &mut self.hits {
            let which = hit.which();
            let number = self.numbers[which].get_mut(hit.value() as usize);
            let number = number.ok_or_else(|| Fault::damage("a code is not in the dictionary"))?;
            if *number == UNKNOWN {
                let (from, to) = self.places[hit.value() as usize];
                let text = &self.values.dictionary()[from as usize..to as usize];
                *number = names[asked[which].field].read(text)?;
            }
            hit.set_value(*number);
        }
        Ok(())
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

    /// Which key those of the next entries have that have one.
    fn keys_of(&mut self, count: usize, asked: &[Asked]) -> Result<(), Fault> {
        self.key_levels.resize(count, 0);
        let there = self.keys.levels(&mut self.key_levels)?;
        // One more, as with the codes.
        self.which.resize(there + 1, OTHER);
        if self.keys.has_codes() {
            self.codes.resize(there, 0);
            self.keys.all_codes(&mut self.codes)?;
            for (which, code) in self.which.iter_mut().zip(&self.codes) {
                let known = self.asked.get(*code as usize);
                *which = *known.ok_or_else(|| Fault::damage("a code is not in the dictionary"))?;
            }
        } else {
            for place in &mut self.which[..there] {
                *place = which(asked, self.keys.plain()?);
            }
        }
        Ok(())
    }
}

/// Which of the keys asked for this is.
fn which(asked: &[Asked], key: &[u8]) -> u8 {
    let found = asked.iter().position(|asked| asked.keys.iter().any(|spelling| spelling.as_bytes() == key));
    found.and_then(|found| u8::try_from(found).ok()).unwrap_or(OTHER)
}
