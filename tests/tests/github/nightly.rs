//! The whole way against the local cloud: a real plan in a comment, applied, drift in an issue, repaired, closed.

use serde_json::Value;
use tests::github::{Hub, Rights};
use tests::live::clients::Clients as _;
use tests::stage::{Draft, Stage, TenantDraft};

/// One tenant, whose budget is the default or this.
fn manifest(budget: Option<&str>) -> String {
    let budgets = "budgets: { default: \"500.00 USD\", emails: [a@b.example], alerts: [{ at: \"80%\" }] }";
    let tenant = TenantDraft::new("press", "Tag-press");
    let tenant = budget.into_iter().fold(tenant, |tenant, budget| tenant.with(&format!("budget: \"{budget}\"")));
    Draft::new("review").tenant(tenant).with(budgets).yaml()
}

async fn json(stage: &Stage, arguments: &[&str], exits: i32) -> Value {
    stage.run(&[arguments, &["--format", "json"]].concat()).await.exits(exits).json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_pull_request_and_the_nights_after_it() {
    let hub = Hub::start(Rights::ALL).await;
    let number = hub.pull_request();
    let mut stage = Stage::without_handlers(&manifest(None)).await;
    hub.variables().iter().for_each(|(name, value)| stage.set(name, value));
    stage.set("GITHUB_REF", &format!("refs/pull/{number}/merge"));

    stage.run(&["plan", "--out", "the.plan"]).await.ok();
    assert_eq!(json(&stage, &["ci", "comment", "the.plan"], 0).await["action"], "created");
    let body = hub.comments(number).remove(0).body;
    assert!(body.starts_with("<!-- billform:plan:review -->\n"), "{body}");
    assert!(body.contains("- **Tenant** `press`: create `budget.press`") && body.contains("`\"500.00\"`"), "{body}");
    let secret = stage.place.cloud.description().stripe_api_key.clone();
    let saved = std::fs::read_to_string(stage.folder().join("the.plan.review.json")).expect("a review");
    assert!(!saved.contains(&secret) && !body.contains(&secret), "no secret is shown");

    stage.run(&["apply", "the.plan"]).await.ok();
    stage.run(&["plan", "--out", "the.plan"]).await.ok();
    assert_eq!(json(&stage, &["ci", "comment", "the.plan"], 0).await["action"], "updated");
    let comments = hub.comments(number);
    assert!(comments.len() == 1 && comments[0].body.contains("**No changes:**"), "{comments:?}");

    stage.be_permitted("drift").await;
    assert_eq!(night(&stage, 0).await, serde_json::json!([]));
    let name = budget_name(&stage).await;
    raise(&stage, &name, "900").await;
    let opened = night(&stage, 3).await;
    assert_eq!((opened[0]["action"].as_str(), opened[0]["tenant"].as_str()), (Some("created"), Some("press")));
    let issue = hub.issues().remove(0);
    assert!(issue.body.contains(r#"`billform tenant set press --budget "900.00 USD"`"#), "{}", issue.body);
    assert_eq!(night(&stage, 3).await[0]["action"], "none");
    stage.be_permitted("apply").await;
    stage.run(&["apply", "--refresh", "full", "--auto-approve"]).await.ok();
    stage.be_permitted("drift").await;
    assert_eq!(night(&stage, 0).await[0]["action"], "closed");

    // It returns, and this time the manifest accepts it: the edit that the issue names, then an apply.
    raise(&stage, &name, "900").await;
    assert_eq!(night(&stage, 3).await[0]["action"], "reopened");
    stage.write(&manifest(Some("900.00 USD")));
    stage.be_permitted("apply").await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    stage.be_permitted("drift").await;
    assert_eq!(night(&stage, 0).await[0]["action"], "closed");
    assert_eq!(hub.issues().len(), 1);
}

/// One night's steps: drift, which exits so, then what is done about the issues.
async fn night(stage: &Stage, exits: i32) -> Value {
    let report = stage.run(&["drift", "--format", "json"]).await.exits(exits);
    std::fs::write(stage.folder().join("drift.json"), report.stdout).expect("is written");
    json(stage, &["ci", "issues", "drift.json"], 0).await["issues"].clone()
}

/// The name of the one budget there is.
async fn budget_name(stage: &Stage) -> String {
    let cloud = stage.root().await;
    let listed = cloud.budgets().describe_budgets().account_id(&cloud.account).send().await.expect("budgets");
    listed.budgets()[0].budget_name().to_owned()
}

/// Raises the budget as somebody does in the console.
pub async fn raise(stage: &Stage, name: &str, to: &str) {
    let cloud = stage.root().await;
    let call = cloud.budgets().describe_budget().account_id(&cloud.account).budget_name(name).send();
    let mut budget = call.await.expect("the budget").budget.expect("the budget");
    budget.budget_limit.as_mut().expect("a limit").amount = to.to_owned();
    let call = cloud.budgets().update_budget().account_id(&cloud.account).new_budget(budget).send();
    call.await.expect("the budget is changed");
}
