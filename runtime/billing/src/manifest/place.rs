//! A place in one of the manifest's files, to point at.

use std::fmt;

use super::characters::shown;
use super::node::Span;
use super::problem::Problem;
use super::source::Source;

/// A place in one of the manifest's files. Shown as `FILE:LINE:COLUMN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file's path as it was given.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters are meant, at least 1.
    pub len: usize,
}

impl Place {
    /// The place of a span; none when its source is missing.
    pub(super) fn of(sources: &[Source], span: Span) -> Option<Place> {
        let file = sources.get(span.file)?.path.clone();
        Some(Place { file, line: span.line, column: span.column, len: span.len })
    }

    /// Returns a problem with what stands here; `sources` are the manifest's files.
    pub fn problem(&self, sources: &[Source], message: impl AsRef<str>, hint: Option<String>) -> Problem {
        let file = sources.iter().position(|source| source.path == self.file).unwrap_or(usize::MAX);
        let span = Span { file, line: self.line, column: self.column, len: self.len, alias: None };
        Problem::at(sources, span, message, hint)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", shown(&self.file), self.line, self.column)
    }
}
