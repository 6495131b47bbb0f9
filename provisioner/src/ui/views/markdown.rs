//! Markdown that fits a GitHub comment, and in which nothing that came from a cloud can be anything but text.
//!
//! What others wrote is shown as code. Text of harmless characters stands in a code span; any other text in a `code`
//! element in which every character but letters, digits and spaces is an entity, which Markdown never takes for
//! structure. GitHub looks for no mentions in either.

use std::fmt::Write;

/// A GitHub comment takes less than this, counted in characters; here it counts bytes, which are never fewer.
pub const LIMIT: usize = 65_536;

/// Longer texts are cut, so that one resource always fits.
pub const LONGEST_TEXT: usize = 120;

/// The same for sentences, of which a line has one.
const LONGEST_SENTENCE: usize = 600;

/// More fields of one resource are counted, not shown.
const MOST_FIELDS: usize = 20;

/// Room for the line that says what was left out.
const RESERVE: usize = 256;

/// A text that others may have written, as code: cut, on one line, with all that is not printable spelled out.
pub fn code(text: &str) -> String {
    inert(one_line(text, LONGEST_TEXT))
}

/// The same for a sentence: an error, a reason.
pub fn sentence(text: &str) -> String {
    inert(one_line(text, LONGEST_SENTENCE))
}

/// Text of several lines as it stands, in a code block that nothing in it can end. Only the last lines that fit into
/// `limit` bytes are shown: what a program says last is why it ended.
pub fn last_lines(text: &str, limit: usize) -> String {
    let lines: Vec<String> = text.lines().map(|line| one_line(line, LONGEST_SENTENCE)).collect();
    let longest_run = |line: &String| line.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(lines.iter().map(longest_run).max().unwrap_or(0).max(2) + 1);
    let mut room = limit.saturating_sub(2 * fence.len() + RESERVE);
    let fits = |line: &&String| {
        let fits = line.len() < room;
        room = room.saturating_sub(line.len() + 1);
        fits
    };
    let kept = lines.iter().rev().take_while(fits).count();
    let (left_out, shown) = lines.split_at(lines.len() - kept);
    let note = match left_out.len() {
        0 => String::new(),
        1 => "1 line before these is left out.\n\n".to_owned(),
        many => format!("{many} lines before these are left out.\n\n"),
    };
    let shown: String = shown.iter().map(|line| format!("{line}\n")).collect();
    format!("{note}{fence}text\n{shown}{fence}\n")
}

fn inert(text: String) -> String {
    let ascii = |c: char| (c.is_ascii_graphic() || c == ' ') && !matches!(c, '`' | '|' | '\\');
    let spans = |c: char| ascii(c) || c == '…' || (!c.is_ascii() && c.is_alphanumeric());
    let bare = !text.is_empty() && !text.starts_with(' ') && !text.ends_with(' ');
    if bare && text.chars().all(spans) {
        return format!("`{text}`");
    }
    let mut out = "<code>".to_owned();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || c == ' ' || !c.is_ascii() {
            out.push(c);
        } else {
            let _ = write!(out, "&#{};", u32::from(c));
        }
    }
    out.push_str("</code>");
    out
}

/// Cut, with line ends and what cannot be seen or turns the direction of writing spelled out.
fn one_line(text: &str, longest: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    for c in text.chars() {
        let spelled = if is_unseen(c) { c.escape_default().to_string() } else { c.to_string() };
        length += spelled.chars().count();
        if length > longest {
            out.push('…');
            break;
        }
        out.push_str(&spelled);
    }
    out
}

/// Control characters, spaces of other widths, joiners, and marks that turn the direction of writing.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// One item of a section with its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The line before the table, as Markdown.
    pub head: String,
    /// The titles of the table's columns, our own words; no table when there are no rows.
    pub columns: &'static [&'static str],
    /// The table's rows, each cell a text that may be anybody's.
    pub rows: Vec<Vec<String>>,
    /// Lines after the table, as Markdown.
    pub below: Vec<String>,
}

impl Block {
    fn render(&self) -> String {
        let mut out = format!("- {}\n", self.head);
        if !self.rows.is_empty() {
            self.render_table(&mut out);
        }
        for line in &self.below {
            let gap = if out.ends_with("\n\n") { "" } else { "\n" };
            let _ = writeln!(out, "{gap}  {line}\n");
        }
        out
    }

    fn render_table(&self, out: &mut String) {
        let rule = vec!["---"; self.columns.len()].join(" | ");
        let _ = writeln!(out, "\n  | {} |\n  | {rule} |", self.columns.join(" | "));
        for row in self.rows.iter().take(MOST_FIELDS) {
            let cells: Vec<String> = row.iter().map(|cell| code(cell)).collect();
            let _ = writeln!(out, "  | {} |", cells.join(" | "));
        }
        let more = self.rows.len().saturating_sub(MOST_FIELDS);
        if more > 0 {
            let _ = writeln!(out, "\n  … and {more} more {}", if more == 1 { "field" } else { "fields" });
        }
        out.push('\n');
    }
}

/// A document that ends before it is too long: between two blocks, and saying how many more there are.
#[derive(Debug)]
pub struct Document {
    text: String,
    limit: usize,
    left_out: usize,
    more: &'static str,
}

impl Document {
    /// A document that begins with these lines. `more` says where all of it can be seen.
    pub fn new(beginning: &str, more: &'static str) -> Document {
        Document::within(LIMIT - 1, beginning, more)
    }

    /// The same for a part of a comment, which may take at most `limit` bytes.
    pub fn within(limit: usize, beginning: &str, more: &'static str) -> Document {
        let text = if beginning.is_empty() { String::new() } else { format!("{beginning}\n") };
        Document { text, limit: limit.saturating_sub(RESERVE), left_out: 0, more }
    }

    /// A heading of our own words, and the blocks under it, each under its tenant.
    pub fn section<'b>(&mut self, title: &str, blocks: impl IntoIterator<Item = (Option<&'b str>, Block)>) {
        let mut group: Option<Option<&str>> = None;
        for (tenant, block) in blocks {
            let mut text = String::new();
            if group.is_none() {
                let _ = writeln!(text, "\n### {title}");
            }
            if group != Some(tenant) {
                let name = tenant.map_or_else(|| "Shared".to_owned(), |tenant| format!("Tenant {}", code(tenant)));
                let _ = writeln!(text, "\n**{name}**\n");
            }
            text.push_str(&block.render());
            if self.take(&text) {
                group = Some(tenant);
            }
        }
    }

    /// A list under a heading; each line is Markdown.
    pub fn list(&mut self, title: &str, lines: impl IntoIterator<Item = String>) {
        let mut first = true;
        for line in lines {
            let heading = if first { format!("\n### {title}\n\n") } else { String::new() };
            if self.take(&format!("{heading}- {line}\n")) {
                first = false;
            }
        }
    }

    /// Once something was left out, all that follows is: the order tells what is missing.
    fn take(&mut self, text: &str) -> bool {
        let text = if self.text.ends_with("\n\n") { text.trim_start_matches('\n') } else { text };
        let fits = self.left_out == 0 && self.text.len() + text.len() <= self.limit;
        if fits {
            self.text.push_str(text);
        } else {
            self.left_out += 1;
        }
        fits
    }

    /// The whole text.
    pub fn finish(mut self) -> String {
        if self.left_out > 0 {
            let _ = writeln!(self.text, "\n**{} more** did not fit: {} shows all.", self.left_out, self.more);
        }
        self.text
    }
}

#[cfg(test)]
mod tests;
