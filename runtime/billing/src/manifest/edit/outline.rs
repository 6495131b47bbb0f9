//! A file's text as an outline: where each value, key and comment begins and ends, in bytes, and in which style a list or
//! mapping is written. Edits cut and paste by it, so that all else stays byte for byte.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, ScanError};

/// The outline of one file.
#[derive(Debug)]
pub(super) struct Outline<'a> {
    /// The file's whole text.
    pub text: &'a str,
    /// Its one value; none in an empty file.
    pub root: Option<Piece>,
    /// Where its comments stand, `#` included, line break not.
    pub comments: Vec<Range<usize>>,
}

/// A value: where it stands, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// From its first byte to the end of its last one. A value that is left out has an empty range behind its key's colon.
    pub range: Range<usize>,
    pub shape: Shape,
    /// Where its anchor stands, `&` included; before its range.
    pub anchor: Option<Range<usize>>,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// A text as it reads, and how it is quoted.
    Scalar {
        reads: String,
        quotes: Quotes,
    },
    List {
        style: Style,
        items: Vec<Piece>,
    },
    Map {
        style: Style,
        entries: Vec<(Piece, Piece)>,
    },
    /// An alias.
    Alias,
}

/// How a text is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    None,
    Single,
    Double,
    /// `|` or `>`: over the lines below.
    Block,
}

/// How a list or mapping is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// An element a line, by indentation.
    Block,
    /// In brackets.
    Flow,
}

impl<'a> Outline<'a> {
    /// The outline of a text; the parser's error when it is no YAML.
    pub(super) fn of(text: &'a str) -> Result<Outline<'a>, ScanError> {
        // A byte-order mark belongs to no value; the parser must not see it, the offsets count it.
        let body = text.strip_prefix('\u{feff}').unwrap_or(text);
        let options = granit_parser::options! { emit_comments: true,
            emit_unresolved_aliases: true,
            emit_anchor_events: true,
        };
        let events = Parser::new_from_str_with_options(body, options);
        let mut reader = Reader { text, shift: text.len() - body.len(), events, comments: Vec::new() };
        let mut root = None;
        while let Some((event, range)) = reader.next()? {
            match event {
                Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd => {}
                _ => root = Some(reader.piece(event, range, 0)?),
            }
        }
        let comments = reader.comments;
        let root = root.filter(|root: &Piece| !root.is_missing());
        Ok(Outline { text, root, comments })
    }

    /// Where the line of a byte begins.
    pub(super) fn line_start(&self, at: usize) -> usize {
        let first = self.first();
        if at <= first { first } else { self.text[..at].rfind('\n').map_or(first, |found| found + 1) }
    }

    /// The line of a byte, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.text[..at].matches('\n').count() + 1
    }

    /// Where the text begins, behind a byte-order mark.
    pub(super) fn first(&self) -> usize {
        self.text.len() - self.text.strip_prefix('\u{feff}').unwrap_or(self.text).len()
    }

    /// Where the line of a byte ends, its line break not included.
    pub(super) fn line_end(&self, at: usize) -> usize {
        let end = self.text[at..].find('\n').map_or(self.text.len(), |found| at + found);
        if end > at && self.text[..end].ends_with('\r') { end - 1 } else { end }
    }

    /// Where the line after a byte's begins; the end of the text for the last.
    pub(super) fn next_line(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |found| at + found + 1)
    }

    /// How many bytes stand before a byte on its line.
    pub(super) fn column(&self, at: usize) -> usize {
        at - self.line_start(at)
    }

    /// Whether nothing but spaces stands before a byte on its line.
    pub(super) fn opens_line(&self, at: usize) -> bool {
        self.text[self.line_start(at)..at].trim().is_empty()
    }

    /// The line break that the file uses: that of its first line.
    pub(super) fn line_break(&self) -> &'static str {
        match self.text.find('\n') {
            Some(at) if self.text[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        }
    }

    /// The comment that begins within a range, if any does: the first.
    pub(super) fn comment_in(&self, range: &Range<usize>) -> Option<&Range<usize>> {
        self.comments.get(self.comment_from(range.start)).filter(|comment| range.contains(&comment.start))
    }

    /// The first comment that begins at a byte or behind it, by its place among all.
    pub(super) fn comment_from(&self, at: usize) -> usize {
        self.comments.partition_point(|comment| comment.start < at)
    }

    /// The texts of all comments, in their order.
    pub(super) fn comment_texts(&self) -> Vec<&'a str> {
        self.comments.iter().map(|comment| &self.text[comment.clone()]).collect()
    }

    /// An anchor within a range that an alias behind the range repeats, and the line and column of that: `9:5`.
    pub(super) fn repeated(&self, range: &Range<usize>) -> Option<(&'a str, String)> {
        let (mut anchors, mut aliases) = (Vec::new(), Vec::new());
        if let Some(root) = &self.root {
            root.marks(&mut anchors, &mut aliases);
        }
        let name = |mark: &Range<usize>| &self.text[mark.start + 1..mark.end];
        aliases.iter().filter(|alias| alias.start >= range.end).find_map(|alias| {
            let meant = anchors.iter().rfind(|anchor| anchor.start < alias.start && name(anchor) == name(alias))?;
            let place = || format!("{}:{}", self.line(alias.start), self.column(alias.start) + 1);
            range.contains(&meant.start).then(|| (name(meant), place()))
        })
    }

    /// The texts of all anchors, in their order.
    pub(super) fn anchor_texts(&self) -> Vec<&'a str> {
        let mut anchors = Vec::new();
        if let Some(root) = &self.root {
            root.marks(&mut anchors, &mut Vec::new());
        }
        anchors.into_iter().map(|anchor| &self.text[anchor]).collect()
    }

    /// Where the dash of a block list's element stands: the first `-` that opens a line between the element before and it.
    pub(super) fn dash(&self, list: &Piece, index: usize) -> usize {
        let Shape::List { items, .. } = &list.shape else { return list.range.start };
        let column = self.column(list.range.start);
        let mut line = match index.checked_sub(1).and_then(|before| items.get(before)) {
            Some(before) => self.next_line(before.range.end),
            None => return list.range.start,
        };
        while line < self.text.len() {
            let dash = line + column;
            if self.text.get(dash..).is_some_and(|rest| rest.starts_with('-')) && self.opens_line(dash) {
                return dash;
            }
            line = self.next_line(line);
        }
        items.get(index).map_or(list.range.end, |item| item.range.start)
    }
}

/// The first dash of a block list. The parser begins a list that is not indented with its first element: the dash stands
/// before that, on its line or above, with nothing but comments between.
fn first_dash(text: &str, start: usize) -> usize {
    if text[start..].starts_with('-') && text[start + 1..].starts_with([' ', '\n', '\r']) {
        return start;
    }
    let mut end = start;
    while end > 0 {
        let line = text[..end].rfind('\n').map_or(0, |found| found + 1);
        let body = text[line..end].trim_start();
        let rest = body.strip_prefix('-').map(str::trim_start);
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['#', '&', '!'])) {
            return line + (text[line..end].len() - body.len());
        }
        if !body.is_empty() && !body.starts_with('#') {
            break;
        }
        end = line.saturating_sub(1);
    }
    start
}

struct Reader<'a> {
    text: &'a str,
    shift: usize,
    events: Parser<'a, granit_parser::StrInput<'a>>,
    comments: Vec<Range<usize>>,
}

impl<'a> Reader<'a> {
    /// The next event that is no comment.
    fn next(&mut self) -> Result<Option<(Event<'a>, Range<usize>)>, ScanError> {
        loop {
            let Some((event, span)) = self.events.next().transpose()? else { return Ok(None) };
            let byte = |marker: granit_parser::Marker| marker.byte_offset().unwrap_or(marker.index()) + self.shift;
            let range = byte(span.start)..byte(span.end);
            if !matches!(event, Event::Comment(..)) {
                return Ok(Some((event, range)));
            }
            self.comments.push(range);
        }
    }

    fn expect_next(&mut self) -> Result<(Event<'a>, Range<usize>), ScanError> {
        let marker = granit_parser::Marker::new(0, 1, 0);
        self.next()?.ok_or_else(|| ScanError::new(marker, "the text ends too early"))
    }

    /// The anchor of the value that an event began: the parser names it behind that.
    fn anchor(&mut self, event: &Event<'a>) -> Result<Option<Range<usize>>, ScanError> {
        let (Event::Scalar(_, _, anchor, _) | Event::SequenceStart(_, anchor, _) | Event::MappingStart(_, anchor, _)) =
            event
        else {
            return Ok(None);
        };
        if *anchor == 0 {
            return Ok(None);
        }
        match self.expect_next()? {
            (Event::Anchor(..), range) => Ok(Some(range)),
            (_, range) => Ok(Some(range.start..range.start)),
        }
    }

    /// The value that an event begins. `behind` is where it stands if it is left out.
    fn piece(&mut self, event: Event<'a>, range: Range<usize>, behind: usize) -> Result<Piece, ScanError> {
        let anchor = self.anchor(&event)?;
        let behind = anchor.as_ref().map_or(behind, |anchor| anchor.end);
        let piece = match event {
            Event::Scalar(reads, style, ..) => {
                let quotes = match style {
                    ScalarStyle::SingleQuoted => Quotes::Single,
                    ScalarStyle::DoubleQuoted => Quotes::Double,
                    ScalarStyle::Literal | ScalarStyle::Folded => Quotes::Block,
                    _ => Quotes::None,
                };
                let missing = reads.is_empty() && quotes == Quotes::None;
                let range = if missing { behind..behind } else { range };
                Piece { range, shape: Shape::Scalar { reads: reads.into_owned(), quotes }, anchor: None }
            }
            Event::SequenceStart(..) if self.text[range.start..].starts_with('[') => {
                self.list(range.start, Style::Flow)?
            }
            Event::SequenceStart(..) => self.list(first_dash(self.text, range.start), Style::Block)?,
            Event::MappingStart(..) => self.map(range.start)?,
            _ => Piece { range, shape: Shape::Alias, anchor: None },
        };
        Ok(Piece { anchor, ..piece })
    }

    fn list(&mut self, start: usize, style: Style) -> Result<Piece, ScanError> {
        let (mut items, mut end) = (Vec::<Piece>::new(), start);
        loop {
            let (event, range) = self.expect_next()?;
            if matches!(event, Event::SequenceEnd) {
                let end = if style == Style::Flow { range.end } else { end };
                return Ok(Piece { range: start..end, shape: Shape::List { style, items }, anchor: None });
            }
            let item = self.piece(event, range.clone(), range.start)?;
            end = item.range.end;
            items.push(item);
        }
    }

    fn map(&mut self, start: usize) -> Result<Piece, ScanError> {
        let mut entries: Vec<(Piece, Piece)> = Vec::new();
        let mut style = if self.text[start..].starts_with('{') { Style::Flow } else { Style::Block };
        loop {
            let (event, range) = self.expect_next()?;
            if matches!(event, Event::MappingEnd) {
                // A block mapping begins where its first key does, and ends where its last value does.
                let start = entries.first().filter(|_| style == Style::Block).map_or(start, |(key, _)| key.range.start);
                let last = entries.last().map_or(start, |(_, value)| value.range.end);
                let end = if style == Style::Flow { range.end } else { last };
                return Ok(Piece { range: start..end, shape: Shape::Map { style, entries }, anchor: None });
            }
            if entries.is_empty() && range.start == start {
                style = Style::Block;
            }
            let key = self.piece(event, range.clone(), range.start)?;
            let colon = self.text[key.range.end..].find(':').map_or(key.range.end, |at| key.range.end + at + 1);
            let (event, range) = self.expect_next()?;
            let value = self.piece(event, range, colon)?;
            entries.push((key, value));
        }
    }
}

impl Piece {
    /// Whether nothing is written here.
    pub(super) fn is_missing(&self) -> bool {
        self.range.is_empty() && matches!(&self.shape, Shape::Scalar { reads, .. } if reads.is_empty())
    }

    /// From its anchor, if it has one, to its end.
    pub(super) fn whole(&self) -> Range<usize> {
        self.anchor.as_ref().map_or(self.range.start, |anchor| anchor.start)..self.range.end
    }

    /// Where anchors and aliases stand here, each in their order.
    fn marks(&self, anchors: &mut Vec<Range<usize>>, aliases: &mut Vec<Range<usize>>) {
        anchors.extend(self.anchor.clone());
        match &self.shape {
            Shape::Alias => aliases.push(self.range.clone()),
            Shape::Scalar { .. } => {}
            Shape::List { items, .. } => items.iter().for_each(|item| item.marks(anchors, aliases)),
            Shape::Map { entries, .. } => {
                for (key, value) in entries {
                    key.marks(anchors, aliases);
                    value.marks(anchors, aliases);
                }
            }
        }
    }

    /// The elements of a list; none of anything else.
    pub(super) fn items(&self) -> &[Piece] {
        match &self.shape {
            Shape::List { items, .. } => items,
            _ => &[],
        }
    }

    /// The entries of a mapping; none of anything else.
    pub(super) fn entries(&self) -> &[(Piece, Piece)] {
        match &self.shape {
            Shape::Map { entries, .. } => entries,
            _ => &[],
        }
    }

    /// Which entry has a key.
    pub(super) fn position(&self, key: &str) -> Option<usize> {
        self.entries().iter().position(|(name, _)| name.reads() == Some(key))
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Piece> {
        self.position(key).map(|index| &self.entries()[index].1)
    }

    /// What a text reads as; none for anything else.
    pub(super) fn reads(&self) -> Option<&str> {
        match &self.shape {
            Shape::Scalar { reads, .. } => Some(reads),
            _ => None,
        }
    }

    /// How a list or mapping is written; none for anything else.
    pub(super) fn style(&self) -> Option<Style> {
        match &self.shape {
            Shape::List { style, .. } | Shape::Map { style, .. } => Some(*style),
            Shape::Scalar { .. } | Shape::Alias => None,
        }
    }
}
