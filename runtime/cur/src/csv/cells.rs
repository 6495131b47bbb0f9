//! Cells of a CSV report as numbers and amounts. A cell often says what the one above says: that is asked first.

use std::collections::HashMap;

use serde::de::{MapAccess, Visitor};

use crate::calendar::{day_text, month_text, parse_day};
use crate::layout::Field;
use crate::names::{EMPTY, Names};
use crate::problem::Fault;

/// Texts of maps that are kept with their meaning.
const KEPT: usize = 16_384;

/// A column of keys: the last cell and its number.
#[derive(Debug, Default)]
pub struct KeyCells {
    last: Vec<u8>,
    number: u32,
}

impl KeyCells {
    /// The number of a cell.
    pub fn number(&mut self, field: &Field, cell: &[u8], names: &mut Names) -> Result<u32, Fault> {
        if self.last != cell {
            self.number = match field {
                _ if cell.is_empty() => EMPTY,
                Field::Day => names.day(parse_day(cell)?, day_text)?,
                Field::Month => names.day(parse_day(cell)?, month_text)?,
                _ => names.read(cell)?,
            };
            self.last.clear();
            self.last.extend_from_slice(cell);
        }
        Ok(self.number)
    }
}

/// A column of maps, written as JSON, and the keys asked for: their fields and spellings.
#[derive(Debug)]
pub struct MapCells {
    pub asked: Vec<(usize, Vec<String>)>,
    known: HashMap<Vec<u8>, Vec<u32>>,
}

impl MapCells {
    /// A column in which these keys are asked for.
    pub fn new(asked: Vec<(usize, Vec<String>)>) -> MapCells {
        MapCells { asked, known: HashMap::new() }
    }

    /// For every key asked for its value's number in this cell.
    pub fn numbers(&mut self, cell: &[u8], names: &mut [Names]) -> Result<&[u32], Fault> {
        if !self.known.contains_key(cell) {
            if self.known.len() >= KEPT {
                self.known.clear();
            }
            let numbers = read(cell, &self.asked, names)?;
            self.known.insert(cell.to_vec(), numbers);
        }
        Ok(self.known.get(cell).map(Vec::as_slice).unwrap_or_default())
    }
}

/// The keys of a cell's map.
pub fn keys(cell: &[u8]) -> Result<Vec<String>, Fault> {
    Ok(pairs(cell)?.into_iter().map(|(key, _)| key).collect())
}

fn pairs(cell: &[u8]) -> Result<Vec<(String, Option<String>)>, Fault> {
    let pairs: Pairs =
        serde_json::from_slice(cell).map_err(|error| Fault::new(format!("the map is not JSON: {error}")))?;
    Ok(pairs.0)
}

fn read(cell: &[u8], asked: &[(usize, Vec<String>)], names: &mut [Names]) -> Result<Vec<u32>, Fault> {
    let mut numbers = vec![EMPTY; asked.len()];
    if cell.is_empty() {
        return Ok(numbers);
    }
    for (key, value) in pairs(cell)? {
        let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
        for (number, (field, keys)) in numbers.iter_mut().zip(asked) {
            if !keys.contains(&key) {
                continue;
            }
            let found = names[*field].number(&value);
            if *number != EMPTY && *number != found {
                let one = names[*field].text(*number);
                return Err(Fault::new(format!("a row has tag `{}` twice, as `{one}` and as `{value}`", keys[0])));
            }
            *number = found;
        }
    }
    Ok(numbers)
}

/// The entries of a JSON object in their order, keys that stand twice included.
struct Pairs(Vec<(String, Option<String>)>);

impl<'de> serde::Deserialize<'de> for Pairs {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Pairs, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Pairs;
            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("an object of texts")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        input.deserialize_map(Entries)
    }
}
