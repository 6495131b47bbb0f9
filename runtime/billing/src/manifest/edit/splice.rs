//! Cuts and pastes on an outline: elements added to and removed from lists and mappings of either style, values replaced.

use std::ops::Range;

use super::outline::{Outline, Piece, Quotes, Shape, Style};
use super::written::scalar;

/// A range of the text and what stands there instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Splice {
    pub range: Range<usize>,
    pub with: String,
}

/// The text after splices that do not overlap.
pub(super) fn spliced(text: &str, mut splices: Vec<Splice>) -> String {
    splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
    let (mut result, mut at) = (String::with_capacity(text.len()), 0);
    for splice in splices {
        result.push_str(&text[at..splice.range.start]);
        result.push_str(&splice.with);
        at = splice.range.end;
    }
    result.push_str(&text[at..]);
    result
}

impl Outline<'_> {
    /// Puts whole lines where a line begins, or behind a last line without a line break.
    pub(super) fn insert_lines(&self, at: usize, lines: &[String]) -> Splice {
        let line_break = self.line_break();
        let joined = lines.join(line_break);
        let closed = at == 0 || self.text[..at].ends_with('\n');
        let with = if closed { format!("{joined}{line_break}") } else { format!("{line_break}{joined}") };
        Splice { range: at..at, with }
    }

    /// Puts an element behind the last of a list: as a block's lines, or as one text in brackets.
    pub(super) fn append_item(&self, list: &Piece, lines: &[String], flow: &str) -> Vec<Splice> {
        let items = list.items();
        let Some(last) = items.last() else { return Vec::new() };
        if list.style() == Some(Style::Flow) {
            return self.append_in_brackets(list, last, flow);
        }
        let column = self.column(self.dash(list, items.len() - 1));
        let at = self.behind_block(last.range.end, column);
        let mut lines: Vec<String> = indented(lines, column);
        if self.is_spaced(list) {
            lines.insert(0, String::new());
        }
        vec![self.insert_lines(at, &lines)]
    }

    /// Where the line after a block element begins: behind its last line and the comments below that are indented
    /// deeper than it, as these are its own.
    fn behind_block(&self, end: usize, column: usize) -> usize {
        let mut at = self.next_line(end);
        let mut line = at;
        while line < self.text.len() {
            let text = &self.text[line..self.line_end(line)];
            let body = text.trim_start();
            if body.starts_with('#') && text.len() - body.len() > column {
                at = self.next_line(line);
            } else if !body.is_empty() {
                break;
            }
            line = self.next_line(line);
        }
        at
    }

    /// Whether an empty line stands between the last two elements of a block list.
    fn is_spaced(&self, list: &Piece) -> bool {
        let items = list.items();
        let [.., before, _] = items else { return false };
        let between = &self.text[self.next_line(before.range.end)..self.line_start(self.dash(list, items.len() - 1))];
        between.lines().any(|line| line.trim().is_empty())
    }

    fn append_in_brackets(&self, whole: &Piece, last: &Piece, flow: &str) -> Vec<Splice> {
        let end = last.range.end;
        let comma = self.comma_behind(whole, end);
        let same_line =
            !self.text[whole.range.start..end].contains('\n') || !self.opens_line(self.element_start(whole));
        let behind = comma.map_or(end, |at| at + 1);
        let separator = if comma.is_some() { "" } else { "," };
        if same_line {
            return vec![Splice { range: behind..behind, with: format!("{separator} {flow}") }];
        }
        let indent = " ".repeat(self.column(self.element_start(whole)));
        let trailing = if comma.is_some() { "," } else { "" };
        let line = format!("{}{indent}{flow}{trailing}", self.line_break());
        // A closing bracket on the last element's line stays behind the new one.
        if self.line_end(end) >= whole.range.end {
            return vec![Splice { range: behind..behind, with: format!("{separator}{line}") }];
        }
        let line_end = self.line_end(end);
        match comma {
            Some(_) => vec![Splice { range: line_end..line_end, with: line }],
            None if line_end == end => vec![Splice { range: end..end, with: format!(",{line}") }],
            None => {
                vec![Splice { range: end..end, with: ",".to_owned() }, Splice { range: line_end..line_end, with: line }]
            }
        }
    }

    /// Where the last element of brackets begins.
    fn element_start(&self, whole: &Piece) -> usize {
        match &whole.shape {
            Shape::List { items, .. } => items.last().map_or(whole.range.start, |item| item.whole().start),
            Shape::Map { entries, .. } => entries.last().map_or(whole.range.start, |(key, _)| key.range.start),
            Shape::Scalar { .. } | Shape::Alias => whole.range.start,
        }
    }

    /// The comma behind an element in brackets, past spaces and comments.
    fn comma_behind(&self, whole: &Piece, end: usize) -> Option<usize> {
        let mut at = end;
        while at < whole.range.end {
            let rest = &self.text[at..whole.range.end];
            let next = at + (rest.len() - rest.trim_start().len());
            match self.text[next..].chars().next() {
                Some('#') => at = self.line_end(next),
                Some(',') => return Some(next),
                _ => return None,
            }
        }
        None
    }

    /// Takes an element out of a list that has more.
    pub(super) fn remove_item(&self, list: &Piece, index: usize) -> Vec<Splice> {
        let items = list.items();
        let parts: Vec<Range<usize>> = items.iter().map(Piece::whole).collect();
        if list.style() == Some(Style::Flow) {
            return self.remove_in_brackets(list, &parts, index);
        }
        let (start, column) = (self.dash(list, index), self.column(list.range.start));
        if !self.opens_line(start) {
            // The first element shares its line with what encloses the list.
            let next = self.dash(list, index + 1);
            return vec![Splice { range: start..next, with: String::new() }];
        }
        let end = self.behind_block(items[index].range.end, column);
        // Of the empty lines on either side of it one goes too, where the list is spaced.
        let is_empty = |line: usize| line < self.text.len() && self.text[line..self.line_end(line)].trim().is_empty();
        let (mut from, mut to) = (self.line_start(start), end);
        if self.is_spaced(list) {
            let above = self.line_start(from.saturating_sub(1));
            if index + 1 < items.len() && is_empty(to) {
                to = self.next_line(to);
            } else if index + 1 == items.len() && is_empty(above) {
                from = above;
            }
        }
        vec![Splice { range: from..to, with: String::new() }]
    }

    /// Empties the list or mapping of a key: brackets behind the colon, and the lines it had go. Brackets with comments in
    /// them keep these.
    pub(super) fn emptied(&self, key: &Piece, value: &Piece, brackets: &str) -> Vec<Splice> {
        if value.style() == Some(Style::Flow) {
            return match (self.comment_in(&value.range), value.items()) {
                (Some(_), [only]) => self.remove_in_brackets(value, &[only.whole()], 0),
                _ => vec![self.replace(value, brackets)],
            };
        }
        let colon = self.text[key.range.end..].find(':').map_or(key.range.end, |at| key.range.end + at + 1);
        // What stands behind an anchor is its value.
        let colon = value.anchor.as_ref().map_or(colon, |anchor| anchor.end);
        let lines = self.line_start(value.range.start)..self.next_line(value.range.end);
        let with = format!(" {brackets}");
        vec![Splice { range: colon..colon, with }, Splice { range: lines, with: String::new() }]
    }

    fn remove_in_brackets(&self, whole: &Piece, parts: &[Range<usize>], index: usize) -> Vec<Splice> {
        let part = &parts[index];
        let comma = self.comma_behind(whole, part.end);
        let behind = comma.map_or(part.end, |at| at + 1);
        let line_end = self.line_end(behind);
        let rest = self.text[behind..line_end].trim();
        let own_lines = self.opens_line(part.start) && (rest.is_empty() || rest.starts_with('#'));
        let last = index + 1 == parts.len();
        let mut splices = Vec::new();
        if last && comma.is_none() && index > 0 {
            // The comma before it goes too.
            if let Some(before) = self.comma_behind(whole, parts[index - 1].end) {
                splices.push(Splice { range: before..before + 1, with: String::new() });
            }
        }
        let spaces = self.text[..part.start].trim_end().len();
        // What follows a comment on its line would become part of it.
        let below_comment = self.comment_in(&(self.line_start(spaces)..spaces)).is_some();
        let range = match (own_lines, last) {
            (true, _) => self.line_start(part.start)..self.next_line(behind),
            (false, false) => part.start..parts[index + 1].start,
            (false, true) if below_comment => part.start..behind,
            (false, true) => spaces..part.end,
        };
        splices.push(Splice { range, with: String::new() });
        splices
    }

    /// Puts an entry into a mapping, behind the entry `after`; before all when there is none to follow.
    pub(super) fn insert_entry(&self, map: &Piece, after: Option<usize>, lines: &[String], flow: &str) -> Vec<Splice> {
        let entries = map.entries();
        let Some((_, last)) = entries.last() else {
            return vec![Splice { range: map.range.clone(), with: format!("{{ {flow} }}") }];
        };
        let index = after.unwrap_or(entries.len() - 1);
        if map.style() == Some(Style::Flow) {
            if index + 1 == entries.len() {
                return self.append_in_brackets(map, last, flow);
            }
            let next = entries[index + 1].0.range.start;
            let own_line = self.opens_line(next);
            let indent = " ".repeat(self.column(next));
            let gap = if own_line { format!(",{}{indent}", self.line_break()) } else { ", ".to_owned() };
            return vec![Splice { range: next..next, with: format!("{flow}{gap}") }];
        }
        let column = self.column(map.range.start);
        let at = self.next_line(entries[index].1.range.end);
        vec![self.insert_lines(at, &indented(lines, column))]
    }

    /// Takes an entry out of a mapping that has more, with its line's comment.
    pub(super) fn remove_entry(&self, map: &Piece, index: usize) -> Vec<Splice> {
        let entries = map.entries();
        let (key, value) = &entries[index];
        if map.style() == Some(Style::Flow) {
            let parts: Vec<Range<usize>> =
                entries.iter().map(|(key, value)| key.range.start..value.range.end).collect();
            return self.remove_in_brackets(map, &parts, index);
        }
        let end = self.next_line(value.range.end);
        if self.opens_line(key.range.start) {
            return vec![Splice { range: self.line_start(key.range.start)..end, with: String::new() }];
        }
        // The first key stands behind a dash: the second takes its place, unless comments stand between.
        let next = entries[index + 1].0.range.start;
        let between = end..next;
        let range = match self.comment_in(&between) {
            None => key.range.start..next,
            Some(_) => self.text[..key.range.start].trim_end().len()..self.line_end(value.range.end),
        };
        vec![Splice { range, with: String::new() }]
    }

    /// Writes a text where another stands, in the same quotes.
    pub(super) fn replace_scalar(&self, value: &Piece, text: &str) -> Splice {
        let quotes = match value.shape {
            Shape::Scalar { quotes: quotes @ (Quotes::Single | Quotes::Double), .. } => quotes,
            _ => Quotes::None,
        };
        self.replace(value, &scalar(text, quotes))
    }

    /// Writes what is given where a value stands, or is left out.
    pub(super) fn replace(&self, value: &Piece, with: &str) -> Splice {
        let gap = if value.is_missing() { " " } else { "" };
        Splice { range: value.range.clone(), with: format!("{gap}{with}") }
    }
}

/// Lines moved to a column; empty ones stay empty.
pub(super) fn indented(lines: &[String], column: usize) -> Vec<String> {
    let indent = " ".repeat(column);
    let line = |line: &String| if line.is_empty() { String::new() } else { format!("{indent}{line}") };
    lines.iter().map(line).collect()
}
