//! `tenant_record`: what it is asked. Whose it is stands in attributes of the item.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use billing::names::{LEDGER_BY_KIND, LEDGER_KEY, LEDGER_KIND, LEDGER_SORT, TENANT_ATTRIBUTE, TENANT_ITEM};
use engine::Input;
use provisioner::cloud::Cloud;
use provisioner::kinds::dynamodb_table::{self, DynamodbTables, Keys};
use provisioner::kinds::tenant_record::{Desired, TenantRecords};
use provisioner::kinds::typed::TypedKind;
use serde_json::{Value, json};
use tests::conformance::{Act, Fixture, Ownership, act};
use tests::live::{Stage, allowed, cloud};

const TABLE: &str = "conformance-ledger";

async fn ledger(root: &Arc<Cloud>) {
    let keys = |partition: &str, sort: &str| Keys { partition: partition.to_owned(), sort: Some(sort.to_owned()) };
    let table = dynamodb_table::Desired {
        name: TABLE.to_owned(),
        keys: keys(LEDGER_KEY, LEDGER_SORT),
        indexes: BTreeMap::from([(LEDGER_BY_KIND.to_owned(), keys(LEDGER_KIND, LEDGER_KEY))]),
        ttl_attribute: None,
        point_in_time_recovery: false,
        deletion_protection: false,
        kms_encryption: false,
        tags: BTreeMap::new(),
    };
    Stage::<DynamodbTables>::new(root, TABLE).try_create(&table).await.expect("the ledger is made");
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn key() -> HashMap<String, AttributeValue> {
    HashMap::from([(LEDGER_KEY.to_owned(), text("acme")), (LEDGER_SORT.to_owned(), text(TENANT_ITEM))])
}

async fn set(root: Arc<Cloud>, attribute: String, value: String) {
    let call = root.dynamodb.update_item().table_name(TABLE).set_key(Some(key()));
    let call = call.update_expression("SET #a = :v").expression_attribute_names("#a", attribute);
    call.expression_attribute_values(":v", AttributeValue::S(value)).send().await.expect("is set");
}

async fn unset(root: Arc<Cloud>, attribute: String) {
    let call = root.dynamodb.update_item().table_name(TABLE).set_key(Some(key()));
    let call = call.update_expression("REMOVE #a").expression_attribute_names("#a", attribute);
    call.send().await.expect("is gone");
}

fn record(link_version: u32) -> Value {
    json!({"id": "acme", "name": "Acme, \"Inc.\"", "terms": [{"markup": "0.10"}], "link_version": link_version})
}

/// Somebody stores another record under this customer.
fn stores(link_version: u32, customer: &'static str) -> Act {
    act(move |root, _| async move {
        let mut stored = record(link_version);
        stored["stripe_customer"] = json!(customer);
        set(root, TENANT_ATTRIBUTE.to_owned(), stored.to_string()).await;
    })
}

pub async fn fixture() -> Fixture {
    let root = cloud().await;
    ledger(&root).await;
    let cloud = allowed(&root, &[&TenantRecords::META], Default::default()).await;
    let first = Desired {
        table: TABLE.to_owned(),
        tenant: "acme".to_owned(),
        record: record(1),
        stripe_customer: Some(Input::Known("cus_1".to_owned())),
    };
    let hidden = act(|root, _| set(root, LEDGER_KIND.to_owned(), "hidden".to_owned()));
    Fixture::new::<TenantRecords>(&cloud, &root, "acme", &first)
        .owned(ownership())
        .immutable("table", "an item stays in its table")
        .immutable("tenant", "it is the item's key")
        .mutation("record", stores(2, "cus_1"), [("record.link_version", json!(2), json!(1))])
        .mutation("stripe_customer", stores(1, "cus_2"), [("stripe_customer", json!("cus_2"), json!("cus_1"))])
        .mutation(
            "record",
            hidden,
            [("record", Value::Null, record(1)), ("stripe_customer", Value::Null, json!("cus_1"))],
        )
        .update("record", Desired { record: record(3), ..first.clone() })
        .update("stripe_customer", Desired { stripe_customer: None, ..first.clone() })
        .replace("table", Desired { table: "conformance-other".to_owned(), ..first.clone() })
        .replace("tenant", Desired { tenant: "other".to_owned(), ..first })
}

fn ownership() -> Ownership {
    Ownership::new(
        None,
        |root, _, tags, gone| async move {
            for (attribute, value) in tags {
                set(Arc::clone(&root), attribute, value).await;
            }
            for attribute in gone {
                unset(Arc::clone(&root), attribute).await;
            }
        },
        |root, _| async move {
            let call = root.dynamodb.get_item().table_name(TABLE).set_key(Some(key())).consistent_read(true);
            let item = call.send().await.expect("is read").item.expect("exists");
            item.into_iter().filter_map(|(name, value)| Some((name, value.as_s().ok()?.clone()))).collect()
        },
    )
}
