//! A plan that changes prices says what the last closed months would have been: to people and programs, in the comment of
//! a pull request, against a limit; and what reaches a month that is over, or an open draft, needs an approval.

use billing::{Money, Month};
use localstripe::Kind;
use serde_json::{Value, json};
use tests::stage::{Draft, Stage, TenantDraft};

/// Two tenants who pay so much more than their cost.
fn manifest(markup: &str, settle_days: u32, lines: &[&str]) -> String {
    let press = TenantDraft::new("press", "MMP-Toledo").with("pricing: plan");
    let press = lines.iter().fold(press, |press, line| press.with(line));
    let studio = TenantDraft::new("studio", "Studio").with("first_period: 2020-01");
    let draft =
        Draft::new("effects").pricing("plan", &format!("{{ markup: \"{markup}\" }}")).tenant(press).tenant(studio);
    draft.yaml().replace("settle_days: 0", &format!("settle_days: {settle_days}"))
}

fn without_press() -> String {
    let draft = Draft::new("effects").tenant(TenantDraft::new("studio", "Studio").with("first_period: 2020-01"));
    draft.yaml().replace("settle_days: 0", "settle_days: 60")
}

fn lifted(markup: &str) -> String {
    manifest(markup, 0, &["first_period: 2020-01"])
}

/// Reads last month's cost and drafts it, as deployed.
async fn run_month(stage: &Stage) {
    let month = stage.last_month();
    let days = json!({ "start": month.period().start(), "end": month.period().last_day() });
    stage.invoke("effects-cost-sync", &days).await;
    stage.invoke("effects-invoicer", &json!({ "period": month })).await;
}

/// What Stripe's draft of last month comes to.
fn drafted(stage: &Stage, tenant: &str) -> i64 {
    let invoices = stage.place.cloud.stripe().objects(Kind::Invoice);
    let mut drafts = invoices.iter().filter(|invoice| invoice["metadata"]["billform_tenant"] == tenant);
    let total = drafts.next().expect("a draft")["total"].as_i64().expect("cents");
    assert!(drafts.next().is_none(), "one draft");
    total
}

fn cents(money: &Value) -> i64 {
    money.as_str().expect("an amount").parse::<Money>().expect("money").minor_units().expect("cents").0
}

/// What people read, without its line breaks.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_lifted_markup_is_commented_with_the_figures_of_a_real_run() {
    let mut stage = Stage::new(&lifted("10%")).await;
    stage.be_permitted("plan").await;
    let first = stage.run(&["plan", "--format", "json"]).await.ok().json();
    assert_eq!(first["money"]["months"], json!([]), "{first}");
    let notes = first["money"]["notes"].as_array().expect("notes");
    assert!(
        notes.len() == 1 && notes[0].as_str().is_some_and(|note| note.contains("There is no ledger yet")),
        "{first}"
    );
    stage.run(&["plan", "--max-money-delta", "0%"]).await.ok();

    stage.be_permitted("apply").await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    run_month(&stage).await;
    let was = drafted(&stage, "press");
    let month = stage.last_month();

    // Who may plan, and nothing else.
    stage.write(&lifted("12%"));
    stage.be_permitted("plan").await;
    let plan = stage.run(&["plan", "--format", "json", "--out", "the.plan"]).await.ok().json();
    let told = plan["money"]["months"].as_array().expect("months");
    assert_eq!(told.len(), 1, "{plan}");
    let (before, after, delta) = (cents(&told[0]["before"]), cents(&told[0]["after"]), cents(&told[0]["delta"]));
    assert_eq!((before, after - before), (was, delta), "{plan}");
    let same = json!({ "tenant": "press", "period": month, "currency": "USD", "reason": "terms" });
    assert!(same.as_object().expect("fields").iter().all(|(key, value)| told[0][key] == *value), "{plan}");
    let line = |tenant: &str, reason: &str| {
        format!(
            "{tenant}: {month} would have been {}, +{}.{:02} ({reason})",
            told[0]["after"].as_str().expect("money"),
            delta / 100,
            delta % 100
        )
    };
    let shown = unwrapped(&stage.run(&["plan"]).await.ok().stdout);
    assert!(shown.contains(&format!("Money {}", line("press", "terms"))), "{shown}");
    let comment = stage.run(&["ci", "comment", "the.plan", "--dry-run"]).await.ok().stdout;
    let at = |text: &str| comment.find(text).unwrap_or_else(|| panic!("{text} is not in {comment}"));
    assert!(at("### Money") < at(&line("`press`", "`terms`")) && at("### Money") < at("### What changes"), "{comment}");
    let markdown = stage.run(&["plan", "--format", "markdown"]).await.ok().stdout;
    assert!(markdown.contains(&line("`press`", "`terms`")), "{markdown}");
    the_gate_holds_what_is_off_by_more(&stage, month, delta).await;
    who_may_not_read_the_ledger_is_told_so(&mut stage).await;

    // The same month, run by the dearer terms from the beginning.
    stage.reset().await;
    stage.write(&lifted("12%"));
    stage.be_permitted("apply").await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    run_month(&stage).await;
    assert_eq!(drafted(&stage, "press"), after, "the comment has the figures of a real run");
}

async fn the_gate_holds_what_is_off_by_more(stage: &Stage, month: Month, delta: i64) {
    let plan =
        |limit: String| async move { stage.run(&["plan", "--max-money-delta", &limit, "--out", "gated.plan"]).await };
    let amount = |cents: i64| format!("{}.{:02}", cents / 100, cents % 100);
    for held in ["1%".to_owned(), amount(delta - 1)] {
        let refused = unwrapped(&plan(held.clone()).await.exits(1).stderr);
        let told = format!("--max-money-delta {held} is exceeded: press {month} by +{} of", amount(delta));
        assert!(refused.contains(&told), "{refused}");
        assert!(!stage.folder().join("gated.plan").exists(), "it is not saved");
    }
    for passes in ["2%".to_owned(), amount(delta)] {
        plan(passes).await.ok();
    }
    let wrong = stage.run(&["plan", "--max-money-delta", "much"]).await.exits(1).stderr;
    assert!(wrong.contains("`much` is no limit"), "{wrong}");
}

/// The plan is whole without the ledger; a limit cannot be held against what is not known.
async fn who_may_not_read_the_ledger_is_told_so(stage: &mut Stage) {
    let mut policy = stage.run(&["permissions", "--for", "plan"]).await.ok().json();
    for statement in policy["Statement"].as_array_mut().expect("statements") {
        let resources = statement["Resource"].to_string();
        if resources.contains(":table/effects-ledger\"") && !resources.contains("/index/") {
            statement["Action"].as_array_mut().expect("actions").retain(|action| action != "dynamodb:Query");
        }
    }
    stage.be_user_under(&policy.to_string()).await;
    let plan = stage.run(&["plan", "--format", "json"]).await.ok().json();
    let note = plan["money"]["notes"][0].as_str().unwrap_or_default();
    assert!(
        note.contains("What this does to amounts is not known") && note.contains("permissions --for plan"),
        "{plan}"
    );
    assert_eq!((&plan["money"]["months"], &plan["summary"]["update"]), (&json!([]), &json!(1)), "{plan}");
    let refused = unwrapped(&stage.run(&["plan", "--max-money-delta", "50%"]).await.exits(1).stderr);
    assert!(refused.contains("--max-money-delta cannot be checked"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn what_reaches_closed_months_and_open_drafts_or_frees_an_id_needs_an_approval() {
    let stage = Stage::new(&lifted("10%")).await;
    let month = stage.last_month();
    let earlier = month.previous().expect("a month");
    let (first, lasting) = (format!("first_period: {month}"), format!("first_period: {earlier}"));
    stage.write(&manifest("10%", 60, &[&first]));
    stage.run(&["apply", "--auto-approve"]).await.ok();
    run_month(&stage).await;

    // The draft settles sooner.
    stage.write(&manifest("10%", 50, &[&first]));
    let plan = stage.run(&["plan", "--format", "json"]).await.ok().json();
    let mut steps = plan["changes"].as_array().expect("changes").iter();
    let guard = steps.find(|step| step["address"] == "lambda_function.invoicer").expect("its step")["guard"].clone();
    let told = guard.as_str().unwrap_or_default();
    assert!(
        told.contains("open drafts that this settles sooner") && told.contains(&format!("press {month} (on ")),
        "{plan}"
    );
    let note = plan["money"]["notes"][0].as_str().unwrap_or_default();
    assert!(note.contains("The settling time goes from 60 to 50 days"), "{plan}");
    let refused = unwrapped(&stage.run(&["apply", "--auto-approve"]).await.exits(1).stderr);
    assert!(refused.contains("--approve lambda_function.invoicer changes it all the same"), "{refused}");
    stage.run(&["apply", "--auto-approve", "--approve", "lambda_function.invoicer"]).await.ok();
    stage.write(&manifest("10%", 60, &[&first]));
    stage.run(&["apply", "--auto-approve"]).await.ok();

    // A month before the first one is billed.
    stage.write(&manifest("10%", 60, &[&lasting]));
    let refused = unwrapped(&stage.run(&["apply", "--auto-approve"]).await.exits(1).stderr);
    let told = format!("a month that is over and not invoiced, which this bills otherwise: {earlier} (first month)");
    assert!(refused.contains(&told) && refused.contains("--approve tenant_record.press"), "{refused}");

    // The id would be free for another, with all that the ledger holds of it.
    stage.write(&without_press());
    let refused = unwrapped(&stage.run(&["apply", "--auto-approve"]).await.exits(1).stderr);
    let told = format!("cost and invoices, up to {month}, of an id that is free then: `last_period` would keep it");
    assert!(refused.contains(&told), "{refused}");
}
