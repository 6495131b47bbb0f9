//! `secret`: a secret's place and fingerprint. Its value comes from the environment, a prompt, or is generated
//! at create; it is never stored by billform. A salted hash of it in a tag shows a change without reading it.

mod difference;
mod fingerprint;
mod key_pair;
mod look;
mod rotated;
mod store;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use engine::Address;
use engine::diff::FieldChange;
use engine::kind::{Applied, CallError, Depth, ErrorClass, Removal};
use engine::kind_meta::{KindMeta, OutputOf, Permission, Verb};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::difference::{field_changes, value_change};
use self::look::{split_tags, tag};
pub use self::rotated::Held;
use self::store::{fingerprint_of, request_token, sdk_tags};
use super::support::prefix::common_prefix;
use super::typed::{Answers, TypedKind, TypedListed, TypedUpdate, TypedWant, at_once};
use crate::cloud::errors::{call_error, code};
use crate::cloud::{Cloud, Home, client};

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
    /// A private Ed25519 key in PEM, made at create; its public half is an output.
    KeyPair,
    /// Another resource stores what the service that it is for issues: the signing secret of a webhook endpoint. The
    /// secret is made without a value.
    Issued,
}

impl Source {
    /// Whether billform makes the value up: it is never read, and what depends on it ends with it.
    fn is_made_up(&self) -> bool {
        matches!(self, Source::Generated | Source::KeyPair)
    }

    /// Stands for a source that nobody remembers: AWS does not keep it.
    const UNKNOWN: Source = Source::Given(String::new());
}

/// The kind, at work.
pub struct Secrets {
    cloud: Arc<Cloud>,
    secrets: aws_sdk_secretsmanager::Client,
}

/// Up to so many secrets are described one by one; more are listed.
const FEW: usize = 3;
const READS: usize = 8;
/// How long AWS keeps a deleted secret when it is not told: for one whose own window is not known.
const LONGEST_RECOVERY_DAYS: u32 = 30;

/// AWS puts a dash and six random characters behind the name.
const SECRET: &str = "arn:aws:secretsmanager:{region}:{account}:secret:{name}-??????";

impl TypedKind for Secrets {
    type Desired = Desired;

    const META: KindMeta = KindMeta {
        name: "secret",
        plural: "secrets",
        service: "secretsmanager",
        summary: "Secrets Manager secret; its value is given or generated, never read back",
        create_only: &["name"],
        open_maps: &["tags"],
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
        leaves: Some("AWS keeps it for a while, to be restored"),
        steps_at_once: 8,
        given_value: Some("/source/given"),
        output: Some(OutputOf::Text { name: "evidence_public_key", output: key_pair::OUTPUT }),
        ..KindMeta::PLAIN
    };

    fn new(cloud: Arc<Cloud>) -> Self {
        Secrets { secrets: client!(cloud, aws_sdk_secretsmanager, Home::Stack), cloud }
    }

    async fn read(&self, wants: &[TypedWant<Desired>], _depth: Depth) -> Answers<Desired> {
        let names: Vec<&str> = wants.iter().map(|want| want.fields.name.as_str()).collect();
        let listed = if wants.len() <= FEW { HashMap::new() } else { self.secrets(&common_prefix(&names)).await? };
        let seen = wants.iter().map(|want| self.see(want, listed.get(&want.fields.name))).collect();
        Ok(at_once(READS, seen).await)
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

    /// Those that wait for their deletion, too: they cost and take the name.
    async fn inventory(&self) -> Result<Vec<String>, CallError> {
        let pages = self.secrets.list_secrets().include_planned_deletion(true).into_paginator().send();
        let pages = pages.collect::<Result<Vec<_>, _>>().await;
        let pages = pages.map_err(|error| call_error("secretsmanager:ListSecrets", error))?;
        Ok(pages.into_iter().flat_map(|page| page.secret_list.unwrap_or_default()).filter_map(|it| it.name).collect())
    }

    async fn create(&self, address: &Address, desired: Desired, token: &str) -> Result<Applied, CallError> {
        let value = self.new_value(&desired).await?;
        let call = self.secrets.create_secret().name(&desired.name).description(&desired.description);
        let (call, tags) = match &value {
            Some(value) => {
                let fingerprint = fingerprint_of(value)?;
                let version = request_token(token, &fingerprint);
                let fingerprint = fingerprint::with_version(&fingerprint, &version);
                let call = call.client_request_token(version).secret_string(value.expose());
                (call, self.all_tags(address, &desired, Some(&fingerprint)))
            }
            None => (call, self.all_tags(address, &desired, None)),
        };
        let public_key = key_pair::public_key(&desired.source, value.as_ref());
        let tags = key_pair::with_tag(tags, public_key.as_deref());
        let error = match call.set_tags(Some(sdk_tags(tags))).send().await {
            Ok(made) => return Ok(applied(&desired.name, made.arn(), public_key.as_deref())),
            Err(error) => error,
        };
        let known = code(&error).map(str::to_owned);
        let failed = call_error("secretsmanager:CreateSecret", error);
        match known.as_deref() {
            Some("ResourceExistsException") => Err(CallError { class: ErrorClass::AlreadyExists, ..failed }),
            Some("InvalidRequestException") if failed.message.contains("deletion") => {
                self.restore(address, &desired, value.as_ref(), token).await
            }
            _ => Err(failed),
        }
    }

    async fn update(&self, change: TypedUpdate<Desired>) -> Result<Applied, CallError> {
        let (secrets, desired) = (&self.secrets, &change.desired);
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
        let secret = self.describe(&desired.name).await?;
        let arn = secret.as_ref().and_then(|secret| secret.arn());
        let tags = secret.as_ref().map(|secret| secret.tags()).unwrap_or_default();
        Ok(applied(&desired.name, arn, tag(tags, key_pair::TAG)))
    }

    async fn delete(&self, _address: &Address, id: &str, last: Desired) -> Result<Removal, CallError> {
        let call = self.secrets.delete_secret().secret_id(id);
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

fn applied(name: &str, arn: Option<&str>, public_key: Option<&str>) -> Applied {
    let outputs = [("arn", arn), (key_pair::OUTPUT, public_key)];
    let outputs = outputs.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value?)))).collect();
    Applied { id: name.to_owned(), outputs, pending: None }
}

#[cfg(test)]
mod tests;
