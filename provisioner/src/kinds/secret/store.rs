//! Storing a value: given, generated, or brought back.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_secretsmanager::types::Tag;
use engine::Address;
use engine::kind::{Applied, CallError, ErrorClass};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::look::{CURRENT, current_version, split_tags, tag};
use super::{Desired, Secrets, Source, applied, fingerprint, key_pair};
use crate::cloud::errors::{call_error, refused};
use crate::cloud::evidence_key::EvidenceKey;
use crate::cloud::ownership;
use crate::cloud::secret_values::SecretValue;
use crate::kinds::typed::TypedUpdate;

const GENERATED_BYTES: usize = 32;

impl Secrets {
    /// The name is blocked by a deleted secret. One of ours is brought back: with the value that is given now, or with the
    /// one that was generated, by which links were signed that hold.
    pub(super) async fn restore(
        &self,
        address: &Address,
        desired: &Desired,
        value: Option<&SecretValue>,
        token: &str,
    ) -> Result<Applied, CallError> {
        let operation = "secretsmanager:RestoreSecret";
        let Some(secret) = self.describe(&desired.name).await? else {
            let message = "the deleted secret of that name is just going; apply again";
            return Err(CallError { class: ErrorClass::NotYet, ..refused(operation, message) });
        };
        if !split_tags(secret.tags()).owner.is_stack(&self.cloud.stack) {
            let message = format!(
                "the name {} is blocked by a deleted secret that is not of this stack; restore that one, \
                 delete it for good (--force-delete-without-recovery), or choose another name",
                desired.name
            );
            return Err(refused(operation, message));
        }
        let call = self.secrets.restore_secret().secret_id(&desired.name);
        call.send().await.map_err(|error| call_error(operation, error))?;
        let kept = tag(secret.tags(), fingerprint::TAG).filter(|_| desired.source.is_made_up());
        let (fingerprint, public_key) = match (kept, value) {
            (Some(kept), _) => (Some(kept.to_owned()), tag(secret.tags(), key_pair::TAG).map(str::to_owned)),
            (None, Some(value)) => {
                let public_key = key_pair::public_key(&desired.source, Some(value));
                (Some(self.put(&desired.name, value, token).await?), public_key)
            }
            (None, None) => (None, None),
        };
        self.describe_as(desired).await?;
        let tags = self.all_tags(address, desired, fingerprint.as_deref());
        self.tag(&desired.name, key_pair::with_tag(tags, public_key.as_deref())).await?;
        Ok(applied(&desired.name, secret.arn(), public_key.as_deref()))
    }

    /// Stores another value where the change calls for one, and gives its fingerprint.
    pub(super) async fn change_value(&self, change: &TypedUpdate<Desired>) -> Result<Option<String>, CallError> {
        let desired = &change.desired;
        match &desired.source {
            Source::Given(_) if ["value", "json_key", "source"].iter().any(|field| change.touches(field)) => {
                let Some(value) = self.new_value(desired).await? else { return Ok(None) };
                self.put(&desired.name, &value, &change.token).await.map(Some)
            }
            Source::Generated | Source::KeyPair if change.touches("json_key") => Err(refused(
                "secretsmanager:PutSecretValue",
                format!(
                    "{}: a generated value is never read, so it cannot move to another json_key; \
                     keep the key, or delete the secret to have a new value generated",
                    desired.name
                ),
            )),
            _ => Ok(None),
        }
    }

    /// Makes the version that billform stored the current one again, which needs no value.
    pub(super) async fn bring_back(&self, name: &str) -> Result<(), CallError> {
        let Some(secret) = self.describe(name).await? else { return Ok(()) };
        let ours = tag(secret.tags(), fingerprint::TAG).and_then(fingerprint::version);
        let (Some(ours), Some(theirs)) = (ours, current_version(secret.version_ids_to_stages())) else { return Ok(()) };
        if ours == theirs {
            return Ok(());
        }
        let call = self.secrets.update_secret_version_stage().secret_id(name).version_stage(CURRENT);
        let call = call.move_to_version_id(ours).remove_from_version_id(theirs);
        call.send().await.map(drop).map_err(|error| call_error("secretsmanager:UpdateSecretVersionStage", error))
    }

    async fn put(&self, name: &str, value: &SecretValue, token: &str) -> Result<String, CallError> {
        let fingerprint = fingerprint_of(value)?;
        let version = request_token(token, &fingerprint);
        let call = self.secrets.put_secret_value().secret_id(name).secret_string(value.expose());
        let call = call.client_request_token(&version);
        call.send().await.map_err(|error| call_error("secretsmanager:PutSecretValue", error))?;
        Ok(fingerprint::with_version(&fingerprint, &version))
    }

    pub(super) async fn describe_as(&self, desired: &Desired) -> Result<(), CallError> {
        let call = self.secrets.update_secret().secret_id(&desired.name).description(&desired.description);
        call.send().await.map(drop).map_err(|error| call_error("secretsmanager:UpdateSecret", error))
    }

    pub(super) async fn tag(&self, name: &str, tags: BTreeMap<String, String>) -> Result<(), CallError> {
        let call = self.secrets.tag_resource().secret_id(name).set_tags(Some(sdk_tags(tags)));
        call.send().await.map(drop).map_err(|error| call_error("secretsmanager:TagResource", error))
    }

    /// What is to be stored, in the form it is stored in; none where another resource stores it. May ask the user.
    pub(super) async fn new_value(&self, desired: &Desired) -> Result<Option<SecretValue>, CallError> {
        let operation = "secretsmanager:CreateSecret";
        let no_randomness = |error: getrandom::Error| refused(operation, format!("no randomness: {error}"));
        let value = match &desired.source {
            Source::Issued => return Ok(None),
            Source::Generated => generated().map_err(no_randomness)?,
            Source::KeyPair => EvidenceKey::generate().map_err(no_randomness)?,
            Source::Given(name) => {
                let (values, name) = (Arc::clone(&self.cloud.secret_values), name.clone());
                // A prompt waits for a person: not on a thread that others need.
                let asked = tokio::task::spawn_blocking(move || values.required(&name)).await;
                let asked = asked.map_err(|_| refused(operation, "asking for the value was broken off"))?;
                asked.map_err(|message| refused(operation, message))?
            }
        };
        Ok(Some(stored(&value, desired.json_key.as_deref())))
    }

    pub(super) fn all_tags(
        &self,
        address: &Address,
        desired: &Desired,
        fingerprint: Option<&str>,
    ) -> BTreeMap<String, String> {
        let mut tags = ownership::with_owner(&self.cloud.stack, address, &desired.tags);
        tags.extend(fingerprint.map(|fingerprint| (fingerprint::TAG.to_owned(), fingerprint.to_owned())));
        tags
    }
}

/// The text that is stored for a value.
pub(super) fn stored(value: &SecretValue, json_key: Option<&str>) -> SecretValue {
    match json_key {
        Some(key) => SecretValue::new(json!({ key: value.expose() }).to_string()),
        None => value.clone(),
    }
}

pub(super) fn generated() -> Result<SecretValue, getrandom::Error> {
    let mut bytes = [0; GENERATED_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(SecretValue::new(hex::encode(bytes)))
}

pub(super) fn fingerprint_of(value: &SecretValue) -> Result<String, CallError> {
    let salt = fingerprint::fresh_salt();
    let salt = salt.map_err(|error| refused("secretsmanager:PutSecretValue", format!("no randomness: {error}")))?;
    Ok(fingerprint::of(value.expose(), salt))
}

/// The client token, 64 characters, which becomes the version's id: the same while one call is repeated, another for
/// another value.
pub(super) fn request_token(token: &str, fingerprint: &str) -> String {
    hex::encode(Sha256::new().chain_update(token).chain_update(fingerprint).finalize())
}

pub(super) fn sdk_tags(tags: BTreeMap<String, String>) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}
