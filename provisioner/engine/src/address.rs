//! The address of a resource: `kind.name`, the one thing everything else refers to it by.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `kind.name`: `iam_role.costs`, `tenant_record.acme`. Ordered by kind, then name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    kind: String,
    name: String,
}

/// The text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address; write KIND.NAME, such as iam_role.costs (`billform state list` shows them)")]
pub struct NotAnAddress(pub String);

impl Address {
    /// The address of a resource of a kind. The name may hold dots, the kind may not.
    pub fn new(kind: &str, name: impl Into<String>) -> Self {
        debug_assert!(!kind.is_empty() && !kind.contains('.'), "a kind is one word: {kind:?}");
        Address { kind: kind.to_owned(), name: name.into() }
    }

    /// The kind's name: `iam_role`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The name within the kind: `costs`.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
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
        write!(f, "{}.{}", self.kind, self.name)
    }
}
