//! `ci merged`: the pull request of a commit and the run that left its plan.

use serde_json::json;
use tests::github::{Hub, Rights};

use crate::Workflow;

const HEAD: &str = "1111111111111111111111111111111111111111";
const MERGE: &str = "2222222222222222222222222222222222222222";
const OTHER: &str = "3333333333333333333333333333333333333333";

fn step(hub: &Hub) -> Workflow {
    let step = Workflow::of(hub).with("GITHUB_SHA", Some(MERGE));
    let output = step.path("output").display().to_string();
    step.with("GITHUB_OUTPUT", Some(&output))
}

fn handed_over(step: &Workflow) -> String {
    std::fs::read_to_string(step.path("output")).expect("the outputs")
}

#[tokio::test]
async fn the_newest_plan_of_the_merged_pull_request_is_found() {
    let hub = Hub::start(Rights::READ).await;
    let number = hub.pull_request();
    hub.push(number, OTHER);
    hub.keep("billform-plan", 10, OTHER);
    hub.push(number, HEAD);
    hub.keep("billform-plan", 11, HEAD);
    hub.keep("billform-plan", 12, HEAD);
    let expired = hub.keep("billform-plan", 13, HEAD);
    hub.expire(expired);
    hub.keep("coverage", 14, HEAD);
    hub.keep_of_fork("billform-plan", 15, HEAD);
    hub.merge(number, MERGE);
    let step = step(&hub);
    step.write("output", "earlier=1\n");
    let said = step.run(&["ci", "merged"]).await.ok();
    assert_eq!(said.stdout, format!("run_id=12\npull_request={number}\n"));
    assert_eq!(said.stderr, "");
    assert_eq!(handed_over(&step), format!("earlier=1\nrun_id=12\npull_request={number}\n"));
    assert_eq!(step.json(&["ci", "merged"]).await, json!({ "pull_request": number, "run_id": 12 }));
    assert!(hub.writes().is_empty());
}

#[tokio::test]
async fn it_is_found_behind_the_plans_of_hundreds_of_pull_requests() {
    let hub = Hub::start(Rights::READ).await;
    let number = hub.pull_request();
    hub.push(number, HEAD);
    hub.keep("billform-plan", 7, HEAD);
    for n in 0..250 {
        hub.keep("billform-plan", 1_000 + n, OTHER);
    }
    hub.merge(number, MERGE);
    assert_eq!(step(&hub).json(&["ci", "merged"]).await["run_id"], 7);
    let asked = hub.seen().into_iter().filter(|seen| seen.path.ends_with("/actions/artifacts"));
    let queries: Vec<String> = asked.map(|seen| seen.query).collect();
    let first = "name=billform-plan&per_page=100";
    assert_eq!(queries, [first.to_owned(), format!("{first}&page=2"), format!("{first}&page=3")]);
}

#[tokio::test]
async fn nothing_found_is_no_failure_and_is_said() {
    let hub = Hub::start(Rights::READ).await;
    let pushed = step(&hub);
    let said = pushed.run(&["ci", "merged"]).await.ok();
    assert_eq!(said.stderr, format!("No pull request was merged as {MERGE}.\n"));
    assert_eq!(handed_over(&pushed), "run_id=\npull_request=\n");
    assert_eq!(pushed.json(&["ci", "merged"]).await, json!({ "pull_request": null, "run_id": null }));

    let number = hub.pull_request();
    hub.push(number, MERGE);
    let open = step(&hub);
    open.run(&["ci", "merged"]).await.ok();
    assert_eq!(handed_over(&open), "run_id=\npull_request=\n", "an open one was not merged");
    hub.push(number, HEAD);
    hub.merge(number, MERGE);
    let planless = step(&hub);
    let said = planless.run(&["ci", "merged"]).await.ok().stderr;
    assert!(said.contains(&format!("pull request {number}")) && said.contains("billform-plan"), "{said}");
    assert_eq!(handed_over(&planless), format!("run_id=\npull_request={number}\n"));
}

#[tokio::test]
async fn a_commit_is_needed_and_becomes_no_other_address() {
    let hub = Hub::start(Rights::READ).await;
    let said = Workflow::of(&hub).run(&["ci", "merged"]).await.exits(1).stderr;
    assert!(said.contains("GITHUB_SHA") && said.contains("--commit SHA"), "{said}");
    let said = step(&hub).run(&["ci", "merged", "--commit", "../issues"]).await.exits(1).stderr;
    assert!(said.contains("`../issues` is no commit"), "{said}");
    assert!(hub.seen().is_empty());
}
