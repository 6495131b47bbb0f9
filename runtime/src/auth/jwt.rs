//! JSON web tokens of a user pool: RS256 under a key of the pool's set, with the issuer, client and use that we expect.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde::Deserialize;

/// Longer texts are no token of a pool's; not worth decoding.
const MAX_TOKEN_BYTES: usize = 8192;

/// The public keys of a pool: its `/.well-known/jwks.json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct KeySet {
    /// The keys; during a rotation there are several.
    pub keys: Vec<PublicKey>,
}

/// One RSA key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PublicKey {
    /// Its id, which a token's header names.
    pub kid: String,
    /// The modulus, base64url.
    pub n: String,
    /// The exponent, base64url.
    pub e: String,
}

/// What a token must say beside its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// `https://cognito-idp.<region>.amazonaws.com/<pool>`.
    pub issuer: String,
    /// The app client.
    pub client: String,
    /// `id` or `access`.
    pub token_use: TokenUse,
}

/// What a token of Cognito's is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenUse {
    /// About the user; names the client in `aud`.
    Id,
    /// For calls; names the client in `client_id`.
    Access,
}

/// What a verified token says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Claims {
    /// The user's id.
    pub sub: String,
    /// Groups of the pool; they alone say which tenant and role the user has.
    #[serde(rename = "cognito:groups", default)]
    pub groups: Vec<String>,
    iss: String,
    token_use: TokenUse,
    #[serde(default)]
    aud: Option<String>,
    #[serde(default)]
    client_id: Option<String>,
    exp: i64,
}

/// Why a token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// Not three parts of base64url JSON, or a claim is missing.
    #[error("the token is malformed")]
    Malformed,
    /// Another algorithm than RS256: `none` and shared secrets prove nothing here.
    #[error("the token is not signed with RS256")]
    WrongAlgorithm,
    /// The key is not in the set: read the set again once, it may have been rotated.
    #[error("the token's key is not one of the pool's")]
    UnknownKey,
    /// Altered, or signed with another key.
    #[error("the token's signature does not hold")]
    WrongSignature,
    /// Of another pool, client or use.
    #[error("the token is for something else: its {0} differs")]
    WrongAudience(&'static str),
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
}

/// The claims of a token that is genuine, of this pool, client and use, and not expired at `now_s` (Unix seconds).
///
/// # Errors
/// The first check that fails; the signature comes before any claim.
pub fn verify(token: &str, keys: &KeySet, expected: &Expected, now_s: i64) -> Result<Claims, JwtError> {
    let payload = verify_signature(token, keys)?;
    let claims: Claims = serde_json::from_slice(&payload).map_err(|_| JwtError::Malformed)?;
    let client = match expected.token_use {
        TokenUse::Id => &claims.aud,
        TokenUse::Access => &claims.client_id,
    };
    if claims.iss != expected.issuer {
        return Err(JwtError::WrongAudience("issuer"));
    }
    if claims.token_use != expected.token_use {
        return Err(JwtError::WrongAudience("token_use"));
    }
    if client.as_deref() != Some(expected.client.as_str()) {
        return Err(JwtError::WrongAudience("client"));
    }
    if claims.exp <= now_s {
        return Err(JwtError::Expired);
    }
    Ok(claims)
}

/// The payload of a token whose signature holds.
fn verify_signature(token: &str, keys: &KeySet) -> Result<Vec<u8>, JwtError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(JwtError::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(JwtError::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(JwtError::Malformed)?;
    let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| JwtError::Malformed)?;
    if header.alg != "RS256" {
        return Err(JwtError::WrongAlgorithm);
    }
    let key = keys.keys.iter().find(|key| key.kid == header.kid).ok_or(JwtError::UnknownKey)?;
    let components = RsaPublicKeyComponents { n: decode(&key.n)?, e: decode(&key.e)? };
    components
        .verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &decode(signature)?)
        .map_err(|_| JwtError::WrongSignature)?;
    decode(payload)
}

fn decode(text: &str) -> Result<Vec<u8>, JwtError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| JwtError::Malformed)
}

#[cfg(test)]
mod tests;
