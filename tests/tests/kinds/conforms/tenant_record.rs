//! `tenant_record`: its fixture, and what is special about it.

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
use tests::live::clients::Clients as _;
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
    let call = root.dynamodb().update_item().table_name(TABLE).set_key(Some(key()));
    let call = call.update_expression("SET #a = :v").expression_attribute_names("#a", attribute);
    call.expression_attribute_values(":v", AttributeValue::S(value)).send().await.expect("is set");
}

async fn unset(root: Arc<Cloud>, attribute: String) {
    let call = root.dynamodb().update_item().table_name(TABLE).set_key(Some(key()));
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

tests::conforms!(fixture);

async fn fixture() -> Fixture {
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
            let call = root.dynamodb().get_item().table_name(TABLE).set_key(Some(key())).consistent_read(true);
            let item = call.send().await.expect("is read").item.expect("exists");
            item.into_iter().filter_map(|(name, value)| Some((name, value.as_s().ok()?.clone()))).collect()
        },
    )
}

mod special {
    use std::collections::{BTreeMap, HashMap};
    use std::sync::Arc;

    use aws_sdk_dynamodb::types::AttributeValue;
    use billing::names::{LEDGER_KEY, LEDGER_KIND, LEDGER_SORT, OWNER_TAG, TENANT_ATTRIBUTE, TENANT_ITEM};
    use engine::Input;
    use engine::kind::{ErrorClass, Removal};
    use provisioner::cloud::Cloud;
    use provisioner::kinds::dynamodb_table::{self, DynamodbTables, Keys};
    use provisioner::kinds::tenant_record::{Desired, TenantRecords};
    use provisioner::kinds::typed::TypedKind;
    use serde_json::{Value, json};

    use tests::live::clients::Clients as _;
    use tests::live::{Stage, allowed, cloud};

    /// A ledger of that name, made for one test.
    async fn ledger(cloud: &Arc<Cloud>, name: &str) -> dynamodb_table::Desired {
        let table = dynamodb_table::Desired {
            name: format!("kinds-{name}"),
            keys: Keys { partition: LEDGER_KEY.to_owned(), sort: Some(LEDGER_SORT.to_owned()) },
            indexes: BTreeMap::new(),
            ttl_attribute: None,
            point_in_time_recovery: false,
            deletion_protection: false,
            kms_encryption: false,
            tags: BTreeMap::new(),
        };
        Stage::<DynamodbTables>::new(cloud, name).try_create(&table).await.expect("the ledger is made");
        table
    }

    async fn drop_ledger(cloud: &Arc<Cloud>, table: &dynamodb_table::Desired) {
        Stage::<DynamodbTables>::new(cloud, &table.name).delete(&table.name, table).await;
    }

    fn desired(table: &dynamodb_table::Desired, tenant: &str) -> Desired {
        Desired {
            table: table.name.clone(),
            tenant: tenant.to_owned(),
            record: json!({"id": tenant, "name": "Acme, \"Inc.\"", "tags": {"Client": "Acme"},
            "terms": [{"markup": "0.10"}], "days_until_due": 30, "link_version": 1}),
            stripe_customer: None,
        }
    }

    fn text(text: &str) -> AttributeValue {
        AttributeValue::S(text.to_owned())
    }

    fn key(tenant: &str) -> HashMap<String, AttributeValue> {
        HashMap::from([(LEDGER_KEY.to_owned(), text(tenant)), (LEDGER_SORT.to_owned(), text(TENANT_ITEM))])
    }

    /// Sets one attribute behind billform's back.
    async fn set(cloud: &Cloud, desired: &Desired, attribute: &str, value: &str) {
        let call = cloud.dynamodb().update_item().table_name(&desired.table).set_key(Some(key(&desired.tenant)));
        let call = call.update_expression("SET #a = :v").expression_attribute_names("#a", attribute);
        call.expression_attribute_values(":v", text(value)).send().await.expect("is set");
    }

    async fn item(cloud: &Cloud, desired: &Desired) -> HashMap<String, AttributeValue> {
        let call = cloud.dynamodb().get_item().table_name(&desired.table).set_key(Some(key(&desired.tenant)));
        call.consistent_read(true).send().await.expect("is read").item.expect("exists")
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_record_lives_beside_what_the_runtime_keeps() {
        let cloud = cloud().await;
        let table = ledger(&cloud, "record-life").await;
        let stage = Stage::<TenantRecords>::new(&cloud, "acme");
        let first = desired(&table, "acme");
        let made = stage.create(&first).await;
        set(&cloud, &first, "paused", "since yesterday").await;

        let customer = Some(Input::Known("cus_1".to_owned()));
        let known = Desired { stripe_customer: customer, ..first.clone() };
        stage.change(&first, &known, &["stripe_customer"]).await;
        let mut renamed = known.clone();
        renamed.record["name"] = json!("Acme Ltd");
        stage.change(&known, &renamed, &["record.name"]).await;

        let item = item(&cloud, &renamed).await;
        assert_eq!(item.get("paused"), Some(&text("since yesterday")));
        assert_eq!(item.get(LEDGER_KIND), Some(&text(TENANT_ITEM)));
        let stored: Value = serde_json::from_str(item[TENANT_ATTRIBUTE].as_s().expect("text")).expect("JSON");
        assert_eq!(stored["stripe_customer"], json!("cus_1"));

        stage.delete(&made.id, &renamed).await;
        drop_ledger(&cloud, &table).await;
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_record_is_repaired() {
        let cloud = cloud().await;
        let table = ledger(&cloud, "record-repair").await;
        let stage = Stage::<TenantRecords>::new(&cloud, "acme");
        let desired = Desired { stripe_customer: Some(Input::Known("cus_1".to_owned())), ..desired(&table, "acme") };
        let made = stage.create(&desired).await;

        let mut other = desired.record.clone();
        other["link_version"] = json!(2);
        set(&cloud, &desired, TENANT_ATTRIBUTE, &other.to_string()).await;
        stage.repair(&desired, &["record.link_version", "stripe_customer"]).await;
        set(&cloud, &desired, TENANT_ATTRIBUTE, "no JSON").await;
        stage.repair(&desired, &["record", "stripe_customer"]).await;
        set(&cloud, &desired, LEDGER_KIND, "hidden").await;
        stage.repair(&desired, &["record", "stripe_customer"]).await;

        let call = cloud.dynamodb().update_item().table_name(&desired.table).set_key(Some(key("acme")));
        let call = call.update_expression("REMOVE #a").expression_attribute_names("#a", OWNER_TAG);
        call.send().await.expect("is disowned");
        stage.reclaim(&desired).await;
        stage.delete(&made.id, &desired).await;
        drop_ledger(&cloud, &table).await;
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_record_of_others_is_left_alone() {
        let cloud = cloud().await;
        let table = ledger(&cloud, "record-foreign").await;
        let stage = Stage::<TenantRecords>::new(&cloud, "acme");
        let desired = desired(&table, "acme");
        set(&cloud, &desired, TENANT_ATTRIBUTE, "{}").await;
        set(&cloud, &desired, OWNER_TAG, "another").await;

        let refused = stage.try_create(&desired).await.expect_err("it is another's");
        assert_eq!(refused.class, ErrorClass::AlreadyExists);
        let (seen, changes) = stage.drift(&desired, &desired).await;
        let refused = stage.update(&desired, seen.clone(), changes, false).await.expect_err("it is another's");
        assert_eq!(refused.class, ErrorClass::Refused);
        assert!(matches!(stage.try_delete(&seen.id, &desired).await, Ok(Removal::Kept(_))));
        assert_eq!(item(&cloud, &desired).await[TENANT_ATTRIBUTE], text("{}"));
        drop_ledger(&cloud, &table).await;
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn what_the_runtime_kept_alone_does_not_stand_in_the_way() {
        let cloud = cloud().await;
        let table = ledger(&cloud, "record-runtime").await;
        let stage = Stage::<TenantRecords>::new(&cloud, "acme");
        let desired = desired(&table, "acme");
        set(&cloud, &desired, "paused", "yes").await;
        let made = stage.create(&desired).await;
        assert_eq!(item(&cloud, &desired).await["paused"], text("yes"));
        stage.delete(&made.id, &desired).await;
        drop_ledger(&cloud, &table).await;
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn records_are_read_by_the_hundred_and_none_without_a_table() {
        let root = cloud().await;
        let cloud = allowed(&root, &[&TenantRecords::META, &DynamodbTables::META], BTreeMap::new()).await;
        let table = ledger(&cloud, "record-many").await;
        let stage = Stage::<TenantRecords>::new(&cloud, "many");
        let all: Vec<Desired> = (0..120).map(|n| desired(&table, &format!("t{n}"))).collect();
        for desired in &all {
            stage.try_create(desired).await.expect("is created");
        }
        stage.read_together(&all).await;
        drop_ledger(&cloud, &table).await;
        assert_eq!(stage.see(&all[0], None, engine::kind::Depth::Full).await, None);
        assert_eq!(stage.try_delete("x", &all[0]).await, Ok(Removal::Gone));
    }

    /// Without a first month of its own a tenant is billed from the month in which its record is made: stored then, kept by
    /// every later write, never drift. What the manifest names wins; what was made before the rule stays without one.
    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn the_first_month_is_stored_when_the_record_is_made_and_kept() {
        let cloud = cloud().await;
        let table = ledger(&cloud, "record-first").await;
        let stage = Stage::<TenantRecords>::new(&cloud, "acme");
        let first = desired(&table, "acme");
        let made = stage.create(&first).await;
        let stored = async |desired: &Desired| {
            let text = item(&cloud, desired).await[TENANT_ATTRIBUTE].clone();
            let record: Value = serde_json::from_str(text.as_s().expect("text")).expect("JSON");
            record["first_period"].clone()
        };
        let month = stored(&first).await;
        let this_month = |at: jiff::Timestamp| json!(at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m").to_string());
        // Made a moment ago, which may have been last month's last.
        let moments = [jiff::Timestamp::now(), jiff::Timestamp::now() - jiff::SignedDuration::from_mins(10)];
        assert!(moments.map(this_month).contains(&month), "{month}");

        let mut renamed = first.clone();
        renamed.record["name"] = json!("Acme Ltd");
        stage.change(&first, &renamed, &["record.name"]).await;
        assert_eq!(stored(&renamed).await, month);

        let mut named = renamed.clone();
        named.record["first_period"] = json!("2026-01");
        stage.change(&renamed, &named, &["record.first_period"]).await;
        assert_eq!(stored(&named).await, json!("2026-01"));
        // No longer named, it stays.
        stage.settled(&renamed).await;

        // A record from before the rule.
        set(&cloud, &renamed, TENANT_ATTRIBUTE, &renamed.record.to_string()).await;
        stage.settled(&renamed).await;
        let mut again = renamed.clone();
        again.record["name"] = json!("Acme Inc");
        stage.change(&renamed, &again, &["record.name"]).await;
        assert_eq!(stored(&again).await, Value::Null);
        stage.delete(&made.id, &again).await;
        drop_ledger(&cloud, &table).await;
    }
}
