//! Stripe's signature of a webhook's body: `Stripe-Signature: t=…,v1=…[,v1=…]`, HMAC-SHA256 over `t.body`.

use std::sync::Arc;

use billing::rotated::Rotated;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::environment::{Environment, NamedSecret};
use crate::error::StartError;
use crate::http::{Refusal, Request};
use crate::ports::Clock;
use crate::secret::Secret;

/// The header that carries the signature.
const HEADER: &str = "stripe-signature";

/// How far the signature's time may be from ours, in seconds: older ones are replays.
const TOLERANCE_S: u64 = 300;

/// Why a signature is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No time, or no signature of version 1.
    #[error("the Stripe-Signature header is missing or malformed")]
    Malformed,
    /// Made too long ago, or in the future.
    #[error("the signature is more than {TOLERANCE_S} s old, or the clocks differ")]
    OutOfTime,
    /// None of the signatures is of one of the secrets.
    #[error("no signature is of the endpoint's secret")]
    WrongSignature,
}

/// Verifies the signatures of requests to a webhook.
pub struct SignatureVerifier {
    secret: NamedSecret,
    clock: Arc<dyn Clock>,
}

impl SignatureVerifier {
    /// Verifies by the signing secrets in the text of a secret.
    pub fn new(secret: NamedSecret, clock: Arc<dyn Clock>) -> SignatureVerifier {
        SignatureVerifier { secret, clock }
    }

    pub(super) fn start(env: &Environment) -> Result<SignatureVerifier, StartError> {
        Ok(SignatureVerifier::new(env.webhook_secret()?, env.clock()))
    }

    /// A secret that does not fit is read again: it is remembered for minutes, and a rotation takes seconds.
    pub(super) async fn check(&self, request: &Request) -> Result<(), Refusal> {
        let holds = |text: &Secret| {
            let header = request.header(HEADER).unwrap_or_default();
            verify(header, &request.body, &accepted(text), self.clock.now().as_second())
        };
        let read = self.secret.read().await?;
        let held = match holds(&read) {
            Err(SignatureError::WrongSignature) => {
                let again = self.secret.read_again().await?;
                if again == read { Err(SignatureError::WrongSignature) } else { holds(&again) }
            }
            held => held,
        };
        held.map_err(|error| Refusal::new(401, "unauthorized", error.to_string()))
    }
}

/// The signing secrets in a secret's text: one, or two while it is rotated.
fn accepted(text: &Secret) -> Vec<Secret> {
    Rotated::read(text.expose()).accepted().map(Secret::new).collect()
}

/// Verifies the signature of the raw bytes, at `now_s` (Unix seconds). Two secrets hold while one is rotated.
///
/// # Errors
/// When the header is malformed, out of time, or of another secret or body.
pub fn verify(header: &str, body: &[u8], secrets: &[Secret], now_s: i64) -> Result<(), SignatureError> {
    let fields = || header.split(',').filter_map(|field| field.trim().split_once('='));
    let (_, time) = fields().find(|(key, _)| *key == "t").ok_or(SignatureError::Malformed)?;
    let at_s: i64 = time.parse().map_err(|_| SignatureError::Malformed)?;
    let signatures: Vec<Vec<u8>> =
        fields().filter(|(key, _)| *key == "v1").filter_map(|(_, text)| hex::decode(text).ok()).collect();
    if signatures.is_empty() {
        return Err(SignatureError::Malformed);
    }
    let holds = |secret: &Secret| signatures.iter().any(|signature| is_of(secret, time, body, signature));
    if !secrets.iter().any(holds) {
        return Err(SignatureError::WrongSignature);
    }
    match now_s.abs_diff(at_s) <= TOLERANCE_S {
        true => Ok(()),
        false => Err(SignatureError::OutOfTime),
    }
}

/// Compares in constant time. The whole text of the secret is the key, its `whsec_` included; an empty one signs nothing.
fn is_of(secret: &Secret, time: &str, body: &[u8], signature: &[u8]) -> bool {
    let key = secret.expose().trim().as_bytes();
    // HMAC takes keys of any length, so this is always some.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return false };
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    !key.is_empty() && mac.verify_slice(signature).is_ok()
}

/// The header that Stripe would send.
#[cfg(test)]
pub(crate) fn sign_for_tests(secret: &str, at_s: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(format!("{at_s}.").as_bytes());
    mac.update(body);
    format!("t={at_s},v1={}", hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_test","object":"event"}"#;
    const SIGNATURE: &str = "8042376f6ca064adbe037642a718227dfd59047137eb49497a54c49eb0cfb724";
    const AT: i64 = 1_700_000_000;

    fn secret() -> Secret {
        Secret::new("whsec_test_secret")
    }

    fn header() -> String {
        format!("t={AT},v1={SIGNATURE}")
    }

    #[test]
    fn the_known_vector_holds() {
        assert_eq!(verify(&header(), BODY, &[secret()], AT), Ok(()));
    }

    #[test]
    fn it_holds_beside_other_versions_and_secrets() {
        let rotated = format!("t={AT}, v0={SIGNATURE}, v1={}, v1={SIGNATURE}", "00".repeat(32));
        let secrets = [Secret::new("whsec_new"), secret()];
        assert_eq!(verify(&rotated, BODY, &secrets, AT), Ok(()));
    }

    #[test]
    fn it_holds_for_five_minutes() {
        for (now, expected) in [
            (AT + 300, Ok(())),
            (AT - 300, Ok(())),
            (AT + 301, Err(SignatureError::OutOfTime)),
            (AT - 301, Err(SignatureError::OutOfTime)),
        ] {
            assert_eq!(verify(&header(), BODY, &[secret()], now), expected, "{now}");
        }
    }

    #[test]
    fn what_does_not_hold_is_refused() {
        let wrong = Err(SignatureError::WrongSignature);
        assert_eq!(verify(&header(), b"{}", &[secret()], AT), wrong);
        assert_eq!(verify(&header(), BODY, &[Secret::new("whsec_other")], AT), wrong);
        assert_eq!(verify(&header(), BODY, &[], AT), wrong);
        // The time is signed too.
        assert_eq!(verify(&header().replace("t=17", "t=16"), BODY, &[secret()], AT), wrong);
        for malformed in ["", "t=,v1=", &format!("v1={SIGNATURE}"), &format!("t={AT},v0={SIGNATURE}"), "t=1,v1=zz"] {
            assert_eq!(verify(malformed, BODY, &[secret()], AT), Err(SignatureError::Malformed), "{malformed}");
        }
    }

    #[test]
    fn an_empty_secret_signs_nothing() {
        let forged = sign_for_tests("", AT, BODY);
        assert_eq!(verify(&forged, BODY, &[Secret::new("")], AT), Err(SignatureError::WrongSignature));
    }

    proptest! {
        #[test]
        fn any_altered_body_is_refused(at in any::<prop::sample::Index>(), to in any::<u8>()) {
            let mut body = BODY.to_vec();
            let at = at.index(body.len());
            prop_assume!(body[at] != to);
            body[at] = to;
            prop_assert_eq!(verify(&header(), &body, &[secret()], AT), Err(SignatureError::WrongSignature));
        }

        #[test]
        fn no_header_panics(header in ".{0,80}", body in prop::collection::vec(any::<u8>(), 0..20)) {
            prop_assert!(verify(&header, &body, &[secret()], AT).is_err());
        }
    }
}
