//! Page headers: the part of Parquet's compact Thrift that stands before every page. The `parquet` crate keeps its own to
//! itself. And a look at footers, before that crate reads them.
//!
//! Source: parquet-format, `parquet.thrift` (PageHeader) and the Thrift compact protocol.

use crate::problem::Fault;

/// What stands before a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageHeader {
    pub kind: PageKind,
    pub uncompressed_bytes: usize,
    pub compressed_bytes: usize,
}

/// The pages there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageKind {
    Dictionary {
        values: usize,
    },
    /// Levels and values, compressed together.
    One {
        values: usize,
        encoding: i32,
        def_encoding: i32,
        rep_encoding: i32,
    },
    /// Levels apart and not compressed.
    Two {
        values: usize,
        encoding: i32,
        def_bytes: usize,
        rep_bytes: usize,
        is_compressed: bool,
    },
    /// An index page or one of a kind to come: nothing to read.
    Other,
}

/// The header at the beginning of `bytes`, and how long it is. None where the bytes end before it does.
pub fn page_header(bytes: &[u8]) -> Result<Option<(PageHeader, usize)>, Fault> {
    let mut input = Compact { bytes, at: 0, has_flags: true };
    match input.page_header() {
        Ok(header) => Ok(Some((header, input.at))),
        Err(Stop::End) => Ok(None),
        Err(Stop::Wrong(cause)) => Err(Fault::damage(cause)),
    }
}

/// Refuses a footer that would keep the `parquet` crate busy for hours. What it does not know it skips, and there a
/// boolean in a list takes no byte: six bytes stand for two billion of them, and lists of lists for that many each. No
/// field of a footer is such a list, or a map.
pub fn check_footer(bytes: &[u8]) -> Result<(), Fault> {
    let mut input = Compact { bytes, at: 0, has_flags: false };
    let read = input.value(STRUCT, FOOTER_DEPTH);
    read.map(drop).map_err(|stop| match stop {
        Stop::End => Fault::damage("the footer is cut off"),
        Stop::Wrong(_) => Fault::damage("the footer has a structure that no writer makes"),
    })
}

enum Stop {
    End,
    Wrong(&'static str),
}

struct Compact<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Whether lists of booleans are read.
    has_flags: bool,
}

/// The fields of a structure by their numbers, as integers; booleans are 0 and 1.
type Fields = [Option<i64>; 9];

const STRUCT: u8 = 12;
/// Structures are nested no deeper than this in any header.
const DEPTH: u32 = 8;
/// The same of footers, whose row groups hold columns, and those their statistics.
const FOOTER_DEPTH: u32 = 16;

impl Compact<'_> {
    fn page_header(&mut self) -> Result<PageHeader, Stop> {
        let (mut own, mut nested) = (Fields::default(), None);
        self.each_field(|input, number, kind| {
            match (number, kind) {
                (5 | 7 | 8, STRUCT) => {
                    let mut fields = Fields::default();
                    input.each_field(|input, number, kind| input.keep(&mut fields, number, kind))?;
                    nested = Some((number, fields));
                }
                _ => input.keep(&mut own, number, kind)?,
            }
            Ok(())
        })?;
        let size = |value: Option<i64>| {
            usize::try_from(value.ok_or(Stop::Wrong("a page header lacks a size"))?)
                .map_err(|_| Stop::Wrong("a page header has a negative size"))
        };
        let code = |value: Option<i64>| {
            i32::try_from(value.ok_or(Stop::Wrong("a page header lacks an encoding"))?)
                .map_err(|_| Stop::Wrong("a page header has an unknown encoding"))
        };
        let kind = match nested {
            Some((5, fields)) => PageKind::One {
                values: size(fields[1])?,
                encoding: code(fields[2])?,
                def_encoding: code(fields[3])?,
                rep_encoding: code(fields[4])?,
            },
            Some((7, fields)) => PageKind::Dictionary { values: size(fields[1])? },
            Some((8, fields)) => PageKind::Two {
                values: size(fields[1])?,
                encoding: code(fields[4])?,
                def_bytes: size(fields[5])?,
                rep_bytes: size(fields[6])?,
                is_compressed: fields[7] != Some(0),
            },
            _ => PageKind::Other,
        };
        Ok(PageHeader { kind, uncompressed_bytes: size(own[2])?, compressed_bytes: size(own[3])? })
    }

    fn keep(&mut self, fields: &mut Fields, number: i64, kind: u8) -> Result<(), Stop> {
        let value = self.value(kind, DEPTH)?;
        if let Some(field) = usize::try_from(number).ok().and_then(|number| fields.get_mut(number)) {
            *field = value;
        }
        Ok(())
    }

    fn each_field(&mut self, mut field: impl FnMut(&mut Self, i64, u8) -> Result<(), Stop>) -> Result<(), Stop> {
        let mut number = 0_i64;
        loop {
            let head = self.byte()?;
            let kind = head & 0x0f;
            if kind == 0 {
                return Ok(());
            }
            number = match head >> 4 {
                0 => self.integer()?,
                step => number.wrapping_add(step.into()),
            };
            field(self, number, kind)?;
        }
    }

    /// Reads or skips a value; integers and booleans are returned.
    fn value(&mut self, kind: u8, depth: u32) -> Result<Option<i64>, Stop> {
        let deeper = depth.checked_sub(1).ok_or(Stop::Wrong("a page header is nested too deep"))?;
        match kind {
            1 => return Ok(Some(1)),
            2 => return Ok(Some(0)),
            3 => self.skip(1)?,
            4..=6 => return Ok(Some(self.integer()?)),
            7 => self.skip(8)?,
            8 => {
                let length =
                    usize::try_from(self.unsigned()?).map_err(|_| Stop::Wrong("a page header has a text too long"))?;
                self.skip(length)?;
            }
            9 | 10 => {
                let head = self.byte()?;
                let length = if head >> 4 == 15 { self.unsigned()? } else { u64::from(head >> 4) };
                for _ in 0..length {
                    // A boolean in a list is a byte of its own.
                    match head & 0x0f {
                        1 | 2 if self.has_flags => self.skip(1)?,
                        1 | 2 => return Err(Stop::Wrong("a footer has a list of booleans")),
                        kind => {
                            self.value(kind, deeper)?;
                        }
                    }
                }
            }
            STRUCT => self.each_field(|input, _, kind| input.value(kind, deeper).map(drop))?,
            _ => return Err(Stop::Wrong("a page header has a field of an unknown type")),
        }
        Ok(None)
    }

    fn byte(&mut self) -> Result<u8, Stop> {
        let byte = *self.bytes.get(self.at).ok_or(Stop::End)?;
        self.at += 1;
        Ok(byte)
    }

    fn skip(&mut self, length: usize) -> Result<(), Stop> {
        if length > self.bytes.len() - self.at {
            return Err(Stop::End);
        }
        self.at += length;
        Ok(())
    }

    fn unsigned(&mut self) -> Result<u64, Stop> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Stop::Wrong("a page header has a number too long"))
    }

    fn integer(&mut self) -> Result<i64, Stop> {
        let value = self.unsigned()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Type 0, 20 bytes, 10 compressed, and a data page of 5 values: PLAIN, RLE, RLE.
    const PAGE: [u8; 17] = [0x15, 0, 0x15, 40, 0x15, 20, 0x2c, 0x15, 10, 0x15, 0, 0x15, 6, 0x15, 6, 0, 0];

    #[test]
    fn a_header_is_read_and_its_length_known() {
        let (header, length) = page_header(&PAGE).expect("well formed").expect("complete");
        assert_eq!(length, PAGE.len());
        let kind = PageKind::One { values: 5, encoding: 0, def_encoding: 3, rep_encoding: 3 };
        assert_eq!(header, PageHeader { kind, uncompressed_bytes: 20, compressed_bytes: 10 });
    }

    #[test]
    fn every_cut_is_incomplete_and_no_error() {
        for length in 0..PAGE.len() {
            assert_eq!(page_header(&PAGE[..length]), Ok(None), "{length} bytes");
        }
    }

    #[test]
    fn a_footer_of_billions_of_booleans_is_refused() {
        let sound = [0x15, 2, 0x19, 0x2c, 0x15, 2, 0, 0x15, 4, 0, 0];
        assert_eq!(check_footer(&sound), Ok(()));
        // An unknown field: a list of lists, each of 2^31 - 1 booleans.
        let flags = [0xf1, 0xff, 0xff, 0xff, 0xff, 0x07];
        let footer = [&[0xf9, 0xe9][..], &flags.repeat(14), &[0]].concat();
        let fault = check_footer(&footer).expect_err("refused");
        assert_eq!(fault.cause, "the footer has a structure that no writer makes");
        assert_eq!(check_footer(&sound[..9]).expect_err("cut").cause, "the footer is cut off");
        assert!(check_footer(&[0x1c; 400]).is_err());
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(page_header(&[0x1f, 0]).is_err());
        assert!(page_header(&[0]).is_err());
        assert!(page_header(&[0x1c; 40]).is_err());
    }
}
