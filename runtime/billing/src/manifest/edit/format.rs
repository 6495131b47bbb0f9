//! The standard form of a manifest's file: keys in the model's order, two spaces a level, one a bracket; comments, quotes
//! and the order of tenants and of free names stay.

use std::ops::Range;

use super::outline::{Outline, Piece, Shape, Style};
use super::said::{says_the_same, tree};
use super::{FileEdit, Refusal};
use crate::manifest::schema::Place;
use crate::manifest::source::{Role, Source};

/// One of the manifest's files in the standard form. Its `after` is its `before` when it is in that form already.
///
/// # Errors
/// The file is no YAML that a manifest may hold, or it is written in a way that this does not know; nothing is lost then.
pub fn formatted(sources: &[Source], file: usize) -> Result<FileEdit, Refusal> {
    let source = &sources[file];
    let before = tree(sources, file)?;
    let outline = Outline::of(&source.text)?;
    let Some(root) = &outline.root else {
        return Ok(FileEdit {
            path: source.path.clone(),
            before: Some(source.text.clone()),
            after: Some(source.text.clone()),
        });
    };
    let keeps = |text: &str| -> Result<bool, Refusal> {
        let after = [Source { path: source.path.clone(), text: text.to_owned() }];
        let same = tree(&after, 0).is_ok_and(|after| says_the_same(&after, &before));
        Ok(same && marks(&Outline::of(text)?) == marks(&outline))
    };
    let place = place_of(source, sources.len() == 1, root);
    let mut text = Printer::new(&outline).file(root, place);
    let mut kept = keeps(&text)?;
    if !kept && !outline.anchor_texts().is_empty() {
        // An alias stays below its anchor: where the model's order would part them, the file's own order holds.
        text = Printer::new(&outline).file(root, None);
        kept = keeps(&text)?;
    }
    if !kept {
        let message = format!("{} is written in a way that its standard form does not know", source.path);
        return Err(Refusal::impossible(message, "format it by hand; nothing was written"));
    }
    Ok(FileEdit { path: source.path.clone(), before: Some(source.text.clone()), after: Some(text) })
}

/// Comments and anchors, whatever their order.
fn marks<'a>(outline: &Outline<'a>) -> Vec<&'a str> {
    let comments = outline.comment_texts().into_iter().map(str::trim_end);
    let mut marks: Vec<&str> = comments.chain(outline.anchor_texts()).collect();
    marks.sort_unstable();
    marks
}

/// Which part of the model a file writes.
fn place_of(source: &Source, single: bool, root: &Piece) -> Option<Place<'static>> {
    match source.role() {
        Role::Tenants if !single => {
            let tenants = Place::root().key("tenants");
            if root.items().is_empty() { tenants.and_then(|tenants| tenants.item()) } else { tenants }
        }
        _ => Some(Place::root()),
    }
}

struct Printer<'a> {
    outline: &'a Outline<'a>,
    /// Which comments were printed.
    printed: Vec<bool>,
    /// The first that was not; all before it were.
    rest: usize,
    lines: Vec<String>,
}

/// Comments above an element, and whether an empty line stands above these.
struct Above {
    blank: bool,
    /// Each with whether an empty line stands above it.
    comments: Vec<(usize, bool)>,
}

impl<'a> Printer<'a> {
    fn new(outline: &'a Outline<'a>) -> Printer<'a> {
        Printer { outline, printed: vec![false; outline.comments.len()], rest: 0, lines: Vec::new() }
    }

    fn file(mut self, root: &Piece, place: Option<Place<'static>>) -> String {
        self.head(root);
        match root.style() {
            Some(Style::Block) => self.block(root, 0, place),
            _ => {
                self.rest_until(root.range.start, 0);
                let text = self.inline(root);
                self.lines.push(text);
                self.trailing(root.range.end);
            }
        }
        let end = self.outline.text.len();
        self.rest_until(end, 0);
        let line_break = self.outline.line_break();
        while self.lines.last().is_some_and(String::is_empty) {
            self.lines.pop();
        }
        let mark = if self.outline.text.starts_with('\u{feff}') { "\u{feff}" } else { "" };
        format!("{mark}{}{line_break}", self.lines.join(line_break))
    }

    /// The head of a file: its first comments, up to an empty line or the document's mark.
    fn head(&mut self, root: &Piece) {
        let text = self.outline.text;
        let mut at = self.outline.first();
        let mut mark = None;
        while at < root.range.start {
            let line = &text[at..self.outline.line_end(at)];
            if line == "---" {
                mark = Some(at);
            }
            at = self.outline.next_line(at);
        }
        if let Some(mark) = mark {
            self.rest_until(mark, 0);
            self.lines.push("---".to_owned());
            return;
        }
        // What an empty line sets apart from the first key belongs to the file, wherever that key goes.
        let first = text[..root.range.start].rmatch_indices('\n').map(|(at, _)| at + 1);
        let apart = first.into_iter().find(|&line| {
            text[line..self.outline.line_end(line)].trim().is_empty()
                && line < self.outline.line_start(root.range.start)
        });
        if let Some(apart) = apart
            && self.outline.comments.iter().any(|comment| comment.start < apart)
        {
            self.rest_until(apart, 0);
            self.lines.push(String::new());
        }
    }

    /// Prints what comments are left before a byte.
    fn rest_until(&mut self, at: usize, indent: usize) {
        for index in self.left_before(at) {
            self.comment(index, indent, self.is_below_blank(self.outline.comments[index].start));
        }
    }

    /// The comments before a byte that were not printed.
    fn left_before(&mut self, at: usize) -> Vec<usize> {
        while self.printed.get(self.rest) == Some(&true) {
            self.rest += 1;
        }
        (self.rest..self.outline.comment_from(at)).filter(|index| !self.printed[*index]).collect()
    }

    fn comment(&mut self, index: usize, indent: usize, blank: bool) {
        self.printed[index] = true;
        if blank {
            self.blank();
        }
        let text = self.outline.text[self.outline.comments[index].clone()].trim_end();
        self.lines.push(format!("{}{text}", " ".repeat(indent)));
    }

    /// An empty line, if there is something above it and no other.
    fn blank(&mut self) {
        if self.lines.last().is_some_and(|line| !line.is_empty()) {
            self.lines.push(String::new());
        }
    }

    /// Whether an empty line stands above the line of a byte.
    fn is_below_blank(&self, at: usize) -> bool {
        let start = self.outline.line_start(at);
        start > self.outline.first() && self.outline.text[self.outline.line_start(start - 1)..start].trim().is_empty()
    }

    /// A list or mapping, an element a line.
    fn block(&mut self, piece: &Piece, indent: usize, place: Option<Place<'static>>) {
        match &piece.shape {
            Shape::List { items, .. } => {
                let place = place.and_then(Place::item);
                for (index, item) in items.iter().enumerate() {
                    let dash = self.outline.dash(piece, index);
                    let above = self.above(dash);
                    self.print_above(&above, indent);
                    self.item(item, indent, place);
                    self.tail(item.range.end, self.outline.column(dash), indent + 2);
                }
            }
            Shape::Map { entries, .. } => {
                // Comments are claimed in the order written, before the keys are put in theirs.
                let column = self.outline.column(piece.range.start);
                let mut parts: Vec<(usize, Above, Vec<String>)> = Vec::new();
                for (index, (key, value)) in entries.iter().enumerate() {
                    let above = self.above(key.range.start);
                    let outer = std::mem::take(&mut self.lines);
                    self.entry(key, value, indent, place);
                    self.tail(value.range.end.max(key.range.end), column, indent + 2);
                    let lines = std::mem::replace(&mut self.lines, outer);
                    parts.push((index, above, lines));
                }
                let rank = order(place, entries);
                let first_blank = parts.first().is_some_and(|(_, above, _)| above.blank);
                parts.sort_by_key(|(index, ..)| rank[*index]);
                for (position, (_, mut above, lines)) in parts.into_iter().enumerate() {
                    if position == 0 {
                        above.blank = first_blank && above.blank;
                    }
                    self.print_above(&above, indent);
                    self.lines.extend(lines);
                }
            }
            Shape::Scalar { .. } | Shape::Alias => {}
        }
    }

    /// The comments on lines of their own above a byte's line that were not printed, and empty lines among them.
    fn above(&mut self, at: usize) -> Above {
        let line = self.outline.line_start(at);
        let mut comments = Vec::new();
        for index in self.left_before(line) {
            self.printed[index] = true;
            comments.push((index, self.is_below_blank(self.outline.comments[index].start)));
        }
        let blank = match comments.first() {
            Some((_, blank)) => *blank,
            None => self.is_below_blank(at),
        };
        Above { blank, comments }
    }

    fn print_above(&mut self, above: &Above, indent: usize) {
        if above.blank {
            self.blank();
        }
        for (position, (index, blank)) in above.comments.iter().enumerate() {
            self.comment(*index, indent, *blank && position > 0);
        }
    }

    /// Comments below an element that are indented deeper than it: they are its own.
    fn tail(&mut self, end: usize, column: usize, indent: usize) {
        let mut line = self.outline.next_line(end);
        let text = self.outline.text;
        let (mut own, mut seen) = (Vec::new(), 0);
        while line < text.len() {
            let body = &text[line..self.outline.line_end(line)];
            let start = line + (body.len() - body.trim_start().len());
            let at = self.outline.comment_from(start);
            match self.outline.comments.get(at).filter(|comment| comment.start == start).map(|_| at) {
                Some(index) if start - line > column => {
                    own.push(index);
                    seen = own.len();
                }
                Some(_) => break,
                None if body.trim().is_empty() => {}
                None => break,
            }
            line = self.outline.next_line(line);
        }
        for index in own.into_iter().take(seen).filter(|index| !self.printed[*index]).collect::<Vec<_>>() {
            self.comment(index, indent, self.is_below_blank(self.outline.comments[index].start));
        }
    }

    fn item(&mut self, item: &Piece, indent: usize, place: Option<Place<'static>>) {
        let dash = format!("{}-{}", " ".repeat(indent), self.anchor(item));
        if item.style() != Some(Style::Block) {
            let text = self.inline(item);
            self.lines.push(format!("{dash} {text}").trim_end().to_owned());
            self.trailing(item.range.end);
            return;
        }
        if let Some(anchor) = &item.anchor {
            // The parser would take an anchor before a key for the key's.
            self.lines.push(dash);
            self.trailing(anchor.end);
            self.block(item, indent + 2, place);
            return;
        }
        let outer = std::mem::take(&mut self.lines);
        self.block(item, indent + 2, place);
        let mut lines = std::mem::replace(&mut self.lines, outer);
        // Comments between the dash and the first key stand above the dash.
        let first = lines.iter().position(|line| !line.trim_start().starts_with('#') && !line.is_empty()).unwrap_or(0);
        for comment in lines.drain(..first) {
            self.lines.push(comment.get(2..).unwrap_or_default().to_owned());
        }
        if let Some(line) = lines.first_mut() {
            *line = format!("{dash} {}", line.trim_start());
        }
        self.lines.extend(lines);
    }

    fn entry(&mut self, key: &Piece, value: &Piece, indent: usize, place: Option<Place<'static>>) {
        let name = &self.outline.text[key.range.clone()];
        let start = format!("{}{name}:{}", " ".repeat(indent), self.anchor(value));
        if value.style() == Some(Style::Block) {
            self.lines.push(start);
            self.trailing(key.range.end);
            let place = place.and_then(|place| place.key(key.reads()?));
            self.block(value, indent + 2, place);
            return;
        }
        let text = self.inline(value);
        self.lines.push(format!("{start} {text}").trim_end().to_owned());
        self.trailing(value.range.end.max(key.range.end));
    }

    /// ` &name` for what has an anchor.
    fn anchor(&self, piece: &Piece) -> String {
        piece.anchor.as_ref().map(|anchor| format!(" {}", &self.outline.text[anchor.clone()])).unwrap_or_default()
    }

    /// The comment behind what was printed last, on the line of a byte.
    fn trailing(&mut self, at: usize) {
        let index = self.outline.comment_from(at);
        let line_end = self.outline.line_end(at);
        if self.outline.comments.get(index).is_none_or(|comment| comment.start >= line_end) || self.printed[index] {
            return;
        }
        self.printed[index] = true;
        // Comments may stand in a column of their own: the spaces before one stay.
        let comment = self.outline.comments[index].clone();
        let before = &self.outline.text[..comment.start];
        let text = &self.outline.text[before.trim_end_matches(' ').len()..comment.end];
        if let Some(last) = self.lines.last_mut() {
            last.push_str(text.trim_end());
        }
    }

    /// A value on its key's line: as written if it holds comments or lines, else with one space a bracket.
    fn inline(&mut self, piece: &Piece) -> String {
        let range = piece.range.clone();
        let text = &self.outline.text[range.clone()];
        if text.contains('\n') {
            self.claim(&range);
            return text
                .replace('\r', "")
                .split('\n')
                .map(str::trim_end)
                .collect::<Vec<_>>()
                .join(self.outline.line_break());
        }
        let inner = |pieces: Vec<String>, open: &str, close: &str, gap: &str| match pieces.is_empty() {
            true => format!("{open}{close}"),
            false => format!("{open}{gap}{}{gap}{close}", pieces.join(", ")),
        };
        match &piece.shape {
            Shape::Scalar { .. } | Shape::Alias => text.to_owned(),
            Shape::List { items, .. } => {
                let items: Vec<String> = items
                    .iter()
                    .map(|item| format!("{} {}", self.anchor(item), self.inline(item)).trim().to_owned())
                    .collect();
                inner(items, "[", "]", "")
            }
            Shape::Map { entries, .. } => {
                let entries: Vec<String> = entries
                    .iter()
                    .map(|(key, inner)| {
                        let (key, value) = (self.outline.text[key.range.clone()].to_owned(), self.inline(inner));
                        format!("{key}:{} {value}", self.anchor(inner)).trim_end().to_owned()
                    })
                    .collect();
                inner(entries, "{", "}", " ")
            }
        }
    }

    /// Comments within a range are printed with it.
    fn claim(&mut self, range: &Range<usize>) {
        let within = self.outline.comment_from(range.start)..self.outline.comment_from(range.end);
        self.printed[within].fill(true);
    }
}

/// Where each entry goes: by the model's order where it has one; `<<` first, unknown keys last, in the order written.
fn order(place: Option<Place<'static>>, entries: &[(Piece, Piece)]) -> Vec<usize> {
    let known = place.map(Place::keys).unwrap_or_default();
    let rank = |index: usize, key: &Piece| match known.is_empty() {
        true => index,
        false if key.reads() == Some("<<") => 0,
        false => {
            let at = known.iter().position(|name| key.reads() == Some(name));
            at.unwrap_or(known.len() + index) + 1
        }
    };
    entries.iter().enumerate().map(|(index, (key, _))| rank(index, key)).collect()
}
