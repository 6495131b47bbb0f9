//! `log_group`: a CloudWatch log group that we make ourselves, so that no function brings it back untagged.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aws_sdk_cloudwatchlogs::types::LogGroup;
use engine::kind::{Applied, CallError, Depth, ErrorClass, Removal};
use engine::kind_meta::{KindMeta, Permission, Verb};
use engine::{Address, Owner};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::support::prefix::common_prefix;
use super::support::tagging::{Tagged, Tags, list_tagged, retag};
use super::typed::{Answers, Seen, TypedKind, TypedListed, TypedUpdate, TypedWant, at_once};
use crate::cloud::errors::{call_error, code};
use crate::cloud::{Cloud, Home, client, ownership};

/// What a log group is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// `/aws/lambda/client-billing-costs`.
    pub name: String,
    /// How long its lines are kept, in days: one of the values AWS allows; 0 for ever.
    pub retention_days: u32,
    /// Tags beside the ownership tags.
    pub tags: BTreeMap<String, String>,
}

/// The kind, at work.
pub struct LogGroups {
    cloud: Arc<Cloud>,
    logs: aws_sdk_cloudwatchlogs::Client,
}

/// How many tag reads run at once: the service allows ten a second.
const TAG_READS: usize = 5;

const GROUP: &str = "arn:aws:logs:{region}:{account}:log-group:{name}:*";
const GROUP_ITSELF: &str = "arn:aws:logs:{region}:{account}:log-group:{name}";
const ANY_GROUP: &str = "arn:aws:logs:{region}:{account}:log-group:*";

impl TypedKind for LogGroups {
    type Desired = Desired;

    const META: KindMeta = KindMeta {
        name: "log_group",
        plural: "log groups",
        service: "logs",
        summary: "CloudWatch log group with a retention",
        create_only: &["name"],
        open_maps: &["tags"],
        unlisted: &["tags"],
        permissions: &[
            Permission { verb: Verb::Read, action: "logs:DescribeLogGroups", resource: "*" },
            // Whose a group is stands in its tags alone.
            Permission { verb: Verb::Read, action: "logs:ListTagsForResource", resource: ANY_GROUP },
            Permission { verb: Verb::Create, action: "logs:CreateLogGroup", resource: GROUP },
            Permission { verb: Verb::Create, action: "logs:TagResource", resource: GROUP_ITSELF },
            Permission { verb: Verb::Create, action: "logs:PutRetentionPolicy", resource: GROUP },
            Permission { verb: Verb::Update, action: "logs:PutRetentionPolicy", resource: GROUP },
            Permission { verb: Verb::Update, action: "logs:DeleteRetentionPolicy", resource: GROUP },
            Permission { verb: Verb::Update, action: "logs:TagResource", resource: GROUP_ITSELF },
            Permission { verb: Verb::Update, action: "logs:UntagResource", resource: GROUP_ITSELF },
            Permission { verb: Verb::Delete, action: "logs:DeleteLogGroup", resource: GROUP },
        ],
        steps_at_once: 5,
        ..KindMeta::PLAIN
    };

    fn new(cloud: Arc<Cloud>) -> Self {
        LogGroups { logs: client!(cloud, aws_sdk_cloudwatchlogs, Home::Stack), cloud }
    }

    async fn read(&self, wants: &[TypedWant<Desired>], depth: Depth) -> Answers<Desired> {
        let names: Vec<&str> = wants.iter().map(|want| want.fields.name.as_str()).collect();
        let groups = self.groups(&common_prefix(&names)).await?;
        let seen = wants.iter().map(|want| self.see(want, groups.get(&want.fields.name), depth)).collect();
        Ok(at_once(TAG_READS, seen).await)
    }

    async fn list(&self) -> Result<Vec<TypedListed<Desired>>, CallError> {
        let groups = self.groups("").await?;
        list_tagged(self, &self.cloud.stack, TAG_READS, groups, |_, group, tags| observed(group, tags)).await
    }

    async fn inventory(&self) -> Result<Vec<String>, CallError> {
        Ok(self.groups("").await?.into_keys().collect())
    }

    async fn create(&self, address: &Address, desired: Desired, _token: &str) -> Result<Applied, CallError> {
        let tags = ownership::with_owner(&self.cloud.stack, address, &desired.tags);
        let call = self.logs.create_log_group().log_group_name(&desired.name);
        let made = call.set_tags(Some(tags.into_iter().collect())).send().await;
        if let Err(error) = made {
            let exists = code(&error) == Some("ResourceAlreadyExistsException");
            let failed = call_error("logs:CreateLogGroup", error);
            return Err(if exists { CallError { class: ErrorClass::AlreadyExists, ..failed } } else { failed });
        }
        self.set_retention(&desired).await?;
        Ok(self.applied(&desired))
    }

    async fn update(&self, change: TypedUpdate<Desired>) -> Result<Applied, CallError> {
        let desired = &change.desired;
        if change.touches("retention_days") {
            self.set_retention(desired).await?;
        }
        retag(self, &self.cloud.stack, &change, &desired.tags).await?;
        Ok(self.applied(desired))
    }

    async fn delete(&self, _address: &Address, id: &str, _last: Desired) -> Result<Removal, CallError> {
        match self.logs.delete_log_group().log_group_name(id).send().await {
            Err(error) if code(&error) != Some("ResourceNotFoundException") => {
                Err(call_error("logs:DeleteLogGroup", error))
            }
            _ => Ok(Removal::Gone),
        }
    }
}

impl LogGroups {
    /// The groups whose names begin so, by name: one paged list.
    async fn groups(&self, prefix: &str) -> Result<HashMap<String, LogGroup>, CallError> {
        let call = self.logs.describe_log_groups();
        let call = if prefix.is_empty() { call } else { call.log_group_name_prefix(prefix) };
        let mut groups = call.into_paginator().items().send();
        let mut found = HashMap::new();
        while let Some(group) = groups.next().await {
            let group = group.map_err(|error| call_error("logs:DescribeLogGroups", error))?;
            if let Some(name) = group.log_group_name() {
                found.insert(name.to_owned(), group);
            }
        }
        Ok(found)
    }

    /// Lists leave tags out: they are read one by one, unless the state knows them and the plan reads lists only.
    async fn see(
        &self,
        want: &TypedWant<Desired>,
        group: Option<&LogGroup>,
        depth: Depth,
    ) -> Result<Option<Seen<Desired>>, CallError> {
        let Some(group) = group else { return Ok(None) };
        if let (Depth::Lists, Some(known)) = (depth, &want.known) {
            let owner = Owner::stack(&self.cloud.stack);
            let fields = observed(group, known.tags.clone());
            return Ok(Some(self.seen(fields, owner, vec!["tags".to_owned()])));
        }
        let Some(tags) = self.tags(&want.fields.name).await? else { return Ok(None) };
        let owned = ownership::split(tags);
        Ok(Some(self.seen(observed(group, owned.tags), owned.owner, Vec::new())))
    }

    fn seen(&self, fields: Desired, owner: Owner, unread: Vec<String>) -> Seen<Desired> {
        let outputs = self.applied(&fields).outputs;
        Seen { id: fields.name.clone(), fields, outputs, owner, unread, pending: None }
    }

    fn applied(&self, desired: &Desired) -> Applied {
        let outputs = BTreeMap::from([("arn".to_owned(), json!(self.arn(&desired.name)))]);
        Applied { id: desired.name.clone(), outputs, pending: None }
    }

    fn arn(&self, name: &str) -> String {
        format!("arn:aws:logs:{}:{}:log-group:{name}", self.cloud.region, self.cloud.account)
    }

    async fn set_retention(&self, desired: &Desired) -> Result<(), CallError> {
        let logs = &self.logs;
        match i32::try_from(desired.retention_days) {
            Ok(0) => {
                let call = logs.delete_retention_policy().log_group_name(&desired.name);
                call.send().await.map(drop).map_err(|error| call_error("logs:DeleteRetentionPolicy", error))
            }
            days => {
                let call = logs.put_retention_policy().log_group_name(&desired.name);
                let call = call.retention_in_days(days.unwrap_or(i32::MAX));
                call.send().await.map(drop).map_err(|error| call_error("logs:PutRetentionPolicy", error))
            }
        }
    }
}

impl Tagged for LogGroups {
    async fn tags(&self, id: &str) -> Result<Option<Tags>, CallError> {
        match self.logs.list_tags_for_resource().resource_arn(self.arn(id)).send().await {
            Ok(answer) => Ok(Some(answer.tags.into_iter().flatten().collect())),
            Err(error) if code(&error) == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(call_error("logs:ListTagsForResource", error)),
        }
    }

    async fn tag(&self, id: &str, tags: Tags) -> Result<(), CallError> {
        let call = self.logs.tag_resource().resource_arn(self.arn(id)).set_tags(Some(tags.into_iter().collect()));
        call.send().await.map(drop).map_err(|error| call_error("logs:TagResource", error))
    }

    async fn untag(&self, id: &str, keys: Vec<String>) -> Result<(), CallError> {
        let call = self.logs.untag_resource().resource_arn(self.arn(id)).set_tag_keys(Some(keys));
        call.send().await.map(drop).map_err(|error| call_error("logs:UntagResource", error))
    }
}

fn observed(group: &LogGroup, tags: BTreeMap<String, String>) -> Desired {
    Desired {
        name: group.log_group_name().unwrap_or_default().to_owned(),
        retention_days: group.retention_in_days().and_then(|days| u32::try_from(days).ok()).unwrap_or(0),
        tags,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_without_retention_is_kept_for_ever() {
        let group = LogGroup::builder().log_group_name("/a").build();
        assert_eq!(observed(&group, BTreeMap::new()).retention_days, 0);
        let group = LogGroup::builder().log_group_name("/a").retention_in_days(30).build();
        assert_eq!(observed(&group, BTreeMap::new()).retention_days, 30);
    }
}
