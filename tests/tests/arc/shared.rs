//! Cost of no tenant that the manifest shares out among the tenants: on their invoices, in previews, once in the close.

use localcloud::costs::CostModel;
use localstripe::Kind;
use serde_json::{Value, json};
use tests::stage::{Draft, Stage, TenantDraft};

/// Each tenant's part of the 20.00 that are no tenant's, in cents.
const PARTS: [(&str, &str, i64); 3] = [("press", "MMP-Toledo", 667), ("shop", "Shop", 667), ("studio", "Studio", 666)];
const TAG: &str = "ClientOrganization";

fn manifest(costs: &str) -> String {
    let tenant = |id, organization| TenantDraft::new(id, organization).with("first_period: 2020-01");
    let draft =
        PARTS.iter().fold(Draft::new("shared"), |draft, (id, organization, _)| draft.tenant(tenant(id, organization)));
    draft.with(&format!("costs: {costs}")).yaml()
}

/// On the month's second day: 30.00 of each tenant, 12.75 of a value near the shop's, 7.25 untagged.
fn costs(model: &mut CostModel, day: jiff::civil::Date) {
    let row = |service: &str, value: &str, amount: &str| {
        let tags = if value.is_empty() { json!({}) } else { json!({ TAG: value }) };
        serde_json::from_value(json!({ "date": day, "service": service, "amount": amount, "tags": tags }))
            .expect("a row")
    };
    let own = PARTS.iter().map(|(_, value, _)| row("AWS Lambda", value, "30.00"));
    let unclaimed = [row("AWS Lambda", "shop-print", "12.75"), row("Tax", "", "7.25")];
    model.rows = own.chain(unclaimed).collect();
    model.monthly.clear();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn cost_of_no_tenant_is_shared_out_to_the_cent_and_counted_once() {
    let mut stage = Stage::new(&manifest("{ unallocated: even }")).await;
    let month = stage.last_month();
    let period = month.to_string();
    let second = month.period().start().tomorrow().expect("a day");
    stage.place.cloud.costs().change(|model| costs(model, second));
    stage.run(&["apply", "--auto-approve"]).await.ok();
    stage
        .invoke("shared-cost-sync", &json!({ "start": month.period().start(), "end": month.period().last_day() }))
        .await;
    stage.invoke("shared-invoicer", &json!({ "period": month })).await;

    stage.be_permitted("invoice-preview").await;
    let preview = stage.run(&["invoice", "preview", "--period", &period, "--format", "json"]).await.ok().json();
    assert_eq!((&preview["unallocated_usd"], &preview["shared_usd"]), (&json!("20"), &json!("20")), "{preview}");
    let invoices = stage.place.cloud.stripe().objects(Kind::Invoice);
    for (id, _, part) in PARTS {
        let drafted = invoices.iter().find(|invoice| invoice["metadata"]["billform_tenant"] == id).expect("a draft");
        assert_eq!(drafted["total"], 3_000 + part, "{id}");
        assert_eq!(part_of(&preview, id), format!("{}.{:02} USD", part / 100, part % 100), "{id}");
    }
    let shown = stage.run(&["--format", "human", "invoice", "preview", "--period", &period]).await.ok().stdout;
    assert!(shown.contains(&format!("20.00 USD of {month} carry no tenant's tags: they are shared out")), "{shown}");
    let explained =
        stage.run(&["--format", "human", "invoice", "explain", "shop", "--period", &period]).await.ok().stdout;
    assert!(explained.contains("6.67 USD of it Shared cost: an even part of 20.00 USD"), "{explained}");

    stage.be_permitted("invoice").await;
    let status = stage.run(&["invoice", "status", "--format", "json"]).await.ok().json();
    let near = json!([{ "period": month, "value": "shop-print", "cost_usd": "12.75", "tenant": "shop", "tenant_value": "Shop" }]);
    assert_eq!(status["near_misses"], near, "{status}");

    stage.be_permitted("close").await;
    let close = stage.run(&["close", "--period", &period, "--format", "json"]).await.ok().json();
    assert_eq!(
        [&close["unallocated_usd"], &close["shared_usd"], &close["bill_usd"], &close["closed"]],
        [&json!("20"), &json!("20"), &json!("110"), &json!(true)],
        "{close}"
    );
    let shown = stage.run(&["--format", "human", "close", "--period", &period]).await.ok().stdout;
    assert!(shown.contains("`shop-print` 12.75 USD is near shop's `Shop`."), "{shown}");
    assert!(shown.contains("20.00 USD are shared out among the tenants; the operator bears 0.00 USD"), "{shown}");
}

/// The line of shared cost in a tenant's preview.
fn part_of(preview: &Value, tenant: &str) -> String {
    let mut invoices = preview["invoices"].as_array().expect("invoices").iter();
    let invoice = invoices.find(|one| one["tenant"] == tenant).expect("the tenant's");
    let mut lines = invoice["invoice"]["lines"].as_array().expect("lines").iter();
    let line = lines.find(|line| line["description"] == "Shared cost").expect("a line of its own");
    line["amount"].as_str().expect("money").to_owned()
}

/// Each tenant's 30.00 of usage; the shop's tags also carry a credit of 5.00, and 9.00 of tax carry none.
fn with_record_types(model: &mut CostModel, day: jiff::civil::Date) {
    costs(model, day);
    model.rows.retain(|row| PARTS.iter().any(|(_, value, _)| row.tags.get(TAG).is_some_and(|tag| tag == value)));
    let row = |service: &str, kind: &str, amount: &str, tags: Value| {
        let row = json!({ "date": day, "service": service, "record_type": kind, "amount": amount, "tags": tags });
        serde_json::from_value(row).expect("a row")
    };
    model.rows.push(row("AWS Lambda", "Credit", "-5.00", json!({ TAG: "Shop" })));
    model.rows.push(row("Tax", "Tax", "9.00", json!({})));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn record_types_go_by_their_policies_and_the_month_still_closes() {
    let mut stage = Stage::new(&manifest("{ record_types: { credit: operator, tax: even } }")).await;
    let month = stage.last_month();
    let second = month.period().start().tomorrow().expect("a day");
    stage.place.cloud.costs().change(|model| with_record_types(model, second));
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let days = json!({ "start": month.period().start(), "end": month.period().last_day() });
    let synced = stage.invoke("shared-cost-sync", &days).await;
    assert_eq!((&synced["total"], &synced["unallocated"]), (&json!(94), &json!(9)), "{synced}");
    stage.invoke("shared-invoicer", &json!({ "period": month })).await;
    let invoices = stage.place.cloud.stripe().objects(Kind::Invoice);
    for (id, ..) in PARTS {
        let drafted = invoices.iter().find(|invoice| invoice["metadata"]["billform_tenant"] == id).expect("a draft");
        assert_eq!(drafted["total"], 3_300, "{id}: its usage and a third of the tax; the credit is the operator's");
    }
    stage.be_permitted("close").await;
    let close = stage.run(&["close", "--period", &month.to_string(), "--format", "json"]).await.ok().json();
    assert_eq!(
        [&close["unallocated_usd"], &close["shared_usd"], &close["bill_usd"], &close["closed"]],
        [&json!("4"), &json!("9"), &json!("94"), &json!(true)],
        "{close}"
    );
}
