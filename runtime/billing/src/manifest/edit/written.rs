//! Values as an edit writes them: quoted only where YAML would read something else, in the style of what is beside them.

use super::outline::Quotes;
use crate::manifest::quoted::{is_shown, quoted};
use crate::manifest::scalar::{Kind, kind};

/// A value of a tenant's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// A text.
    Text(String),
    /// A whole number.
    Number(u32),
    /// A list of texts.
    List(Vec<String>),
    /// A mapping of texts.
    Map(Vec<(String, String)>),
}

impl Written {
    /// On one line: `Acme`, `[a, b]`, `{ Client: Acme }`.
    pub(super) fn flow(&self) -> String {
        match self {
            Written::Text(text) => scalar(text, Quotes::None),
            Written::Number(number) => number.to_string(),
            Written::List(items) => {
                let items: Vec<String> = items.iter().map(|item| scalar(item, Quotes::None)).collect();
                format!("[{}]", items.join(", "))
            }
            Written::Map(entries) => flow_map(entries.iter().map(|(key, value)| {
                let (key, value) = (scalar(key, Quotes::None), scalar(value, Quotes::None));
                format!("{key}: {value}")
            })),
        }
    }
}

/// Entries on one line: `{ id: acme, name: Acme }`.
pub(super) fn flow_map(entries: impl Iterator<Item = String>) -> String {
    match entries.collect::<Vec<_>>() {
        none if none.is_empty() => "{}".to_owned(),
        some => format!("{{ {} }}", some.join(", ")),
    }
}

/// A text with the quotes asked for, or with those it needs.
pub(super) fn scalar(text: &str, quotes: Quotes) -> String {
    let single = || format!("'{}'", text.replace('\'', "''"));
    match quotes {
        Quotes::Single if text.chars().all(is_shown) => single(),
        Quotes::None if is_plain(text) => text.to_owned(),
        _ => quoted(text),
    }
}

/// Whether a text can go without quotes, also within brackets, and reads as text.
fn is_plain(text: &str) -> bool {
    let unsafe_start =
        ['-', '?', ':', ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`', '='];
    let edges = text.trim() == text && !text.starts_with(unsafe_start) && !text.ends_with(':');
    let inside = !text.contains([',', '[', ']', '{', '}']) && !text.contains(": ") && !text.contains(" #");
    let shown = text.chars().all(is_shown);
    edges && inside && shown && kind(text) == Kind::Text && !text.starts_with("---") && !text.starts_with("...")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::manifest::edit::outline::Outline;

    #[test]
    fn quotes_stand_where_yaml_would_read_something_else() {
        let cases = [
            ("Acme", "Acme"),
            ("Minute Man Press (Toledo)", "Minute Man Press (Toledo)"),
            ("20.00 EUR", "20.00 EUR"),
            ("billing@acme.example", "billing@acme.example"),
            ("123456789012", "\"123456789012\""),
            ("no", "\"no\""),
            ("null", "\"null\""),
            ("a: b", "\"a: b\""),
            ("a #b", "\"a #b\""),
            ("x, y", "\"x, y\""),
            ("", "\"\""),
            (" padded", "\" padded\""),
            ("- dash", "\"- dash\""),
            ("say \"hi\"\\", "say \"hi\"\\"),
        ];
        for (text, written) in cases {
            assert_eq!(scalar(text, Quotes::None), written);
        }
        assert_eq!(scalar("it's", Quotes::Single), "'it''s'");
        assert_eq!(scalar("tab\there", Quotes::Single), "\"tab\\u0009here\"");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_as_it_was(text in any::<String>(), style in 0..3_usize, flow in any::<bool>()) {
            let quotes = [Quotes::None, Quotes::Single, Quotes::Double][style];
            let written = scalar(&text, quotes);
            let yaml = if flow { format!("{{ k: {written}, z: 1 }}\n") } else { format!("k: {written} # c\nz: 1\n") };
            let outline = Outline::of(&yaml).expect("YAML");
            let root = outline.root.expect("a mapping");
            prop_assert_eq!(root.get("k").and_then(|piece| piece.reads()), Some(text.as_str()), "{}", yaml);
            prop_assert_eq!(root.get("z").and_then(|piece| piece.reads()), Some("1"), "{}", yaml);
        }
    }
}
