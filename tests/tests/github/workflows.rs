//! The workflows of `init --github`, step by step against the local cloud and the stand-in for GitHub: a repository that
//! two commands made is planned, applied and looked after as on GitHub.

mod actions;
mod document;
mod expression;
mod merges;
mod runner;

use std::fs;

use serde_json::json;
use tests::github::{Hub, REPOSITORY, Rights};
use tests::live::clients::Clients as _;
use tests::stage::{Draft, Stage, TenantDraft};

use crate::nightly::raise;
use runner::{Event, Run, Runner};

/// Where the state is kept: runs on GitHub leave nothing behind.
const STATE: &str = "state: { s3: { bucket: acme-billform-state } }\n";

/// A folder with a manifest and the workflows, made by `init` and `init --github`; its stack is applied.
async fn repository() -> Stage {
    let stage = Stage::without_handlers(&Draft::new("none").tenant(TenantDraft::new("none", "None")).yaml()).await;
    let manifest = stage.folder().join("billform.yaml");
    fs::remove_file(&manifest).expect("the stage's own");
    stage.run_as_root(&["init", "."]).await.ok();
    let starter = fs::read_to_string(&manifest).expect("the starter");
    stage.write(&format!("{starter}{STATE}"));
    stage.run_as_root(&["init"]).await.ok();
    apply_roles(&stage).await;
    stage.run_as_root(&["apply", "--auto-approve"]).await.ok();
    stage
}

/// Makes the workflows and their roles, or brings them to what the manifest needs now.
async fn apply_roles(stage: &Stage) {
    let github = ["init", "--github", "--repository", REPOSITORY, "--repository-id", "4711"];
    stage.run_as_root(&[&github[..], &["--apply-roles", "--auto-approve"]].concat()).await.ok();
}

/// The commit of this number.
fn commit(number: u8) -> String {
    format!("{number:02x}").repeat(20)
}

/// Somebody pushes a commit to a pull request's branch, which GitHub merges on trial.
fn pushed(hub: &Hub, number: u64, head: &str) -> Event {
    hub.push(number, head);
    pull_request(number, head, REPOSITORY)
}

fn pull_request(number: u64, head: &str, of: &str) -> Event {
    Event {
        reference: format!("refs/pull/{number}/merge"),
        commit: "e".repeat(40),
        head: head.to_owned(),
        payload: json!({ "pull_request": { "number": number, "head": { "repo": { "full_name": of } } } }),
    }
}

/// The branch is at this commit: it was merged, or it is night.
fn on_main(commit: &str) -> Event {
    let (reference, commit) = ("refs/heads/main".to_owned(), commit.to_owned());
    Event { reference, head: commit.clone(), commit, payload: json!({}) }
}

async fn edit(runner: &Runner<'_>, arguments: &[&str]) {
    runner.stage.run(&[&["tenant"], arguments].concat()).await.ok();
}

async fn add_beta(runner: &Runner<'_>) {
    let tag = ["--tag", "ClientOrganization=Beta", "--budget", "200.00 USD"];
    edit(runner, &[&["add", "beta", "--name", "Beta Ltd", "--email", "b@beta.example"], &tag[..]].concat()).await;
}

/// The limits of the budgets of a tenant, by name.
async fn budgets(runner: &Runner<'_>, tenant: &str) -> Vec<(String, String)> {
    let cloud = runner.stage.root().await;
    let listed = cloud.budgets().describe_budgets().account_id(&cloud.account).send().await.expect("budgets");
    let own = listed.budgets().iter().filter(|budget| budget.budget_name().contains(tenant));
    let limit = |budget: &aws_sdk_budgets::types::Budget| budget.budget_limit.as_ref().expect("a limit").amount.clone();
    own.map(|budget| (budget.budget_name().to_owned(), limit(budget))).collect()
}

/// That the tenant has one budget, of this limit.
async fn assert_budget(runner: &Runner<'_>, tenant: &str, limit: f64) {
    let found = budgets(runner, tenant).await;
    let limits: Vec<f64> = found.iter().map(|(_, limit)| limit.parse().expect("a number")).collect();
    assert_eq!(limits, [limit], "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
#[cfg_attr(not(tool_bash), ignore = "bash is missing")]
async fn a_tenant_goes_from_a_pull_request_to_the_cloud() {
    let hub = Hub::start(Rights::ALL).await;
    let mut stage = repository().await;
    let mut runner = Runner::new(&hub, &mut stage);
    let number = hub.pull_request();

    add_beta(&runner).await;
    let planned = runner.run("plan.yml", &pushed(&hub, number, &commit(1))).await;
    planned.went_well("plan");
    let comments = hub.comments(number);
    assert_eq!(comments.len(), 1);
    assert!(comments[0].body.contains("- **Tenant** `beta`: create `budget.beta`"), "{}", comments[0].body);
    assert!(runner.kept.contains_key(&(planned.id, "billform-plan".to_owned())));
    assert!(budgets(&runner, "beta").await.is_empty(), "a plan changes nothing");

    edit(&runner, &["set", "beta", "--budget", "300.00 USD"]).await;
    let again = runner.run("plan.yml", &pushed(&hub, number, &commit(2))).await;
    again.went_well("plan");
    let edited = hub.comments(number);
    assert_eq!(edited.iter().map(|comment| comment.id).collect::<Vec<_>>(), [comments[0].id], "edited in place");
    assert!(edited[0].body.contains("`\"300.00\"`") && !edited[0].body.contains("200.00"), "{}", edited[0].body);

    hub.merge(number, &commit(3));
    let mut applied = runner.run("apply.yml", &on_main(&commit(3))).await;
    let log = &applied.went_well("apply").log;
    assert!(log.contains(&format!("run_id={}\npull_request={number}\n", again.id)), "{log}");
    runner.approve(&mut applied).await;
    assert_eq!(applied.ended.keys().collect::<Vec<_>>(), ["apply"], "there was no second plan");
    assert_budget(&runner, "beta", 300.0).await;
    assert_eq!(hub.comments(number), edited);
    shows_no_secret(&runner, &[&planned, &again, &applied]);
}

/// Neither artefacts nor logs nor summaries hold the key that handlers get.
fn shows_no_secret(runner: &Runner<'_>, runs: &[&Run]) {
    let secret = runner.stage.place.cloud.description().stripe_api_key.clone();
    for ended in runs.iter().flat_map(|run| run.ended.values()) {
        assert!(!ended.log.contains(&secret) && !ended.summary.contains(&secret), "{ended:?}");
    }
    for (_, kept) in runner.kept.values() {
        assert!(!String::from_utf8_lossy(kept).contains(&secret));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
#[cfg_attr(not(tool_bash), ignore = "bash is missing")]
async fn a_plan_that_no_longer_holds_is_made_again_and_waits_for_an_approval() {
    let hub = Hub::start(Rights::ALL).await;
    let mut stage = repository().await;
    let mut runner = Runner::new(&hub, &mut stage);
    let number = hub.pull_request();
    add_beta(&runner).await;
    runner.run("plan.yml", &pushed(&hub, number, &commit(1))).await.went_well("plan");
    // Another pull request was merged meanwhile.
    edit(&runner, &["set", "acme", "--budget", "900.00 USD"]).await;
    hub.merge(number, &commit(2));

    let mut run = runner.run("apply.yml", &on_main(&commit(2))).await;
    let apply = run.went_well("apply");
    assert!(apply.summary.contains("no longer holds") && apply.log.contains("another manifest"), "{apply:?}");
    let shown = &run.went_well("plan-again").summary;
    assert!(shown.contains("budget.beta") && shown.contains("budget.acme"), "{shown}");
    assert!(!run.ended.contains_key("apply-approved"), "it waits");
    assert!(budgets(&runner, "beta").await.is_empty(), "nothing is applied without an approval");
    runner.approve(&mut run).await;
    run.went_well("apply-approved");
    assert_budget(&runner, "beta", 200.0).await;
    assert_budget(&runner, "acme", 900.0).await;

    // A push without a pull request has no plan either; nothing is to change, so that nothing waits.
    let mut run = runner.run("apply.yml", &on_main(&commit(3))).await;
    assert!(run.went_well("apply").summary.contains("No pull request left a plan"));
    run.went_well("plan-again");
    runner.approve(&mut run).await;
    assert!(!run.ended.contains_key("apply-approved"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
#[cfg_attr(not(tool_bash), ignore = "bash is missing")]
async fn a_change_behind_its_back_is_one_issue_until_it_is_repaired() {
    let hub = Hub::start(Rights::ALL).await;
    let mut stage = repository().await;
    let mut runner = Runner::new(&hub, &mut stage);
    let night = on_main(&commit(1));
    runner.run("drift.yml", &night).await.went_well("drift");
    assert!(hub.issues().is_empty());

    let (name, _) = budgets(&runner, "acme").await.remove(0);
    raise(runner.stage, &name, "900").await;
    for _ in 0..3 {
        let run = runner.run("drift.yml", &night).await;
        let log = &run.failed("drift", 3).log;
        assert!(log.contains("findings uploaded: 1\n"), "{log}");
        let issues = hub.issues();
        assert_eq!(issues.len(), 1, "{issues:?}");
        assert!(issues[0].state == "open" && issues[0].body.contains("billform tenant set acme"), "{issues:?}");
    }
    runner.stage.run_as_root(&["apply", "--refresh", "full", "--auto-approve"]).await.ok();
    runner.run("drift.yml", &night).await.went_well("drift");
    assert_eq!(hub.issues()[0].state, "closed");

    hub.forget_requests();
    for _ in 0..25 {
        runner.run("drift.yml", &night).await.went_well("drift");
    }
    assert_eq!(hub.writes(), [""; 0], "thirty nights, one issue");
    assert_eq!(hub.issues().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
#[cfg_attr(not(tool_bash), ignore = "bash is missing")]
async fn a_plan_that_cannot_be_made_is_a_comment_and_a_fork_s_is_refused() {
    let hub = Hub::start(Rights::ALL).await;
    let mut stage = repository().await;
    let calls = stage.place.calls();
    let mut runner = Runner::new(&hub, &mut stage);
    let number = hub.pull_request();
    let run = runner.run("plan.yml", &pull_request(number, &commit(1), "mallory/infra")).await;
    let refused = run.failed("plan", 4);
    assert!(refused.summary.contains("no pull request of a fork"), "{refused:?}");
    assert!(refused.log.contains("::error title=billform plan::"), "{refused:?}");
    assert!(hub.seen().is_empty(), "GitHub was not called");
    assert_eq!(runner.stage.place.calls(), calls, "AWS was not called");

    let manifest = runner.repository.join("billform.yaml");
    let sound = fs::read_to_string(&manifest).expect("the manifest");
    fs::write(&manifest, format!("{sound}nonsense: true\n")).expect("is written");
    let run = runner.run("plan.yml", &pushed(&hub, number, &commit(2))).await;
    run.failed("plan", 1);
    let body = hub.comments(number).remove(0).body;
    assert!(body.contains("**The plan failed** with exit code 1") && body.contains("nonsense"), "{body}");
    assert!(hub.artifacts().is_empty());
}
