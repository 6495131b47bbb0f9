//! Ownership of Stripe objects: the same two keys as AWS tags, in the metadata.

use std::collections::{BTreeMap, HashMap};

use engine::Address;
use engine::kind::{CallError, ErrorClass};

use super::Cloud;
use super::ownership::{self, Owned};
use super::stripe_api::StripeApi;

/// The metadata to write: the object's own, ownership, and an empty text for each key that is to go.
pub fn to_write(
    stack: &str,
    address: &Address,
    metadata: &BTreeMap<String, String>,
    dropped: &[String],
) -> HashMap<String, String> {
    let gone = dropped.iter().map(|key| (key.clone(), String::new()));
    ownership::with_owner(stack, address, metadata).into_iter().chain(gone).collect()
}

/// The metadata as read, parted.
pub fn split(metadata: &HashMap<String, String>) -> Owned {
    ownership::split(metadata.clone())
}

/// Our objects in one listing, by address and by id.
pub struct Found<'a, T> {
    by_address: HashMap<String, &'a T>,
    by_id: HashMap<&'a str, &'a T>,
}

impl<'a, T> Found<'a, T> {
    /// Sorts a listing, newest first as Stripe gives it. Where two objects have one address, `prefer` says whether
    /// the later listed, so older one, is the one that counts.
    pub fn new(
        stack: &'a str,
        objects: &'a [T],
        id: fn(&T) -> &str,
        metadata: fn(&T) -> Option<&HashMap<String, String>>,
        prefer: fn(newer: &T, older: &T) -> bool,
    ) -> Self {
        let mut by_address: HashMap<String, &T> = HashMap::new();
        for object in objects {
            let Some(owned) = metadata(object).map(split) else { continue };
            let Some(address) = owned.address.filter(|_| is_of(&owned.owner, stack)) else { continue };
            if by_address.get(&address).is_none_or(|newer| prefer(newer, object)) {
                by_address.insert(address, object);
            }
        }
        let by_id = objects.iter().map(|object| (id(object), object)).collect();
        Found { by_address, by_id }
    }

    /// The object made for an address; else the one of an id that the state knows: its metadata was taken away or
    /// written over, or its address was renamed and nobody told it yet.
    pub fn at(&self, address: &Address, known: Option<&str>) -> Option<&'a T> {
        self.by_address.get(&address.to_string()).copied().or_else(|| self.by_id.get(known?).copied())
    }
}

fn is_of(owner: &engine::Owner, stack: &str) -> bool {
    owner.is_stack(stack)
}

/// Whether the object was made for this stack.
pub fn is_ours(metadata: &HashMap<String, String>, stack: &str) -> bool {
    is_of(&split(metadata).owner, stack)
}

/// Whether the object was made for this address of this stack.
pub fn is_at(metadata: &HashMap<String, String>, stack: &str, address: &Address) -> bool {
    let owned = split(metadata);
    is_of(&owned.owner, stack) && owned.address.as_deref() == Some(&address.to_string())
}

/// The Stripe client, or a refusal that says what to set.
pub fn client(cloud: &Cloud) -> Result<&StripeApi, CallError> {
    cloud.stripe.as_ref().ok_or_else(|| CallError {
        operation: "stripe".to_owned(),
        message: "there is no Stripe key at hand: set STRIPE_API_KEY".to_owned(),
        class: ErrorClass::Refused,
    })
}

/// A key that an earlier object of the same address and fields did not use: Stripe replays an answer for a day, also
/// when what it made has been deleted or archived since.
pub fn key_after(token: &str, earlier: Option<&str>) -> String {
    match earlier {
        Some(id) => format!("{token}-after-{id}"),
        None => token.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Object {
        id: &'static str,
        metadata: HashMap<String, String>,
    }

    fn object(id: &'static str, stack: &str, name: &str) -> Object {
        let address = Address::new("item", name);
        Object { id, metadata: to_write(stack, &address, &BTreeMap::new(), &[]) }
    }

    fn found<'a>(objects: &'a [Object], prefer: fn(&Object, &Object) -> bool) -> Found<'a, Object> {
        Found::new("s", objects, |object| object.id, |object| Some(&object.metadata), prefer)
    }

    #[test]
    fn what_is_written_reads_back_and_dropped_keys_are_emptied() {
        let own = BTreeMap::from([("team".to_owned(), "billing".to_owned())]);
        let mut written = to_write("s", &Address::new("item", "a"), &own, &["old".to_owned()]);
        assert_eq!(written.remove("old").as_deref(), Some(""), "Stripe takes a key away when it is emptied");
        let owned = split(&written);
        assert_eq!((owned.tags, owned.address.as_deref()), (own, Some("item.a")));
        assert!(is_at(&written, "s", &Address::new("item", "a")) && is_ours(&written, "s"));
        assert!(!is_at(&written, "s", &Address::new("item", "b")) && !is_ours(&written, "t"));
    }

    #[test]
    fn an_object_is_found_by_address_then_by_id() {
        let bare = Object { id: "bare", metadata: HashMap::new() };
        let objects = [object("new", "s", "a"), object("old", "s", "a"), object("theirs", "t", "b"), bare];
        let newest = found(&objects, |_, _| false);
        let oldest = found(&objects, |_, _| true);
        let id = |object: Option<&Object>| object.map(|object| object.id);
        let (a, b, c) = (Address::new("item", "a"), Address::new("item", "b"), Address::new("item", "c"));
        assert_eq!(id(newest.at(&a, Some("bare"))), Some("new"), "metadata counts before the state's id");
        assert_eq!(id(oldest.at(&a, None)), Some("old"));
        assert_eq!(id(newest.at(&b, None)), None, "another stack's is not ours");
        assert_eq!(id(newest.at(&b, Some("theirs"))), Some("theirs"), "seen as theirs, to be refused");
        assert_eq!(id(newest.at(&c, Some("bare"))), Some("bare"));
        assert_eq!(id(newest.at(&c, Some("old"))), Some("old"), "renamed: the state knows where it stands");
    }

    #[test]
    fn keys_differ_by_what_was_there_before() {
        assert_eq!(key_after("t", None), "t");
        assert_ne!(key_after("t", Some("price_1")), key_after("t", Some("price_2")));
    }
}
