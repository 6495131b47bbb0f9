//! Which keys are let in: those the local Stripe was given, and test keys only.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::ApiError;

/// Checks an `Authorization` header: `Bearer KEY`, or `Basic` with the key as user name.
pub(crate) fn check(header: Option<&str>, keys: &[String]) -> Result<(), ApiError> {
    let key = header.and_then(key_of).filter(|key| !key.is_empty()).ok_or_else(|| {
        ApiError::unauthorized(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth \
             (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        )
    })?;
    if key.starts_with("pk_") {
        return Err(ApiError::unauthorized(
            "This API call cannot be made with a publishable API key. Please use a secret API key.",
        ));
    }
    if key.starts_with("sk_live_") || key.starts_with("rk_live_") {
        return Err(ApiError::unauthorized(
            "A live mode key was sent to the local Stripe, which is test mode only: check STRIPE_API_KEY and STRIPE_API_BASE.",
        ));
    }
    if keys.contains(&key) {
        return Ok(());
    }
    Err(ApiError::unauthorized(format!("Invalid API Key provided: {}", masked(&key))))
}

fn key_of(header: &str) -> Option<String> {
    let (scheme, rest) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    let user = decoded.split_once(':').map_or(decoded.as_str(), |(user, _)| user);
    Some(user.to_owned())
}

/// The kind of key and its last four letters.
fn masked(key: &str) -> String {
    let letters: Vec<char> = key.chars().collect();
    if letters.len() < 16 {
        return "********".to_owned();
    }
    let head: String = letters[..8].iter().collect();
    let tail: String = letters[letters.len() - 4..].iter().collect();
    format!("{head}********{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Vec<String> {
        vec!["sk_test_abcdefghijkl".to_owned()]
    }

    #[test]
    fn bearer_and_basic_are_taken() {
        assert!(check(Some("Bearer sk_test_abcdefghijkl"), &keys()).is_ok());
        let basic = format!("Basic {}", STANDARD.encode("sk_test_abcdefghijkl:"));
        assert!(check(Some(&basic), &keys()).is_ok());
    }

    #[test]
    fn everything_else_is_401_and_keys_are_masked() {
        let long = "Bearer sk_test_wrongwrongwrong1234";
        for header in [None, Some("Bearer "), Some("Token x"), Some("Basic ???"), Some(long), Some("Bearer pk_test_a")]
        {
            assert_eq!(check(header, &keys()).unwrap_err().status, 401);
        }
        let message = check(Some(long), &keys()).unwrap_err().message;
        assert_eq!(message, "Invalid API Key provided: sk_test_********1234");
    }

    #[test]
    fn a_live_key_is_refused_even_when_it_was_given() {
        let live = vec!["sk_live_abcdefghijkl".to_owned()];
        let error = check(Some("Bearer sk_live_abcdefghijkl"), &live).unwrap_err();
        assert_eq!(error.status, 401);
        assert!(!error.message.contains("sk_live"), "{}", error.message);
    }
}
