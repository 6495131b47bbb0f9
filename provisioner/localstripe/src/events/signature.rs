//! The `Stripe-Signature` header: a time and an HMAC-SHA256 over `TIME.BODY` with the endpoint's whole secret.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The header for a body sent at `at` (unix seconds): `t=…,v1=…,v0=…`.
///
/// Test mode adds a signature of the scheme `v0` that is not valid; a client must pass over it.
pub(crate) fn header(secret: &str, at: i64, body: &[u8]) -> String {
    let decoy = sign("v0", at, body);
    format!("t={at},v1={},v0={decoy}", sign(secret, at, body))
}

/// The signature of the scheme `v1`, in lower-case hex.
fn sign(secret: &str, at: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(at.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Stripe's own library.
    #[test]
    fn the_known_vector() {
        let header = header("whsec_test_secret", 1_700_000_000, br#"{"id":"evt_test","object":"event"}"#);
        let expected = "t=1700000000,v1=8042376f6ca064adbe037642a718227dfd59047137eb49497a54c49eb0cfb724,v0=";
        assert!(header.starts_with(expected), "{header}");
    }

    #[test]
    fn the_decoy_is_no_valid_signature() {
        let header = header("whsec_a", 1, b"{}");
        let (valid, decoy) = header.split_once(",v0=").unwrap();
        assert_eq!(decoy.len(), 64);
        assert!(!valid.contains(decoy));
    }
}
