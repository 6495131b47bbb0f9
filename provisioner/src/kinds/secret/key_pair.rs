//! A secret that holds a key pair. A tag keeps the public half, so that showing it needs no access to the value.

use std::collections::BTreeMap;

use super::Source;
use crate::cloud::evidence_key::EvidenceKey;
use crate::cloud::secret_values::SecretValue;

/// The tag that holds the public half, on one line of Base64.
pub const TAG: &str = "billform:public-key";
/// The output that gives it out.
pub const OUTPUT: &str = "public_key";

/// The public half of what is to be stored; none of other secrets.
pub fn public_key(source: &Source, value: Option<&SecretValue>) -> Option<String> {
    let value = value.filter(|_| *source == Source::KeyPair)?;
    Some(EvidenceKey::read(value)?.public().line())
}

/// Adds the tag.
pub fn with_tag(mut tags: BTreeMap<String, String>, public_key: Option<&str>) -> BTreeMap<String, String> {
    tags.extend(public_key.map(|key| (TAG.to_owned(), key.to_owned())));
    tags
}
