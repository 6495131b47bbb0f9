//! Plans that are saved and carried out later, or refused because things changed meanwhile.

use aws_sdk_dynamodb::types::AttributeValue;
use tests::live::clients::Clients as _;
use tests::stage::{Draft, Stage, TenantDraft};

use crate::{changes, exactly};

fn manifest(memory_mb: u32) -> String {
    let draft = Draft::new("saved").tenant(TenantDraft::new("press", "MMP-Toledo"));
    draft.with(&format!("functions: {{ handlers: {{ costs: {{ memory_mb: {memory_mb} }} }} }}")).yaml()
}

async fn change_memory(stage: &Stage, memory_mb: i32) {
    let lambda = stage.root().await.lambda();
    let change = lambda.update_function_configuration().function_name("saved-costs").memory_size(memory_mb);
    change.send().await.expect("is changed");
}

async fn memory(stage: &Stage) -> Option<i32> {
    let lambda = stage.root().await.lambda();
    lambda.get_function_configuration().function_name("saved-costs").send().await.expect("is there").memory_size
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_saved_plan_does_what_it_says_and_is_refused_once_things_changed() {
    let stage = Stage::without_handlers(&manifest(256)).await;
    stage.run(&["plan", "--out", "create.plan"]).await.ok();
    assert_eq!(stage.inventory().await["lambda functions"].len(), 0, "a plan changes nothing");
    stage.run(&["apply", "create.plan"]).await.ok();
    stage.run(&["plan", "--detailed-exitcode"]).await.ok();

    // Carried out already: what it touches is not as it was seen.
    let again = stage.run(&["apply", "create.plan"]).await.exits(1);
    assert!(again.stderr.contains("the plan is stale: all of its "), "{}", again.stderr);

    stage.write(&manifest(512));
    let plan = stage.run(&["plan", "--out", "grow.plan", "--format", "json"]).await.ok().json();
    assert_eq!(changes(&plan), exactly(&[("lambda_function.costs", "update")]));
    change_memory(&stage, 300).await;
    let stale = stage.run(&["apply", "grow.plan"]).await.exits(1);
    assert!(
        stale.stderr.contains("the plan is stale") && stale.stderr.contains("lambda_function.costs"),
        "{}",
        stale.stderr
    );
    assert_eq!(memory(&stage).await, Some(300), "a refused plan changes nothing");

    change_memory(&stage, 256).await;
    stage.write(&manifest(1024));
    let other = stage.run(&["apply", "grow.plan"]).await.exits(1);
    assert!(other.stderr.contains("made from another manifest"), "{}", other.stderr);
    assert_eq!(memory(&stage).await, Some(256));

    stage.write(&manifest(512));
    stage.run(&["apply", "grow.plan"]).await.ok();
    assert_eq!(memory(&stage).await, Some(512));
    stage.run(&["plan", "--detailed-exitcode", "--refresh", "full"]).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_saved_plan_does_not_lose_what_came_into_a_table_since() {
    let stage =
        Stage::without_handlers(&Draft::new("kept").tenant(TenantDraft::new("press", "MMP-Toledo")).yaml()).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    stage.run(&["plan", "--destroy", "--out", "empty.plan"]).await.ok();
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let dynamodb = stage.root().await.dynamodb();
    let put = dynamodb.put_item().table_name("kept-ledger").item("tenant", text("press")).item("item", text("cost#1"));
    put.send().await.expect("a handler writes");

    let refused = stage.run(&["apply", "empty.plan", "--approve", "dynamodb_table.legder"]).await.exits(1);
    assert!(refused.stderr.contains("--approve dynamodb_table.ledger"), "{}", refused.stderr);
    assert!(refused.stderr.contains("--approve dynamodb_table.legder lets nothing go"), "{}", refused.stderr);
    let tables = stage.inventory().await["dynamodb tables"].clone();
    assert!(tables.contains("kept-ledger"), "{tables:?}");
    stage.run(&["apply", "empty.plan", "--approve", "dynamodb_table.ledger"]).await.ok();
    assert!(!stage.inventory().await["dynamodb tables"].contains("kept-ledger"));
}
