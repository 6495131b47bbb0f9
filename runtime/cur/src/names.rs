//! Texts as small numbers: every distinct value of a column is kept once.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use crate::amount::shown;
use crate::problem::Fault;

/// The number of the empty text, which also stands for a value that is missing.
pub const EMPTY: u32 = 0;

/// The distinct values of one column, numbered in the order they came.
#[derive(Debug, Clone)]
pub struct Names {
    /// A table of twice as many places as texts, or more.
    places: Vec<Place>,
    /// Drawn by chance, since texts are chosen by others.
    seed: u64,
    texts: Vec<Arc<str>>,
    /// Days since 1970 whose text has a number already.
    days: HashMap<i64, u32>,
}

/// Where a text is found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Place {
    digest: Digest,
    /// Its number plus one; 0 where the place is free.
    number: u32,
}

/// A text's length and two words of it: up to 16 bytes they are all of it, so that nothing else is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Digest {
    first: u64,
    last: u64,
    length: u32,
}

impl Digest {
    #[inline]
    fn of(text: &[u8]) -> Digest {
        let (first, last) = match (text.first_chunk(), text.last_chunk()) {
            (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            _ => (text.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0),
        };
        Digest { first, last, length: text.len() as u32 }
    }

    #[inline]
    fn is_all(&self) -> bool {
        self.length <= 16
    }
}

impl Default for Names {
    fn default() -> Names {
        let seed = RandomState::new().hash_one(0_u8);
        let mut names = Names { places: vec![Place::default(); 16], seed, texts: Vec::new(), days: HashMap::new() };
        names.number("");
        names
    }
}

impl Names {
    /// The number of a text.
    pub fn number(&mut self, text: &str) -> u32 {
        let digest = Digest::of(text.as_bytes());
        self.find(digest, text.as_bytes()).unwrap_or_else(|| self.add(digest, text))
    }

    /// The number of a text that was read.
    #[inline]
    pub fn read(&mut self, bytes: &[u8]) -> Result<u32, Fault> {
        let digest = Digest::of(bytes);
        if let Some(number) = self.find(digest, bytes) {
            return Ok(number);
        }
        let text = std::str::from_utf8(bytes);
        let text = text.map_err(|_| Fault::damage(format!("{} is not UTF-8", shown(bytes))))?;
        Ok(self.add(digest, text))
    }

    /// The number of a text that is known.
    #[inline]
    fn find(&self, digest: Digest, text: &[u8]) -> Option<u32> {
        let mut at = self.hash(digest, text);
        loop {
            let place = self.places[at & (self.places.len() - 1)];
            if place.number == 0 {
                return None;
            }
            let number = place.number - 1;
            if place.digest == digest && (digest.is_all() || self.texts[number as usize].as_bytes() == text) {
                return Some(number);
            }
            at += 1;
        }
    }

    #[inline]
    fn hash(&self, Digest { first, last, length }: Digest, text: &[u8]) -> usize {
        let mut hash = folded(folded(first ^ self.seed) ^ last ^ u64::from(length));
        if length > 16 {
            let (words, _) = text.as_chunks::<8>();
            hash = words.iter().fold(hash, |hash, word| folded(hash ^ u64::from_le_bytes(*word)));
        }
        hash as usize
    }

    #[cold]
    fn add(&mut self, digest: Digest, text: &str) -> u32 {
        self.texts.push(text.into());
        let number = self.texts.len() as u32;
        if self.texts.len() * 2 > self.places.len() {
            let places = vec![Place::default(); self.places.len() * 2];
            for known in std::mem::replace(&mut self.places, places).into_iter().filter(|known| known.number > 0) {
                let text = self.texts[known.number as usize - 1].clone();
                self.place(known, text.as_bytes());
            }
        }
        self.place(Place { digest, number }, text.as_bytes());
        number - 1
    }

    fn place(&mut self, place: Place, text: &[u8]) {
        let mask = self.places.len() - 1;
        let mut at = self.hash(place.digest, text) & mask;
        while self.places[at].number != 0 {
            at = (at + 1) & mask;
        }
        self.places[at] = place;
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

#[inline]
fn folded(value: u64) -> u64 {
    let product = u128::from(value) * 0x9e37_79b9_7f4a_7c15;
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_one_number() {
        let mut names = Names::default();
        let texts: Vec<String> = (0..3_000).map(|number| format!("{}{number}", "x".repeat(number % 19))).collect();
        let first: Vec<u32> = texts.iter().map(|text| names.number(text)).collect();
        assert_eq!(first, (1..=3_000).collect::<Vec<u32>>());
        assert_eq!((names.read(b""), names.len()), (Ok(EMPTY), 3_001));
        for (text, number) in texts.iter().zip(first) {
            assert_eq!((names.read(text.as_bytes()), &**names.text(number)), (Ok(number), text.as_str()));
        }
        assert!(names.read(b"\xff").is_err());
        // Of up to seven bytes the first say how many there are.
        let zeros: Vec<u32> = (0..12).map(|length| names.number(&"\0".repeat(length))).collect();
        assert_eq!(zeros, [&[0][..], &(3_001..3_012).collect::<Vec<u32>>()].concat());
    }
}
