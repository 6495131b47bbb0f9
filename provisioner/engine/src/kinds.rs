//! The registry of kinds: the one list everything about kinds derives from.

use std::collections::BTreeMap;
use std::fmt;

use crate::{Address, Kind};

/// Every kind this program knows, by name.
pub struct Kinds {
    by_name: BTreeMap<&'static str, Box<dyn Kind>>,
}

/// An address, in the manifest or the state, is of a kind nobody registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{address} is of kind `{}`, which this billform does not know; it knows {known}. \
     If a newer billform made it, use that one",
    address.kind()
)]
pub struct UnknownKind {
    /// The address met.
    pub address: Address,
    /// The kinds there are, for the message.
    pub known: String,
}

impl Kinds {
    /// A registry of these kinds.
    ///
    /// # Panics
    /// When two kinds have one name: the list is part of the program, so that is a mistake in it.
    pub fn new(kinds: Vec<Box<dyn Kind>>) -> Kinds {
        let mut by_name = BTreeMap::new();
        for kind in kinds {
            let name = kind.meta().name;
            assert!(by_name.insert(name, kind).is_none(), "two kinds are named {name}");
        }
        Kinds { by_name }
    }

    /// The kind of that name.
    pub fn get(&self, name: &str) -> Option<&dyn Kind> {
        self.by_name.get(name).map(Box::as_ref)
    }

    /// The kind of an address.
    pub fn of(&self, address: &Address) -> Result<&dyn Kind, UnknownKind> {
        self.get(address.kind()).ok_or_else(|| UnknownKind {
            address: address.clone(),
            known: self.by_name.keys().copied().collect::<Vec<_>>().join(", "),
        })
    }

    /// All kinds, by name.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Kind> {
        self.by_name.values().map(Box::as_ref)
    }
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}
