//! `tenant_record`: one tenant as an item of the ledger table; the runtime reads it.
//! Attributes beside the record (paused, ids learned later) are the runtime's and never drift.

pub mod first_period;
pub mod history;
mod leaving;
mod listing;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use billing::Month;
use billing::ledger::{Record as _, SCHEMA_FIELD};
use billing::names::{ADDRESS_TAG, LEDGER_KEY, LEDGER_KIND, LEDGER_SORT, OWNER_TAG, TENANT_ATTRIBUTE, TENANT_ITEM};
use billing::tenant::TenantRecord;
use engine::diff::FieldChange;
use engine::kind::{Applied, CallError, Depth, ErrorClass, Removal};
use engine::kind_meta::{KindMeta, Permission, Verb};
use engine::{Address, Input, Owner};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::dynamodb_table::{ANY_TABLE, DynamodbTables};
use super::typed::{Answers, Seen, TypedKind, TypedListed, TypedUpdate, TypedWant, at_once};
use crate::cloud::clock;
use crate::cloud::errors::{call_error, code, refused};
use crate::cloud::{Cloud, Home, client};

/// What a tenant record is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The ledger table's name.
    pub table: String,
    /// The tenant's id, the item's partition key.
    pub tenant: String,
    /// `billing::tenant::TenantRecord` as JSON, but for the customer's id.
    pub record: Value,
    /// The tenant's Stripe customer; goes into the stored record as `stripe_customer`.
    pub stripe_customer: Option<Input<String>>,
}

/// The kind, at work.
pub struct TenantRecords {
    cloud: Arc<Cloud>,
    dynamodb: aws_sdk_dynamodb::Client,
}

type Item = HashMap<String, AttributeValue>;

/// As many items as one BatchGetItem takes.
const BATCH: usize = 100;
const READS: usize = 4;
/// How often the items that a batch left out are asked for again.
const ROUNDS: u32 = 8;
/// The record's field that is a field of its own here: it may be known only after apply.
const CUSTOMER: &str = "stripe_customer";

const TABLE: &str = "arn:aws:dynamodb:{region}:{account}:table/{table}";
const BY_KIND: &str = "arn:aws:dynamodb:{region}:{account}:table/{table}/index/by_kind";

impl TypedKind for TenantRecords {
    type Desired = Desired;

    const META: KindMeta = KindMeta {
        name: "tenant_record",
        plural: "table items",
        service: "dynamodb",
        summary: "A tenant's record in the ledger table",
        create_only: &["table", "tenant"],
        permissions: &[
            Permission { verb: Verb::Read, action: "dynamodb:BatchGetItem", resource: TABLE },
            // Records that the manifest no longer has are in the tables that carry the stack's name.
            Permission { verb: Verb::Read, action: "dynamodb:ListTables", resource: "*" },
            Permission { verb: Verb::Read, action: "dynamodb:ListTagsOfResource", resource: ANY_TABLE },
            Permission { verb: Verb::Read, action: "dynamodb:DescribeTable", resource: ANY_TABLE },
            Permission { verb: Verb::Read, action: "dynamodb:Query", resource: BY_KIND },
            Permission { verb: Verb::Read, action: "dynamodb:Scan", resource: TABLE },
            // Which months of a tenant were never invoiced, and what an edit would have made of closed ones.
            Permission { verb: Verb::Read, action: "dynamodb:Query", resource: TABLE },
            Permission { verb: Verb::Create, action: "dynamodb:UpdateItem", resource: TABLE },
            Permission { verb: Verb::Update, action: "dynamodb:UpdateItem", resource: TABLE },
            Permission { verb: Verb::Delete, action: "dynamodb:DeleteItem", resource: TABLE },
            // What stays of a tenant who left.
            Permission { verb: Verb::Delete, action: "dynamodb:UpdateItem", resource: TABLE },
        ],
        steps_at_once: 16,
        names: &["tenant", "record.id", "record.name", "record.email", "record.tags.*"],
        ..KindMeta::PLAIN
    };

    fn new(cloud: Arc<Cloud>) -> Self {
        TenantRecords { dynamodb: client!(cloud, aws_sdk_dynamodb, Home::Stack), cloud }
    }

    async fn read(&self, wants: &[TypedWant<Desired>], _depth: Depth) -> Answers<Desired> {
        let batches: Vec<_> = batches(wants).into_iter().map(|(table, tenants)| self.fetch(table, tenants)).collect();
        let mut found: HashMap<(String, String), Result<Item, CallError>> = HashMap::new();
        for (table, tenants, answer) in at_once(READS, batches).await {
            match answer {
                Ok(items) => found.extend(items.into_iter().filter_map(|item| {
                    let tenant = text(&item, LEDGER_KEY)?.to_owned();
                    Some(((table.clone(), tenant), Ok(item)))
                })),
                Err(error) => {
                    found.extend(tenants.into_iter().map(|tenant| ((table.clone(), tenant), Err(error.clone()))));
                }
            }
        }
        let seen = |want: &TypedWant<Desired>| match found.get(&(want.fields.table.clone(), want.fields.tenant.clone()))
        {
            None => Ok(None),
            Some(Err(error)) => Err(error.clone()),
            Some(Ok(item)) => Ok(observed(&want.fields.table, item)),
        };
        Ok(wants.iter().map(seen).collect())
    }

    async fn list(&self) -> Result<Vec<TypedListed<Desired>>, CallError> {
        let tables = DynamodbTables::new(Arc::clone(&self.cloud));
        let mut listed = Vec::new();
        for (table, _) in tables.owned().await? {
            let Some(description) = tables.describe(&table).await? else { continue };
            let items = self.records_of(&table, &description).await?;
            listed.extend(items.iter().filter_map(|item| self.listed(&table, item)));
        }
        Ok(listed)
    }

    /// Every item of every table, by the text of its keys.
    async fn inventory(&self) -> Result<Vec<String>, CallError> {
        let mut found = Vec::new();
        for table in DynamodbTables::new(Arc::clone(&self.cloud)).names().await? {
            let items = self.dynamodb.scan().table_name(&table).into_paginator().items().send();
            let items = items.collect::<Result<Vec<Item>, _>>().await;
            let items = items.map_err(|error| call_error("dynamodb:Scan", error))?;
            let part = |item: &Item, name: &str| text(item, name).unwrap_or_default().to_owned();
            found.extend(
                items.iter().map(|item| format!("{table}: {} {}", part(item, LEDGER_KEY), part(item, LEDGER_SORT))),
            );
        }
        Ok(found)
    }

    fn diff(&self, desired: &Value, observed: &Value, last: Option<&Value>) -> Vec<FieldChange> {
        let observed = first_period::beside(desired, observed);
        let desired = history::beside(desired, &observed, self.month());
        engine::diff::fields(&Self::META, &desired, &observed, last)
    }

    async fn create(&self, address: &Address, mut desired: Desired, _token: &str) -> Result<Applied, CallError> {
        first_period::fill(&mut desired.record, Month::of(clock::today().await));
        // Attributes of the runtime alone are no record: ours goes beside them.
        let call = self.write(address, &desired)?;
        let call = call.condition_expression("attribute_not_exists(#record) AND attribute_not_exists(#stack)");
        let Err(error) = call.send().await else { return Ok(applied(&desired.table, &desired.tenant)) };
        let class = match code(&error) {
            Some("ConditionalCheckFailedException") => Some(ErrorClass::AlreadyExists),
            // The table was made a moment ago and is not visible everywhere yet.
            Some("ResourceNotFoundException") => Some(ErrorClass::NotYet),
            _ => None,
        };
        let failed = call_error("dynamodb:UpdateItem", error);
        Err(CallError { class: class.unwrap_or(failed.class), ..failed })
    }

    async fn update(&self, mut change: TypedUpdate<Desired>) -> Result<Applied, CallError> {
        // As it is stored, and not as the state may remember it: its history goes on.
        let stored = self.fetch_all(&change.desired.table, std::slice::from_ref(&change.desired.tenant)).await?;
        let stored = stored.first().map_or_else(|| change.observed.record.clone(), |item| parted(item).0);
        first_period::keep(&mut change.desired.record, &stored);
        change.desired.record = history::following(&change.desired.record, &stored, self.month());
        let call = self.write(&change.address, &change.desired)?;
        let call = match change.claim {
            true => call.condition_expression("attribute_exists(#record)"),
            false => call.condition_expression("#stack = :stack"),
        };
        match call.send().await {
            Ok(_) => Ok(applied(&change.desired.table, &change.desired.tenant)),
            Err(error) if code(&error) == Some("ConditionalCheckFailedException") => Err(refused(
                "dynamodb:UpdateItem",
                format!(
                    "the record of tenant {} in {} is gone or another stack's since it was read; plan again",
                    change.desired.tenant, change.desired.table
                ),
            )),
            Err(error) => Err(call_error("dynamodb:UpdateItem", error)),
        }
    }

    async fn delete(&self, _address: &Address, _id: &str, last: Desired) -> Result<Removal, CallError> {
        self.keep_what_stays(&last).await?;
        let call = self.dynamodb.delete_item().table_name(&last.table).set_key(Some(key(&last.tenant)));
        let call = call
            .condition_expression("attribute_not_exists(#stack) AND attribute_not_exists(#record) OR #stack = :stack");
        let call = call.expression_attribute_names("#stack", OWNER_TAG);
        let call = call.expression_attribute_names("#record", TENANT_ATTRIBUTE);
        let call = call.expression_attribute_values(":stack", AttributeValue::S(self.cloud.stack.clone()));
        match call.send().await {
            Ok(_) => Ok(Removal::Gone),
            Err(error) if code(&error) == Some("ResourceNotFoundException") => Ok(Removal::Gone),
            Err(error) if code(&error) == Some("ConditionalCheckFailedException") => {
                Ok(Removal::Kept(format!("the record in {} is no longer this stack's", last.table)))
            }
            Err(error) => Err(call_error("dynamodb:DeleteItem", error)),
        }
    }
}

impl TenantRecords {
    /// The month of the run, in which undated edits begin to hold.
    fn month(&self) -> Option<Month> {
        self.cloud.today.map(Month::of)
    }

    /// The items of one batch that exist. No table, no items.
    async fn fetch(&self, table: String, tenants: Vec<String>) -> (String, Vec<String>, Result<Vec<Item>, CallError>) {
        let answer = self.fetch_all(&table, &tenants).await;
        (table, tenants, answer)
    }

    async fn fetch_all(&self, table: &str, tenants: &[String]) -> Result<Vec<Item>, CallError> {
        let operation = "dynamodb:BatchGetItem";
        let keys = tenants.iter().map(|tenant| key(tenant)).collect();
        let asked = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        let asked = asked.map_err(|error| refused(operation, error.to_string()))?;
        let mut left = HashMap::from([(table.to_owned(), asked)]);
        let mut found = Vec::new();
        for round in 0..ROUNDS {
            match self.dynamodb.batch_get_item().set_request_items(Some(left)).send().await {
                Ok(answer) => {
                    found.extend(answer.responses.unwrap_or_default().into_values().flatten());
                    left = answer.unprocessed_keys.unwrap_or_default();
                }
                Err(error) if code(&error) == Some("ResourceNotFoundException") => return Ok(Vec::new()),
                Err(error) => return Err(call_error(operation, error)),
            }
            if left.is_empty() {
                return Ok(found);
            }
            tokio::time::sleep(std::time::Duration::from_millis(50 << round)).await;
        }
        let message = format!("{table} answers too few items at a time");
        Err(CallError { class: ErrorClass::Throttled, ..refused(operation, message) })
    }

    /// Sets our attributes and leaves the runtime's; the condition is for the caller to add.
    fn write(&self, address: &Address, desired: &Desired) -> Result<UpdateItemFluentBuilder, CallError> {
        let values = [
            ("#kind", ":kind", LEDGER_KIND, TENANT_ITEM.to_owned()),
            ("#record", ":record", TENANT_ATTRIBUTE, stored(desired)?),
            ("#stack", ":stack", OWNER_TAG, self.cloud.stack.clone()),
            ("#address", ":address", ADDRESS_TAG, address.to_string()),
        ];
        let sets: Vec<String> = values.iter().map(|(name, value, ..)| format!("{name} = {value}")).collect();
        let call = self.dynamodb.update_item().table_name(&desired.table).set_key(Some(key(&desired.tenant)));
        let call = call.update_expression(format!("SET {}", sets.join(", ")));
        Ok(values.into_iter().fold(call, |call, (name, placeholder, attribute, value)| {
            call.expression_attribute_names(name, attribute)
                .expression_attribute_values(placeholder, AttributeValue::S(value))
        }))
    }
}

/// The wanted tenants by table, each once, in lots that one call takes.
fn batches(wants: &[TypedWant<Desired>]) -> Vec<(String, Vec<String>)> {
    let mut tables: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for want in wants {
        tables.entry(&want.fields.table).or_default().insert(&want.fields.tenant);
    }
    let mut lots = Vec::new();
    for (table, tenants) in tables {
        let tenants: Vec<String> = tenants.into_iter().map(str::to_owned).collect();
        lots.extend(tenants.chunks(BATCH).map(|lot| (table.to_owned(), lot.to_vec())));
    }
    lots
}

fn key(tenant: &str) -> Item {
    HashMap::from([
        (LEDGER_KEY.to_owned(), AttributeValue::S(tenant.to_owned())),
        (LEDGER_SORT.to_owned(), AttributeValue::S(TENANT_ITEM.to_owned())),
    ])
}

fn text<'a>(item: &'a Item, attribute: &str) -> Option<&'a str> {
    item.get(attribute).and_then(|value| value.as_s().ok()).map(String::as_str)
}

/// The record as it is stored: JSON text with its schema number and the customer in it.
fn stored(desired: &Desired) -> Result<String, CallError> {
    let operation = "dynamodb:UpdateItem";
    let fields = desired.record.as_object();
    let fields = fields
        .ok_or_else(|| refused(operation, format!("the record of tenant {} is not an object", desired.tenant)))?;
    let mut record = Map::from_iter([(SCHEMA_FIELD.to_owned(), TenantRecord::SCHEMA.into())]);
    record.extend(fields.iter().map(|(name, value)| (name.clone(), value.clone())));
    match &desired.stripe_customer {
        None => {}
        Some(Input::Known(customer)) => {
            record.insert(CUSTOMER.to_owned(), Value::String(customer.clone()));
        }
        Some(Input::Output(of)) => return Err(refused(operation, format!("the output of {} is not known yet", of.of))),
    }
    Ok(Value::Object(record).to_string())
}

/// An item as a record. One with neither a record nor an owner is the runtime's alone, and no record.
fn observed(table: &str, item: &Item) -> Option<Seen<Desired>> {
    let tenant = text(item, LEDGER_KEY)?;
    if !item.contains_key(TENANT_ATTRIBUTE) && !item.contains_key(OWNER_TAG) {
        return None;
    }
    let (record, customer) = parted(item);
    let fields = Desired {
        table: table.to_owned(),
        tenant: tenant.to_owned(),
        record,
        stripe_customer: customer.map(Input::Known),
    };
    let owner = text(item, OWNER_TAG)
        .map_or(Owner::Unknown, |stack| Owner::at(stack, &text(item, ADDRESS_TAG).unwrap_or_default()));
    let Applied { id, outputs, .. } = applied(table, tenant);
    Some(Seen { id, fields, outputs, owner, unread: Vec::new(), pending: None })
}

/// The stored record without the customer and the schema number, and the customer. Null when the runtime would not find it: it lists
/// records by their kind.
fn parted(item: &Item) -> (Value, Option<String>) {
    if text(item, LEDGER_KIND) != Some(TENANT_ITEM) {
        return (Value::Null, None);
    }
    let stored = text(item, TENANT_ATTRIBUTE).unwrap_or_default();
    let mut record = serde_json::from_str(stored).unwrap_or_else(|_| Value::String(stored.to_owned()));
    // shift_remove keeps the order of the rest.
    let customer = record.as_object_mut().and_then(|fields| fields.shift_remove(CUSTOMER));
    if let Some(fields) = record.as_object_mut() {
        // A text without a number is of version 1. Another version than ours stays and differs, so that it is rewritten.
        if fields.get(SCHEMA_FIELD).and_then(Value::as_u64) == Some(TenantRecord::SCHEMA.into()) {
            fields.shift_remove(SCHEMA_FIELD);
        }
    }
    (record, customer.as_ref().and_then(Value::as_str).map(str::to_owned))
}

fn applied(table: &str, tenant: &str) -> Applied {
    Applied { id: format!("{table}/{tenant}"), outputs: BTreeMap::new(), pending: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn desired(customer: Option<&str>) -> Desired {
        Desired {
            table: "ledger".to_owned(),
            tenant: "acme".to_owned(),
            record: json!({"id": "acme", "terms": [{"markup": "0.10"}], "link_version": 1}),
            stripe_customer: customer.map(|customer| Input::Known(customer.to_owned())),
        }
    }

    fn item(pairs: &[(&str, &str)]) -> Item {
        let mut item = key("acme");
        item.extend(pairs.iter().map(|(name, value)| ((*name).to_owned(), AttributeValue::S((*value).to_owned()))));
        item
    }

    fn stored_item(desired: &Desired) -> Item {
        let record = stored(desired).expect("is stored");
        item(&[(LEDGER_KIND, TENANT_ITEM), (TENANT_ATTRIBUTE, &record), (OWNER_TAG, "shop"), ("paused", "yes")])
    }

    #[test]
    fn what_is_stored_reads_back() {
        for desired in [desired(None), desired(Some("cus_1"))] {
            let seen = observed("ledger", &stored_item(&desired)).expect("a record");
            assert_eq!(seen.fields, desired);
            assert_eq!((seen.id.as_str(), seen.owner.is_stack("shop")), ("ledger/acme", true));
        }
        let text = stored(&desired(Some("cus_1"))).expect("is stored");
        let record: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(record["stripe_customer"], json!("cus_1"));
    }

    #[test]
    fn the_stored_text_is_numbered_and_one_without_a_number_is_no_drift() {
        let numbered: Value = serde_json::from_str(&stored(&desired(None)).expect("is stored")).expect("JSON");
        assert_eq!(numbered[SCHEMA_FIELD], Value::from(TenantRecord::SCHEMA));
        let seen_as = |text: &str| {
            let stored = item(&[(LEDGER_KIND, TENANT_ITEM), (TENANT_ATTRIBUTE, text), (OWNER_TAG, "shop")]);
            observed("ledger", &stored).expect("a record").fields.record
        };
        let record = desired(None).record;
        assert_eq!(seen_as(&numbered.to_string()), record);
        assert_eq!(seen_as(&record.to_string()), record);
        let mut newer = numbered;
        newer[SCHEMA_FIELD] = Value::from(TenantRecord::SCHEMA + 1);
        assert_ne!(seen_as(&newer.to_string()), record);
    }

    #[test]
    fn a_customer_not_known_yet_is_not_stored() {
        let mut desired = desired(None);
        desired.stripe_customer = Some(Input::output(Address::new("stripe_customer", "acme"), "id"));
        assert!(stored(&desired).is_err());
    }

    #[test]
    fn what_the_runtime_keeps_alone_is_no_record() {
        assert!(observed("ledger", &item(&[("paused", "yes")])).is_none());
        let theirs = observed("ledger", &item(&[(LEDGER_KIND, TENANT_ITEM), (TENANT_ATTRIBUTE, "{}")]));
        assert_eq!(theirs.expect("a record").owner, Owner::Unknown);
    }

    #[test]
    fn a_record_the_runtime_cannot_find_or_read_differs() {
        let hidden = item(&[(TENANT_ATTRIBUTE, "{}"), (OWNER_TAG, "shop")]);
        assert_eq!(observed("ledger", &hidden).expect("a record").fields.record, Value::Null);
        let broken = item(&[(LEDGER_KIND, TENANT_ITEM), (TENANT_ATTRIBUTE, "{"), (OWNER_TAG, "shop")]);
        assert_eq!(observed("ledger", &broken).expect("a record").fields.record, json!("{"));
    }

    #[test]
    fn batches_hold_at_most_a_hundred_of_one_table() {
        let want = |table: &str, n: usize| TypedWant {
            address: Address::new("tenant_record", format!("t{n}")),
            id: None,
            fields: Desired { table: table.to_owned(), tenant: format!("t{n:03}"), ..desired(None) },
            known: None,
        };
        let mut wants: Vec<_> = (0..250).map(|n| want("a", n)).collect();
        wants.extend((0..3).map(|n| want("b", n)));
        wants.push(want("b", 0));
        let sizes: Vec<_> = batches(&wants).into_iter().map(|(table, lot)| (table, lot.len())).collect();
        let expected = [("a", 100), ("a", 100), ("a", 50), ("b", 3)];
        assert_eq!(sizes, expected.map(|(table, size)| (table.to_owned(), size)));
    }
}
