//! Resources that vanish, lose their tags, are taken, or that nobody knows any more.

use std::fs;

use aws_sdk_iam::types::Tag;
use billing::names::OWNER_TAG;
use serde_json::{Value, json};
use tests::live::clients::Clients as _;
use tests::stage::{Draft, Stage, TenantDraft};

use crate::{drift, exactly, found, id, report};

fn manifest(tenants: &[&str], memory_mb: u32) -> String {
    let draft =
        Draft::new("sorts").with(&format!("functions: {{ handlers: {{ costs: {{ memory_mb: {memory_mb} }} }} }}"));
    tenants.iter().fold(draft, |draft, tenant| draft.tenant(TenantDraft::new(tenant, tenant))).yaml()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn what_vanished_was_unmarked_or_taken_is_told_and_repaired() {
    let mut stage = Stage::without_handlers(&manifest(&["press"], 256)).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let cloud = stage.root().await;
    let group = format!("/aws/lambda/{}", id(&stage, "lambda_function.costs"));
    cloud.logs().delete_log_group().log_group_name(group).send().await.expect("is deleted");
    let role = id(&stage, "iam_role.costs");
    cloud.iam().untag_role().role_name(&role).tag_keys(OWNER_TAG).send().await.expect("is unmarked");
    let other = id(&stage, "iam_role.invoicer");
    let theirs = Tag::builder().key(OWNER_TAG).value("theirs").build().expect("a tag");
    cloud.iam().tag_role().role_name(&other).tags(theirs).send().await.expect("is taken");

    stage.be_permitted("drift").await;
    let drifted = report(&stage, 3).await;
    let sorts = [("iam_role.costs", "unmarked"), ("iam_role.invoicer", "taken"), ("log_group.costs", "vanished")];
    assert_eq!(found(&drifted), exactly(&sorts));
    let human = drift(&stage, &[], 3).await.stdout;
    assert!(human.contains("belongs to stack `theirs`"), "{human}");

    let ours = Tag::builder().key(OWNER_TAG).value("sorts").build().expect("a tag");
    cloud.iam().tag_role().role_name(&other).tags(ours).send().await.expect("is given back");
    stage.be_permitted("apply").await;
    stage.run(&["apply", "--auto-approve", "--refresh", "full"]).await.ok();
    stage.be_permitted("drift").await;
    assert_eq!(found(&report(&stage, 0).await), exactly(&[]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn what_is_not_applied_yet_is_no_drift() {
    let mut stage = Stage::without_handlers(&manifest(&["press"], 256)).await;
    stage.be_permitted("drift").await;
    let before = report(&stage, 0).await;
    assert!(before["summary"]["unapplied"].as_u64() > Some(10), "{}", before["summary"]);
    stage.be_permitted("apply").await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    stage.be_permitted("drift").await;
    stage.write(&manifest(&["press", "copy"], 512));
    let cloud = stage.root().await;
    let invoicer = id(&stage, "lambda_function.invoicer");
    let call = cloud.lambda().update_function_configuration().function_name(invoicer).timeout(7);
    call.send().await.expect("is changed");

    let both = report(&stage, 3).await;
    assert_eq!(found(&both), exactly(&[("lambda_function.invoicer", "changed timeout_s")]));
    let todo = |address: &str| {
        let all = both["unapplied"].as_array().expect("unapplied");
        all.iter().find(|todo| todo["address"] == address).unwrap_or_else(|| panic!("no {address} in {all:#?}"))
    };
    let memory = json!([{"path": "memory_mb", "before": 256, "after": 512, "forces_replacement": false}]);
    let costs = todo("lambda_function.costs");
    assert_eq!((&costs["action"], &costs["fields"]), (&json!("update"), &memory));
    assert_eq!(todo("tenant_record.copy")["action"], "create");
    let human = drift(&stage, &[], 3).await.stdout;
    let (changed, unapplied) = human.split_once("In the manifest, not applied yet").expect("two sections");
    assert!(changed.contains("lambda_function.invoicer") && !changed.contains("lambda_function.costs"), "{human}");
    assert!(unapplied.contains("lambda_function.costs") && !unapplied.contains("lambda_function.invoicer"), "{human}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn what_a_tenant_left_behind_when_the_state_was_lost_is_found() {
    let mut stage = Stage::without_handlers(&manifest(&["press", "copy"], 256)).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let customer = id(&stage, "stripe_customer.copy");
    let mut state: Value = serde_json::from_slice(&fs::read(stage.state_path()).expect("a state")).expect("JSON");
    state["records"].as_object_mut().expect("records").retain(|_, record| record["tenant"] != "copy");
    fs::write(stage.state_path(), state.to_string()).expect("an old state is put back");
    stage.write(&manifest(&["press"], 256));

    stage.be_permitted("drift").await;
    let left = report(&stage, 3).await;
    let unknown = found(&left);
    assert_eq!(unknown.get("stripe_customer.copy"), Some(&vec!["unknown".to_owned()]), "{left:#}");
    assert!(unknown.keys().all(|address| address.ends_with(".copy")), "{unknown:?}");
    assert!(unknown.values().all(|findings| findings == &["unknown"]), "{unknown:?}");
    assert!(drift(&stage, &[], 3).await.stdout.contains(&customer));
}
