//! What a table is like: its description, and what AWS tells of it beside that.

use aws_sdk_dynamodb::types::{TableDescription, TableStatus};
use engine::Owner;
use engine::kind::{Applied, CallError, Depth, ErrorClass};

use super::shape::{self, Beside};
use super::{Desired, DynamodbTables, READS, busy, not_yet, sdk_tags};
use crate::cloud::errors::{call_error, code};
use crate::cloud::ownership;
use crate::kinds::support::tagging::{Tagged, Tags};
use crate::kinds::typed::{Seen, TypedKind, TypedWant, at_once};

impl DynamodbTables {
    pub(super) async fn see(
        &self,
        want: &TypedWant<Desired>,
        depth: Depth,
    ) -> Result<Option<Seen<Desired>>, CallError> {
        let name = &want.fields.name;
        let Some(table) = self.describe(name).await? else { return Ok(None) };
        if table.table_status() == Some(&TableStatus::Deleting) {
            return Err(not_yet("dynamodb:DescribeTable", format!("{name} is being deleted")));
        }
        let (beside, owner, unread) = match (depth, &want.known) {
            (Depth::Lists, Some(known)) => {
                let beside = Beside {
                    ttl_attribute: known.ttl_attribute.clone(),
                    point_in_time_recovery: known.point_in_time_recovery,
                    tags: known.tags.clone(),
                };
                let unread = Self::META.unlisted.iter().map(|path| (*path).to_owned()).collect();
                (beside, Owner::stack(&self.cloud.stack), unread)
            }
            _ => {
                let owned = ownership::split(self.tags(name).await?.unwrap_or_default());
                let beside = Beside {
                    ttl_attribute: self.ttl(name).await?,
                    point_in_time_recovery: self.recovers(name).await?,
                    tags: owned.tags,
                };
                (beside, owned.owner, Vec::new())
            }
        };
        let Applied { id, outputs, .. } = self.applied(name);
        Ok(Some(Seen { id, fields: shape::observed(&table, beside), outputs, owner, unread, pending: None }))
    }

    /// Every table of the account by name.
    pub(in crate::kinds) async fn names(&self) -> Result<Vec<String>, CallError> {
        let tables = self.dynamodb.list_tables().into_paginator().items().send();
        let names = tables.collect::<Result<Vec<_>, _>>().await;
        names.map_err(|error| call_error("dynamodb:ListTables", error))
    }

    /// The tables that carry the stack's name, and what their tags say.
    pub(in crate::kinds) async fn owned(&self) -> Result<Vec<(String, ownership::Owned)>, CallError> {
        let names = self.names().await?;
        let tags = at_once(READS, names.iter().map(|name| self.tags(name)).collect()).await;
        let mut owned = Vec::new();
        for (name, tags) in names.into_iter().zip(tags) {
            let Some(tags) = tags? else { continue };
            let told = ownership::split(tags);
            if told.owner.is_stack(&self.cloud.stack) {
                owned.push((name, told));
            }
        }
        Ok(owned)
    }

    pub(in crate::kinds) async fn describe(&self, name: &str) -> Result<Option<TableDescription>, CallError> {
        match self.dynamodb.describe_table().table_name(name).send().await {
            Ok(answer) => Ok(answer.table),
            Err(error) if code(&error) == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(call_error("dynamodb:DescribeTable", error)),
        }
    }

    async fn ttl(&self, name: &str) -> Result<Option<String>, CallError> {
        match self.dynamodb.describe_time_to_live().table_name(name).send().await {
            Ok(answer) => Ok(shape::ttl_attribute(answer.time_to_live_description())),
            Err(error) if code(&error) == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(call_error("dynamodb:DescribeTimeToLive", error)),
        }
    }

    async fn recovers(&self, name: &str) -> Result<bool, CallError> {
        match self.dynamodb.describe_continuous_backups().table_name(name).send().await {
            Ok(answer) => Ok(answer
                .continuous_backups_description()
                .and_then(|backups| backups.point_in_time_recovery_description()?.point_in_time_recovery_status())
                // It passes through an undeclared ENABLING.
                .is_some_and(|status| status.as_str().starts_with("ENABL"))),
            Err(error) if code(&error) == Some("TableNotFoundException") => Ok(false),
            Err(error) => Err(call_error("dynamodb:DescribeContinuousBackups", error)),
        }
    }
}

impl Tagged for DynamodbTables {
    /// A table that does not exist has none.
    async fn tags(&self, id: &str) -> Result<Option<Tags>, CallError> {
        let mut found = Tags::new();
        let mut next = None;
        loop {
            let call = self.dynamodb.list_tags_of_resource().resource_arn(self.arn(id));
            match call.set_next_token(next).send().await {
                Ok(page) => {
                    found.extend(page.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)));
                    next = page.next_token;
                }
                Err(error) if code(&error) == Some("ResourceNotFoundException") => return Ok(None),
                Err(error) => {
                    // Of a table that is gone by now the service says that we may not see it.
                    let failed = call_error("dynamodb:ListTagsOfResource", error);
                    let gone = failed.class == ErrorClass::Denied && self.describe(id).await?.is_none();
                    return if gone { Ok(None) } else { Err(failed) };
                }
            }
            if next.is_none() {
                return Ok(Some(found));
            }
        }
    }

    async fn tag(&self, id: &str, tags: Tags) -> Result<(), CallError> {
        let call = self.dynamodb.tag_resource().resource_arn(self.arn(id)).set_tags(Some(sdk_tags(tags)?));
        call.send().await.map(drop).map_err(|error| busy("dynamodb:TagResource", error))
    }

    async fn untag(&self, id: &str, keys: Vec<String>) -> Result<(), CallError> {
        let call = self.dynamodb.untag_resource().resource_arn(self.arn(id)).set_tag_keys(Some(keys));
        call.send().await.map(drop).map_err(|error| busy("dynamodb:UntagResource", error))
    }
}
