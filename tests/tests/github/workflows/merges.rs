//! Merges that cannot be carried out as the pull request showed them: the cloud is another meanwhile, the saved plan is not
//! the pull request's, the roles do not reach what is new.

use std::fs;

use tests::github::{Hub, Rights};
use tests::live::clients::Clients as _;

use super::runner::Runner;
use super::{add_beta, apply_roles, assert_budget, budgets, commit, edit, on_main, pushed, repository};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
#[cfg_attr(not(tool_bash), ignore = "bash is missing")]
async fn a_plan_that_the_cloud_left_behind_is_made_again_and_waits_for_an_approval() {
    let hub = Hub::start(Rights::ALL).await;
    let mut stage = repository().await;
    let mut runner = Runner::new(&hub, &mut stage);
    let number = hub.pull_request();
    edit(&runner, &["set", "acme", "--budget", "700.00 USD"]).await;
    runner.run("plan.yml", &pushed(&hub, number, &commit(1))).await.went_well("plan");
    let (name, _) = budgets(&runner, "acme").await.remove(0);
    let cloud = runner.stage.root().await;
    let deleted = cloud.budgets().delete_budget().account_id(&cloud.account).budget_name(name).send().await;
    deleted.expect("somebody may delete it");
    hub.merge(number, &commit(2));

    let mut run = runner.run("apply.yml", &on_main(&commit(2))).await;
    let apply = run.went_well("apply");
    assert!(apply.summary.contains("no longer holds") && apply.log.contains("stale"), "{apply:?}");
    let shown = &run.went_well("plan-again").summary;
    assert!(shown.contains("`budget.acme` **create**"), "{shown}");
    assert!(!run.ended.contains_key("apply-approved"), "it waits");
    assert!(budgets(&runner, "acme").await.is_empty(), "nothing is applied without an approval");
    runner.approve(&mut run).await;
    run.went_well("apply-approved");
    assert_budget(&runner, "acme", 700.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
#[cfg_attr(not(tool_bash), ignore = "bash is missing")]
async fn a_saved_plan_that_empties_the_stack_is_not_carried_out() {
    let hub = Hub::start(Rights::ALL).await;
    let mut stage = repository().await;
    let mut runner = Runner::new(&hub, &mut stage);
    let number = hub.pull_request();
    add_beta(&runner).await;
    let planned = runner.run("plan.yml", &pushed(&hub, number, &commit(1))).await;
    planned.went_well("plan");
    // The artefact of an edited workflow, say.
    runner.stage.run_as_root(&["plan", "--destroy", "--out", "empty.plan"]).await.ok();
    let empty = fs::read(runner.repository.join("empty.plan")).expect("a plan");
    runner.kept.get_mut(&(planned.id, "billform-plan".to_owned())).expect("is kept").1 = empty;
    hub.merge(number, &commit(2));

    let mut run = runner.run("apply.yml", &on_main(&commit(2))).await;
    let log = &run.failed("apply", 1).log;
    assert!(log.contains("empties the stack, which --no-destroy refuses"), "{log}");
    runner.approve(&mut run).await;
    assert_eq!(run.ended.keys().collect::<Vec<_>>(), ["apply"]);
    assert_budget(&runner, "acme", 500.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
#[cfg_attr(not(tool_bash), ignore = "bash is missing")]
async fn a_section_that_the_roles_do_not_reach_names_the_command_that_lets_them() {
    let hub = Hub::start(Rights::ALL).await;
    let mut stage = repository().await;
    let mut runner = Runner::new(&hub, &mut stage);
    let number = hub.pull_request();
    let manifest = runner.repository.join("billform.yaml");
    let before = fs::read_to_string(&manifest).expect("the manifest");
    fs::write(&manifest, format!("{before}costs:\n  report: {{ bucket: acme-billing-reports }}\n"))
        .expect("is written");
    let remedy = "`billform init --github --apply-roles`";

    // What is not there yet is known from lists, which the plan role may ask for.
    let run = runner.run("plan.yml", &pushed(&hub, number, &commit(1))).await;
    run.went_well("plan");
    assert!(hub.comments(number).remove(0).body.contains("s3_bucket.reports"));

    hub.merge(number, &commit(2));
    let mut run = runner.run("apply.yml", &on_main(&commit(2))).await;
    let log = &run.failed("apply", 1).log;
    assert!(log.contains("s3:CreateBucket") && unwrapped(log).contains(remedy), "{log}");
    runner.approve(&mut run).await;
    assert_eq!(run.ended.keys().collect::<Vec<_>>(), ["apply"]);

    apply_roles(runner.stage).await;
    // A session of the wider role.
    runner.users.clear();
    let mut run = runner.run("apply.yml", &on_main(&commit(2))).await;
    run.went_well("apply");
    runner.approve(&mut run).await;
    let buckets = runner.stage.root().await.s3().list_buckets().send().await.expect("a list");
    let made = buckets.buckets().iter().any(|bucket| bucket.name() == Some("acme-billing-reports"));
    assert!(made, "{:?}", run.ended);
}

/// The text without its line breaks.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
