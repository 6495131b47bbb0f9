//! Records of a CSV text: fields in quotes or not, line breaks within quotes, a byte order mark before the first.

use std::io::Read;

use memchr::{memchr, memchr2};

use crate::problem::Fault;

/// Bytes read at a time.
const CHUNK: usize = 256 * 1024;
/// The most bytes a record is let take.
const MOST_BYTES: usize = 16 << 20;

/// Where a field lies in the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldPlace {
    from: usize,
    to: usize,
    /// Whether quotes in it are doubled.
    has_quotes: bool,
}

/// The records of a text.
pub struct Records<'a> {
    text: &'a mut dyn Read,
    buffer: Vec<u8>,
    /// The record under way begins here; bytes up to `end` are the text's.
    begin: usize,
    end: usize,
    is_whole: bool,
    /// The line that the last record began on, and the next one does.
    pub line: u64,
    next_line: u64,
    pub fields: Vec<FieldPlace>,
}

impl<'a> Records<'a> {
    /// Begins a text.
    pub fn new(text: &'a mut dyn Read) -> Records<'a> {
        Records {
            text,
            buffer: Vec::new(),
            begin: 0,
            end: 0,
            is_whole: false,
            line: 0,
            next_line: 1,
            fields: Vec::new(),
        }
    }

    /// Reads the next record into [`Records::fields`]. False at the end of the text.
    pub fn next(&mut self) -> Result<bool, Fault> {
        self.line = self.next_line;
        loop {
            if let Some(after) = self.record()? {
                self.begin = after;
                return Ok(true);
            }
            if self.is_whole {
                return Ok(false);
            }
            self.more()?;
        }
    }

    /// A field's text; `scratch` is filled where quotes are doubled.
    pub fn field<'b>(&'b self, field: usize, scratch: &'b mut Vec<u8>) -> &'b [u8] {
        let Some(place) = self.fields.get(field) else { return &[] };
        let bytes = &self.buffer[place.from..place.to];
        if !place.has_quotes {
            return bytes;
        }
        scratch.clear();
        let mut rest = bytes;
        while let Some(at) = memchr(b'"', rest) {
            scratch.extend_from_slice(&rest[..=at]);
            rest = rest.get(at + 2..).unwrap_or_default();
        }
        scratch.extend_from_slice(rest);
        scratch
    }

    /// Reads on: what is left of the buffer first, then more of the text.
    fn more(&mut self) -> Result<(), Fault> {
        self.buffer.copy_within(self.begin..self.end, 0);
        (self.begin, self.end) = (0, self.end - self.begin);
        if self.end >= MOST_BYTES {
            return Err(Fault::damage(format!("a record has more than {MOST_BYTES} bytes: a quote may be missing")));
        }
        self.buffer.resize(self.end.max(CHUNK) + CHUNK, 0);
        let mut is_first = self.next_line == 1 && self.end == 0;
        while self.end < self.buffer.len() {
            let count = self
                .text
                .read(&mut self.buffer[self.end..])
                .map_err(|error| Fault::damage(format!("the text ends early: {error}")))?;
            self.end += count;
            self.is_whole = count == 0;
            if is_first && (self.end >= 3 || self.is_whole) {
                is_first = false;
                if self.buffer[..self.end].starts_with(b"\xef\xbb\xbf") {
                    self.begin = 3;
                }
            }
            if self.is_whole {
                break;
            }
        }
        Ok(())
    }

    /// Finds the fields of the record that begins at `begin`. Returns the place behind it; none where the buffer ends
    /// before the record does.
    fn record(&mut self) -> Result<Option<usize>, Fault> {
        self.fields.clear();
        let bytes = &self.buffer[..self.end];
        let (mut at, mut lines) = (self.begin, 1);
        if at >= bytes.len() {
            return Ok(None);
        }
        loop {
            let (place, end) = if bytes.get(at) == Some(&b'"') {
                let Some((place, end)) = quoted(bytes, at + 1, &mut lines) else {
                    if self.is_whole {
                        return Err(Fault::damage("a quote is never closed"));
                    }
                    return Ok(None);
                };
                (place, end)
            } else {
                match memchr2(b',', b'\n', &bytes[at.min(bytes.len())..]) {
                    Some(length) => (FieldPlace { from: at, to: at + length, has_quotes: false }, at + length),
                    None if self.is_whole => (FieldPlace { from: at, to: bytes.len(), has_quotes: false }, bytes.len()),
                    None => return Ok(None),
                }
            };
            let FieldPlace { from, to, .. } = place;
            let is_return = |at: usize| bytes.get(at) == Some(&b'\r');
            match bytes.get(end) {
                Some(b',') => {
                    self.fields.push(place);
                    at = end + 1;
                }
                Some(b'\n') => {
                    let to = if to == end && to > from && is_return(to - 1) { to - 1 } else { to };
                    self.fields.push(FieldPlace { to, ..place });
                    self.next_line += lines;
                    return Ok(Some(end + 1));
                }
                // Behind a closing quote.
                Some(b'\r') if bytes.get(end + 1) == Some(&b'\n') => {
                    self.fields.push(place);
                    self.next_line += lines;
                    return Ok(Some(end + 2));
                }
                Some(b'\r') if end + 1 == bytes.len() && !self.is_whole => return Ok(None),
                None if !self.is_whole => return Ok(None),
                None => {
                    self.fields.push(place);
                    self.next_line += lines;
                    return Ok(Some(end));
                }
                Some(_) => {
                    return Err(Fault::damage(format!(
                        "field {} goes on behind its closing quote",
                        self.fields.len() + 1
                    )));
                }
            }
        }
    }
}

/// A field in quotes that begins at `from`: its place, and where its closing quote ends. Line breaks in it are counted.
fn quoted(bytes: &[u8], from: usize, lines: &mut u64) -> Option<(FieldPlace, usize)> {
    let (mut at, mut has_quotes) = (from, false);
    loop {
        let quote = at + memchr(b'"', bytes.get(at..)?)?;
        if bytes.get(quote + 1) == Some(&b'"') {
            has_quotes = true;
            at = quote + 2;
            continue;
        }
        *lines += memchr::memchr_iter(b'\n', &bytes[from..quote]).count() as u64;
        return Some((FieldPlace { from, to: quote, has_quotes }, quote + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Result<Vec<(u64, Vec<String>)>, Fault> {
        let mut bytes = text.as_bytes();
        let (mut records, mut out, mut scratch) = (Records::new(&mut bytes), Vec::new(), Vec::new());
        while records.next()? {
            let fields = (0..records.fields.len())
                .map(|field| String::from_utf8_lossy(records.field(field, &mut scratch)).into_owned());
            out.push((records.line, fields.collect()));
        }
        Ok(out)
    }

    #[test]
    fn fields_quotes_and_lines() {
        let read = all("\u{feff}a,b\r\n\"x \"\"y\"\"\",\"1\n2\"\n,\r\n\"q\"\r\nlast,\"\"").expect("well formed");
        let expected: [(u64, &[&str]); 5] =
            [(1, &["a", "b"]), (2, &["x \"y\"", "1\n2"]), (4, &["", ""]), (5, &["q"]), (6, &["last", ""])];
        assert_eq!(read.len(), expected.len());
        for ((line, fields), (expected_line, expected)) in read.iter().zip(expected) {
            assert_eq!(
                (line, fields.iter().map(String::as_str).collect::<Vec<_>>()),
                (&expected_line, expected.to_vec())
            );
        }
        assert_eq!(all("").expect("empty"), []);
    }

    #[test]
    fn what_is_no_csv_is_refused() {
        assert_eq!(all("a,\"b").expect_err("open").cause, "a quote is never closed");
        assert_eq!(all("a,\"b\"c\n").expect_err("text").cause, "field 2 goes on behind its closing quote");
    }

    #[test]
    fn records_cross_the_edges_of_the_buffer() {
        let row = format!("{},\"{}\"\n", "a".repeat(999), "b\"\"".repeat(333));
        let text = row.repeat(700);
        let read = all(&text).expect("well formed");
        assert_eq!(read.len(), 700);
        assert!(read.iter().enumerate().all(|(at, (line, fields))| *line == at as u64 + 1 && fields[1].len() == 666));
    }
}
