//! The address of a resource: `kind.name`, the one thing everything else refers to it by.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// `kind.name`: `iam_role.costs`, `tenant_record.acme`. Ordered by kind, then name. Copies share one text: of ten
/// thousand tenants a graph, a state and a plan hold each address many times.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    text: Arc<str>,
    /// Where in it the dot is.
    dot: usize,
}

/// The text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address; write KIND.NAME, such as iam_role.costs (`billform state list` shows them)")]
pub struct NotAnAddress(pub String);

impl Address {
    /// The address of a resource of a kind. The name may hold dots, the kind may not.
    pub fn new(kind: &str, name: impl AsRef<str>) -> Self {
        debug_assert!(!kind.is_empty() && !kind.contains('.'), "a kind is one word: {kind:?}");
        Address { text: format!("{kind}.{}", name.as_ref()).into(), dot: kind.len() }
    }

    /// The kind's name: `iam_role`.
    pub fn kind(&self) -> &str {
        &self.text[..self.dot]
    }

    /// The name within the kind: `costs`.
    pub fn name(&self) -> &str {
        &self.text[self.dot + 1..]
    }
}

impl Ord for Address {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.kind(), self.name()).cmp(&(other.kind(), other.name()))
    }
}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Addresses are shown everywhere, so none may steer a terminal.
        let steers = |character: char| character.is_whitespace() || character.is_control();
        let word = |part: &str| !part.is_empty() && !part.contains(steers);
        match text.split_once('.') {
            Some((kind, name)) if word(kind) && word(name) => Ok(Address::new(kind, name)),
            _ => Err(NotAnAddress(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Address {
    type Error = NotAnAddress;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> String {
        address.to_string()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_two_words_that_steer_no_terminal() {
        let address: Address = "iam_role.costs.eu".parse().expect("an address");
        assert_eq!((address.kind(), address.name()), ("iam_role", "costs.eu"));
        for text in ["", "budget", "budget.", ".acme", "budget.a b", "budget.\u{1b}[31mred", "bud\u{7}get.acme"] {
            assert_eq!(text.parse::<Address>(), Err(NotAnAddress(text.to_owned())));
        }
    }
}
