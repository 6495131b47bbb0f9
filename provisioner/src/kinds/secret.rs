//! `secret`: a secret's place and fingerprint. Its value comes from the environment, a prompt, or is generated
//! at create; it is never stored by billform. A salted hash of it in a tag shows a change without reading it.

mod fingerprint;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, SecretListEntry, Tag};
use engine::Address;
use engine::diff::FieldChange;
use engine::kind::{Applied, CallError, Depth, ErrorClass, Removal};
use engine::kind_meta::{KindMeta, Permission, Verb};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::dynamodb_table::waiter::Waiter;
use super::log_group::common_prefix;
use super::typed::{Seen, TypedKind, TypedListed, TypedUpdate, TypedWant, at_once};
use crate::cloud::Cloud;
use crate::cloud::errors::{call_error, code, refused};
use crate::cloud::ownership::{self, Owned};
use crate::cloud::secret_values::{SecretValue, variable};

/// What a secret is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The secret's name: `client-billing/stripe-api-key`.
    pub name: String,
    /// What it is for, shown in the console.
    pub description: String,
    /// Where the value comes from.
    pub source: Source,
    /// The JSON key the value is stored under; plain text without one.
    pub json_key: Option<String>,
    /// Days until a deleted secret is gone for good, 7-30; 0 deletes at once.
    pub recovery_days: u32,
    /// Tags beside the ownership tags.
    pub tags: BTreeMap<String, String>,
    /// The version that holds a value which somebody else stored, which is only ever seen: its first characters. The
    /// version that billform stored is made the current one again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<String>,
}

/// Where a secret's value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// `BILLFORM_SECRET_<NAME>`, or a prompt on a terminal; the field is NAME.
    Given(String),
    /// 32 random bytes in hex, made at create.
    Generated,
}

impl Source {
    /// Stands for a source that nobody remembers: AWS does not keep it.
    const UNKNOWN: Source = Source::Given(String::new());
}

/// The kind, at work.
pub struct Secrets {
    cloud: Arc<Cloud>,
}

/// Up to so many secrets are described one by one; more are listed.
const FEW: usize = 3;
const READS: usize = 8;
const GENERATED_BYTES: usize = 32;
/// By then everybody sees a delete.
const SEEN_LIMIT_S: u64 = 3;
/// How long AWS keeps a deleted secret when it is not told: for one whose own window is not known.
const LONGEST_RECOVERY_DAYS: u32 = 30;

/// AWS puts a dash and six random characters behind the name.
const SECRET: &str = "arn:aws:secretsmanager:{region}:{account}:secret:{name}-??????";

impl TypedKind for Secrets {
    type Desired = Desired;

    const META: KindMeta = KindMeta {
        name: "secret",
        service: "secretsmanager",
        summary: "Secrets Manager secret; its value is given or generated, never read back",
        create_only: &["name"],
        open_maps: &["tags"],
        unlisted: &[],
        permissions: &[
            Permission { verb: Verb::Read, action: "secretsmanager:ListSecrets", resource: "*" },
            // A secret that does not exist has no ARN to allow: asking for it would be denied, not answered. The list
            // tells as much of all secrets.
            Permission { verb: Verb::Read, action: "secretsmanager:DescribeSecret", resource: "*" },
            Permission { verb: Verb::Create, action: "secretsmanager:CreateSecret", resource: SECRET },
            Permission { verb: Verb::Create, action: "secretsmanager:TagResource", resource: SECRET },
            Permission { verb: Verb::Create, action: "secretsmanager:DescribeSecret", resource: "*" },
            Permission { verb: Verb::Create, action: "secretsmanager:RestoreSecret", resource: SECRET },
            Permission { verb: Verb::Create, action: "secretsmanager:PutSecretValue", resource: SECRET },
            Permission { verb: Verb::Create, action: "secretsmanager:UpdateSecret", resource: SECRET },
            Permission { verb: Verb::Update, action: "secretsmanager:DescribeSecret", resource: "*" },
            Permission { verb: Verb::Update, action: "secretsmanager:UpdateSecret", resource: SECRET },
            Permission { verb: Verb::Update, action: "secretsmanager:PutSecretValue", resource: SECRET },
            Permission { verb: Verb::Update, action: "secretsmanager:UpdateSecretVersionStage", resource: SECRET },
            Permission { verb: Verb::Update, action: "secretsmanager:TagResource", resource: SECRET },
            Permission { verb: Verb::Update, action: "secretsmanager:UntagResource", resource: SECRET },
            Permission { verb: Verb::Delete, action: "secretsmanager:DeleteSecret", resource: SECRET },
            Permission { verb: Verb::Delete, action: "secretsmanager:DescribeSecret", resource: "*" },
        ],
        guarded: false,
        leaves: Some("AWS keeps it for a while, to be restored"),
    };

    fn new(cloud: Arc<Cloud>) -> Self {
        Secrets { cloud }
    }

    async fn read(&self, wants: &[TypedWant<Desired>], _depth: Depth) -> Vec<Result<Option<Seen<Desired>>, CallError>> {
        let names: Vec<&str> = wants.iter().map(|want| want.fields.name.as_str()).collect();
        let listed = if wants.len() <= FEW { Ok(HashMap::new()) } else { self.secrets(&common_prefix(&names)).await };
        let listed = match listed {
            Ok(listed) => listed,
            Err(error) => return wants.iter().map(|_| Err(error.clone())).collect(),
        };
        let seen = wants.iter().map(|want| self.see(want, listed.get(&want.fields.name))).collect();
        at_once(READS, seen).await
    }

    async fn list(&self) -> Result<Vec<TypedListed<Desired>>, CallError> {
        let secrets = self.secrets("").await?;
        let listed = secrets.iter().filter_map(|(name, entry)| {
            let owned = split_tags(entry.tags());
            let fields = Desired {
                name: name.clone(),
                description: entry.description().unwrap_or_default().to_owned(),
                source: Source::UNKNOWN,
                json_key: None,
                recovery_days: LONGEST_RECOVERY_DAYS,
                tags: owned.tags.clone(),
                replaced_by: None,
            };
            TypedListed::of(&Self::META, &self.cloud.stack, &owned, name, fields)
        });
        Ok(listed.collect())
    }

    async fn create(&self, address: &Address, desired: Desired, token: &str) -> Result<Applied, CallError> {
        let value = self.new_value(&desired).await?;
        let fingerprint = fingerprint_of(&value)?;
        let version = request_token(token, &fingerprint);
        let tags = self.all_tags(address, &desired, Some(&fingerprint::with_version(&fingerprint, &version)));
        let call = self.cloud.secrets.create_secret().name(&desired.name).description(&desired.description);
        let call = call.client_request_token(version).secret_string(value.expose());
        let error = match call.set_tags(Some(sdk_tags(tags))).send().await {
            Ok(made) => return Ok(applied(&desired.name, made.arn())),
            Err(error) => error,
        };
        let known = code(&error).map(str::to_owned);
        let failed = call_error("secretsmanager:CreateSecret", error);
        match known.as_deref() {
            Some("ResourceExistsException") => Err(CallError { class: ErrorClass::AlreadyExists, ..failed }),
            Some("InvalidRequestException") if failed.message.contains("deletion") => {
                self.restore(address, &desired, &value, token).await
            }
            _ => Err(failed),
        }
    }

    async fn update(&self, change: TypedUpdate<Desired>) -> Result<Applied, CallError> {
        let (secrets, desired) = (&self.cloud.secrets, &change.desired);
        if change.touches("description") {
            self.describe_as(desired).await?;
        }
        let fingerprint = self.change_value(&change).await?;
        if change.touches("replaced_by") && fingerprint.is_none() {
            self.bring_back(&desired.name).await?;
        }
        if change.claim || change.touches("tags") || fingerprint.is_some() {
            let tags = self.all_tags(&change.address, desired, fingerprint.as_deref());
            self.tag(&desired.name, tags).await?;
        }
        let dropped = change.dropped_keys("tags");
        if !dropped.is_empty() {
            let call = secrets.untag_resource().secret_id(&desired.name).set_tag_keys(Some(dropped));
            call.send().await.map_err(|error| call_error("secretsmanager:UntagResource", error))?;
        }
        let arn = self.describe(&desired.name).await?.and_then(|secret| secret.arn);
        Ok(applied(&desired.name, arn.as_deref()))
    }

    async fn delete(&self, _address: &Address, id: &str, last: Desired) -> Result<Removal, CallError> {
        let call = self.cloud.secrets.delete_secret().secret_id(id);
        let call = match last.recovery_days {
            0 => call.force_delete_without_recovery(true),
            days => call.recovery_window_in_days(days.into()),
        };
        match call.send().await {
            Ok(_) if last.recovery_days == 0 => Ok(Removal::Gone),
            Ok(_) => Ok(Removal::Archived(format!(
                "AWS deletes it in {} days; until then `apply` or `aws secretsmanager restore-secret` brings it back",
                last.recovery_days
            ))),
            Err(error) if code(&error) == Some("ResourceNotFoundException") => Ok(Removal::Gone),
            Err(error) => {
                let failed = call_error("secretsmanager:DeleteSecret", error);
                // One that is gone has no ARN that could be allowed, and one on its way out is refused.
                if self.has_gone(id).await { Ok(Removal::Gone) } else { Err(failed) }
            }
        }
    }

    fn diff(&self, desired: &Value, observed: &Value, last: Option<&Value>) -> Vec<FieldChange> {
        let mut changes = field_changes(desired, observed, last);
        let given = |name: &str| self.cloud.secret_values.given(name);
        changes.extend(Desired::deserialize(desired).ok().and_then(|desired| value_change(&desired, observed, given)));
        changes
    }
}

impl Secrets {
    /// The secrets whose names begin so, by name, tags included; what waits for its deletion is left out.
    async fn secrets(&self, prefix: &str) -> Result<HashMap<String, SecretListEntry>, CallError> {
        let call = self.cloud.secrets.list_secrets().max_results(100);
        let filter = Filter::builder().key(FilterNameStringType::Name).values(prefix).build();
        let call = if prefix.is_empty() { call } else { call.filters(filter) };
        let mut pages = call.into_paginator().send();
        let mut found = HashMap::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| call_error("secretsmanager:ListSecrets", error))?;
            for secret in page.secret_list.unwrap_or_default() {
                if let (Some(name), None) = (secret.name(), secret.deleted_date()) {
                    found.insert(name.to_owned(), secret);
                }
            }
        }
        Ok(found)
    }

    /// The list may be five minutes old: only what it shows as wanted is believed, the rest is looked at.
    async fn see(
        &self,
        want: &TypedWant<Desired>,
        listed: Option<&SecretListEntry>,
    ) -> Result<Option<Seen<Desired>>, CallError> {
        if let Some(entry) = listed {
            let owned = split_tags(entry.tags());
            let current = current_version(entry.secret_versions_to_stages());
            let seen = seen(want, entry.arn(), entry.description(), owned, current);
            if self.is_wanted(want, &seen) {
                return Ok(Some(seen));
            }
        }
        let secret = self.describe(&want.fields.name).await?.filter(|secret| secret.deleted_date().is_none());
        Ok(secret.map(|secret| {
            let current = current_version(secret.version_ids_to_stages());
            seen(want, secret.arn(), secret.description(), split_tags(secret.tags()), current)
        }))
    }

    fn is_wanted(&self, want: &TypedWant<Desired>, seen: &Seen<Desired>) -> bool {
        let (Ok(desired), Ok(observed)) = (serde_json::to_value(&want.fields), serde_json::to_value(&seen.fields))
        else {
            return false;
        };
        seen.owner.is_stack(&self.cloud.stack) && self.diff(&desired, &observed, None).is_empty()
    }

    /// Whether it is gone or on its way out. A delete of a moment ago, whose answer was lost, shows after a while.
    async fn has_gone(&self, name: &str) -> bool {
        let mut waiter = Waiter::new(SEEN_LIMIT_S);
        loop {
            match self.describe(name).await {
                Ok(None) => return true,
                Ok(Some(secret)) if secret.deleted_date().is_some() => return true,
                Ok(Some(_)) if waiter.pause().await => {}
                _ => return false,
            }
        }
    }

    async fn describe(&self, name: &str) -> Result<Option<DescribeSecretOutput>, CallError> {
        match self.cloud.secrets.describe_secret().secret_id(name).send().await {
            Ok(secret) => Ok(Some(secret)),
            Err(error) if code(&error) == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(call_error("secretsmanager:DescribeSecret", error)),
        }
    }

    /// The name is blocked by a deleted secret. One of ours is brought back: with the value that is given now, or with the
    /// one that was generated, by which links were signed that hold.
    async fn restore(
        &self,
        address: &Address,
        desired: &Desired,
        value: &SecretValue,
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
        let call = self.cloud.secrets.restore_secret().secret_id(&desired.name);
        call.send().await.map_err(|error| call_error(operation, error))?;
        let generated = desired.source == Source::Generated;
        let kept = secret.tags().iter().find(|tag| generated && tag.key() == Some(fingerprint::TAG));
        let fingerprint = match kept.and_then(|tag| tag.value()) {
            Some(kept) => kept.to_owned(),
            None => self.put(&desired.name, value, token).await?,
        };
        self.describe_as(desired).await?;
        self.tag(&desired.name, self.all_tags(address, desired, Some(&fingerprint))).await?;
        Ok(applied(&desired.name, secret.arn()))
    }

    /// Stores another value where the change calls for one, and gives its fingerprint.
    async fn change_value(&self, change: &TypedUpdate<Desired>) -> Result<Option<String>, CallError> {
        let desired = &change.desired;
        match &desired.source {
            Source::Given(_) if ["value", "json_key", "source"].iter().any(|field| change.touches(field)) => {
                let value = self.new_value(desired).await?;
                self.put(&desired.name, &value, &change.token).await.map(Some)
            }
            Source::Generated if change.touches("json_key") => Err(refused(
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
    async fn bring_back(&self, name: &str) -> Result<(), CallError> {
        let Some(secret) = self.describe(name).await? else { return Ok(()) };
        let tag = secret.tags().iter().find(|tag| tag.key() == Some(fingerprint::TAG));
        let ours = tag.and_then(|tag| tag.value()).and_then(fingerprint::version);
        let (Some(ours), Some(theirs)) = (ours, current_version(secret.version_ids_to_stages())) else { return Ok(()) };
        if ours == theirs {
            return Ok(());
        }
        let call = self.cloud.secrets.update_secret_version_stage().secret_id(name).version_stage(CURRENT);
        let call = call.move_to_version_id(ours).remove_from_version_id(theirs);
        call.send().await.map(drop).map_err(|error| call_error("secretsmanager:UpdateSecretVersionStage", error))
    }

    async fn put(&self, name: &str, value: &SecretValue, token: &str) -> Result<String, CallError> {
        let fingerprint = fingerprint_of(value)?;
        let version = request_token(token, &fingerprint);
        let call = self.cloud.secrets.put_secret_value().secret_id(name).secret_string(value.expose());
        let call = call.client_request_token(&version);
        call.send().await.map_err(|error| call_error("secretsmanager:PutSecretValue", error))?;
        Ok(fingerprint::with_version(&fingerprint, &version))
    }

    async fn describe_as(&self, desired: &Desired) -> Result<(), CallError> {
        let call = self.cloud.secrets.update_secret().secret_id(&desired.name).description(&desired.description);
        call.send().await.map(drop).map_err(|error| call_error("secretsmanager:UpdateSecret", error))
    }

    async fn tag(&self, name: &str, tags: BTreeMap<String, String>) -> Result<(), CallError> {
        let call = self.cloud.secrets.tag_resource().secret_id(name).set_tags(Some(sdk_tags(tags)));
        call.send().await.map(drop).map_err(|error| call_error("secretsmanager:TagResource", error))
    }

    /// What is to be stored, in the form it is stored in. May ask the user.
    async fn new_value(&self, desired: &Desired) -> Result<SecretValue, CallError> {
        let operation = "secretsmanager:CreateSecret";
        let value = match &desired.source {
            Source::Generated => generated().map_err(|error| refused(operation, format!("no randomness: {error}")))?,
            Source::Given(name) => {
                let (values, name) = (Arc::clone(&self.cloud.secret_values), name.clone());
                // A prompt waits for a person: not on a thread that others need.
                let asked = tokio::task::spawn_blocking(move || values.required(&name)).await;
                let asked = asked.map_err(|_| refused(operation, "asking for the value was broken off"))?;
                asked.map_err(|message| refused(operation, message))?
            }
        };
        Ok(stored(&value, desired.json_key.as_deref()))
    }

    fn all_tags(&self, address: &Address, desired: &Desired, fingerprint: Option<&str>) -> BTreeMap<String, String> {
        let mut tags = ownership::with_owner(&self.cloud.stack, address, &desired.tags);
        tags.extend(fingerprint.map(|fingerprint| (fingerprint::TAG.to_owned(), fingerprint.to_owned())));
        tags
    }
}

/// The changes of the fields. The fingerprint among the tags is none of them: a state rebuilt from the cloud remembers it
/// as a tag of ours, and taking it away would have a restored secret take another value.
fn field_changes(desired: &Value, observed: &Value, last: Option<&Value>) -> Vec<FieldChange> {
    let mut changes = engine::diff::fields(&Secrets::META, desired, observed, last);
    changes.retain(|change| change.path.strip_prefix("tags.") != Some(fingerprint::TAG));
    changes
}

/// The change of the value, as far as it can be told without reading it: only a value that is given, and is not
/// the one the fingerprint is of. A generated value stays what it is.
fn value_change(
    desired: &Desired,
    observed: &Value,
    given: impl Fn(&str) -> Option<SecretValue>,
) -> Option<FieldChange> {
    let Source::Given(name) = &desired.source else { return None };
    let value = stored(&given(name)?, desired.json_key.as_deref());
    let fingerprint = observed.get("tags").and_then(|tags| tags.get(fingerprint::TAG)).and_then(Value::as_str);
    if fingerprint.is_some_and(|fingerprint| fingerprint::is_of(fingerprint, value.expose())) {
        return None;
    }
    Some(FieldChange {
        path: "value".to_owned(),
        before: fingerprint.map_or_else(|| json!("unknown"), |fingerprint| json!(fingerprint::short(fingerprint))),
        after: json!(format!("given by {}", variable(name))),
        forces_replacement: false,
    })
}

/// A secret as the cloud shows it. What AWS does not keep is as it was applied last. The fingerprint stays among the
/// tags, an open map, for the comparison of values.
fn seen(
    want: &TypedWant<Desired>,
    arn: Option<&str>,
    description: Option<&str>,
    owned: Owned,
    current: Option<&str>,
) -> Seen<Desired> {
    let ours = owned.tags.get(fingerprint::TAG).and_then(|tag| fingerprint::version(tag));
    let replaced_by =
        ours.zip(current).filter(|(ours, current)| ours != current).map(|(_, current)| shortened(current));
    let known = want.known.as_ref().filter(|known| known.source != Source::UNKNOWN);
    let kept = known.unwrap_or(&want.fields);
    let fields = Desired {
        name: want.fields.name.clone(),
        description: description.unwrap_or_default().to_owned(),
        source: kept.source.clone(),
        json_key: kept.json_key.clone(),
        recovery_days: kept.recovery_days,
        tags: owned.tags,
        replaced_by,
    };
    let Applied { id, outputs, .. } = applied(&fields.name, arn);
    Seen { id, fields, outputs, owner: owned.owner, unread: Vec::new(), pending: None }
}

/// The stage of the version that everybody reads.
const CURRENT: &str = "AWSCURRENT";

/// Returns the version that everybody reads.
fn current_version(stages: Option<&HashMap<String, Vec<String>>>) -> Option<&str> {
    let current = stages?.iter().find(|(_, stages)| stages.iter().any(|stage| stage == CURRENT));
    current.map(|(version, _)| version.as_str())
}

fn shortened(version: &str) -> String {
    format!("version {}", version.chars().take(8).collect::<String>())
}

fn applied(name: &str, arn: Option<&str>) -> Applied {
    let outputs = arn.map(|arn| ("arn".to_owned(), json!(arn))).into_iter().collect();
    Applied { id: name.to_owned(), outputs, pending: None }
}

/// The text that is stored for a value.
fn stored(value: &SecretValue, json_key: Option<&str>) -> SecretValue {
    match json_key {
        Some(key) => SecretValue::new(json!({ key: value.expose() }).to_string()),
        None => value.clone(),
    }
}

fn generated() -> Result<SecretValue, getrandom::Error> {
    let mut bytes = [0; GENERATED_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(SecretValue::new(hex::encode(bytes)))
}

fn fingerprint_of(value: &SecretValue) -> Result<String, CallError> {
    let salt = fingerprint::fresh_salt();
    let salt = salt.map_err(|error| refused("secretsmanager:PutSecretValue", format!("no randomness: {error}")))?;
    Ok(fingerprint::of(value.expose(), salt))
}

/// The client token, 64 characters, which becomes the version's id: the same while one call is repeated, another for another value.
fn request_token(token: &str, fingerprint: &str) -> String {
    hex::encode(Sha256::new().chain_update(token).chain_update(fingerprint).finalize())
}

fn split_tags(tags: &[Tag]) -> Owned {
    let pair = |tag: &Tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()));
    ownership::split(tags.iter().filter_map(pair))
}

fn sdk_tags(tags: BTreeMap<String, String>) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

#[cfg(test)]
mod tests;
