//! What others wrote (names of foreign owners, ids, error messages of services) on its way to a terminal: it may look
//! odd there, and steer nothing. Our own colours are the only escape sequences that pass.

use std::borrow::Cow;

use billing::manifest::{is_steering, picture};

use super::style::SEQUENCES;

/// The text as it may be printed: line ends and our own colours stay, every other character that a terminal would
/// obey is shown as its picture, one for one.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_steering) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let ours = if c == '\u{1b}' { sequence(rest) } else { None };
        match (ours, c) {
            (Some(length), _) => out.push_str(&rest[..length]),
            (None, '\n') => out.push('\n'),
            (None, c) => out.push(picture(c)),
        }
        rest = &rest[ours.unwrap_or(c.len_utf8())..];
    }
    Cow::Owned(out)
}

/// How long the sequence at the start is, if it is one that our styles write. They set weight and colour of letters;
/// none hides text, moves the cursor or speaks to the terminal.
fn sequence(text: &str) -> Option<usize> {
    SEQUENCES.iter().find(|sequence| text.starts_with(**sequence)).map(|sequence| sequence.len())
}

/// A JSON document as it may be printed. JSON escapes C0 itself and leaves C1, DEL and the marks of direction: they
/// only stand in texts, where `\u009b` means the same.
pub fn printable_json(document: &str) -> Cow<'_, str> {
    let raw = |c: char| is_steering(c) && c != '\n';
    if !document.contains(raw) {
        return Cow::Borrowed(document);
    }
    let escaped = document.chars().map(|c| match raw(c) {
        true => format!("\\u{:04x}", u32::from(c)),
        false => c.to_string(),
    });
    Cow::Owned(escaped.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::views::style::{self, BOLD, CYAN, DIM, GREEN, RED, YELLOW, paint};
    use engine::Action;
    use serde_json::json;

    #[test]
    fn our_own_colours_pass() {
        let styles = [BOLD, DIM, RED, YELLOW, GREEN, CYAN, RED.bold(), YELLOW.bold(), GREEN.bold(), BOLD.underline()];
        let actions = [Action::Create, Action::Update, Action::Replace, Action::Delete, Action::Adopt, Action::NoOp];
        for style in styles.into_iter().chain(actions.map(style::of)) {
            let painted = format!("{}\n", paint(style, "text"));
            assert_eq!(printable(&painted), painted, "{painted:?}");
        }
    }

    #[test]
    fn what_others_wrote_steers_nothing() {
        let hostile = "\u{1b}[2J\u{1b}]0;title\u{7}\u{1b}[8m\u{9b}31m\r\0\u{202e}\u{7f}";
        let shown = printable(hostile);
        assert_eq!(shown, "␛[2J␛]0;title␇␛[8m\u{fffd}31m␍␀\u{fffd}␡");
        assert_eq!(shown.chars().count(), hostile.chars().count(), "columns still count");
        let mixed = format!("{} of \u{1b}[1;31;8mX", paint(RED, "error:"));
        assert_eq!(printable(&mixed), format!("{} of ␛[1;31;8mX", paint(RED, "error:")));
        assert_eq!(printable("\u{1b}"), "␛");
        assert_eq!(printable("Müller\nשלום\u{200f}"), "Müller\nשלום\u{200f}");
    }

    #[test]
    fn json_means_the_same_and_holds_no_steering_character() {
        let value = json!({ "owner": "a\u{1b}[2J\u{9b}31m\u{202e}b\u{7f}", "name": "Müller" });
        let text = serde_json::to_string_pretty(&value).expect("JSON");
        let shown = printable_json(&text);
        assert!(!shown.chars().any(|c| is_steering(c) && c != '\n'), "{shown:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("JSON"), value);
    }
}
