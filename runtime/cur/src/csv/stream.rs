//! The text of a CSV report: as it is, or out of gzip or zip, read on as it is needed.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use crate::problem::Fault;
use crate::source::{Ranges, Source};

/// How a file is packed, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    None,
    Gzip,
    Zip,
}

impl Packing {
    /// The packing of a file that begins so.
    pub fn of(head: &[u8]) -> Packing {
        match head {
            [0x1f, 0x8b, ..] => Packing::Gzip,
            [b'P', b'K', 3 | 5, 4 | 6, ..] => Packing::Zip,
            _ => Packing::None,
        }
    }
}

/// Hands the text of every CSV file in a source to `each`: one, or as many as a zip archive has.
pub fn each_text<T>(
    source: &dyn Source,
    packing: Packing,
    mut each: impl FnMut(&mut dyn Read) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let open = || {
        let file = source.open().map_err(|error| Fault::new(format!("the file cannot be opened: {error}")))?;
        Ok::<_, Fault>(Sequential::new(file, source.length(), source.request_bytes()))
    };
    match packing {
        Packing::None => Ok(vec![each(&mut open()?)?]),
        Packing::Gzip => Ok(vec![each(&mut flate2::bufread::MultiGzDecoder::new(open()?))?]),
        Packing::Zip => {
            let wrong = |error| Fault::damage(format!("the archive cannot be read: {error}"));
            let mut archive = zip::ZipArchive::new(open()?).map_err(wrong)?;
            let mut done = Vec::new();
            for entry in 0..archive.len() {
                let mut file = archive.by_index(entry).map_err(wrong)?;
                if file.is_file() && file.name().is_ok_and(|name| name.to_ascii_lowercase().ends_with(".csv")) {
                    done.push(each(&mut file)?);
                }
            }
            if done.is_empty() {
                return Err(
                    Fault::new("the archive has no CSV file").remedy("name the report's own files, or its manifest")
                );
            }
            Ok(done)
        }
    }
}

/// A source read from its beginning on.
struct Sequential<'a> {
    file: Box<dyn Ranges + 'a>,
    length: u64,
    request: usize,
    /// Bytes of the file from `buffer_at` on, and the next one to be taken.
    buffer: Vec<u8>,
    buffer_at: u64,
    next: u64,
}

impl<'a> Sequential<'a> {
    fn new(file: Box<dyn Ranges + 'a>, length: u64, request: usize) -> Sequential<'a> {
        Sequential { file, length, request: request.max(1), buffer: Vec::new(), buffer_at: 0, next: 0 }
    }
}

impl Read for Sequential<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(into.len());
        into[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Sequential<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let end = self.buffer_at + self.buffer.len() as u64;
        if self.next < self.buffer_at || self.next >= end {
            let left = self.length.saturating_sub(self.next);
            self.buffer.resize(left.min(self.request as u64) as usize, 0);
            self.buffer_at = self.next;
            self.file.read_at(self.next, &mut self.buffer)?;
        }
        Ok(&self.buffer[(self.next - self.buffer_at) as usize..])
    }

    fn consume(&mut self, count: usize) {
        self.next += count as u64;
    }
}

impl Seek for Sequential<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.next.checked_add_signed(by),
        };
        self.next = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.next)
    }
}
