//! `dynamodb_table`: an on-demand table with its indexes.
//!
//! A table takes one change at a time and is away for a while after each: every change waits for it.

mod shape;
pub(super) mod waiter;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::update_table::builders::UpdateTableFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, BillingMode, PointInTimeRecoverySpecification, SseSpecification, SseType, TableDescription,
    TableStatus, Tag, TimeToLiveSpecification,
};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use billing::names::OWNER_TAG;
use engine::kind::{Applied, CallError, Contents, Depth, ErrorClass, KindMeta, Permission, Removal, Verb};
use engine::{Address, Owner};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::typed::{Seen, TypedKind, TypedListed, TypedUpdate, TypedWant, at_once};
use crate::cloud::errors::{call_error, code, refused};
use crate::cloud::{Cloud, ownership};
use shape::{Beside, IndexStep};
use waiter::Waiter;

/// What a table is to be. All key attributes are strings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The table's name.
    pub name: String,
    /// Partition and sort key.
    pub keys: Keys,
    /// Global secondary indexes by name; all project all attributes.
    pub indexes: BTreeMap<String, Keys>,
    /// The attribute that expires items, unix seconds.
    pub ttl_attribute: Option<String>,
    /// Point-in-time recovery.
    pub point_in_time_recovery: bool,
    /// Refuses deletion until lifted; billform lifts it only to carry out an approved delete.
    pub deletion_protection: bool,
    /// Encrypted with the AWS-managed KMS key instead of the AWS-owned one.
    pub kms_encryption: bool,
    /// Tags beside the ownership tags.
    pub tags: BTreeMap<String, String>,
}

/// The keys of a table or an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// Partition key attribute.
    pub partition: String,
    /// Sort key attribute.
    pub sort: Option<String>,
}

/// The kind, at work.
pub struct DynamodbTables {
    cloud: Arc<Cloud>,
}

/// DescribeTimeToLive is throttled early.
const READS: usize = 5;
/// An index on a table with items takes minutes.
const READY_LIMIT_S: u64 = 600;
const GONE_LIMIT_S: u64 = 180;
/// For settings that are refused while the table is just becoming active.
const SETTING_LIMIT_S: u64 = 60;
/// So many foreign items are enough to know.
const MANY_ITEMS: usize = 100;

const TABLE: &str = "arn:aws:dynamodb:{region}:{account}:table/{name}";
pub(super) const ANY_TABLE: &str = "arn:aws:dynamodb:{region}:{account}:table/*";

#[async_trait]
impl TypedKind for DynamodbTables {
    type Desired = Desired;

    const META: KindMeta = KindMeta {
        name: "dynamodb_table",
        service: "dynamodb",
        summary: "DynamoDB table, on demand, with its indexes",
        create_only: &["name", "keys"],
        open_maps: &["tags"],
        unlisted: &["tags", "ttl_attribute", "point_in_time_recovery"],
        permissions: &[
            Permission { verb: Verb::Read, action: "dynamodb:DescribeTable", resource: ANY_TABLE },
            Permission { verb: Verb::Read, action: "dynamodb:DescribeContinuousBackups", resource: TABLE },
            Permission { verb: Verb::Read, action: "dynamodb:DescribeTimeToLive", resource: TABLE },
            Permission { verb: Verb::Read, action: "dynamodb:ListTables", resource: "*" },
            // Whose a table is stands in its tags alone.
            Permission { verb: Verb::Read, action: "dynamodb:ListTagsOfResource", resource: ANY_TABLE },
            // What stands in the way of a delete is looked for while planning.
            Permission { verb: Verb::Read, action: "dynamodb:Scan", resource: TABLE },
            Permission { verb: Verb::Create, action: "dynamodb:CreateTable", resource: TABLE },
            Permission { verb: Verb::Create, action: "dynamodb:TagResource", resource: TABLE },
            Permission { verb: Verb::Create, action: "dynamodb:DescribeTable", resource: TABLE },
            Permission { verb: Verb::Create, action: "dynamodb:UpdateTimeToLive", resource: TABLE },
            Permission { verb: Verb::Create, action: "dynamodb:UpdateContinuousBackups", resource: TABLE },
            Permission { verb: Verb::Update, action: "dynamodb:DescribeTable", resource: TABLE },
            Permission { verb: Verb::Update, action: "dynamodb:UpdateTable", resource: TABLE },
            Permission { verb: Verb::Update, action: "dynamodb:UpdateTimeToLive", resource: TABLE },
            Permission { verb: Verb::Update, action: "dynamodb:UpdateContinuousBackups", resource: TABLE },
            Permission { verb: Verb::Update, action: "dynamodb:TagResource", resource: TABLE },
            Permission { verb: Verb::Update, action: "dynamodb:UntagResource", resource: TABLE },
            Permission { verb: Verb::Delete, action: "dynamodb:DescribeTable", resource: TABLE },
            Permission { verb: Verb::Delete, action: "dynamodb:UpdateTable", resource: TABLE },
            Permission { verb: Verb::Delete, action: "dynamodb:DeleteTable", resource: TABLE },
        ],
        guarded: true,
        leaves: None,
    };

    fn new(cloud: Arc<Cloud>) -> Self {
        DynamodbTables { cloud }
    }

    async fn read(&self, wants: &[TypedWant<Desired>], depth: Depth) -> Vec<Result<Option<Seen<Desired>>, CallError>> {
        let seen = wants.iter().map(|want| self.see(want, depth)).collect();
        at_once(READS, seen).await
    }

    async fn list(&self) -> Result<Vec<TypedListed<Desired>>, CallError> {
        let owned = self.owned().await?;
        let tables = owned.iter().map(|(name, _)| self.describe(name)).collect();
        let mut listed = Vec::new();
        for ((name, owned), table) in owned.iter().zip(at_once(READS, tables).await) {
            let Some(table) = table? else { continue };
            let beside = Beside { tags: owned.tags.clone(), ..Beside::default() };
            listed.extend(TypedListed::of(
                &Self::META,
                &self.cloud.stack,
                owned,
                name,
                shape::observed(&table, beside),
            ));
        }
        Ok(listed)
    }

    async fn create(&self, address: &Address, desired: Desired, _token: &str) -> Result<Applied, CallError> {
        let tags = ownership::with_owner(&self.cloud.stack, address, &desired.tags);
        let keys = std::iter::once(&desired.keys).chain(desired.indexes.values());
        let indexes = shape::indexes(&desired.indexes).map_err(incomplete)?;
        let call = self
            .cloud
            .dynamodb
            .create_table()
            .table_name(&desired.name)
            .billing_mode(BillingMode::PayPerRequest)
            .set_attribute_definitions(Some(shape::definitions(keys).map_err(incomplete)?))
            .set_key_schema(Some(shape::schema(&desired.keys).map_err(incomplete)?))
            .set_global_secondary_indexes((!indexes.is_empty()).then_some(indexes))
            .set_sse_specification(desired.kms_encryption.then(|| encryption(true)))
            .deletion_protection_enabled(desired.deletion_protection)
            .set_tags(Some(sdk_tags(tags)?));
        if let Err(error) = call.send().await {
            let exists = code(&error) == Some("ResourceInUseException");
            let failed = busy("dynamodb:CreateTable", error);
            return Err(if exists { CallError { class: ErrorClass::AlreadyExists, ..failed } } else { failed });
        }
        self.until_at_rest(&desired.name).await?;
        let mut pending = None;
        if let Some(attribute) = &desired.ttl_attribute {
            pending = self.set_ttl(&desired.name, attribute, true).await?;
        }
        if desired.point_in_time_recovery {
            self.set_recovery(&desired).await?;
        }
        Ok(Applied { pending, ..self.applied(&desired.name) })
    }

    async fn update(&self, change: TypedUpdate<Desired>) -> Result<Applied, CallError> {
        let (dynamodb, desired) = (&self.cloud.dynamodb, &change.desired);
        let name = &desired.name;
        if ["deletion_protection", "kms_encryption", "indexes", "ttl_attribute"]
            .iter()
            .any(|field| change.touches(field))
        {
            // It may still be busy with a create that was cut short.
            self.until_at_rest(name).await?;
        }
        if change.touches("deletion_protection") {
            let call = dynamodb.update_table().deletion_protection_enabled(desired.deletion_protection);
            self.change_table(name, call).await?;
        }
        if change.touches("kms_encryption") {
            let call = dynamodb.update_table().sse_specification(encryption(desired.kms_encryption));
            self.change_table(name, call).await?;
        }
        if change.touches("indexes") {
            self.change_indexes(&change).await?;
        }
        let mut pending = None;
        if change.touches("ttl_attribute") {
            pending = self.change_ttl(&change).await?;
        }
        if change.touches("point_in_time_recovery") {
            self.set_recovery(desired).await?;
        }
        self.change_tags(&change).await?;
        Ok(Applied { pending, ..self.applied(name) })
    }

    async fn delete(&self, _address: &Address, id: &str, _last: Desired) -> Result<Removal, CallError> {
        let dynamodb = &self.cloud.dynamodb;
        let Some(table) = self.describe(id).await? else { return Ok(Removal::Gone) };
        if table.table_status() != Some(&TableStatus::Deleting) {
            if table.deletion_protection_enabled() == Some(true) {
                let call = dynamodb.update_table().deletion_protection_enabled(false);
                self.change_table(id, call).await?;
            }
            match dynamodb.delete_table().table_name(id).send().await {
                Err(error) if code(&error) == Some("ResourceNotFoundException") => return Ok(Removal::Gone),
                other => other.map(drop).map_err(|error| busy("dynamodb:DeleteTable", error))?,
            }
        }
        let mut waiter = Waiter::new(GONE_LIMIT_S);
        while self.describe(id).await?.is_some() {
            if !waiter.pause().await {
                return Err(not_yet("dynamodb:DeleteTable", format!("{id} is still being deleted")));
            }
        }
        Ok(Removal::Gone)
    }

    async fn contents(&self, id: &str, _last: Desired) -> Result<Option<Contents>, CallError> {
        let scan = self.cloud.dynamodb.scan().table_name(id);
        let scan = scan.filter_expression("attribute_not_exists(#stack) OR #stack <> :stack");
        let scan = scan.projection_expression("#stack").expression_attribute_names("#stack", OWNER_TAG);
        let scan = scan.expression_attribute_values(":stack", AttributeValue::S(self.cloud.stack.clone()));
        let mut pages = scan.into_paginator().send();
        let mut found = 0;
        while let Some(page) = pages.next().await {
            match page {
                Ok(page) => found += page.items().len(),
                Err(error) if code(&error) == Some("ResourceNotFoundException") => return Ok(None),
                Err(error) => return Err(call_error("dynamodb:Scan", error)),
            }
            if found >= MANY_ITEMS {
                return Ok(Some(Contents { described: format!("at least {MANY_ITEMS} items") }));
            }
        }
        let described = if found == 1 { "1 item".to_owned() } else { format!("{found} items") };
        Ok((found > 0).then_some(Contents { described }))
    }
}

impl DynamodbTables {
    async fn see(&self, want: &TypedWant<Desired>, depth: Depth) -> Result<Option<Seen<Desired>>, CallError> {
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
                let owned = ownership::split(self.tags(name).await?);
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

    /// The tables that carry the stack's name, and what their tags say.
    pub(super) async fn owned(&self) -> Result<Vec<(String, ownership::Owned)>, CallError> {
        let mut tables = self.cloud.dynamodb.list_tables().into_paginator().items().send();
        let mut names = Vec::new();
        while let Some(name) = tables.next().await {
            names.push(name.map_err(|error| call_error("dynamodb:ListTables", error))?);
        }
        let tags = at_once(READS, names.iter().map(|name| self.tags(name)).collect()).await;
        let mut owned = Vec::new();
        for (name, tags) in names.into_iter().zip(tags) {
            let told = ownership::split(tags?);
            if told.owner.is_stack(&self.cloud.stack) {
                owned.push((name, told));
            }
        }
        Ok(owned)
    }

    pub(super) async fn describe(&self, name: &str) -> Result<Option<TableDescription>, CallError> {
        match self.cloud.dynamodb.describe_table().table_name(name).send().await {
            Ok(answer) => Ok(answer.table),
            Err(error) if code(&error) == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(call_error("dynamodb:DescribeTable", error)),
        }
    }

    async fn ttl(&self, name: &str) -> Result<Option<String>, CallError> {
        match self.cloud.dynamodb.describe_time_to_live().table_name(name).send().await {
            Ok(answer) => Ok(shape::ttl_attribute(answer.time_to_live_description())),
            Err(error) if code(&error) == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(call_error("dynamodb:DescribeTimeToLive", error)),
        }
    }

    async fn recovers(&self, name: &str) -> Result<bool, CallError> {
        match self.cloud.dynamodb.describe_continuous_backups().table_name(name).send().await {
            Ok(answer) => Ok(answer
                .continuous_backups_description()
                .and_then(|backups| backups.point_in_time_recovery_description()?.point_in_time_recovery_status())
                // It passes through an undeclared ENABLING.
                .is_some_and(|status| status.as_str().starts_with("ENABL"))),
            Err(error) if code(&error) == Some("TableNotFoundException") => Ok(false),
            Err(error) => Err(call_error("dynamodb:DescribeContinuousBackups", error)),
        }
    }

    async fn tags(&self, name: &str) -> Result<HashMap<String, String>, CallError> {
        let mut found = HashMap::new();
        let mut next = None;
        loop {
            let call = self.cloud.dynamodb.list_tags_of_resource().resource_arn(self.arn(name));
            match call.set_next_token(next).send().await {
                Ok(page) => {
                    found.extend(page.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)));
                    next = page.next_token;
                }
                Err(error) if code(&error) == Some("ResourceNotFoundException") => return Ok(found),
                Err(error) => {
                    // Of a table that is gone by now the service says that we may not see it.
                    let failed = call_error("dynamodb:ListTagsOfResource", error);
                    let gone = failed.class == ErrorClass::Denied && self.describe(name).await?.is_none();
                    return if gone { Ok(found) } else { Err(failed) };
                }
            }
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    /// Waits until the table can be changed.
    async fn until_at_rest(&self, name: &str) -> Result<(), CallError> {
        let mut waiter = Waiter::new(READY_LIMIT_S);
        loop {
            // A table made a moment ago may not be visible yet.
            if self.describe(name).await?.is_some_and(|table| shape::at_rest(&table)) {
                return Ok(());
            }
            if !waiter.pause().await {
                return Err(not_yet("dynamodb:DescribeTable", format!("{name} is not active yet")));
            }
        }
    }

    async fn change_table(&self, name: &str, call: UpdateTableFluentBuilder) -> Result<(), CallError> {
        call.table_name(name).send().await.map_err(|error| busy("dynamodb:UpdateTable", error))?;
        self.until_at_rest(name).await
    }

    async fn change_indexes(&self, change: &TypedUpdate<Desired>) -> Result<(), CallError> {
        for step in shape::index_steps(&change.observed.indexes, &change.desired.indexes) {
            let call = self.cloud.dynamodb.update_table();
            let call = call.global_secondary_index_updates(shape::index_update(&step).map_err(incomplete)?);
            let call = match step {
                IndexStep::Add(_, keys) => call.set_attribute_definitions(Some(
                    shape::definitions([&change.desired.keys, keys]).map_err(incomplete)?,
                )),
                IndexStep::Remove(_) => call,
            };
            match self.change_table(&change.desired.name, call).await {
                Err(error) if is_done(&step, &error) => {}
                changed => changed?,
            }
        }
        Ok(())
    }

    /// Another attribute means: off with the old, on with the new.
    async fn change_ttl(&self, change: &TypedUpdate<Desired>) -> Result<Option<String>, CallError> {
        let name = &change.desired.name;
        if let Some(old) = &change.observed.ttl_attribute {
            let pending = self.set_ttl(name, old, false).await?;
            if pending.is_some() {
                return Ok(pending);
            }
        }
        match &change.desired.ttl_attribute {
            Some(new) => self.set_ttl(name, new, true).await,
            None => Ok(None),
        }
    }

    /// AWS refuses a second change within an hour: that is waited for, not failed on.
    async fn set_ttl(&self, name: &str, attribute: &str, on: bool) -> Result<Option<String>, CallError> {
        let ttl =
            TimeToLiveSpecification::builder().attribute_name(attribute).enabled(on).build().map_err(incomplete)?;
        let mut waiter = Waiter::new(SETTING_LIMIT_S);
        loop {
            let call = self.cloud.dynamodb.update_time_to_live().table_name(name);
            let error = match call.time_to_live_specification(ttl.clone()).send().await {
                Ok(_) => return Ok(None),
                Err(error) => error,
            };
            let unready = matches!(code(&error), Some("ResourceInUseException" | "ResourceNotFoundException"));
            let failed = busy("dynamodb:UpdateTimeToLive", error);
            if is_set(on, &failed) {
                return Ok(None);
            }
            if failed.message.contains("modified multiple times") {
                return Ok(Some("waits for the expiry: AWS changes it once an hour; apply again later".to_owned()));
            }
            if !unready || !waiter.pause().await {
                return Err(failed);
            }
        }
    }

    async fn set_recovery(&self, desired: &Desired) -> Result<(), CallError> {
        let on = PointInTimeRecoverySpecification::builder();
        let on = on.point_in_time_recovery_enabled(desired.point_in_time_recovery).build().map_err(incomplete)?;
        let mut waiter = Waiter::new(SETTING_LIMIT_S);
        loop {
            let call = self.cloud.dynamodb.update_continuous_backups().table_name(&desired.name);
            let error = match call.point_in_time_recovery_specification(on.clone()).send().await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            let unready =
                matches!(code(&error), Some("ContinuousBackupsUnavailableException" | "TableNotFoundException"));
            if !unready || !waiter.pause().await {
                let failed = busy("dynamodb:UpdateContinuousBackups", error);
                return Err(if unready { CallError { class: ErrorClass::NotYet, ..failed } } else { failed });
            }
        }
    }

    async fn change_tags(&self, change: &TypedUpdate<Desired>) -> Result<(), CallError> {
        let (dynamodb, arn) = (&self.cloud.dynamodb, self.arn(&change.desired.name));
        if change.claim || change.touches("tags") {
            let tags = ownership::with_owner(&self.cloud.stack, &change.address, &change.desired.tags);
            let call = dynamodb.tag_resource().resource_arn(&arn).set_tags(Some(sdk_tags(tags)?));
            call.send().await.map_err(|error| busy("dynamodb:TagResource", error))?;
        }
        let dropped = change.dropped_keys("tags");
        if !dropped.is_empty() {
            let call = dynamodb.untag_resource().resource_arn(&arn).set_tag_keys(Some(dropped));
            call.send().await.map_err(|error| busy("dynamodb:UntagResource", error))?;
        }
        Ok(())
    }

    fn applied(&self, name: &str) -> Applied {
        let outputs = BTreeMap::from([("arn".to_owned(), json!(self.arn(name)))]);
        Applied { id: name.to_owned(), outputs, pending: None }
    }

    fn arn(&self, name: &str) -> String {
        format!("arn:aws:dynamodb:{}:{}:table/{name}", self.cloud.region, self.cloud.account)
    }
}

/// Whether an index was made or deleted before: the table was seen as it was a moment ago.
fn is_done(step: &IndexStep<'_>, error: &CallError) -> bool {
    let says = |text: &str| error.message.contains(text);
    match step {
        IndexStep::Add(..) => says("duplicate index") || says("index which already exists"),
        IndexStep::Remove(_) => says("ResourceNotFoundException"),
    }
}

/// Whether the expiry was switched before. An attribute that is not the one that expires items is off.
fn is_set(on: bool, error: &CallError) -> bool {
    let says = |text: &str| error.message.contains(text);
    if on { says("already enabled") } else { says("already disabled") || says("different AttributeName") }
}

fn encryption(kms: bool) -> SseSpecification {
    let specification = SseSpecification::builder().enabled(kms);
    if kms { specification.sse_type(SseType::Kms).build() } else { specification.build() }
}

/// An error of a call that the service may refuse only because the table, or the account, is busy.
fn busy<E>(operation: &str, error: SdkError<E, Response>) -> CallError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let wait = matches!(code(&error), Some("ResourceInUseException" | "LimitExceededException"));
    let failed = call_error(operation, error);
    if wait { CallError { class: ErrorClass::NotYet, ..failed } } else { failed }
}

fn not_yet(operation: &str, message: String) -> CallError {
    CallError { class: ErrorClass::NotYet, ..refused(operation, message) }
}

fn incomplete(error: BuildError) -> CallError {
    refused("dynamodb:CreateTable", error.to_string())
}

fn sdk_tags(tags: BTreeMap<String, String>) -> Result<Vec<Tag>, CallError> {
    tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build().map_err(incomplete)).collect()
}
