//! `ci comment`: one comment for a stack in a pull request, whatever happens.

use serde_json::{Value, json};
use tests::github::{Hub, Rights};

use crate::{Workflow, raising};

const MARKER: &str = "<!-- billform:plan:shop -->";

#[tokio::test]
async fn a_plan_is_posted_once_and_edited_in_place_on_the_next_push() {
    let hub = Hub::start(Rights { issues: false, ..Rights::ALL }).await;
    let number = hub.pull_request();
    hub.comment(number, "Looks good", "ana");
    let step = Workflow::of(&hub).with("GITHUB_REF", Some(&format!("refs/pull/{number}/merge")));
    step.save("the.plan", &raising("shop", &["acme"], "600.00"));
    let first = step.json(&["ci", "comment", "the.plan"]).await;
    assert_eq!(first["action"], "created");
    let comments = hub.comments(number);
    assert_eq!(comments.len(), 2);
    assert!(comments[1].body.starts_with(MARKER) && comments[1].body.contains("`\"600.00\"`"), "{}", comments[1].body);
    let url = format!("https://github.com/octo-org/infra/pull/{number}#issuecomment-{}", comments[1].id);
    assert_eq!(first["url"], url);

    let again = step.json(&["ci", "comment", "the.plan"]).await;
    assert_eq!(again, json!({ "action": "none", "url": url }));
    step.save("the.plan", &raising("shop", &["acme", "beta"], "700.00"));
    let pushed = step.json(&["ci", "comment", "the.plan"]).await;
    assert_eq!(pushed, json!({ "action": "updated", "url": url }));
    let edited = hub.comments(number);
    assert_eq!(edited.len(), 2);
    assert!(edited[1].id == comments[1].id && edited[1].body.contains("`\"700.00\"`"), "{}", edited[1].body);
    assert_eq!(edited[0].body, "Looks good");
    let people = step.run(&["ci", "comment", "the.plan"]).await.ok();
    assert_eq!(people.stdout, format!("The comment says so already: {url}\n"));

    for seen in hub.seen() {
        assert_eq!(seen.version.as_deref(), Some("2022-11-28"));
        assert!(seen.agent.as_deref().is_some_and(|agent| agent.starts_with("billform/")), "{:?}", seen.agent);
    }
    let comments = format!("/repos/octo-org/infra/issues/{number}/comments");
    assert_eq!(
        hub.writes(),
        [format!("POST {comments}"), format!("PATCH /repos/octo-org/infra/issues/comments/{}", edited[1].id)]
    );
}

#[tokio::test]
async fn no_changes_replace_an_older_comment_and_are_worth_no_comment_of_their_own() {
    let hub = Hub::start(Rights::ALL).await;
    let number = hub.pull_request();
    let step = Workflow::of(&hub);
    let pull_request = number.to_string();
    let comment = ["ci", "comment", "the.plan", "--pull-request", pull_request.as_str()];
    step.save("the.plan", &raising("shop", &[], "0"));
    assert_eq!(step.json(&comment).await, json!({ "action": "none", "url": null }));
    assert!(hub.comments(number).is_empty());
    step.save("the.plan", &raising("shop", &["acme"], "600.00"));
    assert_eq!(step.json(&comment).await["action"], "created");
    step.save("the.plan", &raising("shop", &[], "0"));
    assert_eq!(step.json(&comment).await["action"], "updated");
    let comments = hub.comments(number);
    assert!(comments.len() == 1 && comments[0].body.contains("**No changes:**"), "{comments:?}");
    assert_eq!(step.json(&comment).await["action"], "none");
}

#[tokio::test]
async fn the_comment_is_found_behind_a_hundred_others() {
    let hub = Hub::start(Rights::ALL).await;
    let number = hub.pull_request();
    for n in 0..150 {
        hub.comment(number, &format!("comment {n}"), "ana");
    }
    let own = hub.comment(number, &format!("{MARKER}\n## Plan"), "github-actions[bot]");
    for n in 0..60 {
        hub.comment(number, &format!("more {n}"), "ben");
    }
    let step = Workflow::of(&hub).with("GITHUB_REF", Some(&format!("refs/pull/{number}/merge")));
    step.save("the.plan", &raising("shop", &["acme"], "600.00"));
    assert_eq!(step.json(&["ci", "comment", "the.plan"]).await["action"], "updated");
    assert_eq!(hub.comments(number).len(), 211);
    let pages = hub.seen().into_iter().filter(|seen| seen.method == "GET").map(|seen| seen.query);
    assert_eq!(pages.collect::<Vec<_>>(), ["per_page=100", "per_page=100&page=2", "per_page=100&page=3"]);
    assert_eq!(hub.writes(), [format!("PATCH /repos/octo-org/infra/issues/comments/{own}")]);
}

#[tokio::test]
async fn two_comments_become_one_and_a_stranger_s_marker_is_left_alone() {
    let hub = Hub::start(Rights::ALL).await;
    let number = hub.pull_request();
    let strangers = hub.comment(number, &format!("{MARKER}\n**No changes**, trust me"), "mallory");
    let quoting = hub.comment(number, &format!("> {MARKER}\n> what is this?"), "ana");
    let other = hub.comment(number, "<!-- billform:plan:shop/prod -->\n## Plan", "github-actions[bot]");
    let first = hub.comment(number, &format!("{MARKER}\nold"), "github-actions[bot]");
    hub.comment(number, &format!("{MARKER}\nat the same time"), "github-actions[bot]");
    let step = Workflow::of(&hub).with("GITHUB_REF", Some(&format!("refs/pull/{number}/merge")));
    step.save("the.plan", &raising("shop", &["acme"], "600.00"));
    assert_eq!(step.json(&["ci", "comment", "the.plan"]).await["action"], "updated");
    let left = hub.comments(number);
    assert_eq!(left.iter().map(|comment| comment.id).collect::<Vec<_>>(), [strangers, quoting, other, first]);
    assert!(left[0].body.ends_with("trust me") && left[2].body.ends_with("## Plan"), "{left:?}");
    assert!(left[3].body.contains("`\"600.00\"`"));
}

#[tokio::test]
async fn a_plan_that_fails_says_so_in_the_same_comment() {
    let hub = Hub::start(Rights::ALL).await;
    let number = hub.pull_request();
    let step = Workflow::of(&hub).with("GITHUB_REF", Some(&format!("refs/pull/{number}/merge")));
    // The manifest is not sound, so that the stack is not known.
    step.write("billform.yaml", "version: 1\nproject: shop\n");
    let failed = step.run(&["plan", "--out", "the.plan", "--format", "json"]).await.exits(1);
    step.write("stderr", &failed.stderr);
    let posted = step.json(&["ci", "comment", "the.plan", "--failure", "stderr"]).await;
    assert_eq!(posted["action"], "created");
    let body = hub.comments(number).remove(0).body;
    assert!(body.contains("**The plan failed** with exit code 1") && body.contains("the manifest has"), "{body}");
    assert!(body.contains("billform.yaml:") && !body.contains("{\"error\""), "as people read it: {body}");

    step.save("the.plan", &raising("shop", &["acme"], "600.00"));
    assert_eq!(step.json(&["ci", "comment", "the.plan"]).await["action"], "updated");
    step.write("stderr", "error: no credentials\n");
    let failed = ["ci", "comment", "--failure", "stderr", "--exit-code", "4"];
    assert_eq!(step.json(&failed).await["action"], "updated");
    let comments = hub.comments(number);
    assert_eq!(comments.len(), 1);
    assert!(comments[0].body.contains("with exit code 4") && comments[0].body.contains("error: no credentials"));
}

#[tokio::test]
async fn the_pull_request_is_found_in_the_event_and_else_has_to_be_named() {
    let hub = Hub::start(Rights::ALL).await;
    let number = hub.pull_request();
    let step = Workflow::of(&hub).with("GITHUB_REF", Some("refs/heads/main"));
    step.save("the.plan", &raising("shop", &["acme"], "600.00"));
    let said = step.run(&["ci", "comment", "the.plan"]).await.exits(1).stderr;
    assert!(said.contains("which pull request") && said.contains("--pull-request N"), "{said}");
    step.write("event.json", json!({ "pull_request": { "number": number } }).to_string());
    let event = step.path("event.json").display().to_string();
    let step = step.with("GITHUB_EVENT_PATH", Some(&event));
    step.run(&["ci", "comment", "the.plan"]).await.ok();
    assert_eq!(hub.comments(number).len(), 1);
}

#[tokio::test]
async fn a_dry_run_prints_the_comment_and_needs_no_github() {
    let hub = Hub::start(Rights::READ).await;
    let step = Workflow::of(&hub).with("GITHUB_TOKEN", None);
    step.save("the.plan", &raising("shop", &["acme"], "600.00"));
    let printed = step.run(&["ci", "comment", "the.plan", "--dry-run"]).await.ok().stdout;
    assert!(
        printed.starts_with(&format!("{MARKER}\n## Plan for `shop`\n")) && printed.ends_with("</details>\n"),
        "{printed}"
    );
    let json: Value = step.json(&["ci", "comment", "the.plan", "--dry-run"]).await;
    assert_eq!(json, json!({ "action": "none", "url": null, "body": printed }));
    assert!(hub.seen().is_empty());
}

#[tokio::test]
async fn what_is_shown_of_a_plan_belongs_to_that_plan() {
    let hub = Hub::start(Rights::ALL).await;
    let step = Workflow::of(&hub);
    let dry = ["ci", "comment", "the.plan", "--dry-run"];
    let missing = step.run(&dry).await.exits(1).stderr;
    assert!(missing.contains("the plan the.plan cannot be read"), "{missing}");
    step.save("other.plan", &raising("shop", &["acme", "beta"], "600.00"));
    step.save("the.plan", &raising("shop", &["acme"], "600.00"));
    std::fs::copy(step.path("other.plan.review.json"), step.path("the.plan.review.json")).expect("is copied");
    let other = step.run(&dry).await.exits(1).stderr;
    assert!(other.contains("the.plan.review.json belongs to another plan than the.plan"), "{other}");
    std::fs::remove_file(step.path("the.plan.review.json")).expect("is removed");
    let lost = step.run(&dry).await.exits(1).stderr;
    assert!(lost.contains("the.plan.review.json is missing") && lost.contains("side by side"), "{lost}");
    step.write("the.plan.review.json", "{}");
    let strange = step.run(&dry).await.exits(1).stderr;
    assert!(strange.contains("is not a plan's review"), "{strange}");
    let usage = step.run(&["ci", "comment"]).await.exits(1).stderr;
    assert!(usage.contains("PLANFILE"), "{usage}");
}
