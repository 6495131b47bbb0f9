//! What a plan does to a resource: a closed set with glyphs and predicates, no behaviour.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is done to one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Made, because it is not there.
    Create,
    /// Changed in place.
    Update,
    /// Deleted and made again, because a field cannot be changed in place.
    Replace,
    /// Deleted, or archived where the service keeps it.
    Delete,
    /// Taken into the state; changed in place where it differs.
    Adopt,
    /// Taken into the state by the id that the manifest gives; changed in place where it differs, never made or deleted.
    Import,
    /// Left alone; at most the state is brought up to date.
    NoOp,
}

impl Action {
    /// Every action, in the order a summary names them.
    pub const ALL: [Action; 7] =
        [Action::Create, Action::Update, Action::Replace, Action::Delete, Action::Adopt, Action::Import, Action::NoOp];

    /// The mark before an address.
    pub fn glyph(self) -> &'static str {
        match self {
            Action::Create => "+",
            Action::Update => "~",
            Action::Replace => "-/+",
            Action::Delete => "-",
            Action::Adopt => ">",
            Action::Import => "=>",
            Action::NoOp => " ",
        }
    }

    /// The word, as JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Update => "update",
            Action::Replace => "replace",
            Action::Delete => "delete",
            Action::Adopt => "adopt",
            Action::Import => "import",
            Action::NoOp => "no-op",
        }
    }

    /// Whether carrying it out changes anything a person would notice.
    pub fn is_change(self) -> bool {
        self != Action::NoOp
    }

    /// Whether what is there now goes.
    pub fn destroys(self) -> bool {
        matches!(self, Action::Delete | Action::Replace)
    }

    /// Whether a new resource comes out of it, so that its outputs are known only afterwards.
    pub fn makes(self) -> bool {
        matches!(self, Action::Create | Action::Replace)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_the_one_in_json() {
        for action in Action::ALL {
            assert_eq!(serde_json::to_value(action).expect("serialises"), action.name());
        }
    }
}
