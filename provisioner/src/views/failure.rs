//! A failure on stderr: the error, then what to do about it.

use super::style::{BOLD, RED, paint};
use super::terminal;
use super::wrap::wrapped;
use crate::failure::Failure;

/// Prints it.
pub fn print(failure: &Failure) {
    anstream::eprint!("{}", render(failure, terminal::width()));
}

/// The failure as text for `width` columns, with colours.
pub fn render(failure: &Failure, width: usize) -> String {
    let message = failure.message.trim_end();
    let error = format!("{} {message}", paint(RED.bold(), "error:"));
    // A message of several lines quotes a manifest, whose lines stay as they are.
    let error = if message.contains('\n') { error } else { wrapped(&error, width, 2) };
    match &failure.hint {
        Some(hint) => format!("{error}\n{}\n", wrapped(&format!("  {} {hint}", paint(BOLD, "hint:")), width, 4)),
        None => format!("{error}\n"),
    }
}
