//! How wide what we write may be, and whether someone is there to answer.

use std::io::{self, BufRead, IsTerminal, Write};

use serde::Serialize;

use super::printable::{printable, printable_json};
use crate::ui::exit;
use crate::ui::failure::Failure;

/// Columns to write in: `COLUMNS` where set, the terminal's, else 100.
pub fn width() -> usize {
    let set = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let seen = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    set.or_else(seen).unwrap_or(100).clamp(40, 400)
}

/// Text for people on stdout, as it may be printed.
pub fn print(text: &str) {
    anstream::print!("{}", printable(text));
}

/// A line for people on stderr, as it may be printed.
pub fn eprint_line(text: &str) {
    anstream::eprintln!("{}", printable(text));
}

/// The same for several lines.
pub fn eprint_lines(lines: &[String]) {
    lines.iter().for_each(|line| eprint_line(line));
}

/// One JSON document on stdout.
pub fn print_json(document: &impl Serialize) -> Result<(), Failure> {
    println!("{}", printable_json(&serde_json::to_string_pretty(document)?));
    Ok(())
}

/// `billform … | head -1` closes our stdout: there is nobody left to tell, which is no error. A full disk is one.
/// `println!` answers both with a panic, so they are told apart where panics arrive.
pub fn end_quietly_without_a_reader() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let said = info.payload_as_str().unwrap_or_default();
        if said.starts_with("failed printing to std") {
            if said.contains("Broken pipe") {
                std::process::exit(exit::DONE.into());
            }
            let _ = writeln!(io::stderr(), "error: the result cannot be written: {said}");
            std::process::exit(exit::ERROR.into());
        }
        usual(info);
    }));
}

/// Whether a question would reach a person.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks on stderr and reads one line.
pub fn ask(question: &str) -> io::Result<String> {
    let mut stderr = io::stderr().lock();
    write!(stderr, "{} ", printable(question))?;
    stderr.flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}
