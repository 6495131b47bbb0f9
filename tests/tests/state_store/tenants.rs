//! Runs for one tenant alone: they lock that tenant's part and nothing else, with either store.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use billing::names::{ADDRESS_TAG, TENANT_ITEM};
use localcloud::gateway::fault::{Effect, Fault};
use localstripe::Kind;
use provisioner::cloud::calls::Calls;
use provisioner::cloud::secret_values::SecretValue;
use provisioner::cloud::stripe_api::StripeApi;
use serde_json::{Value, json};
use stripe_core::customer::DeleteCustomer;
use tests::live::clients::Clients as _;
use tests::stage::{Draft, Stage, TenantDraft};
use tokio::process::Child;

use super::{BUCKET, LEASE_S, alone, is_done, quiet};

/// Three tenants, the state in a file or in S3.
fn manifest(project: &str, in_s3: bool) -> String {
    let draft = ["acme", "beta", "zeta"]
        .into_iter()
        .fold(Draft::new(project), |draft, id| draft.tenant(TenantDraft::new(id, &format!("Org-{id}"))));
    let state = format!("state: {{ s3: {{ bucket: {BUCKET}, lease: \"{LEASE_S} seconds\" }} }}");
    if in_s3 { draft.with(&state).yaml() } else { draft.yaml() }
}

/// Applied, and then each tenant's record in the table deleted behind its back.
async fn damaged_behind_its_back(project: &str, in_s3: bool) -> Stage {
    let mut stage = alone(&manifest(project, in_s3)).await;
    if in_s3 {
        stage.be_permitted("init").await;
        stage.run(&["init"]).await.ok();
        stage.be_permitted("apply").await;
    }
    stage.run(&["apply", "--auto-approve"]).await.ok();
    for tenant in ["acme", "beta", "zeta"] {
        forget_record(&stage, project, tenant).await;
    }
    stage
}

async fn forget_record(stage: &Stage, project: &str, tenant: &str) {
    let table = format!("{project}-ledger");
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let delete = stage.root().await.dynamodb().delete_item().table_name(table);
    let delete = delete.key("tenant", text(tenant)).key("item", text(TENANT_ITEM)).return_values(ReturnValue::AllOld);
    assert!(delete.send().await.expect("deleted").attributes.is_some(), "it was there");
}

/// Starts a run for a tenant that stands still while it writes the tenant's record.
async fn standing_still(stage: &Stage, tenant: &str) -> Child {
    let traffic = stage.place.cloud.traffic();
    let held = Fault::on_operation("dynamodb", "UpdateItem", Effect::HoldAnswer);
    let fault = traffic.arm(vec![held]).expect("armed")[0];
    let mut apply = stage.start(&["apply", "--tenant", tenant, "--auto-approve"]);
    assert_eq!(stage.until_held(fault, &mut apply).await, None, "apply ended before it wrote the record");
    quiet(stage).await;
    apply
}

async fn records(stage: &Stage) -> Vec<String> {
    let list = stage.run(&["state", "list", "--format", "json"]).await.ok().json();
    list.as_array().expect("addresses").iter().filter_map(|address| address.as_str().map(str::to_owned)).collect()
}

async fn tenants_side_by_side(in_s3: bool) {
    let project = if in_s3 { "beside-s3" } else { "beside" };
    let stage = damaged_behind_its_back(project, in_s3).await;
    let all = records(&stage).await;
    let acme = standing_still(&stage, "acme").await;
    let pid = acme.id().expect("it runs");

    stage.run(&["apply", "--tenant", "beta", "--auto-approve"]).await.ok();
    let refused = stage.run(&["apply", "--tenant", "acme", "--auto-approve"]).await.exits(1);
    for said in ["is in use by `billform apply --tenant acme`", &format!("process {pid}")] {
        assert!(refused.stderr.contains(said), "{said}: {}", refused.stderr);
    }
    for command in [&["apply", "--auto-approve"][..], &["destroy", "--auto-approve"], &["state", "rebuild"]] {
        let refused = stage.run(command).await.exits(1);
        let named = refused.stderr.contains("is in use by `billform apply --tenant acme`");
        assert!(named, "{command:?}: {}", refused.stderr);
    }
    let shown = stage.run(&["unlock", "--format", "json"]).await.ok().json();
    assert_eq!((&shown["locked"], &shown["holder"]), (&json!(true), &Value::Null), "{shown}");
    assert_eq!(shown["tenants"][0]["tenant"], "acme", "{shown}");
    let shown = stage.run(&["unlock"]).await.ok().stdout;
    assert!(shown.contains("has the state's part of tenant acme") && shown.contains(&pid.to_string()), "{shown}");
    assert_eq!(records(&stage).await, all, "a reader sees the state and every part");

    let waiting = stage.start(&["apply", "--auto-approve", "--lock-timeout", "2m", "--format", "json"]);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    stage.place.cloud.traffic().release();
    stage.finish(acme).await.ok();
    let whole = stage.finish(waiting).await.ok();
    assert!(whole.stderr.contains("Waiting for"), "{}", whole.stderr);
    assert_eq!(whole.json()["summary"]["create"], 1, "zeta's record: the others' are written: {}", whole.stdout);
    assert_eq!(records(&stage).await, all);
    is_done(&stage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn tenants_are_applied_side_by_side_over_a_file() {
    tenants_side_by_side(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn tenants_are_applied_side_by_side_over_s3() {
    tenants_side_by_side(true).await;
}

/// Killed between the write to the cloud and the word of it in the state.
async fn killed_and_taken_over(in_s3: bool) {
    let project = if in_s3 { "fallen-s3" } else { "fallen" };
    let stage = damaged_behind_its_back(project, in_s3).await;
    let all = records(&stage).await;
    for next in [&["apply", "--tenant", "acme"][..], &["apply"]] {
        let mut acme = standing_still(&stage, "acme").await;
        acme.kill().await.expect("killed");
        stage.place.cloud.traffic().release();
        let next = [next, &["--auto-approve", "--lock-timeout", "2m"]].concat();
        stage.run(&next).await.ok();
        assert_eq!(records(&stage).await, all, "after {next:?}");
        stage.run(&["plan", "--tenant", "acme", "--detailed-exitcode", "--refresh", "full"]).await.ok();
        forget_record(&stage, project, "acme").await;
    }
    stage.run(&["apply", "--auto-approve"]).await.ok();
    is_done(&stage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_tenants_killed_run_is_taken_over_in_a_file() {
    killed_and_taken_over(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_tenants_killed_run_is_taken_over_in_s3() {
    killed_and_taken_over(true).await;
}

/// A damaged part is told with its place; nothing is done upon half a state, and a rebuild mends it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_damaged_part_is_named_and_mended_by_a_rebuild() {
    let mut stage = damaged_behind_its_back("torn", false).await;
    let all = records(&stage).await;
    stage.run(&["apply", "--tenant", "acme", "--auto-approve"]).await.ok();
    let part = stage.folder().join(".billform/state.json.tenants/acme");
    let text = std::fs::read_to_string(&part).expect("the part");
    std::fs::write(&part, &text[..text.len() / 2]).expect("torn");
    for command in [&["plan"][..], &["apply", "--auto-approve"], &["apply", "--tenant", "acme", "--auto-approve"]] {
        let refused = stage.run(command).await.exits(1);
        let said = &refused.stderr;
        assert!(said.contains("state.json.tenants/acme is damaged") && said.contains("state rebuild"), "{said}");
    }
    stage.be_permitted("rebuild").await;
    stage.run(&["state", "rebuild"]).await.ok();
    assert!(!records(&stage).await.is_empty());
    stage.be_permitted("apply").await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    assert_eq!(records(&stage).await, all);
    is_done(&stage).await;
    assert!(!part.exists(), "it counted no more and is gone");
}

/// A run that died leaves its tenant half done. That is its tenant's matter: other tenants go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_tenant_left_half_done_does_not_keep_others_out() {
    let project = "halfway";
    let stage = damaged_behind_its_back(project, false).await;
    // Acme's customer is made anew, and its record is to say so: there the run dies.
    delete_customer(&stage, "acme").await;
    let traffic = stage.place.cloud.traffic();
    let held = Fault::on_operation("dynamodb", "UpdateItem", Effect::HoldCall);
    let fault = traffic.arm(vec![held]).expect("armed")[0];
    let mut acme = stage.start(&["apply", "--tenant", "acme", "--auto-approve"]);
    assert_eq!(stage.until_held(fault, &mut acme).await, None, "apply ended before it wrote the record");
    quiet(&stage).await;
    stage.run(&["plan", "--tenant", "beta"]).await.ok();
    acme.kill().await.expect("killed");
    traffic.arm(Vec::new()).expect("no faults");
    stage.run(&["apply", "--tenant", "beta", "--auto-approve"]).await.ok();
    // What the manifest wants and nobody applied still refuses.
    stage.write(&manifest(project, false).replace("Tenant acme", "Tenant of another name"));
    let refused = stage.run(&["apply", "--tenant", "beta", "--auto-approve"]).await.exits(1);
    assert!(refused.stderr.contains("more than tenant beta would change"), "{}", refused.stderr);
    stage.write(&manifest(project, false));
    stage.run(&["apply", "--auto-approve"]).await.ok();
    is_done(&stage).await;
    assert_eq!(customers(&stage, "acme"), 1);
}

/// A killed run's create is still on its way when another tenant's run, and then one over the whole, come by.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_late_create_of_a_killed_run_makes_nothing_twice() {
    let project = "late";
    let stage = damaged_behind_its_back(project, false).await;
    delete_customer(&stage, "acme").await;
    let traffic = stage.place.cloud.traffic();
    let late = Fault::on_operation("stripe", "POST /v1/customers", Effect::ActLate);
    let fault = traffic.arm(vec![late]).expect("armed")[0];
    let mut acme = stage.start(&["apply", "--tenant", "acme", "--auto-approve"]);
    traffic.until(fault, localcloud::gateway::fault::FaultState::Struck).await;
    acme.kill().await.expect("killed");
    stage.run(&["apply", "--tenant", "beta", "--auto-approve"]).await.ok();
    stage.run(&["apply", "--auto-approve"]).await.ok();
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    assert_eq!(customers(&stage, "acme"), 1);
    stage.run(&["apply", "--auto-approve"]).await.ok();
    is_done(&stage).await;
}

/// Nothing is locked or written in the name of somebody whom nobody knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn who_is_no_tenant_is_refused_before_anything_is_written() {
    let stage = damaged_behind_its_back("nobody", false).await;
    stage.run(&["apply", "--tenant", "acme", "--auto-approve"]).await.ok();
    let manifest = std::fs::read_to_string(stage.folder().join("billform.yaml")).expect("the manifest");
    let state = stage.run(&["state", "pull"]).await.ok().stdout;
    let files = || files(&stage.folder().join(".billform"));
    let before = files();
    for stranger in ["../../billform.yaml", "./acme", "acme.lock", "acme/x", "../x", "", "nosuch", "ACME", "*"] {
        for command in [&["apply", "--auto-approve"][..], &["unlock"]] {
            let ran = stage.run(&[command, &["--tenant", stranger]].concat()).await;
            // Of somebody who may be a tenant of another manifest, nobody has a part.
            let unlocks = command == ["unlock"] && stranger == "nosuch";
            let refused = ran.exits(if unlocks { 0 } else { 1 });
            assert!(unlocks || refused.stderr.contains("has a tenant `"), "{stranger}: {}", refused.stderr);
        }
    }
    assert_eq!(files(), before, "no file was made");
    assert_eq!(std::fs::read_to_string(stage.folder().join("billform.yaml")).expect("the manifest"), manifest);
    assert_eq!(stage.run(&["state", "pull"]).await.ok().stdout, state);
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        }
        found.push(path);
    }
    found.sort();
    found
}

/// How many customers stand at a tenant's address.
fn customers(stage: &Stage, tenant: &str) -> usize {
    let all = stage.place.cloud.stripe().objects(Kind::Customer);
    let address = format!("stripe_customer.{tenant}");
    all.iter().filter(|customer| customer["metadata"][ADDRESS_TAG] == address.as_str()).count()
}

async fn delete_customer(stage: &Stage, tenant: &str) {
    let here = stage.place.cloud.description();
    let key = SecretValue::new(here.stripe_api_key.clone());
    let stripe = StripeApi::new(&key, Some(&here.stripe_api_base), Calls::default()).expect("a client");
    let id = stage.run(&["state", "show", &format!("stripe_customer.{tenant}")]).await.ok().json()["id"].clone();
    let delete = DeleteCustomer::new(id.as_str().expect("an id"));
    stripe.change("DELETE /v1/customers/{id}", delete).await.expect("is deleted");
}
