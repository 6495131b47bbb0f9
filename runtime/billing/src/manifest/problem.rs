//! One thing that is wrong with a manifest: where, what, and what to do about it.

use std::fmt::Write;

use serde::Serialize;

use super::characters::shown;
use super::masking::masked;
use super::node::Span;
use super::source::Source;

/// One thing that is wrong with a manifest, with its place. Anything that looks like a key or secret is masked, and
/// characters that would steer a terminal are shown as pictures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file's path as it was given.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The line's text.
    pub source_line: String,
    /// How many characters are meant, at least 1.
    pub len: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Lines longer than this are not shown whole, in characters.
const LONGEST_LINE: usize = 300;

impl Problem {
    /// A problem at a place of one of the sources.
    pub(super) fn at(sources: &[Source], span: Span, message: impl AsRef<str>, hint: Option<String>) -> Problem {
        let source = sources.get(span.file);
        let line = source.and_then(|source| source.text.lines().nth(span.line.saturating_sub(1)));
        let line: String = line.unwrap_or_default().chars().take(LONGEST_LINE).collect();
        let rest = line.chars().count().saturating_sub(span.column - 1);
        let repeated =
            span.alias.map(|(line, column)| format!("the alias in line {line}, column {column}, repeats it"));
        let hint = match (hint, repeated) {
            (Some(hint), Some(repeated)) => Some(format!("{hint}; {repeated}")),
            (hint, repeated) => hint.or(repeated),
        };
        Problem {
            file: source.map(|source| shown(&source.path)).unwrap_or_default(),
            line: span.line,
            column: span.column,
            source_line: shown(&masked(&line).replace('\t', " ")),
            len: span.len.clamp(1, rest.max(1)),
            message: shown(&masked(message.as_ref())),
            hint: hint.map(|hint| shown(&masked(&hint))),
        }
    }

    /// The problem as a compiler would show it, without colour and without a newline at the end.
    pub fn render(&self) -> String {
        let line = self.line.to_string();
        let margin = " ".repeat(line.len());
        let mut text = format!("error: {}\n{margin} --> {}:{line}:{}\n", self.message, self.file, self.column);
        let shown = self.column <= self.source_line.chars().count() + 1;
        if shown && !self.source_line.trim().is_empty() {
            let indent = " ".repeat(self.column - 1);
            let carets = "^".repeat(self.len);
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{margin}  |");
            let _ = writeln!(text, " {line} | {}", self.source_line.trim_end());
            let _ = writeln!(text, "{margin}  | {indent}{carets}");
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "{margin}  = help: {hint}");
        }
        text.truncate(text.trim_end().len());
        text
    }
}
