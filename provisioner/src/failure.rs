//! What ends a command early: one clear error with its hint, told once, at the edge.

use std::fmt::Display;

/// An error as a person is told it.
#[derive(Debug)]
pub struct Failure {
    /// What went wrong, with its place and cause.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The exit code, [`crate::exit::ERROR`] unless said otherwise.
    pub code: u8,
}

impl Failure {
    /// An error without a hint.
    pub fn new(message: impl Display) -> Failure {
        Failure { message: message.to_string(), hint: None, code: crate::exit::ERROR }
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
