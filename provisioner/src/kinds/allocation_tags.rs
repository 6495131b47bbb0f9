//! `allocation_tags`: tag keys that are active for cost allocation. They are the whole payer's, so they are
//! activated and never deactivated; a key AWS has not seen yet is pending, not an error.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_costexplorer::types::{
    CostAllocationTagStatus, CostAllocationTagStatusEntry, CostAllocationTagType, UpdateCostAllocationTagsStatusError,
};
use engine::kind::{Applied, CallError, Depth, ErrorClass, Removal};
use engine::kind_meta::{KindMeta, Permission, Verb};
use engine::{Address, Owner};
use serde::{Deserialize, Serialize};

use super::typed::{Answers, Seen, TypedKind, TypedListed, TypedUpdate, TypedWant};
use crate::cloud::errors::{call_error, refused};
use crate::cloud::{Cloud, Home, client};

/// Which tag keys are to be active.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The keys: `ClientOrganization`.
    pub active: BTreeSet<String>,
}

/// The kind, at work.
pub struct AllocationTags {
    cost_explorer: aws_sdk_costexplorer::Client,
}

/// How many keys one activation takes.
const KEYS_A_CALL: usize = 20;
/// How many keys a page of the list holds.
const PAGE: i32 = 1000;

impl TypedKind for AllocationTags {
    type Desired = Desired;

    const META: KindMeta = KindMeta {
        name: "allocation_tags",
        plural: "active cost tags",
        service: "ce",
        summary: "tag keys that are active for cost allocation",
        permissions: &[
            Permission { verb: Verb::Read, action: "ce:ListCostAllocationTags", resource: "*" },
            Permission { verb: Verb::Create, action: "ce:ListCostAllocationTags", resource: "*" },
            Permission { verb: Verb::Create, action: "ce:UpdateCostAllocationTagsStatus", resource: "*" },
            Permission { verb: Verb::Update, action: "ce:ListCostAllocationTags", resource: "*" },
            Permission { verb: Verb::Update, action: "ce:UpdateCostAllocationTagsStatus", resource: "*" },
        ],
        leaves: Some("stays active: the keys are the whole payer's"),
        steps_at_once: 1,
        ..KindMeta::PLAIN
    };

    fn new(cloud: Arc<Cloud>) -> Self {
        AllocationTags { cost_explorer: client!(cloud, aws_sdk_costexplorer, Home::Payer) }
    }

    async fn read(&self, wants: &[TypedWant<Desired>], _depth: Depth) -> Answers<Desired> {
        if wants.is_empty() {
            return Ok(Vec::new());
        }
        let keys = self.keys().await?;
        Ok(wants.iter().map(|want| Ok(self.seen(want, &keys))).collect())
    }

    /// Keys have no place to say who asked for them.
    async fn list(&self) -> Result<Vec<TypedListed<Desired>>, CallError> {
        Ok(Vec::new())
    }

    async fn inventory(&self) -> Result<Vec<String>, CallError> {
        Ok(self.keys().await?.into_iter().filter_map(|(key, active)| active.then_some(key)).collect())
    }

    async fn create(&self, address: &Address, desired: Desired, _token: &str) -> Result<Applied, CallError> {
        self.activate(address, &desired).await
    }

    async fn update(&self, change: TypedUpdate<Desired>) -> Result<Applied, CallError> {
        self.activate(&change.address, &change.desired).await
    }

    async fn delete(&self, _address: &Address, _id: &str, last: Desired) -> Result<Removal, CallError> {
        let keys = told(&last.active);
        Ok(Removal::Kept(format!("cost allocation by {keys} stays active: the keys are the whole payer's")))
    }
}

impl AllocationTags {
    /// Every user-defined key AWS has seen, and whether it is active.
    async fn keys(&self) -> Result<BTreeMap<String, bool>, CallError> {
        let call = self.cost_explorer.list_cost_allocation_tags().r#type(CostAllocationTagType::UserDefined);
        let mut tags = call.into_paginator().page_size(PAGE).items().send();
        let mut keys = BTreeMap::new();
        while let Some(tag) = tags.next().await {
            let tag = tag.map_err(|error| call_error("ce:ListCostAllocationTags", error))?;
            keys.insert(tag.tag_key, tag.status == CostAllocationTagStatus::Active);
        }
        Ok(keys)
    }

    fn seen(&self, want: &TypedWant<Desired>, keys: &BTreeMap<String, bool>) -> Option<Seen<Desired>> {
        let (active, unseen) = observed(&want.fields.active, want.id.is_some(), keys)?;
        Some(Seen {
            id: want.address.to_string(),
            fields: Desired { active },
            outputs: BTreeMap::new(),
            // Keys have no owner; asking for them is no one's privilege.
            owner: Owner::Untold,
            unread: Vec::new(),
            pending: pending(&unseen),
        })
    }

    /// Activates what AWS has seen and is not active; the rest is for a later run.
    async fn activate(&self, address: &Address, desired: &Desired) -> Result<Applied, CallError> {
        let keys = self.keys().await?;
        let mut unseen: BTreeSet<String> = without(&desired.active, &keys);
        let inactive: Vec<&String> = desired.active.iter().filter(|key| keys.get(*key) == Some(&false)).collect();
        for batch in inactive.chunks(KEYS_A_CALL) {
            unseen.extend(self.activate_batch(batch).await?);
        }
        Ok(Applied { id: address.to_string(), outputs: BTreeMap::new(), pending: pending(&unseen) })
    }

    /// Activates up to twenty keys; gives back those AWS turns out not to know.
    async fn activate_batch(&self, keys: &[&String]) -> Result<Vec<String>, CallError> {
        let operation = "ce:UpdateCostAllocationTagsStatus";
        let entry = |key: &&String| {
            let entry = CostAllocationTagStatusEntry::builder().tag_key(*key);
            entry.status(CostAllocationTagStatus::Active).build()
        };
        let entries: Result<Vec<_>, _> = keys.iter().map(entry).collect();
        let entries = entries.map_err(|error| refused(operation, error.to_string()))?;
        let call = self.cost_explorer.update_cost_allocation_tags_status();
        let answer = call.set_cost_allocation_tags_status(Some(entries)).send().await;
        let answer = answer.map_err(|error| call_error(operation, error))?;
        unknown_keys(operation, answer.errors())
    }
}

/// The wanted keys that count as active, and those AWS has not seen. A key not seen cannot be activated, so it is
/// pending and no difference. `None`: nothing of it is there, and we never asked for it.
fn observed(
    wanted: &BTreeSet<String>,
    asked_before: bool,
    keys: &BTreeMap<String, bool>,
) -> Option<(BTreeSet<String>, BTreeSet<String>)> {
    let unseen = without(wanted, keys);
    let mut active: BTreeSet<String> = wanted.iter().filter(|key| keys.get(*key) == Some(&true)).cloned().collect();
    if !asked_before && active.is_empty() {
        return None;
    }
    active.extend(unseen.iter().cloned());
    Some((active, unseen))
}

fn without(wanted: &BTreeSet<String>, keys: &BTreeMap<String, bool>) -> BTreeSet<String> {
    wanted.iter().filter(|key| !keys.contains_key(*key)).cloned().collect()
}

fn pending(unseen: &BTreeSet<String>) -> Option<String> {
    let keys = told(unseen);
    let what = if unseen.len() == 1 { "key" } else { "keys" };
    let them = if unseen.len() == 1 { "it" } else { "them" };
    (!unseen.is_empty())
        .then(|| format!("waits until AWS has seen the tag {what} {keys} in use; the next apply activates {them}"))
}

fn told(keys: &BTreeSet<String>) -> String {
    keys.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// The keys AWS does not know, out of the errors it gives within a success; any other error is one.
fn unknown_keys(operation: &str, errors: &[UpdateCostAllocationTagsStatusError]) -> Result<Vec<String>, CallError> {
    let mut unknown = Vec::new();
    for error in errors {
        let (key, code) = (error.tag_key().unwrap_or_default(), error.code().unwrap_or_default());
        let message = error.message().unwrap_or_default();
        if !code.contains("NotFound") && !message.to_ascii_lowercase().contains("not found") {
            return Err(CallError {
                operation: operation.to_owned(),
                message: format!("the tag key {key} is not activated: {message} ({code})"),
                class: if code.contains("Throttl") { ErrorClass::Throttled } else { ErrorClass::Refused },
            });
        }
        unknown.push(key.to_owned());
    }
    Ok(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(keys: &[&str]) -> BTreeSet<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    fn listed(keys: &[(&str, bool)]) -> BTreeMap<String, bool> {
        keys.iter().map(|(key, active)| ((*key).to_owned(), *active)).collect()
    }

    #[test]
    fn a_key_not_seen_is_pending_and_one_not_active_a_difference() {
        let keys = listed(&[("Active", true), ("Inactive", false), ("Theirs", true)]);
        let wanted = set(&["Active", "Inactive", "Unseen"]);
        let (active, unseen) = observed(&wanted, true, &keys).expect("is there");
        assert_eq!((active, unseen), (set(&["Active", "Unseen"]), set(&["Unseen"])));
    }

    #[test]
    fn nothing_active_is_not_there_until_it_was_asked_for() {
        let wanted = set(&["Unseen"]);
        assert_eq!(observed(&wanted, false, &BTreeMap::new()), None);
        let (active, _) = observed(&wanted, true, &BTreeMap::new()).expect("was asked for");
        assert_eq!(active, wanted);
    }

    #[test]
    fn what_is_pending_is_named() {
        assert_eq!(pending(&BTreeSet::new()), None);
        let told = pending(&set(&["B", "A"])).expect("pending");
        assert_eq!(told, "waits until AWS has seen the tag keys A, B in use; the next apply activates them");
    }

    #[test]
    fn unknown_keys_wait_and_other_errors_count() {
        let error = |key: &str, code: &str| {
            UpdateCostAllocationTagsStatusError::builder().tag_key(key).code(code).message("m").build()
        };
        let unseen = unknown_keys("ce:X", &[error("A", "TagKeysNotFoundException")]).expect("waits");
        assert_eq!(unseen, ["A"]);
        let other = unknown_keys("ce:X", &[error("A", "InternalError")]).expect_err("is one");
        assert!(other.message.contains("the tag key A"));
    }
}
