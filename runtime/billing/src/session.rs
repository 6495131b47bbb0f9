//! Sessions: what a signed link is exchanged for, kept by the browser in a cookie that no script can read.
//!
//! A session holds for as long as the link it came from, and never longer than [`LASTS_S`]; raising the tenant's link
//! version ends it with the links.

use serde::{Deserialize, Serialize};

use crate::link::LinkClaims;
use crate::link_key::{Domain, LinkKey, SealError};
use crate::tenant::TenantRecord;

/// The most seconds that a session lasts: half a day. The link opens the next one.
pub const LASTS_S: i64 = 12 * 60 * 60;

/// What a session says. Signed, not encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionClaims {
    /// The tenant's id.
    #[serde(rename = "t")]
    pub tenant: String,
    /// What it is for, as the link's: [`crate::link::COSTS`], [`crate::link::PORTAL`].
    #[serde(rename = "p")]
    pub purpose: String,
    /// Unix seconds at which it began.
    #[serde(rename = "i")]
    pub issued_at_s: i64,
    /// Unix seconds from which on it is refused.
    #[serde(rename = "e")]
    pub expires_at_s: i64,
    /// The tenant's link version when it began.
    #[serde(rename = "v")]
    pub version: u32,
}

/// Why a session is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// None of ours.
    #[error("the session is malformed; open your link again")]
    Malformed,
    /// Altered, or signed with another key.
    #[error("the session's signature does not hold; open your link again")]
    WrongSignature,
    /// Its time is over.
    #[error("the session has expired; open your link again")]
    Expired,
    /// The tenant's links were revoked after it began.
    #[error("the session's link was revoked; ask for a new link")]
    Revoked,
}

impl From<SealError> for SessionError {
    fn from(error: SealError) -> SessionError {
        match error {
            SealError::Malformed => SessionError::Malformed,
            SealError::WrongSignature => SessionError::WrongSignature,
        }
    }
}

impl SessionClaims {
    /// The session that a link opens at `now_s` (unix seconds).
    pub fn of_link(link: &LinkClaims, now_s: i64) -> SessionClaims {
        SessionClaims {
            tenant: link.tenant.clone(),
            purpose: link.purpose.clone(),
            issued_at_s: now_s,
            expires_at_s: link.expires_at_s.min(now_s.saturating_add(LASTS_S)),
            version: link.version,
        }
    }

    /// Whether the tenant's sessions of this version still hold.
    ///
    /// # Errors
    /// [`SessionError::Revoked`].
    pub fn check_version(&self, tenant: &TenantRecord) -> Result<(), SessionError> {
        let holds = self.tenant == tenant.id && self.version == tenant.link_version;
        if holds { Ok(()) } else { Err(SessionError::Revoked) }
    }
}

/// The cookie's value that proves the claims, signed by the current key.
///
/// # Errors
/// Never: claims are plain data.
pub fn sign(claims: &SessionClaims, key: &LinkKey) -> Result<String, SessionError> {
    let payload = serde_json::to_vec(claims).map_err(|_| SessionError::Malformed)?;
    Ok(key.seal(Domain::Session, &payload)?)
}

/// The claims of a session that is genuine and not expired at `now_s` (unix seconds).
///
/// # Errors
/// The first check that fails; the signature comes before any claim.
pub fn verify(value: &str, key: &LinkKey, now_s: i64) -> Result<SessionClaims, SessionError> {
    let payload = key.open(Domain::Session, value)?;
    let claims: SessionClaims = serde_json::from_slice(&payload).map_err(|_| SessionError::Malformed)?;
    let lasts_s = claims.expires_at_s.saturating_sub(claims.issued_at_s);
    if claims.expires_at_s <= now_s || lasts_s > LASTS_S {
        return Err(SessionError::Expired);
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::link::{self, COSTS};
    use crate::rotated::Rotated;

    const TEXT: &str = "0123456789abcdef0123456789abcdef";
    const NOW_S: i64 = 1_795_248_000;

    fn key() -> LinkKey {
        LinkKey::from_secret(TEXT).expect("a key")
    }

    fn opened_by(link_holds_for_s: i64) -> SessionClaims {
        let (tenant, purpose) = ("mmp-toledo".to_owned(), COSTS.to_owned());
        let link = LinkClaims { tenant, expires_at_s: NOW_S + link_holds_for_s, version: 3, purpose };
        SessionClaims::of_link(&link, NOW_S)
    }

    #[test]
    fn a_session_lasts_half_a_day_and_never_longer_than_its_link() {
        for (link_s, session_s) in [(LASTS_S + 1, LASTS_S), (60, 60)] {
            let claims = opened_by(link_s);
            let value = sign(&claims, &key()).expect("a session");
            assert_eq!(verify(&value, &key(), NOW_S + session_s - 1).as_ref(), Ok(&claims));
            assert_eq!(verify(&value, &key(), NOW_S + session_s), Err(SessionError::Expired));
        }
        let endless = SessionClaims { expires_at_s: NOW_S + LASTS_S + 1, ..opened_by(60) };
        let value = sign(&endless, &key()).expect("a session");
        assert_eq!(verify(&value, &key(), NOW_S), Err(SessionError::Expired), "no session is made so");
    }

    #[test]
    fn a_link_is_no_session_and_a_session_no_link() {
        let claims = opened_by(60);
        let session = sign(&claims, &key()).expect("a session");
        assert!(link::read(&session, &key(), NOW_S).is_err());
        let link = LinkClaims { tenant: claims.tenant, expires_at_s: NOW_S + 60, version: 3, purpose: claims.purpose };
        let token = link::sign(&link, &key()).expect("a token");
        assert_eq!(verify(&token, &key(), NOW_S), Err(SessionError::WrongSignature));
    }

    #[test]
    fn two_keys_hold_while_one_is_rotated() {
        let before = sign(&opened_by(60), &key()).expect("a session");
        let next = "fedcba9876543210fedcba9876543210";
        let both = Rotated { current: next.to_owned(), previous: Some(TEXT.to_owned()) };
        let both = LinkKey::from_secret(&both.text()).expect("two keys");
        let after = sign(&opened_by(60), &both).expect("a session");
        for value in [&before, &after] {
            assert_eq!(verify(value, &both, NOW_S), Ok(opened_by(60)));
        }
        let ended = LinkKey::from_secret(next).expect("a key");
        assert_eq!(verify(&before, &ended, NOW_S), Err(SessionError::WrongSignature));
        assert_eq!(verify(&after, &ended, NOW_S), Ok(opened_by(60)));
    }

    proptest! {
        #[test]
        fn any_altered_byte_is_refused(at in any::<prop::sample::Index>(), to in any::<u8>()) {
            let mut bytes = sign(&opened_by(60), &key()).expect("a session").into_bytes();
            let at = at.index(bytes.len());
            prop_assume!(bytes[at] != to);
            bytes[at] = to;
            if let Ok(altered) = String::from_utf8(bytes) {
                prop_assert!(verify(&altered, &key(), NOW_S).is_err());
            }
        }

        #[test]
        fn random_text_never_panics(text in ".{0,80}") {
            prop_assert!(verify(&text, &key(), 0).is_err());
        }
    }
}
