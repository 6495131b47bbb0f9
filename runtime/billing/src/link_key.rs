//! The stack's link key: what is sealed with it was made by the stack, or by whoever may read its secret.
//!
//! A sealed text is `key-id.base64url(payload).base64url(HMAC-SHA256)`; texts of before there were key ids have none.
//! Each use of the key has a [`Domain`] of its own, so that a link is never a session. Two keys hold while one is
//! rotated ([`Rotated`]).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::rotated::Rotated;

/// Longer texts are none of ours; not worth decoding.
const MAX_SEALED_BYTES: usize = 2048;
/// Keeps the id of a key apart from any other hash of it.
const KEY_ID_DOMAIN: &[u8] = b"billform-link-key/1.";
/// Bytes of a key's id, which is hexadecimal: enough to tell two keys apart.
const KEY_ID_BYTES: usize = 4;
/// Shorter keys can be guessed.
const MIN_KEY_BYTES: usize = 16;

/// A use of the key. What is sealed for one does not hold for another: none of the texts begins another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// Signed links.
    Link,
    /// Session cookies.
    Session,
}

impl Domain {
    const fn bytes(self) -> &'static [u8] {
        match self {
            Domain::Link => b"billform-link/1.",
            Domain::Session => b"billform-session/1.",
        }
    }
}

/// The keys of a stack: the one that seals, and while it is rotated the one before. Has no text form.
#[derive(Clone)]
pub struct LinkKey {
    current: Key,
    previous: Option<Key>,
}

#[derive(Clone)]
struct Key {
    id: String,
    bytes: Vec<u8>,
}

/// Why a sealed text does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Nothing that was ever sealed.
    #[error("it is malformed")]
    Malformed,
    /// Altered, sealed for another use, or with another key.
    #[error("its signature does not hold")]
    WrongSignature,
}

/// The key is too short to be safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the link key has {0} bytes; at least {MIN_KEY_BYTES} are needed: let billform generate it")]
pub struct KeyTooShort(pub usize);

impl LinkKey {
    /// The keys from the text of the stack's link secret.
    ///
    /// # Errors
    /// When one of them is too short to be safe.
    pub fn from_secret(text: &str) -> Result<LinkKey, KeyTooShort> {
        let Rotated { current, previous } = Rotated::read(text);
        let previous = previous.as_deref().map(Key::new).transpose()?;
        Ok(LinkKey { current: Key::new(&current)?, previous })
    }

    /// Seals a payload with the current key. The key's id is signed with it.
    ///
    /// # Errors
    /// Never: HMAC takes keys of any length.
    pub fn seal(&self, domain: Domain, payload: &[u8]) -> Result<String, SealError> {
        let signed = format!("{}.{}", self.current.id, URL_SAFE_NO_PAD.encode(payload));
        let mac = self.current.mac(domain, &signed).ok_or(SealError::WrongSignature)?;
        let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        Ok(format!("{signed}.{signature}"))
    }

    /// The payload of a text that one of the keys sealed for this use.
    ///
    /// # Errors
    /// When it is malformed, or its signature does not hold.
    pub fn open(&self, domain: Domain, text: &str) -> Result<Vec<u8>, SealError> {
        if text.len() > MAX_SEALED_BYTES {
            return Err(SealError::Malformed);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(SealError::Malformed)?;
        let (id, payload) = signed.split_once('.').map_or((None, signed), |(id, payload)| (Some(id), payload));
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| SealError::Malformed)?;
        // Constant time: a wrong signature tells nothing about the right one.
        let is_signed_by = |key: &Key| key.mac(domain, signed).is_some_and(|mac| mac.verify_slice(&signature).is_ok());
        if !self.named(id).any(is_signed_by) {
            return Err(SealError::WrongSignature);
        }
        URL_SAFE_NO_PAD.decode(payload).map_err(|_| SealError::Malformed)
    }

    /// The keys that may have sealed a text: the one of that id, or any where the text names none.
    fn named<'a>(&'a self, id: Option<&'a str>) -> impl Iterator<Item = &'a Key> {
        let all = std::iter::once(&self.current).chain(&self.previous);
        all.filter(move |key| id.is_none_or(|id| key.id == id))
    }
}

impl Key {
    fn new(text: &str) -> Result<Key, KeyTooShort> {
        if text.len() < MIN_KEY_BYTES {
            return Err(KeyTooShort(text.len()));
        }
        let hash = Sha256::new().chain_update(KEY_ID_DOMAIN).chain_update(text).finalize();
        let id = hash.iter().take(KEY_ID_BYTES).map(|byte| format!("{byte:02x}")).collect();
        Ok(Key { id, bytes: text.as_bytes().to_vec() })
    }

    fn mac(&self, domain: Domain, signed: &str) -> Option<Hmac<Sha256>> {
        // HMAC takes keys of any length, so this is always some.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.bytes).ok()?;
        mac.update(domain.bytes());
        mac.update(signed.as_bytes());
        Some(mac)
    }
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "0123456789abcdef0123456789abcdef\n";

    #[test]
    fn what_is_sealed_for_one_use_does_not_open_for_another() {
        let key = LinkKey::from_secret(TEXT).expect("a key");
        let uses = [Domain::Link, Domain::Session];
        for sealed_for in uses {
            let text = key.seal(sealed_for, b"{}").expect("sealed");
            for opened_for in uses {
                let expected =
                    if sealed_for == opened_for { Ok(b"{}".to_vec()) } else { Err(SealError::WrongSignature) };
                assert_eq!(key.open(opened_for, &text), expected, "{sealed_for:?} as {opened_for:?}");
            }
            let begins_another = |other: &Domain| *other != sealed_for && other.bytes().starts_with(sealed_for.bytes());
            assert!(!uses.iter().any(begins_another), "{sealed_for:?}");
        }
    }

    #[test]
    fn short_keys_are_refused_and_keys_never_shown() {
        assert_eq!(LinkKey::from_secret("short").map(|_| ()), Err(KeyTooShort(5)));
        assert!(!format!("{:?}", LinkKey::from_secret(TEXT)).contains("0123"));
    }
}
