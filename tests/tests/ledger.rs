//! The ledger in memory and both translators of DynamoDB agree on generated sequences of operations.
//!
//! The memory ledger is what unit tests stand on; where it and DynamoDB part, those tests prove nothing.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType,
};
use aws_sdk_iam::config::{Credentials, SharedCredentialsProvider};
use billing::ledger::{
    Expect, Indexed, Key, Ledger, MemoryLedger, PortError, Stored, TRANSACTION_ITEMS, TableLedger, Wrote,
};
use billing::names::{LEDGER_BY_KIND, LEDGER_KEY, LEDGER_KIND, LEDGER_SORT};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use provisioner::cloud::sdk_config;
use tests::stage::Place;

const TABLE: &str = "ledger-model";
const SEQUENCES: u32 = 48;

#[derive(Debug, Clone)]
enum Operation {
    Get(Key),
    Range { partition: String, from: String, to: String },
    OfKind(String),
    Put(Stored, Expect),
    Transact(Vec<(Stored, Expect)>),
}

/// What an operation came to, as far as ledgers have to agree. Errors' words are each ledger's own.
#[derive(Debug, PartialEq)]
enum Outcome {
    Item(Option<Stored>),
    Items(Vec<Stored>),
    Wrote(Wrote),
    Refused,
}

async fn done(ledger: &dyn Ledger, operation: Operation) -> Outcome {
    let refused = |error: PortError| {
        assert!(error.refused, "{error}: the local cloud answers every call");
        Outcome::Refused
    };
    match operation {
        Operation::Get(key) => ledger.get(&key).await.map_or_else(refused, Outcome::Item),
        Operation::Range { partition, from, to } => {
            ledger.range(&partition, &from, &to).await.map_or_else(refused, Outcome::Items)
        }
        Operation::OfKind(kind) => ledger.of_kind(&kind).await.map_or_else(refused, |mut items| {
            // An index has no order among items of one partition.
            items.sort_by(|left, right| left.key.cmp(&right.key));
            Outcome::Items(items)
        }),
        Operation::Put(item, expect) => ledger.put(item, expect).await.map_or_else(refused, Outcome::Wrote),
        Operation::Transact(items) => ledger.transact(items).await.map_or_else(refused, Outcome::Wrote),
    }
}

fn partition() -> impl Strategy<Value = String> {
    prop_oneof![8 => Just("acme".to_owned()), 4 => Just("claim#Org=Acme".to_owned()), 1 => Just(String::new())]
}

fn sort() -> impl Strategy<Value = String> {
    let sorts = ["cost#2026-10-05", "cost#2026-10-05#part-0001", "cost#2026-10-06", "invoice#2026-10", "tenant", "~"];
    prop_oneof![20 => prop::sample::select(sorts.to_vec()).prop_map(str::to_owned), 1 => Just(String::new())]
}

fn key() -> impl Strategy<Value = Key> {
    (partition(), sort()).prop_map(|(partition, sort)| Key { partition, sort })
}

fn kind() -> impl Strategy<Value = String> {
    prop_oneof![4 => Just("tenant".to_owned()), 2 => Just("other".to_owned())]
}

fn holder() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "run-1", "run-2", "é"]).prop_map(str::to_owned)
}

fn time() -> impl Strategy<Value = jiff::Timestamp> {
    let times = ["1969-12-31T23:59:59.999Z", "2026-11-27T09:00:00Z", "2026-11-27T09:00:00.001Z"];
    prop::sample::select(times.to_vec()).prop_map(|text| text.parse().expect("a time"))
}

prop_compose! {
    fn item()(
        key in key(),
        text in prop_oneof!["[a-zé\"{}]{0,12}", Just("x".repeat(300_000)), Just("x".repeat(410_000))],
        kind in option::of(prop_oneof![9 => kind(), 1 => Just(String::new())]),
        version in option::of(0_u64..3),
        read_at in option::of(time()),
        holder in option::of(holder()),
        expires_at_s in option::of(Just(4_000_000_000_i64)),
        parts in 0_u32..2,
        digest in option::of(Just("ab".to_owned())),
    ) -> Stored {
        Stored { key, text, indexed: Indexed { kind, version, read_at, holder, expires_at_s, parts, digest } }
    }
}

fn expect() -> impl Strategy<Value = Expect> {
    prop_oneof![
        Just(Expect::Anything),
        Just(Expect::Absent),
        (0_u64..3).prop_map(Expect::Version),
        time().prop_map(Expect::NoNewerThan),
        holder().prop_map(Expect::HeldBy),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        2 => key().prop_map(Operation::Get),
        2 => (partition(), sort(), sort()).prop_map(|(partition, from, to)| Operation::Range { partition, from, to }),
        1 => kind().prop_map(Operation::OfKind),
        6 => (item(), expect()).prop_map(|(item, expect)| Operation::Put(item, expect)),
        3 => vec((item(), expect()), 0..4).prop_map(Operation::Transact),
    ]
}

/// The table as the stack makes it, empty.
async fn make_table(client: &Client) {
    let _ = client.delete_table().table_name(TABLE).send().await;
    let attribute = |name: &str| {
        let text = ScalarAttributeType::S;
        AttributeDefinition::builder().attribute_name(name).attribute_type(text).build().expect("an attribute")
    };
    let key =
        |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("a key");
    let index = GlobalSecondaryIndex::builder()
        .index_name(LEDGER_BY_KIND)
        .key_schema(key(LEDGER_KIND, KeyType::Hash))
        .key_schema(key(LEDGER_KEY, KeyType::Range))
        .projection(Projection::builder().projection_type(ProjectionType::All).build())
        .build()
        .expect("an index");
    let create = client.create_table().table_name(TABLE).billing_mode(BillingMode::PayPerRequest);
    let create = create.attribute_definitions(attribute(LEDGER_KEY)).attribute_definitions(attribute(LEDGER_SORT));
    let create = create.attribute_definitions(attribute(LEDGER_KIND)).global_secondary_indexes(index);
    let create = create.key_schema(key(LEDGER_KEY, KeyType::Hash)).key_schema(key(LEDGER_SORT, KeyType::Range));
    create.send().await.expect("the table is made");
}

async fn client(place: &Place) -> Client {
    let description = place.cloud.description();
    let root = place.root();
    let credentials = Credentials::new(root.id, root.secret, None, None, "tests");
    let config = sdk_config(&description.region).await.to_builder();
    let config = config
        .endpoint_url(&description.aws_endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    Client::new(&config)
}

/// Runs generated sequences on a ledger over DynamoDB and on one in memory, and wants the same of both.
fn agrees<L: Ledger>(over: impl Fn(Client) -> L) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let place = runtime.block_on(Place::start());
    let dynamodb = runtime.block_on(client(&place));
    let mut runner = TestRunner::new(Config { cases: SEQUENCES, max_shrink_iters: 200, ..Config::default() });
    let checked = runner.run(&vec(operation(), 1..14), |operations| {
        runtime.block_on(async {
            make_table(&dynamodb).await;
            let (stored, memory) = (over(dynamodb.clone()), MemoryLedger::default());
            for (at, operation) in operations.into_iter().enumerate() {
                let expected = done(&memory, operation.clone()).await;
                let found = done(&stored, operation.clone()).await;
                if found != expected {
                    let told = format!("operation {at}, {operation:?}: {found:?} in DynamoDB, {expected:?} in memory");
                    return Err(TestCaseError::fail(told.chars().take(2000).collect::<String>()));
                }
            }
            Ok(())
        })
    });
    runtime.block_on(place.cloud.stop());
    // A text in it may be 400 KB.
    checked.unwrap_or_else(|found| panic!("{}", found.to_string().chars().take(6000).collect::<String>()));
}

#[test]
fn the_runtimes_dynamodb_agrees_with_memory() {
    agrees(|client| TableLedger(runtime::adapters::DynamoTable::new(client, TABLE)));
}

#[test]
fn the_provisioners_dynamodb_agrees_with_memory() {
    agrees(|client| TableLedger(provisioner::ledger::table::DynamoTable::new(client, TABLE)));
}

/// A transaction's size cannot be left to chance: DynamoDB counts items, and so does the ledger before it asks.
#[test]
fn a_transaction_of_too_many_items_is_refused_before_it_is_sent() {
    let item = |number: usize| Stored {
        key: Key::new("acme", format!("cost#{number:04}")),
        text: "{}".to_owned(),
        indexed: Indexed::default(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let most: Vec<_> = (0..TRANSACTION_ITEMS).map(|number| (item(number), Expect::Absent)).collect();
    let too_many: Vec<_> = (0..=TRANSACTION_ITEMS).map(|number| (item(number), Expect::Absent)).collect();
    let memory = MemoryLedger::default();
    assert_eq!(runtime.block_on(memory.transact(most)), Ok(Wrote::Done));
    assert!(runtime.block_on(memory.transact(too_many)).is_err_and(|error| error.refused));
}
