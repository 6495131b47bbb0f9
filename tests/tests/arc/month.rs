//! A month passes by `billform local clock --advance` alone: schedules fetch its costs and draft it. Nothing is invoked
//! by name, and no ledger item is written by the test; the end is asserted at Stripe.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use localcloud::costs::CostModel;
use localstripe::Kind;
use serde_json::{Value, json};
use tests::live::clients::Clients as _;
use tests::stage::{Draft, Ran, Stage, TenantDraft};

/// Tenant, the value of its tag, its line of pricing, and what it pays in cents for a month of 125.50.
const TENANTS: [(&str, &str, &str, i64); 3] = [
    ("press", "MMP-Toledo", "at-cost", 12_550),
    ("studio", "Studio", "ten-percent", 13_805),
    ("shop", "Shop", "flat-fee", 13_550),
];

fn manifest(first_period: &str, settle_days: u32) -> String {
    let draft = Draft::new("month").pricing("at-cost", "{}").pricing("ten-percent", r#"{ markup: "10%" }"#);
    let draft = draft.pricing("flat-fee", r#"{ fee: { flat: "10.00 USD" } }"#);
    let draft = TENANTS.iter().fold(draft, |draft, (id, organization, pricing, _)| {
        draft.tenant(TenantDraft::new(id, organization).with(&format!("pricing: {pricing}")))
    });
    let invoicing = format!("invoicing: {{ settle_days: {settle_days}, first_period: {first_period} }}");
    draft.yaml().replace("invoicing: { settle_days: 0 }", &invoicing)
}

/// The press's costs for each of the three, in the past and in the months to come.
fn everybody_costs_the_same(model: &mut CostModel) {
    let tag = "ClientOrganization";
    let mut rows = Vec::new();
    let mut monthly = Vec::new();
    for (_, organization, _, _) in TENANTS {
        let theirs = |tags: &BTreeMap<String, String>| tags.get(tag).is_some_and(|value| value == "MMP-Toledo");
        rows.extend(model.rows.iter().filter(|row| theirs(&row.tags)).cloned().map(|mut row| {
            row.tags.insert(tag.to_owned(), organization.to_owned());
            row
        }));
        monthly.extend(model.monthly.iter().filter(|line| theirs(&line.tags)).cloned().map(|mut line| {
            line.tags.insert(tag.to_owned(), organization.to_owned());
            line
        }));
    }
    (model.rows, model.monthly) = (rows, monthly);
}

/// A stage on which it is the beginning of `day` of the next month, with everything applied: the same whenever it runs.
async fn stage_on(day: i8, settle_days: u32) -> (Stage, Date) {
    let mut stage = Stage::new(&manifest("2026-01", settle_days)).await;
    let now = stage.place.cloud.timeline().clock().now();
    let first = now.to_zoned(TimeZone::UTC).date().last_of_month().tomorrow().expect("a day");
    let start = Date::new(first.year(), first.month(), day).expect("a day").to_zoned(TimeZone::UTC).expect("a time");
    let seconds = start.timestamp().duration_since(now).as_secs() + 1;
    stage.place.cloud.advance(u64::try_from(seconds).expect("later")).await.expect("time passes");
    stage.place.cloud.costs().change(everybody_costs_the_same);
    stage.write(&manifest(&first.strftime("%Y-%m").to_string(), settle_days));
    stage.be_permitted("apply").await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    (stage, first)
}

/// Lets time pass up to and without the beginning of a day.
async fn pass_until(stage: &Stage, day: Date) -> Ran {
    let now = stage.place.cloud.timeline().clock().now();
    let until: Timestamp = day.to_zoned(TimeZone::UTC).expect("a time").timestamp();
    let minutes = until.duration_since(now).as_secs() / 60;
    let advance = format!("{minutes} minutes");
    stage.run_as_root(&["local", "clock", "--advance", &advance, "--format", "json"]).await.ok()
}

/// How often each function ran, and that none of them failed.
fn firings(ran: &Ran) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for fired in ran.json()["fired"].as_array().expect("firings") {
        assert_eq!(fired["ok"], true, "{fired}");
        *counts.entry(fired["function"].as_str().expect("a function").to_owned()).or_default() += 1;
    }
    counts
}

/// Status and total in cents by the customer's tenant; two drafts of one tenant fail the test.
fn drafts(stage: &Stage) -> BTreeMap<String, (String, i64)> {
    let stripe = stage.place.cloud.stripe();
    let customers = stripe.objects(Kind::Customer);
    let mut found = BTreeMap::new();
    for invoice in stripe.objects(Kind::Invoice) {
        let customer = customers.iter().find(|customer| customer["id"] == invoice["customer"]).expect("a customer");
        let tenant = customer["metadata"]["billform_tenant"].as_str().expect("a tenant").to_owned();
        let status = invoice["status"].as_str().expect("a status").to_owned();
        let before = found.insert(tenant, (status, invoice["total"].as_i64().expect("cents")));
        assert!(before.is_none(), "two invoices of one tenant: {before:?}");
    }
    found
}

/// What each draft says of its own figures.
fn states(stage: &Stage) -> Vec<String> {
    let invoices = stage.place.cloud.stripe().objects(Kind::Invoice);
    let state = |invoice: &Value| invoice["metadata"]["billform_state"].as_str().expect("a state").to_owned();
    invoices.iter().map(state).collect()
}

fn expected() -> BTreeMap<String, (String, i64)> {
    TENANTS.iter().map(|(tenant, _, _, cents)| ((*tenant).to_owned(), ("draft".to_owned(), *cents))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_month_is_drafted_at_its_end_and_complete_on_its_settling_day_by_the_clock_alone() {
    let (stage, first) = stage_on(1, 14).await;
    let days = usize::try_from(first.days_in_month()).expect("days");
    let next = first.last_of_month().tomorrow().expect("a day");

    let month = firings(&pass_until(&stage, next).await);
    assert_eq!(month["month-cost-sync"], days);
    // Each day, and on the first of the month once more.
    assert!((days..=days + 1).contains(&month["month-invoicer"]), "{month:?}");
    assert!(drafts(&stage).is_empty());
    pass_until(&stage, next.with().day(15).build().expect("a day")).await;
    assert_eq!(drafts(&stage), expected());
    assert_eq!(states(&stage), ["provisional"; 3], "the month has not settled");

    let settled = firings(&pass_until(&stage, next.with().day(17).build().expect("a day")).await);
    assert_eq!(drafts(&stage), expected(), "{settled:?}");
    assert_eq!(states(&stage), ["complete"; 3]);
    let before = ledger(&stage).await;
    pass_until(&stage, next.with().day(19).build().expect("a day")).await;
    assert_eq!(drafts(&stage), expected(), "two days later");
    let after = ledger(&stage).await;
    assert_eq!(invoices_of(&before), invoices_of(&after), "the ledger's invoices two days later");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn many_small_steps_and_one_large_step_end_alike() {
    let mut ends = Vec::new();
    for hours in [15 * 24, 13] {
        let (stage, first) = stage_on(25, 0).await;
        let end = first.last_of_month().tomorrow().expect("a day").with().day(9).build().expect("a day");
        let end = end.to_zoned(TimeZone::UTC).expect("a time").timestamp();
        loop {
            let left = end.duration_since(stage.place.cloud.timeline().clock().now()).as_secs();
            let Ok(left) = u64::try_from(left) else { break };
            let advanced = stage.place.cloud.advance(left.min(hours * 3_600)).await.expect("time passes");
            assert!(advanced.fired.iter().all(|fired| fired.ok), "{advanced:?}");
            if left <= hours * 3_600 {
                break;
            }
        }
        assert_eq!(drafts(&stage), expected(), "in steps of {hours} hours");
        ends.push(ledger(&stage).await);
    }
    let differ = |key: &&String| ends[0].get(*key) != ends[1].get(*key);
    let differing: Vec<&String> = ends[0].keys().chain(ends[1].keys()).filter(differ).collect();
    assert!(differing.is_empty(), "these items differ: {differing:?}");
    assert!(ends[0].len() > 3 * 38, "each tenant's days, marks, invoice: {}", ends[0].len());
}

/// Every item of the ledger, without what differs from run to run: Stripe's ids, and times below the hour.
async fn ledger(stage: &Stage) -> BTreeMap<String, Value> {
    let dynamodb = stage.root().await.dynamodb();
    let tables = dynamodb.list_tables().send().await.expect("tables");
    let table = tables.table_names().iter().find(|name| name.starts_with("month")).expect("the ledger").clone();
    let upstream = stage.place.cloud.upstream();
    let described = json!({ "TableName": table });
    let described = upstream.target("dynamodb", "DynamoDB_20120810.DescribeTable", &described).await.expect("a table");
    let schema = described.body_json()["Table"]["KeySchema"].as_array().expect("keys").clone();
    let key = |item: &Value| {
        let part = |attribute: &Value| item[attribute["AttributeName"].as_str().expect("a name")]["S"].to_string();
        schema.iter().map(part).collect::<Vec<_>>().join(" ")
    };
    let mut asked = json!({ "TableName": table, "ConsistentRead": true });
    let mut items = BTreeMap::new();
    loop {
        let page = upstream.target("dynamodb", "DynamoDB_20120810.Scan", &asked).await.expect("a page").body_json();
        for item in page["Items"].as_array().expect("items") {
            items.insert(key(item), comparable(item));
        }
        if page["LastEvaluatedKey"].is_null() {
            return items;
        }
        asked["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
    }
}

/// The items of invoices.
fn invoices_of(ledger: &BTreeMap<String, Value>) -> BTreeMap<&String, &Value> {
    let invoices: BTreeMap<_, _> = ledger.iter().filter(|(key, _)| key.to_lowercase().contains("invoice")).collect();
    assert_eq!(invoices.len(), TENANTS.len(), "{:?}", ledger.keys());
    invoices
}

fn comparable(value: &Value) -> Value {
    match value {
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), comparable(value))).collect(),
        Value::Array(values) => values.iter().map(comparable).collect(),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(inner @ (Value::Object(_) | Value::Array(_))) => comparable(&inner),
            _ => json!(plain(text)),
        },
        other => other.clone(),
    }
}

fn plain(text: &str) -> String {
    if let Some(prefix) = ["in_", "ii_", "cus_"].iter().find(|prefix| text.starts_with(**prefix)) {
        return (*prefix).to_owned();
    }
    // Times are text, or milliseconds since 1970 in a column of numbers.
    let milliseconds =
        || text.parse().ok().filter(|_| text.len() == 13).and_then(|ms| Timestamp::from_millisecond(ms).ok());
    match text.parse::<Timestamp>().ok().or_else(milliseconds) {
        Some(time) => time.strftime("%Y-%m-%d %H h").to_string(),
        None => text.to_owned(),
    }
}
