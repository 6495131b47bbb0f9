//! `dynamodb_table`: an on-demand table with its indexes.
//!
//! A table takes one change at a time and is away for a while after each: every change waits for it.

mod change;
mod look;
mod shape;

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{AttributeValue, BillingMode, SseSpecification, SseType, TableStatus, Tag};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use billing::names::OWNER_TAG;
use engine::Address;
use engine::kind::{Applied, CallError, Contents, Depth, ErrorClass, Removal};
use engine::kind_meta::{KindMeta, OutputOf, Permission, Verb};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::support::tagging::retag;
use super::support::waiter::Waiter;
use super::typed::{Answers, TypedKind, TypedListed, TypedUpdate, TypedWant, at_once};
use crate::cloud::errors::{call_error, code, refused};
use crate::cloud::{Cloud, Home, client, ownership};
use shape::Beside;

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
    dynamodb: aws_sdk_dynamodb::Client,
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

impl TypedKind for DynamodbTables {
    type Desired = Desired;

    const META: KindMeta = KindMeta {
        name: "dynamodb_table",
        plural: "dynamodb tables",
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
        steps_at_once: 16,
        output: Some(OutputOf::Ids { heading: "tables", rank: 2 }),
        ..KindMeta::PLAIN
    };

    fn new(cloud: Arc<Cloud>) -> Self {
        DynamodbTables { dynamodb: client!(cloud, aws_sdk_dynamodb, Home::Stack), cloud }
    }

    async fn read(&self, wants: &[TypedWant<Desired>], depth: Depth) -> Answers<Desired> {
        let seen = wants.iter().map(|want| self.see(want, depth)).collect();
        Ok(at_once(READS, seen).await)
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

    async fn inventory(&self) -> Result<Vec<String>, CallError> {
        self.names().await
    }

    async fn create(&self, address: &Address, desired: Desired, _token: &str) -> Result<Applied, CallError> {
        let tags = ownership::with_owner(&self.cloud.stack, address, &desired.tags);
        let keys = std::iter::once(&desired.keys).chain(desired.indexes.values());
        let indexes = shape::indexes(&desired.indexes).map_err(incomplete)?;
        let call = self
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
        let (dynamodb, desired) = (&self.dynamodb, &change.desired);
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
        retag(self, &self.cloud.stack, &change, &desired.tags).await?;
        Ok(Applied { pending, ..self.applied(name) })
    }

    async fn delete(&self, _address: &Address, id: &str, _last: Desired) -> Result<Removal, CallError> {
        let dynamodb = &self.dynamodb;
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
        let scan = self.dynamodb.scan().table_name(id);
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
    fn applied(&self, name: &str) -> Applied {
        let outputs = BTreeMap::from([("arn".to_owned(), json!(self.arn(name)))]);
        Applied { id: name.to_owned(), outputs, pending: None }
    }

    fn arn(&self, name: &str) -> String {
        format!("arn:aws:dynamodb:{}:{}:table/{name}", self.cloud.region, self.cloud.account)
    }
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
