//! Colours by meaning. They are written always; `anstream` strips them where nobody would see them.

use anstyle::{AnsiColor, Style};
use engine::Action;

use crate::drift::report::Sort;

/// Headings.
pub const BOLD: Style = Style::new().bold();
/// What is beside the point.
pub const DIM: Style = Style::new().dimmed();
/// What went wrong.
pub const RED: Style = AnsiColor::Red.on_default();
/// What needs a second look.
pub const YELLOW: Style = AnsiColor::Yellow.on_default();
/// What is made, or went well.
pub const GREEN: Style = AnsiColor::Green.on_default();
/// What is taken over.
pub const CYAN: Style = AnsiColor::Cyan.on_default();

/// Every sequence that the styles write; no other may reach a terminal. A test of `printable` paints in all of them.
pub(super) const SEQUENCES: &[&str] =
    &["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[4m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[36m"];

/// The colour of an action's glyph.
pub fn of(action: Action) -> Style {
    match action {
        Action::Create => GREEN,
        Action::Update => YELLOW,
        Action::Replace | Action::Delete => RED,
        Action::Adopt | Action::Import => CYAN,
        Action::NoOp => DIM,
    }
}

/// The colour of a finding's glyph.
pub fn of_drift(sort: Sort) -> Style {
    match sort {
        Sort::Changed | Sort::Unmarked => YELLOW,
        Sort::Vanished | Sort::Replaced | Sort::Taken => RED,
        Sort::Unknown => CYAN,
    }
}

/// Text in a style.
pub fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}
