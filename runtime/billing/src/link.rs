//! Signed links: who a link is for, until when, under which version; provable without a database.
//!
//! A token is sealed with the stack's [`LinkKey`]. It travels in the URL fragment and in a header, never in a query.
//! Raising the tenant's link version revokes every earlier link.

use serde::{Deserialize, Serialize};

use crate::link_key::{Domain, SealError};
pub use crate::link_key::{KeyTooShort, LinkKey};
use crate::tenant::TenantRecord;

/// What a link lets its holder do: read what is the tenant's.
pub const COSTS: &str = "costs";
/// What a link lets its holder do: read and pay, as the tenant's own administrator.
pub const PORTAL: &str = "portal";

/// What a link says. Signed, not encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkClaims {
    /// The tenant's id.
    #[serde(rename = "t")]
    pub tenant: String,
    /// Unix seconds from which on it is refused.
    #[serde(rename = "e")]
    pub expires_at_s: i64,
    /// The tenant's link version when it was made.
    #[serde(rename = "v")]
    pub version: u32,
    /// What it is for: [`COSTS`], [`PORTAL`].
    #[serde(rename = "p")]
    pub purpose: String,
}

/// Why a link is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// No token, or none of ours.
    #[error("the link's token is malformed; ask for a new link")]
    Malformed,
    /// Altered, or signed with another key.
    #[error("the link's signature does not hold; ask for a new link")]
    WrongSignature,
    /// Made for something else.
    #[error("the link was made for another purpose; ask for a new link")]
    WrongPurpose,
    /// Its time is over.
    #[error("the link has expired; ask for a new link")]
    Expired,
    /// The tenant's links were revoked after it was made.
    #[error("the link was revoked; ask for a new link")]
    Revoked,
}

impl From<SealError> for LinkError {
    fn from(error: SealError) -> LinkError {
        match error {
            SealError::Malformed => LinkError::Malformed,
            SealError::WrongSignature => LinkError::WrongSignature,
        }
    }
}

/// The token that proves the claims, signed by the current key.
///
/// # Errors
/// Never: claims are plain data.
pub fn sign(claims: &LinkClaims, key: &LinkKey) -> Result<String, LinkError> {
    let payload = serde_json::to_vec(claims).map_err(|_| LinkError::Malformed)?;
    Ok(key.seal(Domain::Link, &payload)?)
}

/// The claims of a token that is genuine and not expired at `now_s` (unix seconds), whatever it is for.
///
/// Whether it was revoked is the tenant record's to say: [`check_version`].
///
/// # Errors
/// The first check that fails; the signature comes before any claim.
pub fn read(token: &str, key: &LinkKey, now_s: i64) -> Result<LinkClaims, LinkError> {
    let payload = key.open(Domain::Link, token)?;
    let claims: LinkClaims = serde_json::from_slice(&payload).map_err(|_| LinkError::Malformed)?;
    if claims.expires_at_s <= now_s {
        return Err(LinkError::Expired);
    }
    Ok(claims)
}

/// The claims of a token that is genuine, for this purpose and not expired at `now_s` (unix seconds).
///
/// # Errors
/// As [`read`], and when it is for something else.
pub fn verify(token: &str, key: &LinkKey, purpose: &str, now_s: i64) -> Result<LinkClaims, LinkError> {
    let claims = read(token, key, now_s)?;
    if claims.purpose == purpose { Ok(claims) } else { Err(LinkError::WrongPurpose) }
}

/// Whether the tenant's links of this version still hold.
pub fn check_version(claims: &LinkClaims, tenant: &TenantRecord) -> Result<(), LinkError> {
    if claims.tenant == tenant.id && claims.version == tenant.link_version { Ok(()) } else { Err(LinkError::Revoked) }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use hmac::{Hmac, KeyInit, Mac};
    use proptest::prelude::*;
    use sha2::Sha256;

    use super::*;
    use crate::rotated::Rotated;

    fn key() -> LinkKey {
        LinkKey::from_secret("0123456789abcdef0123456789abcdef\n").expect("a key")
    }

    fn claims() -> LinkClaims {
        LinkClaims {
            tenant: "mmp-toledo".to_owned(),
            expires_at_s: 1_800_000_000,
            version: 3,
            purpose: COSTS.to_owned(),
        }
    }

    fn token() -> String {
        sign(&claims(), &key()).expect("a token")
    }

    #[test]
    fn a_genuine_token_gives_its_claims_until_it_expires() {
        let token = token();
        assert_eq!(verify(&token, &key(), COSTS, 1_799_999_999), Ok(claims()));
        assert_eq!(verify(&token, &key(), COSTS, 1_800_000_000), Err(LinkError::Expired));
    }

    #[test]
    fn another_key_or_purpose_is_refused() {
        let other = LinkKey::from_secret("another key of many bytes").expect("a key");
        assert_eq!(verify(&token(), &other, COSTS, 0), Err(LinkError::WrongSignature));
        assert_eq!(verify(&token(), &key(), "admin", 0), Err(LinkError::WrongPurpose));
    }

    const NEXT: &str = "fedcba9876543210fedcba9876543210";

    /// The keys while one is rotated.
    fn both() -> LinkKey {
        let pair = Rotated { current: NEXT.to_owned(), previous: Some("0123456789abcdef0123456789abcdef".to_owned()) };
        LinkKey::from_secret(&pair.text()).expect("two keys")
    }

    #[test]
    fn two_keys_hold_while_one_is_rotated_and_the_new_one_signs() {
        let (before, after) = (token(), sign(&claims(), &both()).expect("a token"));
        assert_ne!(before.split('.').next(), after.split('.').next(), "each names its key");
        for token in [&before, &after] {
            assert_eq!(verify(token, &both(), COSTS, 0), Ok(claims()));
        }
        let ended = LinkKey::from_secret(NEXT).expect("a key");
        assert_eq!(verify(&before, &ended, COSTS, 0), Err(LinkError::WrongSignature));
        assert_eq!(verify(&after, &ended, COSTS, 0), Ok(claims()));
        assert_eq!(verify(&after, &key(), COSTS, 0), Err(LinkError::WrongSignature));
    }

    /// A link of before there were key ids, made by the code of that time.
    #[test]
    fn a_token_without_a_key_id_holds() {
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims()).expect("JSON"));
        let mut mac = Hmac::<Sha256>::new_from_slice(b"0123456789abcdef0123456789abcdef").expect("a key");
        mac.update(format!("billform-link/1.{payload}").as_bytes());
        let token = format!("{payload}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()));
        for keys in [key(), both()] {
            assert_eq!(verify(&token, &keys, COSTS, 0), Ok(claims()));
        }
    }

    #[test]
    fn a_key_id_is_part_of_what_is_signed() {
        let token = token();
        let (_, without) = token.split_once('.').expect("a key id");
        assert_eq!(verify(without, &key(), COSTS, 0), Err(LinkError::WrongSignature));
    }

    #[test]
    fn what_is_no_token_is_malformed() {
        for bad in ["", ".", "a.b.c", "nothing", "é.é", &"a".repeat(5000)] {
            let refused = verify(bad, &key(), COSTS, 0);
            assert!(refused.is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_altered_byte_is_refused(at in any::<prop::sample::Index>(), to in any::<u8>()) {
            let genuine = token();
            let mut bytes = genuine.clone().into_bytes();
            let at = at.index(bytes.len());
            prop_assume!(bytes[at] != to);
            bytes[at] = to;
            if let Ok(altered) = String::from_utf8(bytes) {
                prop_assert!(verify(&altered, &key(), COSTS, 0).is_err());
            }
        }

        #[test]
        fn any_shortened_or_lengthened_token_is_refused(cut in 0_usize..200, tail in "[A-Za-z0-9._-]{1,8}") {
            let genuine = token();
            let cut = cut.min(genuine.len() - 1);
            prop_assert!(verify(&genuine[..cut], &key(), COSTS, 0).is_err());
            let longer = format!("{genuine}{tail}");
            prop_assert!(verify(&longer, &key(), COSTS, 0).is_err());
        }

        #[test]
        fn random_text_never_panics(text in ".{0,80}") {
            prop_assert!(verify(&text, &key(), COSTS, 0).is_err());
        }

        #[test]
        fn any_claims_survive(tenant in ".{1,40}", expires_at_s in 1_i64..i64::MAX, version in any::<u32>()) {
            let claims = LinkClaims { tenant, expires_at_s, version, purpose: COSTS.to_owned() };
            let token = sign(&claims, &key()).expect("a token");
            prop_assert_eq!(verify(&token, &key(), COSTS, 0), Ok(claims));
        }
    }
}
