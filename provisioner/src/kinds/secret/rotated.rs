//! A generated secret of which two values hold while it is rotated.

use std::collections::BTreeMap;

use billing::rotated::Rotated;
use engine::kind::CallError;
use sha2::{Digest, Sha256};

use super::look::{current_version, tag};
use super::store::{fingerprint_of, generated, stored};
use super::{Secrets, fingerprint};
use crate::cloud::errors::{call_error, refused};
use crate::cloud::secret_values::SecretValue;

/// What a secret holds.
pub struct Held {
    /// Its values.
    pub values: Rotated,
    /// The version they are in.
    pub version: String,
    /// Whether the secret's tags say that billform stored that version.
    pub is_noted: bool,
}

impl Secrets {
    /// Reads what a secret holds; none when it does not exist, or has no value.
    pub async fn held(&self, name: &str) -> Result<Option<Held>, CallError> {
        let Some(secret) = self.describe(name).await?.filter(|secret| secret.deleted_date().is_none()) else {
            return Ok(None);
        };
        let noted = tag(secret.tags(), fingerprint::TAG).and_then(fingerprint::version);
        let Some(version) = current_version(secret.version_ids_to_stages()) else { return Ok(None) };
        let call = self.secrets.get_secret_value().secret_id(name).version_id(version);
        let read = call.send().await.map_err(|error| call_error("secretsmanager:GetSecretValue", error))?;
        let values = Rotated::read(read.secret_string().unwrap_or_default());
        Ok(Some(Held { values, version: version.to_owned(), is_noted: noted == Some(version) }))
    }

    /// Makes up a value, in the form it is stored in.
    pub fn generated(&self, json_key: Option<&str>) -> Result<SecretValue, CallError> {
        let value = generated();
        let value =
            value.map_err(|error| refused("secretsmanager:PutSecretValue", format!("no randomness: {error}")))?;
        Ok(stored(&value, json_key))
    }

    /// Stores values in place of those that were read. What a run that died sends late stores nothing: the version's id
    /// follows from the one before, and one version has one value.
    pub async fn rotate(&self, name: &str, before: &Held, values: &Rotated) -> Result<(), CallError> {
        let version = Sha256::new_with_prefix("billform-rotated/1").chain_update(&before.version).finalize();
        let call = self.secrets.put_secret_value().secret_id(name).secret_string(values.text());
        let call = call.client_request_token(hex::encode(version));
        call.send().await.map(drop).map_err(|error| call_error("secretsmanager:PutSecretValue", error))
    }

    /// Notes in the secret's tags that billform stored the version that is read.
    pub async fn note(&self, name: &str) -> Result<(), CallError> {
        let Some(held) = self.held(name).await? else { return Ok(()) };
        let hashed = fingerprint_of(&SecretValue::new(held.values.text()))?;
        let tag = (fingerprint::TAG.to_owned(), fingerprint::with_version(&hashed, &held.version));
        self.tag(name, BTreeMap::from([tag])).await
    }
}
