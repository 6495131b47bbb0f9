//! What ends a command early: one clear error with its hint, told once, at the edge.

use std::fmt::Display;

/// An error as a person is told it.
#[derive(Debug)]
pub struct Failure {
    /// What went wrong, with its place and cause.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The exit code, [`crate::ui::exit::ERROR`] unless said otherwise.
    pub code: u8,
}

impl Failure {
    /// An error without a hint.
    pub fn new(message: impl Display) -> Failure {
        Failure { message: message.to_string(), hint: None, code: crate::ui::exit::ERROR }
    }

    /// A command line that does not parse: what is wrong with it, and clap's tips and usage as the hint.
    pub fn of_usage(error: &clap::Error) -> Failure {
        let text = error.to_string();
        let (message, rest) = text.trim_end().split_once("\n\n").unwrap_or((text.trim_end(), ""));
        let failure = Failure::new(message.strip_prefix("error: ").unwrap_or(message));
        let rest: Vec<&str> = rest.split_whitespace().collect();
        if rest.is_empty() { failure } else { failure.hint(rest.join(" ")) }
    }

    /// The same with a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }
}

/// Errors of our own packages are written for people, so they pass as they are.
impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure::new(error)
    }
}

/// What a command comes to: its exit code, or why it ended early.
pub type Outcome = Result<u8, Failure>;
