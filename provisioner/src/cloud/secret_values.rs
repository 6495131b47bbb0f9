//! Where the values of secrets come from while a plan or an apply runs. They are never written anywhere.

/// A secret's value. It has no `Display` and no `Serialize`, and its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(String);

impl SecretValue {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        SecretValue(value.into())
    }

    /// The value itself: only for the call that stores it and the hash that fingerprints it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretValue(…)")
    }
}

/// The port that gives values of secrets by the manifest's name for them.
pub trait SecretValues: Send + Sync {
    /// The value if it is given without asking anyone: planning only compares what is given.
    fn given(&self, name: &str) -> Option<SecretValue>;

    /// The value, asking for it if that is possible; the error says what to set.
    fn required(&self, name: &str) -> Result<SecretValue, String>;
}

/// The environment variable that gives a secret's value: `BILLFORM_SECRET_STRIPE_KEY` for `stripe-key`.
pub fn variable(name: &str) -> String {
    // The manifest's rule, and the one its checks look for collisions by.
    billing::manifest::model::Secret::variable(name)
}
