//! Ownership tags: every resource says which stack and address it belongs to, from the moment it is made.

use std::collections::BTreeMap;

use billing::names::{ADDRESS_TAG, LEFT_METADATA, OWNER_TAG, TENANT_METADATA, TENANT_TAG};
use engine::{Address, Owner};

/// The tags to write: the resource's own and the two that say whose it is.
pub fn with_owner(stack: &str, address: &Address, tags: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut all = tags.clone();
    all.insert(OWNER_TAG.to_owned(), stack.to_owned());
    all.insert(ADDRESS_TAG.to_owned(), address.to_string());
    all
}

/// The tags as read, parted into whose it is, the address it is under, and the rest.
pub fn split(tags: impl IntoIterator<Item = (String, String)>) -> Owned {
    let mut rest: BTreeMap<String, String> = tags.into_iter().collect();
    let address = rest.remove(ADDRESS_TAG);
    // What was left is told its address anew when it is wanted again, which takes the mark away.
    let left = rest.remove(LEFT_METADATA).is_some();
    let owner = match rest.remove(OWNER_TAG) {
        Some(stack) if left => Owner::at(&stack, &""),
        // A stack without an address is told one: it counts as another address than any.
        Some(stack) => Owner::at(&stack, address.as_ref().unwrap_or(&String::new())),
        None => Owner::Unknown,
    };
    Owned { owner, address, tags: rest }
}

/// What the tags of a resource say.
#[derive(Debug, Clone, PartialEq)]
pub struct Owned {
    /// Who made it.
    pub owner: Owner,
    /// The address it was made under.
    pub address: Option<String>,
    /// The other tags.
    pub tags: BTreeMap<String, String>,
}

impl Owned {
    /// The tenant it belongs to, as its tags or metadata say.
    pub fn tenant(&self) -> Option<&str> {
        self.tags.get(TENANT_TAG).or_else(|| self.tags.get(TENANT_METADATA)).map(String::as_str)
    }
}
