//! A failure on stderr: the error, then what to do about it; for programs one JSON document, on the last line.

use serde_json::{Value, json};

use super::printable::printable_json;
use super::problems;
use super::style::{BOLD, RED, paint};
use super::terminal;
use super::wrap::wrapped;
use crate::ui::failure::Failure;
use crate::ui::options::Format;

/// Prints it in the format that results were asked for in.
pub fn print(failure: &Failure, format: Format) {
    match format {
        Format::Human => terminal::eprint_line(render(failure, terminal::width()).trim_end_matches('\n')),
        Format::Json => terminal::eprint_line(&printable_json(&json(failure).to_string())),
    }
}

/// `{"error":{"message","hints":[…],"code"}}`: the message as people read it without colours, what to do about it, and
/// the exit code.
pub fn json(failure: &Failure) -> Value {
    let hints: Vec<&String> = failure.hint.iter().collect();
    json!({ "error": { "message": failure.message.trim_end(), "hints": hints, "code": failure.code } })
}

/// The failure as text for `width` columns, with colours.
pub fn render(failure: &Failure, width: usize) -> String {
    let message = failure.message.trim_end();
    let error = format!("{} {message}", paint(RED.bold(), "error:"));
    // A message of several lines quotes a manifest, whose lines stay as they are.
    let error = if message.contains('\n') { problems::fitted(&error, width) } else { wrapped(&error, width, 2) };
    match &failure.hint {
        Some(hint) => format!("{error}\n{}\n", wrapped(&format!("  {} {hint}", paint(BOLD, "hint:")), width, 4)),
        None => format!("{error}\n"),
    }
}
