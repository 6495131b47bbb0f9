//! Text as a YAML scalar that reads as exactly that text, whatever it says.

use std::fmt::Write as _;

use super::characters::is_steering;

/// The text in double quotes, with what does not show as an escape (YAML 1.2.2, 5.7 and 7.3.1).
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if is_shown(c) => out.push(c),
            // Writing to a String cannot fail.
            c if u32::from(c) <= 0xffff => drop(write!(out, "\\u{:04X}", u32::from(c))),
            c => drop(write!(out, "\\U{:08X}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

/// Whether a reader sees the character for what it is: no control, no other space than the common one, nothing without a
/// width, nothing for private use and no noncharacter.
pub(super) fn is_shown(c: char) -> bool {
    let is_blank = c.is_whitespace() && c != ' ';
    let is_unseen = matches!(
        c,
        '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{e000}'..='\u{f8ff}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}' | '\u{e0000}'..
    );
    !is_steering(c) && !is_blank && !is_unseen
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_reads_as_what_it_was(text in any::<String>()) {
            let document = format!("key: {}\nlist: [{{ a: {0}, b: 1 }}]\n", quoted(&text));
            let read: serde_json::Value = serde_yaml::from_str(&document).expect("YAML");
            prop_assert_eq!(&read["key"], &serde_json::json!(text));
            prop_assert_eq!(&read["list"][0]["a"], &serde_json::json!(text));
        }
    }

    #[test]
    fn what_yaml_would_take_for_something_else_is_text() {
        for text in
            ["", "no", "1e3", "~", "- a", "a: b # c", "{x}", "&a", "*a", "!t", "|\n x", "\u{feff}", "\u{2028}", "🧾"]
        {
            let read: serde_json::Value = serde_yaml::from_str(&format!("key: {}\n", quoted(text))).expect("YAML");
            assert_eq!(read["key"], text, "{text:?}");
        }
    }
}
