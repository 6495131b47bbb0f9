//! The secret in Secrets Manager that holds what Stripe signs with. Whose signing secret it holds can be told without
//! reading it: the id of its version is made of the endpoints' ids.

use aws_sdk_secretsmanager::Client;
use billing::rotated::Rotated;
use engine::kind::CallError;
use sha2::{Digest, Sha256};

use crate::cloud::errors::{call_error, code};

/// The stage of the version that everybody reads.
const CURRENT: &str = "AWSCURRENT";

/// One secret.
pub struct SigningSecret<'a> {
    secrets: &'a Client,
    name: &'a str,
}

/// The id of the version that holds the signing secret of an endpoint alone.
pub fn version_of(endpoint: &str) -> String {
    in_hex(&["one", endpoint])
}

/// The id of the version that holds those of two endpoints.
pub fn version_of_both(current: &str, previous: &str) -> String {
    in_hex(&["both", current, previous])
}

fn in_hex(parts: &[&str]) -> String {
    let mut hash = Sha256::new_with_prefix("billform-webhook/1");
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

impl<'a> SigningSecret<'a> {
    /// The secret of that name.
    pub fn new(secrets: &'a Client, name: &'a str) -> SigningSecret<'a> {
        SigningSecret { secrets, name }
    }

    /// Returns the version that is read; none when there is no such secret, or no value in it.
    pub async fn held(&self) -> Result<Option<String>, CallError> {
        if self.name.is_empty() {
            return Ok(None);
        }
        let described = match self.secrets.describe_secret().secret_id(self.name).send().await {
            Ok(described) if described.deleted_date().is_none() => described,
            Ok(_) => return Ok(None),
            Err(error) if code(&error) == Some("ResourceNotFoundException") => return Ok(None),
            Err(error) => return Err(call_error("secretsmanager:DescribeSecret", error)),
        };
        let versions = described.version_ids_to_stages.unwrap_or_default();
        let current = versions.into_iter().find(|(_, stages)| stages.iter().any(|stage| stage == CURRENT));
        Ok(current.map(|(version, _)| version))
    }

    /// Returns what it holds.
    pub async fn read(&self) -> Result<Rotated, CallError> {
        let answer = self.secrets.get_secret_value().secret_id(self.name).send().await;
        let answer = answer.map_err(|error| call_error("secretsmanager:GetSecretValue", error))?;
        Ok(Rotated::read(answer.secret_string().unwrap_or_default()))
    }

    /// Stores signing secrets under the version that says whose they are; storing them twice is the same.
    pub async fn store(&self, version: &str, text: &Rotated) -> Result<(), CallError> {
        let call = self.secrets.put_secret_value().secret_id(self.name).secret_string(text.text());
        let call = call.client_request_token(version);
        call.send().await.map(drop).map_err(|error| call_error("secretsmanager:PutSecretValue", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_says_whose_secrets_it_holds() {
        let all =
            [version_of("we_1"), version_of("we_2"), version_of_both("we_1", "we_2"), version_of_both("we_2", "we_1")];
        // Secrets Manager takes tokens of 32 to 64 characters.
        assert!(all.iter().all(|version| version.len() == 64));
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len());
    }
}
