//! `init --github --apply-roles`: a stack of its own, made once, and what its roles let a workflow do.

use provisioner::kinds::iam_role::document;
use serde_json::Value;
use tests::live::clients::Clients as _;
use tests::stage::{Draft, Stage, TenantDraft};

const INIT: &[&str] =
    &["init", "--github", "--repository", "acme/billing", "--repository-id", "456", "--apply-roles", "--auto-approve"];

fn manifest() -> String {
    Draft::new("roles").tenant(TenantDraft::new("press", "MMP-Toledo")).yaml()
}

/// The inline policy of a role, and its trust policy.
async fn policies(stage: &Stage, role: &str) -> (String, Value) {
    let iam = stage.root().await.iam();
    let listed = iam.list_role_policies().role_name(role).send().await.expect("policies");
    let name = listed.policy_names.first().expect("one").clone();
    let policy = iam.get_role_policy().role_name(role).policy_name(name).send().await.expect("a policy");
    let found = iam.get_role().role_name(role).send().await.expect("a role").role.expect("a role");
    let trust = document::parse(found.assume_role_policy_document.as_deref().expect("a trust policy"));
    (document::parse(&policy.policy_document).to_string(), trust)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn the_roles_are_made_once_and_the_plan_role_cannot_write() {
    let mut stage = Stage::without_handlers(&manifest()).await;
    let said = stage.run_as_root(INIT).await.ok().stdout;
    for address in ["iam_oidc_provider.github", "iam_role.github_plan", "iam_role.github_apply"] {
        assert!(said.contains(&format!("+ {address}")), "{address}: {said}");
    }
    let again = stage.run_as_root(INIT).await.ok().stdout;
    assert!(again.contains("No changes: 3 resources"), "{again}");
    std::fs::remove_file(stage.folder().join(".billform/state-bootstrap.json"))
        .expect("its state lies beside the state");
    let lost = stage.run_as_root(INIT).await.ok().stdout;
    assert!(!lost.contains("create"), "{lost}");

    let (reads, trust) = policies(&stage, "roles-github-plan").await;
    assert_eq!(trust["Statement"][0]["Action"], "sts:AssumeRoleWithWebIdentity");
    let (writes, _) = policies(&stage, "roles-github-apply").await;
    stage.be_user_under(&writes).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let before = stage.inventory().await;

    stage.be_user_under(&reads).await;
    stage.run(&["plan", "--detailed-exitcode", "--refresh", "full"]).await.ok();
    stage.run(&["drift"]).await.ok();
    stage.write(&manifest().replace("MMP-Toledo", "MMP-Other"));
    stage.run(&["plan", "--detailed-exitcode"]).await.exits(2);
    let refused = stage.run(&["apply", "--auto-approve"]).await.exits(1);
    assert!(format!("{}{}", refused.stdout, refused.stderr).contains("not authorized"), "{refused:?}");
    assert_eq!(stage.inventory().await, before, "the plan role changed nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_provider_that_others_made_is_used_and_left_as_it_is() {
    let stage = Stage::without_handlers(&manifest()).await;
    let iam = stage.root().await.iam();
    let made = iam.create_open_id_connect_provider().url("https://token.actions.githubusercontent.com");
    made.client_id_list("sts.amazonaws.com").send().await.expect("a provider");
    let said = stage.run_as_root(INIT).await.ok().stdout;
    assert!(said.contains("+ iam_role.github_apply") && !said.contains("iam_oidc_provider"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_saved_plan_that_no_longer_holds_is_told_apart_by_its_exit_code() {
    let stage = Stage::without_handlers(&manifest()).await;
    stage.run_as_root(&["plan", "--out", "billform.plan"]).await.ok();
    stage.run_as_root(&["apply", "billform.plan", "--detailed-exitcode"]).await.ok();
    let again = stage.run_as_root(&["apply", "billform.plan", "--detailed-exitcode"]).await.exits(2);
    assert!(again.stderr.contains("is stale"), "{}", again.stderr);
    stage.run_as_root(&["apply", "billform.plan"]).await.exits(1);
    stage.write(&manifest().replace("MMP-Toledo", "MMP-Other"));
    let other = stage.run_as_root(&["apply", "billform.plan", "--detailed-exitcode"]).await.exits(2);
    assert!(other.stderr.contains("another manifest"), "{}", other.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn drift_writes_its_findings_beside_what_it_prints() {
    let stage = Stage::without_handlers(&manifest()).await;
    stage.run_as_root(&["apply", "--auto-approve"]).await.ok();
    let printed = stage.run_as_root(&["drift", "--format", "json", "--sarif", "drift.sarif"]).await.ok().json();
    let text = std::fs::read_to_string(stage.folder().join("drift.sarif")).expect("is written");
    let findings: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(findings["version"], "2.1.0");
    assert!(printed["summary"].is_object(), "{printed}");
}
