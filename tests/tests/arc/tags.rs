//! Tenants that share a value of the tenant tag and differ in another tag: from the manifest to the close.

use jiff::ToSpan as _;
use jiff::civil::Date;
use localcloud::costs::CostModel;
use localstripe::Kind;
use serde_json::{Value, json};
use tests::stage::{Draft, Stage, TenantDraft};

const TAG: &str = "ClientOrganization";

/// `acme` has `Environment: prod`, and from a day on `live`; `acme-trial` has `dev`; `beta` is known by one tag.
fn manifest(turn: Date) -> String {
    let tenant = |id, organization| TenantDraft::new(id, organization).with("first_period: 2020-01");
    let environment = format!("[{{ value: prod }}, {{ value: live, from: {turn} }}]");
    let draft = Draft::new("tags")
        .tenant(tenant("acme", "Acme").tagged("Environment", &environment))
        .tenant(tenant("acme-trial", "Acme").tagged("Environment", "dev"))
        .tenant(tenant("beta", "Beta"))
        .with(r#"budgets: { default: "500.00 USD", emails: [costs@example.com] }"#);
    draft.yaml().replace("activate: [", "activate: [Environment, ")
}

/// Rows of two days of a month: the one before the turn, and the turn.
fn costs(model: &mut CostModel, turn: Date) {
    let row = |day: Date, tags: Value, amount: &str| {
        let row = json!({ "date": day, "service": "AWS Lambda", "amount": amount, "tags": tags });
        serde_json::from_value(row).expect("a row")
    };
    let acme = |environment: &str| json!({ TAG: "Acme", "Environment": environment });
    let before = turn - 1.day();
    model.rows = vec![
        row(before, acme("prod"), "10.00"),
        row(before, acme("live"), "0.25"),
        row(before, acme("dev"), "3.00"),
        row(turn, acme("prod"), "0.50"),
        row(turn, acme("live"), "20.00"),
        row(turn, json!({ TAG: "Acme" }), "7.00"),
        row(turn, json!({ TAG: "Beta", "Environment": "dev" }), "5.00"),
        row(turn, json!({ "Environment": "dev" }), "100.00"),
    ];
    model.monthly.clear();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn tenants_of_one_organisation_are_billed_by_all_their_tags() {
    let mut stage = Stage::new(&manifest(jiff::civil::date(2020, 1, 15))).await;
    let month = stage.last_month();
    let (period, turn) = (month.to_string(), month.period().start() + 14.days());
    stage.write(&manifest(turn));
    stage.place.cloud.costs().change(|model| costs(model, turn));

    stage.be_permitted("costs-backfill").await;
    let waits = stage.run(&["costs", "backfill", "--from", &period]).await.exits(1).stderr;
    assert!(
        waits.contains("not active for cost allocation: BillingProject, ClientOrganization, Environment"),
        "{waits}"
    );

    stage.be_permitted("apply").await;
    let plan = stage.run(&["plan", "--format", "json"]).await.json();
    let addresses = super::changes(&plan);
    let budgets: Vec<&String> = addresses.keys().filter(|address| address.starts_with("budget.")).collect();
    assert_eq!(budgets, ["budget.beta"], "AWS filters a budget by one tag");
    stage.run(&["apply", "--auto-approve"]).await.ok();
    assert!(stage.place.cloud.costs().model().active_tags.contains("Environment"));
    stage.run(&["plan", "--detailed-exitcode"]).await.ok();

    let days = json!({ "start": month.period().start(), "end": month.period().last_day() });
    let synced = stage.invoke("tags-cost-sync", &days).await;
    assert_eq!((&synced["total"], &synced["unallocated"]), (&json!(145.75), &json!(107.75)), "{synced}");
    stage.invoke("tags-invoicer", &json!({ "period": month })).await;
    let invoices = stage.place.cloud.stripe().objects(Kind::Invoice);
    for (id, cents) in [("acme", 3_000), ("acme-trial", 300), ("beta", 500)] {
        let drafted = invoices.iter().find(|invoice| invoice["metadata"]["billform_tenant"] == id).expect("a draft");
        assert_eq!(drafted["total"], cents, "{id}");
    }

    stage.be_permitted("invoice-preview").await;
    let preview = stage.run(&["invoice", "preview", "--period", &period, "--format", "json"]).await.ok().json();
    let totals = preview["invoices"].as_array().expect("invoices").iter();
    let totals: Vec<_> = totals.map(|one| (one["tenant"].as_str(), one["invoice"]["total"].as_str())).collect();
    let expected = [("acme", "30.00 USD"), ("acme-trial", "3.00 USD"), ("beta", "5.00 USD")];
    assert_eq!(totals, expected.map(|(id, total)| (Some(id), Some(total))), "{preview}");

    stage.be_permitted("close").await;
    let close = stage.run(&["close", "--period", &period, "--format", "json"]).await.ok().json();
    assert_eq!(
        [&close["unallocated_usd"], &close["bill_usd"], &close["closed"]],
        [&json!("107.75"), &json!("145.75"), &json!(true)],
        "{close}"
    );
    let shown = stage.run(&["--format", "human", "close", "--period", &period]).await.ok().stdout;
    let near = "`Acme` 7.75 USD is near acme's `ClientOrganization=Acme, Environment=prod`.";
    assert!(shown.contains(near), "what carries no tenant's pairs is named: {shown}");
}
