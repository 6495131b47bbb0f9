//! Texts as small numbers: every distinct value of a column is kept once.

use std::collections::HashMap;
use std::sync::Arc;

use crate::amount::shown;
use crate::problem::Fault;

/// The number of the empty text, which also stands for a value that is missing.
pub const EMPTY: u32 = 0;

/// The distinct values of one column, numbered in the order they came.
#[derive(Debug, Clone)]
pub struct Names {
    numbers: HashMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
    /// Days since 1970 whose text has a number already.
    days: HashMap<i64, u32>,
}

impl Default for Names {
    fn default() -> Names {
        let mut names = Names { numbers: HashMap::new(), texts: Vec::new(), days: HashMap::new() };
        names.number("");
        names
    }
}

impl Names {
    /// The number of a text.
    pub fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let (text, number): (Arc<str>, u32) = (text.into(), self.texts.len() as u32);
        self.texts.push(text.clone());
        self.numbers.insert(text, number);
        number
    }

    /// The number of a text that was read.
    pub fn read(&mut self, bytes: &[u8]) -> Result<u32, Fault> {
        let text = std::str::from_utf8(bytes).map_err(|_| Fault::damage(format!("{} is not UTF-8", shown(bytes))))?;
        Ok(self.number(text))
    }

    /// The number of a day's text, which `text` makes of days since 1970.
    pub fn day(&mut self, day: i64, text: impl FnOnce(i64) -> Result<String, Fault>) -> Result<u32, Fault> {
        if let Some(number) = self.days.get(&day) {
            return Ok(*number);
        }
        let number = self.number(&text(day)?);
        self.days.insert(day, number);
        Ok(number)
    }

    /// The text of a number.
    pub fn text(&self, number: u32) -> &Arc<str> {
        &self.texts[number as usize]
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }
}
