//! MiniStack as a child process: set up, started, watched and ended.

mod process;
mod python;
mod venv;

pub use process::{MiniStack, Settings, StartError};
pub use venv::{VenvError, ready};

/// The last lines of a text.
pub(crate) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.trim_end().lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
