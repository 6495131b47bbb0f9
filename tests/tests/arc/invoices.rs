//! A closed month becomes one draft per tenant, to the cent, whatever the price.

use localcloud::costs::CostModel;
use localcloud::stripe::Kind;
use serde_json::{Value, json};
use tests::stage::{Draft, Stage, TenantDraft};

use crate::{changes, exactly};

/// Tenant, the value of its tag, its line of pricing, and what it pays in cents for 125.50 of AWS cost.
const TENANTS: [(&str, &str, &str, i64); 3] = [
    ("press", "MMP-Toledo", "at-cost", 12_550),
    ("studio", "Studio", "ten-percent", 13_805),
    ("shop", "Shop", "flat-fee", 13_550),
];

fn manifest() -> Draft {
    let draft = Draft::new("invoices").pricing("at-cost", "{}").pricing("ten-percent", r#"{ markup: "10%" }"#);
    let draft = draft.pricing("flat-fee", r#"{ fee: { flat: "10.00 USD" } }"#);
    TENANTS.iter().fold(draft, |draft, (id, organization, pricing, _)| {
        draft.tenant(TenantDraft::new(id, organization).with(&format!("pricing: {pricing}")))
    })
}

/// The example's model, with the press's costs for each of the three.
fn everybody_costs_the_same(model: &mut CostModel) {
    let tag = "ClientOrganization";
    let (theirs, others): (Vec<_>, Vec<_>) =
        model.rows.drain(..).partition(|row| row.tags.get(tag).is_some_and(|value| value == "MMP-Toledo"));
    model.rows = others;
    for (_, organization, _, _) in TENANTS {
        model.rows.extend(theirs.iter().cloned().map(|mut row| {
            row.tags.insert(tag.to_owned(), organization.to_owned());
            row
        }));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_month_is_drafted_once_at_cost_with_a_markup_and_with_a_flat_fee() {
    let mut stage = Stage::new(&manifest().yaml()).await;
    stage.place.cloud.costs().change(everybody_costs_the_same);
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let month = stage.last_month();
    let days = json!({ "start": month.period().start(), "end": month.period().last_day() });
    stage.invoke("invoices-cost-sync", &days).await;
    let event = json!({ "period": month });

    let first = stage.invoke("invoices-invoicer", &event).await;
    assert_eq!(results(&first), [("done", true); 3], "{first}");
    let drafts = drafts(&stage);
    assert_eq!(drafts.len(), 3);
    let month_text = month.to_string();
    stage.be_permitted("invoice-preview").await;
    let preview = stage.run(&["invoice", "preview", "--period", &month_text, "--format", "json"]).await.ok();
    stage.be_permitted("apply").await;
    for (tenant, _, _, cents) in TENANTS {
        let draft = &drafts[tenant];
        assert_draft(draft, tenant, cents);
        assert_preview(&preview.json(), draft, tenant);
    }

    let again = stage.invoke("invoices-invoicer", &event).await;
    assert_eq!(results(&again), [("done", false); 3], "{again}");
    assert_eq!(self::drafts(&stage), drafts);
}

/// The answers' results, and whether they are new.
fn results(answer: &Value) -> Vec<(&str, bool)> {
    let invoices = answer["invoices"].as_array().expect("invoices").iter();
    let result = |invoice: &'_ Value| invoice["new"].as_bool().unwrap_or(false);
    invoices.map(|invoice| (invoice["result"].as_str().unwrap_or_default(), result(invoice))).collect()
}

/// Stripe's invoices by their tenant; two of one tenant fail the test.
fn drafts(stage: &Stage) -> std::collections::BTreeMap<String, Value> {
    let stripe = stage.place.cloud.stripe();
    let customers = stripe.objects(Kind::Customer);
    let tenant = |invoice: &Value| {
        let customer = customers.iter().find(|customer| customer["id"] == invoice["customer"]).expect("a customer");
        customer["metadata"]["billform_tenant"].as_str().expect("a tenant").to_owned()
    };
    let mut found = std::collections::BTreeMap::new();
    for invoice in stripe.objects(Kind::Invoice) {
        let before = found.insert(tenant(&invoice), invoice);
        assert!(before.is_none(), "two invoices of one tenant: {before:?}");
    }
    found
}

fn assert_draft(draft: &Value, tenant: &str, cents: i64) {
    assert_eq!(
        (&draft["status"], &draft["total"], &draft["currency"]),
        (&json!("draft"), &json!(cents), &json!("usd"))
    );
    let lines = lines(draft);
    assert_eq!(lines.iter().map(|(_, cents)| cents).sum::<i64>(), cents, "{tenant}");
    let services = [
        ("AWS Lambda", 2_500),
        ("Amazon CloudFront", 3_950),
        ("Amazon DynamoDB", 1_600),
        ("Amazon Simple Storage Service", 4_500),
    ];
    for (service, cents) in services {
        let cost = |(description, amount): &(String, i64)| description.starts_with(service) && *amount == cents;
        assert_eq!(lines.iter().filter(|line| cost(line)).count(), 1, "{tenant}: {service} in {lines:?}");
    }
}

/// Description and cents of every line.
fn lines(draft: &Value) -> Vec<(String, i64)> {
    let lines = draft["lines"]["data"].as_array().expect("lines").iter();
    let line = |line: &Value| Some((line["description"].as_str()?.to_owned(), line["amount"].as_i64()?));
    lines.map(|each| line(each).expect("a line")).collect()
}

/// The same lines in the same order, the same total.
fn assert_preview(preview: &Value, draft: &Value, tenant: &str) {
    let all = preview["invoices"].as_array().expect("invoices").iter();
    let invoice = all.map(|each| &each["invoice"]).find(|invoice| invoice["tenant"] == tenant).expect("the tenant's");
    let text = |cents: i64| format!("{}.{:02} USD", cents / 100, cents % 100);
    assert_eq!(invoice["total"], text(draft["total"].as_i64().expect("cents")));
    let previewed = invoice["lines"].as_array().expect("lines").iter();
    let previewed: Vec<(Value, Value)> =
        previewed.map(|line| (line["description"].clone(), line["amount"].clone())).collect();
    let mut drafted: Vec<(Value, Value)> =
        lines(draft).into_iter().map(|(description, cents)| (json!(description), json!(text(cents)))).collect();
    // Stripe lists the newest line first.
    if drafted.first() != previewed.first() {
        drafted.reverse();
    }
    assert_eq!(previewed, drafted, "{tenant}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn adding_and_removing_a_tenant_changes_only_that_tenants_addresses() {
    let without = manifest().with("budgets: { default: \"100.00 USD\", emails: [a@example.com] }");
    let with = without.clone().tenant(TenantDraft::new("mill", "Mill").with("pricing: at-cost"));
    let mut stage = Stage::without_handlers(&with.yaml()).await;
    stage.write(&without.yaml());
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let before = stage.inventory().await;
    stage.write(&with.yaml());
    stage.be_permitted("apply").await;
    let plan = stage.run(&["plan", "--detailed-exitcode", "--format", "json"]).await.exits(2).json();
    let theirs = ["budget.mill", "stripe_customer.mill", "tenant_record.mill"];
    assert_eq!(changes(&plan), exactly(&theirs.map(|address| (address, "create"))));
    let changed = plan["changes"].as_array().expect("changes").iter().filter(|change| change["action"] != "no-op");
    assert!(changed.into_iter().all(|change| change["tenant"] == "mill"));
    stage.run(&["apply", "--auto-approve"]).await.ok();

    stage.write(&without.yaml());
    let plan = stage.run(&["plan", "--format", "json"]).await.ok().json();
    assert_eq!(changes(&plan), exactly(&theirs.map(|address| (address, "delete"))));
    let there = stage.inventory().await;
    let refused = stage.run(&["apply", "--auto-approve", "--max-deletes", "2"]).await.exits(1);
    assert!(
        refused.stderr.contains("deletes or replaces 3") && refused.stderr.contains("--max-deletes"),
        "{}",
        refused.stderr
    );
    assert_eq!(stage.inventory().await, there, "a refused apply changes nothing");
    stage.run(&["apply", "--auto-approve", "--max-deletes", "3"]).await.ok();
    let mut expected = before;
    expected.get_mut("stripe customers").expect("customers").insert("Tenant mill".to_owned());
    assert_eq!(stage.inventory().await, expected);
    stage.run(&["plan", "--detailed-exitcode"]).await.ok();
}
