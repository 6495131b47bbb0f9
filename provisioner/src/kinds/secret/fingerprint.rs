//! A salted hash of a secret's value, kept in a tag with the version that holds the value: it shows that another value is
//! given, or that somebody stored another one, without telling either.

use sha2::{Digest, Sha256};

/// The tag that holds it: `<salt>:<SHA-256 of salt and value>:<version id>`, all in hex. Older ones have no version.
pub const TAG: &str = "billform:fingerprint";

const SALT_BYTES: usize = 16;

/// The fingerprint of a value under a salt of its own.
pub fn of(value: &str, salt: [u8; SALT_BYTES]) -> String {
    format!("{}:{}", hex::encode(salt), hash(&salt, value))
}

/// A salt nobody has used.
pub fn fresh_salt() -> Result<[u8; SALT_BYTES], getrandom::Error> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt)?;
    Ok(salt)
}

/// Whether the fingerprint is of that value. One that is malformed is of no value.
pub fn is_of(fingerprint: &str, value: &str) -> bool {
    let Some((salt, rest)) = fingerprint.split_once(':') else { return false };
    let hashed = rest.split_once(':').map_or(rest, |(hashed, _)| hashed);
    hex::decode(salt).is_ok_and(|salt| hash(&salt, value) == hashed)
}

/// Adds the version that holds the value.
pub fn with_version(fingerprint: &str, version: &str) -> String {
    format!("{fingerprint}:{version}")
}

/// Returns the version that held the value when it was stored; none in a fingerprint of an older billform.
pub fn version(fingerprint: &str) -> Option<&str> {
    fingerprint.splitn(3, ':').nth(2)
}

/// Enough of it to tell two values apart on a screen: `sha256:1a2b3c4d`.
pub fn short(fingerprint: &str) -> String {
    let hashed = fingerprint.split_once(':').map_or("", |(_, hashed)| hashed);
    format!("sha256:{}", hashed.chars().take(8).collect::<String>())
}

fn hash(salt: &[u8], value: &str) -> String {
    hex::encode(Sha256::new().chain_update(salt).chain_update(value).finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_of_its_value_alone() {
        let fingerprint = of("canary", [7; SALT_BYTES]);
        assert!(is_of(&fingerprint, "canary"));
        assert!(!is_of(&fingerprint, "canary2") && !is_of("", "canary") && !is_of("xyz:abc", "canary"));
        assert!(!fingerprint.contains("canary"));
    }

    #[test]
    fn the_same_value_looks_different_under_another_salt() {
        let (one, other) = (fresh_salt().expect("randomness"), fresh_salt().expect("randomness"));
        assert_ne!(of("canary", one), of("canary", other));
        assert!(is_of(&of("canary", other), "canary"));
    }

    #[test]
    fn its_version_is_no_part_of_the_value() {
        let plain = of("canary", [7; SALT_BYTES]);
        let versioned = with_version(&plain, "0a1b");
        assert!(is_of(&versioned, "canary") && !is_of(&versioned, "other"));
        assert_eq!((version(&plain), version(&versioned), version("")), (None, Some("0a1b"), None));
        assert_eq!(short(&plain), short(&versioned));
    }

    #[test]
    fn the_short_form_tells_eight_digits() {
        assert_eq!(short("00:0123456789abcdef"), "sha256:01234567");
    }
}
