//! `ci issues`: one issue for each tenant that drifts and one for what all share.

use serde_json::{Value, json};
use tests::github::{Fault, Hub, Rights};

use crate::Workflow;

const LABEL: &str = "billform-drift";

/// Drift's document of these tenants' budgets, each with what was found.
fn drift(found: &[(Option<&str>, &str)]) -> Value {
    let change = |(tenant, limit): &(Option<&str>, &str)| {
        let address = tenant.map_or_else(|| "iam_role.costs".to_owned(), |tenant| format!("budget.{tenant}"));
        json!({
            "address": address, "kind": address.split('.').next(), "tenant": tenant, "finding": "changed", "id": "x",
            "happened": null,
            "fields": [{ "path": "limit_usd", "before": limit, "after": "500.00", "forces_replacement": false }],
        })
    };
    json!({
        "format": "billform-drift/1", "stack": "shop", "account": "123456789012", "region": "us-east-1",
        "changes": found.iter().map(change).collect::<Vec<_>>(), "summary": {}, "api_calls": { "iam": 3 },
        "unapplied": [], "ignored": [], "expired_ignores": [], "needless_ignores": [], "unreadable": [],
        "unlisted": [], "pending": [], "state_moved": false,
    })
}

/// What `ci issues` did: each action with its tenant.
async fn night(step: &Workflow, document: &Value) -> Vec<(String, Option<String>)> {
    step.write("drift.json", document.to_string());
    let told = step.json(&["ci", "issues", "drift.json"]).await;
    let issues = told["issues"].as_array().expect("issues").iter();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    issues.map(|one| (text(&one["action"]).expect("an action"), text(&one["tenant"]))).collect()
}

fn done(actions: &[(&str, Option<&str>)]) -> Vec<(String, Option<String>)> {
    actions.iter().map(|(action, tenant)| ((*action).to_owned(), tenant.map(str::to_owned))).collect()
}

#[tokio::test]
async fn an_issue_is_opened_edited_closed_and_reopened_and_there_is_never_a_second_one() {
    let hub = Hub::start(Rights { pull_requests: false, ..Rights::ALL }).await;
    let step = Workflow::of(&hub);
    let (acme, both) = ([(Some("acme"), "900.00")], [(None, "1"), (Some("acme"), "900.00")]);
    assert_eq!(night(&step, &drift(&[])).await, []);
    assert!(hub.issues().is_empty());
    assert_eq!(night(&step, &drift(&acme)).await, done(&[("created", Some("acme"))]));
    assert_eq!(night(&step, &drift(&both)).await, done(&[("created", None), ("none", Some("acme"))]));
    let issues = hub.issues();
    assert_eq!(issues[0].title, "Drift of tenant acme in shop");
    assert_eq!((issues[0].labels.as_slice(), issues[0].state.as_str()), ([LABEL.to_owned()].as_slice(), "open"));
    assert!(issues[0].body.contains(r#"`billform tenant set acme --budget "900.00 USD"`"#), "{}", issues[0].body);
    assert!(issues[0].body.contains("Changed by: unknown"));

    assert_eq!(
        night(&step, &drift(&[(Some("acme"), "950.00")])).await,
        done(&[("updated", Some("acme")), ("closed", None)])
    );
    let issues = hub.issues();
    assert!(issues[0].body.contains("950.00") && !issues[0].body.contains("900.00"));
    assert_eq!((issues[1].state.as_str(), issues[1].state_reason.as_deref()), ("closed", Some("completed")));
    assert_eq!(hub.comments(issues[1].number)[0].body, "The drift is gone: all of it is as billform left it.");
    assert_eq!(night(&step, &drift(&[])).await, done(&[("closed", None)]));
    assert_eq!(night(&step, &drift(&[])).await, []);

    assert_eq!(night(&step, &drift(&acme)).await, done(&[("reopened", Some("acme"))]));
    let issues = hub.issues();
    assert_eq!(issues.len(), 2, "reopened, not opened once more");
    assert!(issues[0].state == "open" && issues[0].body.contains("900.00"), "{issues:?}");
    let said: Vec<String> = hub.comments(issues[0].number).into_iter().map(|comment| comment.body).collect();
    assert_eq!(said, ["The drift is gone: all of it is as billform left it.", "The drift is there again."]);
}

#[tokio::test]
async fn thirty_nights_of_the_same_drift_are_one_issue_without_an_edit() {
    let hub = Hub::start(Rights::ALL).await;
    let step = Workflow::of(&hub);
    let mut document = drift(&[(Some("acme"), "900.00")]);
    assert_eq!(night(&step, &document).await, done(&[("created", Some("acme"))]));
    let writes = hub.writes();
    for n in 1..30 {
        // What differs from night to night says nothing of the drift.
        document["api_calls"] = json!({ "iam": n, "stripe": 2 * n });
        document["pending"] = json!([{ "address": "allocation_tags.active", "until": format!("night {n}") }]);
        assert_eq!(night(&step, &document).await, done(&[("none", Some("acme"))]));
    }
    assert_eq!(hub.issues().len(), 1);
    assert_eq!(hub.writes(), writes, "nothing was written after the first night");
    assert_eq!(writes.len(), 1);
}

#[tokio::test]
async fn what_could_not_be_judged_closes_nothing() {
    let hub = Hub::start(Rights::ALL).await;
    let step = Workflow::of(&hub);
    night(&step, &drift(&[(Some("acme"), "900.00"), (Some("beta"), "900.00")])).await;
    let mut incomplete = drift(&[(Some("beta"), "950.00"), (Some("zeta"), "1.00")]);
    incomplete["unreadable"] = json!([{ "address": "budget.acme", "error": "denied" }]);
    let told = done(&[("updated", Some("beta")), ("created", Some("zeta"))]);
    assert_eq!(night(&step, &incomplete).await, told);
    let mut unlisted = drift(&[]);
    unlisted["unlisted"] = json!([{ "kind": "budget", "error": "denied" }]);
    assert_eq!(night(&step, &unlisted).await, []);
    assert!(hub.issues().iter().all(|issue| issue.state == "open"), "{:?}", hub.issues());

    hub.forget_requests();
    let mut moving = drift(&[(Some("new"), "1.00")]);
    moving["state_moved"] = json!(true);
    step.write("drift.json", moving.to_string());
    let told = step.json(&["ci", "issues", "drift.json"]).await;
    assert_eq!(told["issues"], json!([]));
    assert!(told["notes"][0].as_str().is_some_and(|note| note.contains("An apply went on")), "{told}");
    assert!(hub.seen().is_empty(), "what may be an apply's own doing is nobody's issue");
    assert_eq!(night(&step, &drift(&[])).await.len(), 3, "a whole look closes them");
}

#[tokio::test]
async fn issues_are_found_among_others_and_strangers_and_other_stacks_are_left_alone() {
    let hub = Hub::start(Rights::ALL).await;
    let step = Workflow::of(&hub);
    let marker = "<!-- billform:drift:shop:tenant:acme -->";
    let strangers = hub.issue("mine", &format!("{marker}\ntrust me"), &[LABEL], "mallory");
    let first = hub.issue("Drift", &format!("{marker}\nold"), &[LABEL], "github-actions[bot]");
    let second = hub.issue("Drift", &format!("{marker}\nold"), &[LABEL], "github-actions[bot]");
    let stack = hub.issue("Drift", "<!-- billform:drift:shop/prod:tenant:acme -->\nx", &[LABEL], "github-actions[bot]");
    for n in 0..150 {
        hub.issue(&format!("other {n}"), "text", &[LABEL], "ana");
    }
    let told = night(&step, &drift(&[(Some("acme"), "900.00")])).await;
    assert_eq!(told, done(&[("updated", Some("acme")), ("closed", None)]));
    let state = |number: u64| {
        let issue = hub.issues().into_iter().find(|issue| issue.number == number).expect("an issue");
        (issue.state, issue.body.contains("900.00"))
    };
    assert_eq!(state(first), ("open".to_owned(), true));
    assert_eq!(state(second), ("closed".to_owned(), false));
    assert_eq!(hub.comments(second)[0].body, format!("Issue #{first} says the same."));
    for left in [strangers, stack] {
        assert_eq!(state(left), ("open".to_owned(), false));
    }
    let pages = hub.seen().into_iter().filter(|seen| seen.method == "GET").count();
    assert_eq!(pages, 2);
    hub.close(first);
    assert_eq!(night(&step, &drift(&[(Some("acme"), "900.00")])).await, done(&[("reopened", Some("acme"))]));
}

#[tokio::test]
async fn a_flood_is_opened_over_several_nights() {
    let hub = Hub::start(Rights::ALL).await;
    let step = Workflow::of(&hub);
    let names: Vec<String> = (0..60).map(|n| format!("t{n:02}")).collect();
    let found: Vec<(Option<&str>, &str)> = names.iter().map(|name| (Some(name.as_str()), "1.00")).collect();
    let count = |told: &[(String, Option<String>)], action: &str| told.iter().filter(|one| one.0 == action).count();
    let first = night(&step, &drift(&found)).await;
    assert_eq!((count(&first, "created"), count(&first, "deferred")), (50, 10));
    let second = night(&step, &drift(&found)).await;
    assert_eq!((count(&second, "none"), count(&second, "created")), (50, 10));
    assert_eq!(hub.issues().len(), 60);
}

#[tokio::test]
async fn refusals_name_what_is_missing() {
    let hub = Hub::start(Rights::READ).await;
    let step = Workflow::of(&hub);
    step.write("drift.json", drift(&[(Some("acme"), "900.00")]).to_string());
    let said = step.run(&["ci", "issues", "drift.json"]).await.exits(1).stderr;
    assert!(said.contains("permissions: { issues: write }"), "{said}");
    hub.allow(Rights { labels: false, ..Rights::ALL });
    let said = step.run(&["ci", "issues", "drift.json"]).await.exits(1).stderr;
    assert!(said.contains("without the label `billform-drift`"), "{said}");
    let off = Fault {
        method: "GET",
        path: "/issues",
        status: 410,
        headers: Vec::new(),
        message: "Issues are disabled for this repo",
        after_the_work: false,
    };
    hub.disturb(off);
    let said = step.run(&["ci", "issues", "drift.json"]).await.exits(1).stderr;
    assert!(said.contains("Issues are disabled") && said.contains("switched off"), "{said}");
    step.write("plan.json", json!({ "format": "billform-plan/1" }).to_string());
    let said = step.run(&["ci", "issues", "plan.json"]).await.exits(1).stderr;
    assert!(said.contains("plan.json is not drift's document") && said.contains("drift --format json"), "{said}");
}

#[tokio::test]
async fn a_dry_run_prints_the_issues_and_calls_nobody() {
    let hub = Hub::start(Rights::READ).await;
    let step = Workflow::of(&hub).with("GITHUB_TOKEN", None);
    step.write("drift.json", drift(&[(Some("acme"), "900.00")]).to_string());
    let shown = step.json(&["ci", "issues", "drift.json", "--dry-run"]).await;
    assert_eq!(shown["issues"][0]["title"], "Drift of tenant acme in shop");
    let people = step.run(&["ci", "issues", "drift.json", "--dry-run"]).await.ok().stdout;
    assert!(people.contains(shown["issues"][0]["body"].as_str().expect("a body").trim_end()), "{people}");
    assert!(hub.seen().is_empty());
}
