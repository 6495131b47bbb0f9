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

/// Whether the object was made for this address of this stack.
pub fn is_at(metadata: &HashMap<String, String>, stack: &str, address: &Address) -> bool {
    let owned = split(metadata);
    owned.owner == engine::Owner::Stack(stack.to_owned()) && owned.address.as_deref() == Some(&address.to_string())
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
