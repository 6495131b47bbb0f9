//! Values that must never be seen: no text form, no serialisation.

use std::fmt;

use serde_json::Value;

/// A secret's text. Neither `Debug` nor anything else shows it; [`Secret::expose`] is the one way to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// The keys under which a Stripe key may lie in a secret that is JSON.
const STRIPE_KEYS: &[&str] = &["apiKey", "STRIPE_SECRET_KEY", "secretKey"];

/// A secret's text is in no form that is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretFormError {
    /// Nothing in it.
    #[error("the secret is empty; give it a value")]
    Empty,
    /// A JSON object without a known key.
    #[error("the secret is a JSON object with none of the keys {}", STRIPE_KEYS.join(", "))]
    NoKnownKey,
}

impl Secret {
    /// Takes a secret's text.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text itself, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The Stripe key in it: plain text, or the value of a known key of a JSON object.
    pub fn stripe_key(&self) -> Result<Secret, SecretFormError> {
        let text = self.0.trim();
        if text.is_empty() {
            return Err(SecretFormError::Empty);
        }
        let Ok(Value::Object(object)) = serde_json::from_str::<Value>(text) else {
            return Ok(Secret::new(text));
        };
        STRIPE_KEYS
            .iter()
            .find_map(|key| object.get(*key).and_then(Value::as_str))
            .map(|key| Secret::new(key.trim()))
            .filter(|key| !key.0.is_empty())
            .ok_or(SecretFormError::NoKnownKey)
    }

    /// Whether it is a Stripe key of live mode.
    pub fn is_live(&self) -> bool {
        ["sk_live_", "rk_live_"].iter().any(|prefix| self.0.starts_with(prefix))
    }

    /// The text with every occurrence of this secret blacked out.
    pub fn redact(&self, text: &str) -> String {
        match self.0.is_empty() {
            true => text.to_owned(),
            false => text.replace(&self.0, "***"),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_systems_form_is_read() {
        for form in [
            "sk_test_canary\n",
            r#"{"apiKey": "sk_test_canary"}"#,
            r#"{"STRIPE_SECRET_KEY": "sk_test_canary", "other": 1}"#,
            r#"{"secretKey": "sk_test_canary"}"#,
        ] {
            assert_eq!(Secret::new(form).stripe_key(), Ok(Secret::new("sk_test_canary")), "{form}");
        }
        assert_eq!(Secret::new(" ").stripe_key(), Err(SecretFormError::Empty));
        assert_eq!(Secret::new(r#"{"key":"x"}"#).stripe_key(), Err(SecretFormError::NoKnownKey));
        assert_eq!(Secret::new(r#"{"apiKey":""}"#).stripe_key(), Err(SecretFormError::NoKnownKey));
    }

    #[test]
    fn a_secret_is_never_shown() {
        let secret = Secret::new("sk_test_canary");
        assert!(!format!("{secret:?}").contains("canary"));
        assert_eq!(secret.redact("bad key sk_test_canary!"), "bad key ***!");
        let refused = Secret::new(r#"{"wrong":"canary"}"#).stripe_key();
        assert!(!format!("{refused:?}").contains("canary"));
    }
}
