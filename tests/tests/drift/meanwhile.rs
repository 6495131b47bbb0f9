//! `drift` takes no lock: it runs while an apply does, and what that apply has begun is not held against anyone.

use localcloud::gateway::fault::{Effect, Fault};
use serde_json::json;
use tests::stage::{Draft, Stage, TenantDraft};

use crate::{exactly, found};

fn manifest(memory_mb: u32) -> String {
    let draft = Draft::new("meanwhile").tenant(TenantDraft::new("press", "MMP-Toledo"));
    draft.with(&format!("functions: {{ handlers: {{ costs: {{ memory_mb: {memory_mb} }} }} }}")).yaml()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_looks_while_an_apply_holds_the_lock() {
    let mut stage = Stage::without_handlers(&manifest(256)).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    stage.write(&manifest(512));
    let traffic = stage.place.cloud.traffic().clone();
    let held = Fault::on_operation("lambda", "UpdateFunctionConfiguration", Effect::HoldAnswer);
    let fault = traffic.arm(vec![held]).expect("armed")[0];
    let mut apply = stage.start(&["apply", "--auto-approve"]);
    assert_eq!(stage.until_held(fault, &mut apply).await, None, "apply ended before it changed the function");

    stage.be_permitted("drift").await;
    let report = stage.run(&["drift", "--format", "json"]).await.exits(0).json();
    assert_eq!(found(&report), exactly(&[]), "the function is changed, by us");
    let pending = report["pending"].as_array().expect("pending");
    assert_eq!(pending[0]["address"], "lambda_function.costs", "{pending:?}");
    assert_eq!(report["unapplied"][0]["address"], "lambda_function.costs");

    traffic.release();
    stage.finish(apply).await.ok();
    let after = stage.run(&["drift", "--format", "json"]).await.exits(0).json();
    assert_eq!((&after["pending"], &after["unapplied"]), (&json!([]), &json!([])));
}
