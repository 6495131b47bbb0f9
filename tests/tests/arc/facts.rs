//! Tenants' facts over time: an edit is dated, what is over is not billed otherwise without a word, an id that was a
//! tenant's is no other's by accident.

use billing::Month;
use serde_json::{Value, json};
use tests::stage::{Draft, Stage, TenantDraft};

/// A tenant who has been billed for long, with these lines.
fn manifest(markup: &str, lines: &[&str]) -> String {
    let press = TenantDraft::new("press", "MMP-Toledo").with("pricing: plan").with("first_period: 2020-01");
    let press = lines.iter().fold(press, |press, line| press.with(line));
    Draft::new("facts").pricing("plan", markup).tenant(press).tenant(TenantDraft::new("studio", "Studio")).yaml()
}

fn without_press() -> String {
    Draft::new("facts").tenant(TenantDraft::new("studio", "Studio")).yaml()
}

/// The step of the press's record in a plan.
async fn step(stage: &Stage) -> Value {
    let plan = stage.run(&["plan", "--format", "json"]).await.ok().json();
    let mut changes = plan["changes"].as_array().expect("changes").iter();
    changes.find(|change| change["address"] == "tenant_record.press").expect("the record's step").clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn an_edit_holds_from_this_month_and_one_into_the_past_needs_an_approval() {
    let mut stage = Stage::without_handlers(&manifest(r#"{ markup: "10%" }"#, &[])).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let last = stage.last_month();
    let this: Month = last.next().expect("a month");

    let dearer = manifest(r#"{ markup: "20%" }"#, &["link_version: 2"]);
    stage.write(&dearer);
    let edit = step(&stage).await;
    assert_eq!(
        (&edit["notes"], &edit["guard"]),
        (&json!([format!("terms change from {this}: `effective_from` gives them another month")]), &Value::Null),
        "{edit}"
    );
    let shown = stage.run(&["plan", "--format", "human"]).await.ok().stdout;
    assert!(shown.contains(&format!("terms change from {this}")), "{shown}");
    stage.run(&["apply", "--auto-approve"]).await.ok();
    stage.run(&["plan", "--detailed-exitcode", "--refresh", "full"]).await.ok();
    stage.be_permitted("drift").await;
    stage.run(&["drift"]).await.ok();
    stage.be_permitted("apply").await;

    // Dated into the past it reaches last month, which is over and not invoiced.
    let past = format!(r#"{{ markup: "30%", effective_from: {last} }}"#);
    stage.write(&manifest(&past, &["link_version: 2"]));
    let refused = unwrapped(&stage.run(&["apply", "--auto-approve"]).await.exits(1).stderr);
    let told = format!("otherwise: {last} (terms)");
    assert!(refused.contains(&told) && refused.contains("--approve tenant_record.press changes it"), "{refused}");
    stage.run(&["apply", "--auto-approve", "--approve", "tenant_record.press"]).await.ok();
    stage.run(&["plan", "--detailed-exitcode"]).await.ok();

    // Links that were revoked stay so.
    stage.write(&manifest(&past, &["link_version: 1"]));
    let refused = unwrapped(&stage.run(&["plan"]).await.exits(1).stderr);
    assert!(refused.contains("link_version 1, and 2 is deployed"), "{refused}");

    an_id_that_was_a_tenants_comes_back_only_when_approved(&stage, &past, last).await;
}

/// What people read, without its line breaks.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The press leaves with last month; later another company is given its id.
async fn an_id_that_was_a_tenants_comes_back_only_when_approved(stage: &Stage, terms: &str, last: Month) {
    let leaves = format!("last_period: {last}");
    stage.write(&manifest(terms, &["link_version: 2", &leaves]));
    let this = last.next().expect("a month");
    assert_eq!(step(stage).await["notes"], json!([format!("tag values change from {this}")]));
    stage.run(&["apply", "--auto-approve"]).await.ok();
    stage.write(&without_press());
    stage.run(&["apply", "--auto-approve"]).await.ok();

    stage.write(&manifest(terms, &["link_version: 2"]));
    let refused = unwrapped(&stage.run(&["plan"]).await.exits(1).stderr);
    assert!(refused.contains("link_version 2 is not above 2"), "{refused}");
    stage.write(&manifest(terms, &["link_version: 3"]));
    let refused = unwrapped(&stage.run(&["apply", "--auto-approve"]).await.exits(1).stderr);
    let told = format!("the cost and invoices, up to {last}, of an earlier tenant with this id");
    assert!(refused.contains(&told) && refused.contains("--approve tenant_record.press"), "{refused}");
    stage.run(&["apply", "--auto-approve", "--approve", "tenant_record.press"]).await.ok();
    stage.run(&["plan", "--detailed-exitcode"]).await.ok();
}
