//! Secrets as the cloud shows them: listed, described one by one, waited for.

use std::collections::HashMap;

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, SecretListEntry, Tag};
use engine::kind::{Applied, CallError};

use super::{Desired, Secrets, Source, applied, fingerprint, key_pair};
use crate::cloud::errors::{call_error, code};
use crate::cloud::ownership::{self, Owned};
use crate::kinds::support::waiter::Waiter;
use crate::kinds::typed::{Seen, TypedKind as _, TypedWant};

/// By then everybody sees a delete.
const SEEN_LIMIT_S: u64 = 3;

/// The stage of the version that everybody reads.
pub(super) const CURRENT: &str = "AWSCURRENT";

impl Secrets {
    /// The secrets whose names begin so, by name, tags included; what waits for its deletion is left out.
    pub(super) async fn secrets(&self, prefix: &str) -> Result<HashMap<String, SecretListEntry>, CallError> {
        let call = self.secrets.list_secrets().max_results(100);
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
    pub(super) async fn see(
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
    pub(super) async fn has_gone(&self, name: &str) -> bool {
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

    pub(super) async fn describe(&self, name: &str) -> Result<Option<DescribeSecretOutput>, CallError> {
        match self.secrets.describe_secret().secret_id(name).send().await {
            Ok(secret) => Ok(Some(secret)),
            Err(error) if code(&error) == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(call_error("secretsmanager:DescribeSecret", error)),
        }
    }
}

/// A secret as the cloud shows it. What AWS does not keep is as it was applied last. The fingerprint stays among the
/// tags, an open map, for the comparison of values.
pub(super) fn seen(
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
    let public_key = owned.tags.get(key_pair::TAG).cloned();
    let fields = Desired {
        name: want.fields.name.clone(),
        description: description.unwrap_or_default().to_owned(),
        source: kept.source.clone(),
        json_key: kept.json_key.clone(),
        recovery_days: kept.recovery_days,
        tags: owned.tags,
        replaced_by,
    };
    let Applied { id, outputs, .. } = applied(&fields.name, arn, public_key.as_deref());
    Seen { id, fields, outputs, owner: owned.owner, unread: Vec::new(), pending: None }
}

/// Returns the version that everybody reads.
pub(super) fn current_version(stages: Option<&HashMap<String, Vec<String>>>) -> Option<&str> {
    let current = stages?.iter().find(|(_, stages)| stages.iter().any(|stage| stage == CURRENT));
    current.map(|(version, _)| version.as_str())
}

fn shortened(version: &str) -> String {
    format!("version {}", version.chars().take(8).collect::<String>())
}

/// Returns a tag's value.
pub(super) fn tag<'a>(tags: &'a [Tag], key: &str) -> Option<&'a str> {
    tags.iter().find(|tag| tag.key() == Some(key))?.value()
}

pub(super) fn split_tags(tags: &[Tag]) -> Owned {
    let pair = |tag: &Tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()));
    ownership::split(tags.iter().filter_map(pair))
}
