//! A column chunk as a stream of levels and values: dictionary codes where there is a dictionary, PLAIN bytes elsewhere.

use super::expand::{PLAIN, PLAIN_DICTIONARY, RLE_DICTIONARY, expand};
use super::hybrid::Hybrid;
use super::pages::{Chunk, Page, Pages};
use crate::problem::Fault;
use crate::source::Ranges;

/// What a column's values are and how they nest.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Bytes of a value; none where each is preceded by its length.
    pub width: Option<usize>,
    /// The levels of a value that is there.
    pub max_def: u8,
    pub max_rep: u8,
}

/// The stream of one column, reused for chunk after chunk.
#[derive(Default)]
pub struct Leaf {
    pages: Pages,
    shape: Option<Shape>,
    rep: Hybrid,
    def: Hybrid,
    values: Values,
    /// Levels left in the page.
    left: usize,
    /// Levels in the chunk that pages are still to bring.
    unread: u64,
    expanded: Vec<u8>,
    /// The dictionary as PLAIN bytes.
    dictionary: Vec<u8>,
    dictionary_values: usize,
    has_new_dictionary: bool,
}

/// The values of the page under way.
#[derive(Debug, Clone, Default)]
pub enum Values {
    #[default]
    None,
    /// Codes of the dictionary.
    Codes(Hybrid),
    /// PLAIN bytes from `at` on, in the page.
    Plain { at: usize },
    /// The same in `expanded`.
    Expanded { at: usize },
}

/// Which of some values are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Present {
    All,
    None,
    /// This many; the levels say which.
    Some(usize),
}

impl Present {
    /// How many of so many values are there.
    pub fn of(self, count: usize) -> usize {
        match self {
            Present::All => count,
            Present::None => 0,
            Present::Some(there) => there,
        }
    }
}

impl Leaf {
    /// Begins a chunk of `values` values and nulls.
    pub fn begin(&mut self, chunk: &Chunk, shape: &Shape, values: u64, request: usize) -> Result<(), Fault> {
        self.pages.begin(chunk, request)?;
        self.shape = Some(shape.clone());
        (self.left, self.unread) = (0, values);
        self.values = Values::None;
        self.dictionary.clear();
        (self.dictionary_values, self.has_new_dictionary) = (0, true);
        Ok(())
    }

    /// Levels left in the page under way.
    pub fn left(&self) -> usize {
        self.left
    }

    /// Reads pages until one has values. False at the chunk's end.
    pub fn next_page(&mut self, file: &mut dyn Ranges) -> Result<bool, Fault> {
        let Some(shape) = &self.shape else { return Ok(false) };
        while self.left == 0 {
            match self.pages.next(file, shape.max_rep > 0, shape.max_def > 0)? {
                None if self.unread > 0 => return Err(Fault::damage(format!("{} values are missing", self.unread))),
                None => return Ok(false),
                Some(Page::Dictionary { values }) if values > self.pages.page.len() => {
                    return Err(Fault::damage(format!("the dictionary claims {values} values")));
                }
                Some(Page::Dictionary { values }) => {
                    std::mem::swap(&mut self.dictionary, &mut self.pages.page);
                    (self.dictionary_values, self.has_new_dictionary) = (values, true);
                }
                Some(Page::Data(page)) => {
                    self.unread = self
                        .unread
                        .checked_sub(page.values as u64)
                        .ok_or_else(|| Fault::damage("the pages have more values than the column chunk says"))?;
                    self.left = page.values;
                    self.rep = Hybrid::new(bits(shape.max_rep), page.rep.0, page.rep.1)?;
                    self.def = Hybrid::new(bits(shape.max_def), page.def.0, page.def.1)?;
                    self.values = match page.encoding {
                        PLAIN => Values::Plain { at: page.at },
                        PLAIN_DICTIONARY | RLE_DICTIONARY => match self.pages.page.get(page.at) {
                            Some(width) => {
                                Values::Codes(Hybrid::new(u32::from(*width), page.at + 1, self.pages.page.len())?)
                            }
                            // Nothing but nulls.
                            None => Values::Codes(Hybrid::new(1, page.at, page.at)?),
                        },
                        other => {
                            let bytes = self.pages.page.get(page.at..).unwrap_or_default();
                            expand(other, bytes, page.values, shape.width, &mut self.expanded)?;
                            Values::Expanded { at: 0 }
                        }
                    };
                }
            }
        }
        Ok(true)
    }

    /// The dictionary, once after it was read: its PLAIN bytes and how many values they are.
    pub fn new_dictionary(&mut self) -> Option<(&[u8], usize)> {
        std::mem::take(&mut self.has_new_dictionary).then_some((self.dictionary.as_slice(), self.dictionary_values))
    }

    /// The dictionary's bytes.
    pub fn dictionary(&self) -> &[u8] {
        &self.dictionary
    }

    /// Takes the repetition levels of the next values. Call it before [`Leaf::present`] for the same values.
    pub fn repetition(&mut self, levels: &mut [u8]) -> Result<(), Fault> {
        self.rep.fill(&self.pages.page, levels)
    }

    /// Takes the next values' definition levels; there must be as many left in the page. They are written where some
    /// values are there and some are not.
    #[inline]
    pub fn present(&mut self, levels: &mut [u8]) -> Result<Present, Fault> {
        self.left -= levels.len();
        let most = self.shape.as_ref().map_or(0, |shape| shape.max_def);
        if most == 0 {
            return Ok(Present::All);
        }
        match self.def.take(&self.pages.page, levels)? {
            Some(level) if level == u32::from(most) => Ok(Present::All),
            Some(_) => Ok(Present::None),
            None => {
                let count = levels.iter().filter(|level| **level == most).count();
                Ok(if count == levels.len() { Present::All } else { Present::Some(count) })
            }
        }
    }

    /// Whether a level says that the value is there.
    pub fn most(&self) -> u8 {
        self.shape.as_ref().map_or(0, |shape| shape.max_def)
    }

    /// How the page's values are to be taken.
    pub fn has_codes(&self) -> bool {
        matches!(self.values, Values::Codes(_))
    }

    /// Takes the next codes, or returns the code that all of them are.
    #[inline]
    pub fn codes(&mut self, out: &mut [u32]) -> Result<Option<u32>, Fault> {
        match &mut self.values {
            Values::Codes(codes) => codes.take(&self.pages.page, out),
            _ => Err(Fault::damage("a page has no codes")),
        }
    }

    /// Takes the next codes.
    pub fn all_codes(&mut self, out: &mut [u32]) -> Result<(), Fault> {
        if let Some(same) = self.codes(out)? {
            out.fill(same);
        }
        Ok(())
    }

    /// Takes the next values' definition levels as [`Leaf::present`] does, and writes all of them. Returns how many
    /// values are there.
    pub fn levels(&mut self, levels: &mut [u8]) -> Result<usize, Fault> {
        let present = self.present(levels)?;
        match present {
            Present::All => levels.fill(self.most()),
            Present::None => levels.fill(0),
            Present::Some(_) => {}
        }
        Ok(present.of(levels.len()))
    }

    /// Takes the next `count` PLAIN values of `width` bytes each, as they lie.
    pub fn plain_block(&mut self, count: usize, width: usize) -> Result<&[u8], Fault> {
        let (bytes, at) = self.plain_bytes()?;
        let block = count.checked_mul(width).and_then(|length| bytes.get(*at..)?.get(..length));
        let block = block.ok_or_else(|| Fault::damage("a page ends before its values do"))?;
        *at += block.len();
        Ok(block)
    }

    /// Takes the next PLAIN value.
    #[inline]
    pub fn plain(&mut self) -> Result<&[u8], Fault> {
        let width = self.shape.as_ref().and_then(|shape| shape.width);
        let (bytes, at) = self.plain_bytes()?;
        take_plain(bytes, at, width).ok_or_else(|| Fault::damage("a page ends before its values do"))
    }

    /// PLAIN bytes, and where the next value begins in them.
    #[inline]
    pub fn plain_bytes(&mut self) -> Result<(&[u8], &mut usize), Fault> {
        match &mut self.values {
            Values::Plain { at } => Ok((&self.pages.page, at)),
            Values::Expanded { at } => Ok((&self.expanded, at)),
            _ => Err(Fault::damage("a page has no plain values")),
        }
    }
}

/// Takes one PLAIN value.
#[inline]
pub fn take_plain<'a>(bytes: &'a [u8], at: &mut usize, width: Option<usize>) -> Option<&'a [u8]> {
    let (from, length) = match width {
        Some(width) => (*at, width),
        None => {
            let prefix = bytes.get(*at..)?.first_chunk::<4>()?;
            (*at + 4, u32::from_le_bytes(*prefix) as usize)
        }
    };
    let value = bytes.get(from..)?.get(..length)?;
    *at = from + length;
    Some(value)
}

fn bits(most: u8) -> u32 {
    u8::BITS - most.leading_zeros()
}
