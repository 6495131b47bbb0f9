//! What is somebody else's is refused by name and taken over when asked; what is ours is known without the state.

use std::fs;

use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
use serde_json::{Value, json};
use tests::live::clients::Clients as _;
use tests::stage::{Draft, PORTAL, Stage, TenantDraft};

use crate::{changes, exactly};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn somebody_elses_table_is_refused_by_name_until_it_is_adopted() {
    let manifest = Draft::new("taken").tenant(TenantDraft::new("press", "MMP-Toledo")).yaml();
    let stage = Stage::without_handlers(&manifest).await;
    make_table(&stage, "taken-ledger").await;
    let before = stage.inventory().await;

    let planned = stage.run(&["plan", "--format", "json"]).await.exits(4).json();
    let refused = planned["refused"].as_array().expect("refused");
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!((&refused[0]["address"], &refused[0]["id"]), (&json!("dynamodb_table.ledger"), &json!("taken-ledger")));
    let applied = stage.run(&["apply", "--auto-approve"]).await.exits(4);
    assert!(applied.stdout.contains("taken-ledger"), "{}", applied.stdout);
    assert!(applied.stderr.contains("--adopt"), "{}", applied.stderr);
    assert_eq!(stage.inventory().await, before, "a refused apply changes nothing");

    let plan = stage.run(&["plan", "--adopt", "--format", "json"]).await.ok().json();
    assert_eq!(changes(&plan)["dynamodb_table.ledger"], "adopt");
    stage.run(&["apply", "--adopt", "--auto-approve"]).await.ok();
    stage.run(&["plan", "--detailed-exitcode", "--refresh", "full"]).await.ok();
    assert_eq!(stage.inventory().await["dynamodb tables"].len(), 1);
}

/// A table with the ledger's keys that nobody tagged.
async fn make_table(stage: &Stage, name: &str) {
    let text = |attribute: &str| {
        let definition = AttributeDefinition::builder().attribute_name(attribute);
        definition.attribute_type(ScalarAttributeType::S).build().expect("a definition")
    };
    let key = |attribute: &str, role| {
        KeySchemaElement::builder().attribute_name(attribute).key_type(role).build().expect("a key")
    };
    let dynamodb = stage.root().await.dynamodb();
    let create = dynamodb.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    let create = create.attribute_definitions(text("tenant")).attribute_definitions(text("item"));
    let create = create.key_schema(key("tenant", KeyType::Hash)).key_schema(key("item", KeyType::Range));
    create.send().await.expect("the table is made");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn without_its_state_everything_is_found_again_and_nothing_is_made_twice() {
    let stage = Stage::without_handlers(PORTAL).await;
    let applied = stage.run(&["apply", "--auto-approve", "--format", "json"]).await.ok().json();
    let made = applied["summary"]["create"].as_u64().expect("a count");
    let there = stage.inventory().await;
    fs::remove_dir_all(stage.folder().join(".billform")).expect("the state is lost");

    let plan = stage.run(&["plan", "--format", "json"]).await.ok().json();
    assert!(changes(&plan).values().all(|action| action == "adopt"), "{:?}", changes(&plan));
    // Activated tags belong to the payer, so there is nothing to own: they are simply as wanted.
    assert_eq!(changes(&plan).len() as u64, made, "{:?}", changes(&plan));
    let adopted = stage.run(&["apply", "--auto-approve", "--format", "json"]).await.ok().json();
    assert_eq!(adopted["summary"], summary(made));
    let again = stage.run(&["plan", "--detailed-exitcode", "--refresh", "full", "--format", "json"]).await.ok().json();
    assert_eq!(changes(&again), exactly(&[]));
    assert_eq!(stage.inventory().await, there);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn destroy_without_its_state_finds_what_is_ours() {
    let stage =
        Stage::without_handlers(&Draft::new("lost").tenant(TenantDraft::new("press", "MMP-Toledo")).yaml()).await;
    let before = stage.inventory().await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    fs::remove_dir_all(stage.folder().join(".billform")).expect("the state is lost");

    let planned = stage.run(&["plan", "--destroy", "--format", "json"]).await.ok().json();
    assert_ne!(planned["summary"]["delete"], 0, "{planned}");
    stage.run(&["destroy", "--auto-approve"]).await.ok();
    let after = stage.inventory().await;
    // What destroy keeps on purpose: the books in Stripe, the payer's tags, secrets for their recovery window.
    let kept = |service: &str| ["stripe", "active cost tags", "secret"].iter().any(|kept| service.starts_with(kept));
    for (service, names) in before.iter().filter(|(service, _)| !kept(service)) {
        assert_eq!(after.get(service), Some(names), "{service}");
    }
    let again = stage.run(&["destroy", "--auto-approve", "--format", "json"]).await.ok().json();
    assert_eq!(again["summary"]["delete"], 0, "what Stripe keeps is not archived over and over: {again}");
}

fn summary(adopted: u64) -> Value {
    json!({"create": 0, "update": 0, "replace": 0, "delete": 0, "adopt": adopted, "import": 0, "no_op": 0})
}
