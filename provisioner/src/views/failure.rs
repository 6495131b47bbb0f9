//! A failure on stderr: the error, then what to do about it.

use super::style::{BOLD, RED, paint};
use crate::failure::Failure;

/// Prints it.
pub fn print(failure: &Failure) {
    anstream::eprintln!("{} {}", paint(RED.bold(), "error:"), failure.message.trim_end());
    if let Some(hint) = &failure.hint {
        anstream::eprintln!("  {} {hint}", paint(BOLD, "hint:"));
    }
}
