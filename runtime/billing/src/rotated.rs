//! The text of a secret that can be rotated: one value, or two that both hold until the rotation ends.
//!
//! Two values lie in the secret as `{"current":"…","previous":"…"}`, one as itself. Both parts, and no others, make a
//! pair: any other JSON is a value like any text.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The values that hold. Has no text form but [`Rotated::text`].
#[derive(Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The one that is used.
    pub current: String,
    /// The one before, which is still accepted.
    pub previous: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    current: String,
    previous: String,
}

impl Rotated {
    /// Reads a secret's text; white space around a value is not part of it.
    pub fn read(text: &str) -> Rotated {
        match serde_json::from_str::<Pair>(text) {
            Ok(Pair { current, previous }) => {
                Rotated { current: current.trim().to_owned(), previous: Some(previous.trim().to_owned()) }
            }
            Err(_) => Rotated { current: text.trim().to_owned(), previous: None },
        }
    }

    /// The text to store.
    pub fn text(&self) -> String {
        match &self.previous {
            // Two texts always serialise.
            Some(previous) => {
                let pair = Pair { current: self.current.clone(), previous: previous.clone() };
                serde_json::to_string(&pair).unwrap_or_default()
            }
            None => self.current.clone(),
        }
    }

    /// The values that are accepted, the current one first; an empty text is none.
    pub fn accepted(&self) -> impl Iterator<Item = &str> {
        let all = std::iter::once(self.current.as_str()).chain(self.previous.as_deref());
        all.filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Rotated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.previous.is_some() { "Rotated(…, …)" } else { "Rotated(…)" })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_value_is_its_text_and_two_are_a_pair() {
        let one = Rotated::read(" whsec_a\n");
        assert_eq!((one.current.as_str(), one.previous.as_deref()), ("whsec_a", None));
        let two = Rotated { current: "whsec_b".to_owned(), previous: Some(one.current) };
        assert_eq!(two.text(), r#"{"current":"whsec_b","previous":"whsec_a"}"#);
        assert_eq!(Rotated::read(&two.text()).accepted().collect::<Vec<_>>(), ["whsec_b", "whsec_a"]);
        assert_eq!(Rotated::read("").accepted().count(), 0);
        assert!(!format!("{two:?}").contains("whsec"));
    }

    #[test]
    fn other_json_is_a_value() {
        for text in [r#"{"key":"x"}"#, r#"{"current":"x"}"#, r#"{"current":"x","previous":"y","more":"z"}"#, "[1]"] {
            let read = Rotated::read(text);
            assert_eq!((read.current.as_str(), read.previous), (text, None));
        }
    }

    proptest! {
        #[test]
        fn any_pair_is_read_as_it_was_stored(current in "[!-~]{1,40}", previous in "[!-~]{1,40}") {
            let pair = Rotated { current, previous: Some(previous) };
            prop_assert_eq!(Rotated::read(&pair.text()), pair);
        }
    }
}
