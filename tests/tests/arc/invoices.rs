//! A closed month becomes one draft per tenant, to the cent, whatever the price.

use std::collections::BTreeMap;

use localcloud::costs::CostModel;
use localstripe::Kind;
use serde_json::{Value, json};
use tests::stage::{Draft, Stage, TenantDraft};

use crate::{changes, exactly};

/// Tenant, the value of its tag, its line of pricing, and what it pays in cents for 125.50 of AWS cost.
const TENANTS: [(&str, &str, &str, i64); 3] = [
    ("press", "MMP-Toledo", "at-cost", 12_550),
    ("studio", "Studio", "ten-percent", 13_805),
    ("shop", "Shop", "flat-fee", 13_550),
];

fn without_tenants() -> Draft {
    let draft = Draft::new("invoices").pricing("at-cost", "{}").pricing("ten-percent", r#"{ markup: "10%" }"#);
    draft.pricing("flat-fee", r#"{ fee: { flat: "10.00 USD" } }"#)
}

fn tenant(id: &str, organization: &str, pricing: &str) -> TenantDraft {
    // Last month is before the month in which the record is made, so it is billed only where the manifest says so.
    TenantDraft::new(id, organization).with(&format!("pricing: {pricing}")).with("first_period: 2020-01")
}

fn manifest() -> Draft {
    TENANTS.iter().fold(without_tenants(), |draft, (id, organization, pricing, _)| {
        draft.tenant(tenant(id, organization, pricing))
    })
}

/// The same without the shop, and with this tenant in its place.
fn without_shop(heir: Option<TenantDraft>) -> String {
    let others = TENANTS.iter().filter(|(id, ..)| *id != "shop");
    let draft = others.fold(without_tenants(), |draft, (id, organization, pricing, _)| {
        draft.tenant(tenant(id, organization, pricing))
    });
    heir.into_iter().fold(draft, Draft::tenant).yaml()
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

/// Nobody calls a function by hand: costs, drafts and how they stand come from one command, and again change nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_month_is_run_by_one_command() {
    let mut stage = Stage::new(&manifest().yaml()).await;
    stage.place.cloud.costs().change(everybody_costs_the_same);
    stage.run(&["apply", "--auto-approve"]).await.ok();
    stage.be_permitted("month").await;
    let month = stage.last_month().to_string();
    let ran = stage.run(&["month", "run", "--period", &month, "--format", "json"]).await.ok().json();
    assert_eq!(ran["costs"]["unallocated"].to_string().replace('"', ""), "16.85", "{ran}");
    assert_eq!(results(&ran["invoicer"]), [("done", true); 3], "{ran}");
    let totals = ran["status"]["tenants"].as_array().expect("tenants").iter().map(|tenant| {
        let of_month = &tenant["months"][0];
        assert_eq!(of_month["period"], month.as_str());
        (tenant["tenant"].as_str().expect("an id").to_owned(), of_month["total"].as_str().expect("money").to_owned())
    });
    let expected = [("press", "125.50 USD"), ("shop", "135.50 USD"), ("studio", "138.05 USD")];
    let expected = expected.map(|(tenant, total)| (tenant.to_owned(), total.to_owned()));
    assert_eq!(totals.collect::<BTreeMap<_, _>>(), BTreeMap::from(expected));

    let shown = stage.run(&["month", "run", "--period", &month]).await.ok().stdout;
    assert!(shown.contains(&format!("Costs from {month}-01 to ")) && shown.contains("nothing changed"), "{shown}");
    assert_eq!(drafts(&stage).len(), 3, "each is drafted once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_closed_month_is_drafted_once_at_cost_with_a_markup_and_with_a_flat_fee() {
    let mut stage = Stage::new(&manifest().yaml()).await;
    stage.place.cloud.costs().change(everybody_costs_the_same);
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let month = stage.last_month();
    let event = json!({ "period": month });
    stage.invoke("invoices-cost-sync", &days(&event)).await;
    let month_text = month.to_string();
    a_tenant_who_leaves_early_is_not_forgotten(&mut stage, &month_text).await;

    let first = stage.invoke("invoices-invoicer", &event).await;
    assert_eq!(results(&first), [("done", true); 3], "{first}");
    let drafts = drafts(&stage);
    assert_eq!(drafts.len(), 3);
    stage.be_permitted("invoice-preview").await;
    let preview = stage.run(&["invoice", "preview", "--period", &month_text, "--format", "json"]).await.ok();
    assert_eq!(preview.json()["unallocated_usd"], "16.85", "what no tenant's tag claims");
    for (tenant, _, _, cents) in TENANTS {
        let draft = &drafts[tenant];
        assert_draft(draft, tenant, cents);
        assert_preview(&preview.json(), draft, tenant);
    }

    previews_go_by_what_is_deployed(&mut stage, &month_text).await;

    let again = stage.invoke("invoices-invoicer", &event).await;
    assert_eq!(results(&again), [("done", false); 3], "{again}");
    assert_eq!(self::drafts(&stage), drafts);

    a_tenant_whose_id_changes_is_not_billed_twice(&mut stage, &event).await;
}

/// What the manifest says of a price counts once it is applied.
async fn previews_go_by_what_is_deployed(stage: &mut Stage, month: &str) {
    let dearer = manifest().yaml().replace("flat: \"10.00 USD\"", "flat: \"99.00 USD\"");
    stage.write(&dearer);
    stage.be_permitted("invoice-preview").await;
    let preview = async |tenant: &'static str| {
        let arguments = ["--format", "human", "invoice", "preview", tenant, "--period", month];
        stage.run(&arguments).await.ok().stdout
    };
    let shop = preview("shop").await;
    assert!(shop.contains("135.50 USD") && !shop.contains("99.00"), "{shop}");
    assert!(shop.contains("By the deployed terms: the manifest bills otherwise"), "{shop}");
    assert!(shop.contains("Drafted already (in_") && shop.contains("): 135.50 USD.\n"), "{shop}");
    assert!(shop.contains(&format!("16.85 USD of {month} carry no tenant's tags")), "{shop}");
    let press = preview("press").await;
    assert!(!press.contains("deployed terms"), "{press}");
    stage.write(&manifest().yaml());
    stage.be_permitted("apply").await;
}

/// A tenant is removed, or its id changed, while a month is not invoiced: nobody would ever be, or the heir will.
async fn a_tenant_who_leaves_early_is_not_forgotten(stage: &mut Stage, month: &str) {
    stage.write(&without_shop(None));
    let refused = stage.run(&["apply", "--auto-approve"]).await.exits(1).stderr;
    let holds = format!("tenant_record.shop holds a month that nobody was invoiced for: {month} (135.50 USD)");
    assert!(refused.contains(&holds) && refused.contains("--approve tenant_record.shop"), "{refused}");
    stage.write(&without_shop(Some(tenant("outlet", "Shop", "flat-fee"))));
    assert_eq!(guard_of_shop(stage).await, Value::Null, "the heir is billed for it");
    stage.write(&manifest().yaml());
}

/// The same once the month is invoiced: whatever is done to the id, the heir is not invoiced for it again.
async fn a_tenant_whose_id_changes_is_not_billed_twice(stage: &mut Stage, event: &Value) {
    let drafted = stage.place.cloud.stripe().objects(Kind::Invoice).len();
    let moved = "moved: [{ from: tenant_record.shop, to: tenant_record.outlet }]";
    let heir = without_shop(Some(tenant("outlet", "Shop", "flat-fee")));
    // The deployed invoicer reads the new record; the customer is another, so Stripe would not know.
    stage.write(&format!("{moved}\n{heir}"));
    let plan = stage.run(&["plan", "--format", "json"]).await.ok().json();
    assert_eq!(changes(&plan).get("tenant_record.outlet").map(String::as_str), Some("replace"), "{plan}");
    // The draft is the old id's: nobody issues it once that is gone, and the heir gets no other.
    let refused = stage.run(&["apply", "--auto-approve"]).await.exits(1).stderr;
    assert!(refused.contains("tenant_record.outlet holds a month that nobody was invoiced for"), "{refused}");
    stage.run(&["apply", "--auto-approve", "--approve", "tenant_record.outlet"]).await.ok();
    stage.invoke("invoices-cost-sync", &days(event)).await;
    let answer = stage.invoke("invoices-invoicer", event).await;
    let invoices = answer["invoices"].as_array().expect("invoices");
    let outlet = invoices.iter().find(|one| one["tenant"] == "outlet").expect("the heir");
    let reason = outlet["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("ClientOrganization=Shop") && reason.contains("invoiced to tenant shop"), "{outlet}");
    assert_eq!(stage.place.cloud.stripe().objects(Kind::Invoice).len(), drafted);
    let period = event["period"].as_str().expect("a month");
    stage.be_permitted("invoice-preview").await;
    let arguments = ["invoice", "preview", "outlet", "--period", period, "--format", "json"];
    let preview = stage.run(&arguments).await.ok().json();
    let not_ready = preview["invoices"][0]["not_ready"].as_str().unwrap_or_default();
    assert!(not_ready.contains("was invoiced to tenant shop"), "{preview}");
}

/// The event that syncs the month of the invoicer's.
fn days(event: &Value) -> Value {
    let month: billing::Month = event["period"].as_str().expect("a month").parse().expect("a month");
    json!({ "start": month.period().start(), "end": month.period().last_day() })
}

async fn guard_of_shop(stage: &Stage) -> Value {
    let plan = stage.run(&["plan", "--format", "json"]).await.ok().json();
    let mut changes = plan["changes"].as_array().expect("changes").iter();
    let shop = changes.find(|change| change["address"] == "tenant_record.shop").expect("it goes");
    assert_eq!(shop["action"], "delete");
    shop["guard"].clone()
}

/// The answers' results, and whether they are new.
fn results(answer: &Value) -> Vec<(&str, bool)> {
    let invoices = answer["invoices"].as_array().expect("invoices").iter();
    let result = |invoice: &'_ Value| invoice["new"].as_bool().unwrap_or(false);
    invoices.map(|invoice| (invoice["result"].as_str().unwrap_or_default(), result(invoice))).collect()
}

/// Stripe's invoices by their tenant; two of one tenant fail the test.
fn drafts(stage: &Stage) -> BTreeMap<String, Value> {
    let stripe = stage.place.cloud.stripe();
    let customers = stripe.objects(Kind::Customer);
    let tenant = |invoice: &Value| {
        let customer = customers.iter().find(|customer| customer["id"] == invoice["customer"]).expect("a customer");
        customer["metadata"]["billform_tenant"].as_str().expect("a tenant").to_owned()
    };
    let mut found = BTreeMap::new();
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
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
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
