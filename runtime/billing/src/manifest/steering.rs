//! Characters that steer what shows them: in a terminal, an e-mail, an invoice.

use super::characters::is_steering;
use super::node::{Node, Standing, Value};
use super::problem::Problem;
use super::source::Source;

const HINT: &str = "take it out; names, addresses and texts go to terminals, Stripe and mail as they stand here";

/// Reports every key and value that holds one, and takes it out so that nothing else is said about it.
pub(super) fn take_out(sources: &[Source], node: &mut Node, problems: &mut Vec<Problem>) {
    match &mut node.value {
        Value::Plain(text) | Value::Quoted(text) => {
            let Some(found) = text.chars().find(|c| is_steering(*c)) else { return };
            problems.push(Problem::at(sources, node.span, told(found, "this text"), Some(HINT.to_owned())));
            node.value = Value::Hole;
        }
        Value::Map(entries) => {
            for entry in entries {
                if let Some(found) = entry.key.chars().find(|c| is_steering(*c)) {
                    problems.push(Problem::at(sources, entry.key_span, told(found, "this key"), Some(HINT.to_owned())));
                    entry.standing = Standing::PassedOver;
                } else {
                    take_out(sources, &mut entry.node, problems);
                }
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| take_out(sources, item, problems)),
        Value::Hole => {}
    }
}

/// `this text holds U+001B (escape)`: the character has no look of its own, so it is named.
fn told(c: char, what: &str) -> String {
    let name = match c {
        '\0' => "NUL",
        '\t' => "a tab",
        '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => "a line end",
        '\u{1b}' => "escape, by which terminals are steered",
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => "which turns the direction of writing",
        _ => "a control character",
    };
    format!("{what} holds U+{:04X} ({name})", u32::from(c))
}
