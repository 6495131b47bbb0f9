//! The Ed25519 key pair that signs evidence packs, in the forms that OpenSSL reads: RFC 8410's PKCS #8 and
//! SubjectPublicKeyInfo, in PEM.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use super::secret_values::SecretValue;

/// The PKCS #8 prefix of a 32-byte private key.
const PRIVATE_HEAD: &[u8] = &[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
/// The SubjectPublicKeyInfo prefix of a 32-byte public key.
const PUBLIC_HEAD: &[u8] = &[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];
const KEY_BYTES: usize = 32;
/// PEM's lines are as wide.
const LINE: usize = 64;

const PRIVATE: &str = "PRIVATE KEY";
const PUBLIC: &str = "PUBLIC KEY";

/// A key pair. It shows its public half alone.
pub struct EvidenceKey(Ed25519KeyPair);

impl EvidenceKey {
    /// Makes up a key pair, as the text that a secret stores: the private key in PEM.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn generate() -> Result<SecretValue, getrandom::Error> {
        let mut seed = [0; KEY_BYTES];
        getrandom::fill(&mut seed)?;
        Ok(SecretValue::new(pem(PRIVATE, &[PRIVATE_HEAD, &seed].concat())))
    }

    /// Parses a secret's text; none unless it is an Ed25519 private key in PEM.
    pub fn read(value: &SecretValue) -> Option<EvidenceKey> {
        let der = of_pem(PRIVATE, value.expose())?;
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).ok().map(EvidenceKey)
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; KEY_BYTES];
        bytes.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(bytes)
    }

    /// Signs: 64 bytes.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }
}

/// A public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; KEY_BYTES]);

impl PublicKey {
    /// Reads PEM, or the one line between its BEGIN and END; none when it is no Ed25519 key.
    pub fn read(text: &str) -> Option<PublicKey> {
        let der = of_pem(PUBLIC, text).or_else(|| STANDARD.decode(text.trim()).ok())?;
        der.strip_prefix(PUBLIC_HEAD)?.try_into().ok().map(PublicKey)
    }

    /// On one line, Base64: as `billform output evidence_public_key` prints it.
    pub fn line(&self) -> String {
        STANDARD.encode(self.der())
    }

    /// In PEM.
    pub fn pem(&self) -> String {
        pem(PUBLIC, &self.der())
    }

    /// Whether the signature is of this key and message.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }

    fn der(&self) -> Vec<u8> {
        [PUBLIC_HEAD, &self.0].concat()
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines = text.as_bytes().chunks(LINE).map(|line| String::from_utf8_lossy(line).into_owned() + "\n");
    format!("-----BEGIN {label}-----\n{}-----END {label}-----\n", lines.collect::<String>())
}

fn of_pem(label: &str, text: &str) -> Option<Vec<u8>> {
    let rest = text.trim().strip_prefix(&format!("-----BEGIN {label}-----"))?;
    let body = rest.strip_suffix(&format!("-----END {label}-----"))?;
    STANDARD.decode(body.split_whitespace().collect::<String>()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 8410, section 10.
    const RFC_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    const RFC_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

    #[test]
    fn the_example_of_the_standard_is_read_and_written() {
        let key = EvidenceKey::read(&SecretValue::new(RFC_PRIVATE)).expect("a key");
        assert_eq!(key.public().pem(), RFC_PUBLIC);
        let public = PublicKey::read(RFC_PUBLIC).expect("a key");
        assert_eq!((public, PublicKey::read(&public.line())), (key.public(), Some(key.public())));
        assert_eq!(RFC_PUBLIC.lines().nth(1), Some(public.line().as_str()));
    }

    #[test]
    fn each_key_is_made_up_and_signs_for_itself_alone() {
        let [one, other] =
            [(); 2].map(|()| EvidenceKey::read(&EvidenceKey::generate().expect("a key")).expect("a key"));
        let signature = one.sign(b"manifest");
        assert_eq!(signature.len(), 64);
        assert!(one.public().verifies(b"manifest", &signature));
        assert!(!one.public().verifies(b"Manifest", &signature) && !other.public().verifies(b"manifest", &signature));
        assert!(!one.public().verifies(b"manifest", &signature[1..]));
    }

    #[test]
    fn what_is_no_key_is_none() {
        for text in ["", "MCow", RFC_PRIVATE, &RFC_PUBLIC.replace("MCow", "MCox"), &RFC_PUBLIC.replace("PUBLIC", "RSA")]
        {
            assert_eq!(PublicKey::read(text), None, "{text}");
        }
        for text in ["", "5e0c", RFC_PUBLIC, &RFC_PRIVATE.replace("MC4C", "MC4D")] {
            assert!(EvidenceKey::read(&SecretValue::new(text)).is_none(), "{text}");
        }
    }
}
