//! The pages of a column chunk, one at a time, decompressed into a buffer that is reused.

use std::io::Read as _;

use parquet::basic::CompressionCodec;

use super::thrift::{PageHeader, PageKind, page_header};
use crate::problem::Fault;
use crate::source::Ranges;

/// The most bytes a page is let take, compressed or not; writers make pages of about a megabyte.
const MOST_PAGE_BYTES: usize = 128 << 20;
/// The most bytes a page's header is let take, its statistics included.
const MOST_HEADER_BYTES: usize = 16 << 20;

/// What a column chunk's pages are read by.
#[derive(Debug, Clone)]
pub struct Chunk {
    pub offset: u64,
    pub bytes: u64,
    pub codec: CompressionCodec,
}

/// A page whose bytes lie in [`Pages::page`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    Dictionary { values: usize },
    Data(DataPage),
}

/// Where the parts of a data page lie, and how its values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataPage {
    /// Values and nulls.
    pub values: usize,
    pub encoding: i32,
    pub rep: (usize, usize),
    pub def: (usize, usize),
    /// The first byte of the values.
    pub at: usize,
}

/// The reader of a chunk's pages, reused for chunk after chunk.
#[derive(Default)]
pub struct Pages {
    /// Bytes of the file from `window_at` on.
    window: Vec<u8>,
    window_at: u64,
    next: u64,
    end: u64,
    request: usize,
    codec: Option<Codec>,
    /// The page under way.
    pub page: Vec<u8>,
}

enum Codec {
    None,
    Snappy(snap::raw::Decoder),
    Gzip,
    Zstd(Box<zstd::bulk::Decompressor<'static>>),
}

impl Pages {
    /// Begins a chunk, whose bytes are asked for in requests of `request` bytes.
    pub fn begin(&mut self, chunk: &Chunk, request: usize) -> Result<(), Fault> {
        self.window.clear();
        (self.window_at, self.next, self.end) = (chunk.offset, chunk.offset, chunk.offset + chunk.bytes);
        self.request = request;
        let is_kept = matches!(
            (&self.codec, chunk.codec),
            (Some(Codec::None), CompressionCodec::UNCOMPRESSED)
                | (Some(Codec::Snappy(_)), CompressionCodec::SNAPPY)
                | (Some(Codec::Gzip), CompressionCodec::GZIP)
                | (Some(Codec::Zstd(_)), CompressionCodec::ZSTD)
        );
        if !is_kept {
            self.codec = Some(codec(chunk.codec)?);
        }
        Ok(())
    }

    /// Reads the next page of data or dictionary; none at the end of the chunk. `rep` and `def` say whether the column
    /// has such levels.
    pub fn next(&mut self, file: &mut dyn Ranges, rep: bool, def: bool) -> Result<Option<Page>, Fault> {
        while self.next < self.end {
            let header = self.header(file)?;
            if header.compressed_bytes > MOST_PAGE_BYTES || header.uncompressed_bytes > MOST_PAGE_BYTES {
                let bytes = header.compressed_bytes.max(header.uncompressed_bytes);
                return Err(Fault::damage(format!("a page has {bytes} bytes; at most {MOST_PAGE_BYTES} are read")));
            }
            self.load(file, header.compressed_bytes)?;
            let from = (self.next - self.window_at) as usize;
            let body = from..from + header.compressed_bytes;
            self.next += header.compressed_bytes as u64;
            match header.kind {
                PageKind::Other => {}
                PageKind::Dictionary { values } => {
                    self.decompress(body, 0, header.uncompressed_bytes, true)?;
                    return Ok(Some(Page::Dictionary { values }));
                }
                PageKind::One { values, encoding, def_encoding, rep_encoding } => {
                    self.decompress(body, 0, header.uncompressed_bytes, true)?;
                    let (mut at, mut levels) = (0, [(0, 0); 2]);
                    for (level, is_there, encoding) in [(0, rep, rep_encoding), (1, def, def_encoding)] {
                        if is_there {
                            levels[level] = self.prefixed(at, encoding)?;
                            at = levels[level].1;
                        }
                    }
                    let [rep, def] = levels;
                    return Ok(Some(Page::Data(DataPage { values, encoding, rep, def, at })));
                }
                PageKind::Two { values, encoding, def_bytes, rep_bytes, is_compressed } => {
                    let levels = rep_bytes.saturating_add(def_bytes);
                    if levels > header.uncompressed_bytes || levels > header.compressed_bytes {
                        return Err(Fault::damage("a page's levels are longer than the page"));
                    }
                    self.decompress(body, levels, header.uncompressed_bytes, is_compressed)?;
                    let (rep, def) = ((0, rep_bytes), (rep_bytes, levels));
                    return Ok(Some(Page::Data(DataPage { values, encoding, rep, def, at: levels })));
                }
            }
        }
        Ok(None)
    }

    fn header(&mut self, file: &mut dyn Ranges) -> Result<PageHeader, Fault> {
        let mut wanted = 64;
        loop {
            let available = wanted.min((self.end - self.next) as usize);
            self.load(file, available)?;
            let from = (self.next - self.window_at) as usize;
            if let Some((header, length)) = page_header(&self.window[from..])? {
                self.next += length as u64;
                return Ok(header);
            }
            let loaded = self.window.len() - from;
            if loaded as u64 >= self.end - self.next || loaded > MOST_HEADER_BYTES {
                return Err(Fault::damage("a page's header is cut off"));
            }
            wanted = loaded * 2;
        }
    }

    /// Makes the `length` bytes from `next` on lie in the window.
    fn load(&mut self, file: &mut dyn Ranges, length: usize) -> Result<(), Fault> {
        let from = (self.next - self.window_at) as usize;
        if length as u64 > self.end.saturating_sub(self.next) {
            return Err(Fault::damage("a page reaches beyond the end of its column chunk"));
        }
        if from <= self.window.len() && length <= self.window.len() - from {
            return Ok(());
        }
        let loaded = self.window.len();
        let kept = loaded.saturating_sub(from);
        self.window.copy_within(loaded - kept.., 0);
        let wanted = length.max(self.request).min((self.end - self.next) as usize);
        self.window.resize(wanted.max(kept), 0);
        self.window_at = self.next;
        let at = self.next + kept as u64;
        let read = file.read_at(at, &mut self.window[kept..]);
        read.map_err(|error| Fault::damage(format!("bytes from {at} on cannot be read: {error}")))
    }

    /// Where a level section of a version 1 page lies: behind its length in four bytes.
    fn prefixed(&self, at: usize, encoding: i32) -> Result<(usize, usize), Fault> {
        if encoding != 3 {
            return Err(Fault::damage(format!(
                "levels are written in encoding {encoding}, which no writer has used since 2013"
            )));
        }
        let cut = || Fault::damage("a page ends within its levels");
        let length = self.page.get(at..at + 4).ok_or_else(cut)?;
        let length = u32::from_le_bytes(length.try_into().expect("four bytes")) as usize;
        let end = (at + 4).checked_add(length).filter(|end| *end <= self.page.len()).ok_or_else(cut)?;
        Ok((at + 4, end))
    }

    /// Fills the page with the window's bytes: the first `plain` as they are, the rest decompressed.
    fn decompress(
        &mut self,
        body: std::ops::Range<usize>,
        plain: usize,
        uncompressed: usize,
        is_compressed: bool,
    ) -> Result<(), Fault> {
        let (plain_bytes, rest) = self.window[body].split_at(plain);
        let codec = if is_compressed { self.codec.as_mut() } else { None };
        let wrong = |error: &dyn std::fmt::Display| Fault::damage(format!("a page cannot be decompressed: {error}"));
        let expected = uncompressed - plain;
        match codec {
            None | Some(Codec::None) => {
                self.page.clear();
                self.page.extend_from_slice(plain_bytes);
                self.page.extend_from_slice(rest);
            }
            // A page of nulls only has nothing to compress.
            Some(_) if rest.is_empty() && expected == 0 => {
                self.page.clear();
                self.page.extend_from_slice(plain_bytes);
            }
            Some(Codec::Snappy(decoder)) => {
                let length = snap::raw::decompress_len(rest).map_err(|error| wrong(&error))?;
                if length != expected {
                    return Err(Fault::damage(format!("a page has {length} bytes, its header says {expected}")));
                }
                self.page.resize(uncompressed, 0);
                self.page[..plain].copy_from_slice(plain_bytes);
                decoder.decompress(rest, &mut self.page[plain..]).map_err(|error| wrong(&error))?;
            }
            Some(Codec::Gzip) => {
                self.page.clear();
                self.page.extend_from_slice(plain_bytes);
                let limit = expected as u64 + 1;
                flate2::bufread::MultiGzDecoder::new(rest)
                    .take(limit)
                    .read_to_end(&mut self.page)
                    .map_err(|error| wrong(&error))?;
            }
            Some(Codec::Zstd(decoder)) => {
                self.page.resize(uncompressed, 0);
                self.page[..plain].copy_from_slice(plain_bytes);
                let length =
                    decoder.decompress_to_buffer(rest, &mut self.page[plain..]).map_err(|error| wrong(&error))?;
                self.page.truncate(plain + length);
            }
        }
        if self.page.len() == uncompressed {
            return Ok(());
        }
        Err(Fault::damage(format!("a page has {} bytes, its header says {uncompressed}", self.page.len())))
    }
}

fn codec(codec: CompressionCodec) -> Result<Codec, Fault> {
    Ok(match codec {
        CompressionCodec::UNCOMPRESSED => Codec::None,
        CompressionCodec::SNAPPY => Codec::Snappy(snap::raw::Decoder::new()),
        CompressionCodec::GZIP => Codec::Gzip,
        CompressionCodec::ZSTD => {
            let made = zstd::bulk::Decompressor::new();
            Codec::Zstd(Box::new(made.map_err(|error| Fault::new(format!("zstd does not start: {error}")))?))
        }
        other => {
            let cause = format!("the column is compressed with {other:?}, and only snappy, gzip and zstd are read");
            return Err(Fault::new(cause).remedy("AWS writes none else: write the file again with one of them"));
        }
    })
}
