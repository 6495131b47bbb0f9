//! A tenant who left, and whose cost changes after the final invoice was paid: a credit note at Stripe, then one more
//! invoice, by the deployed functions.

use billing::Month;
use billing::names::PERIOD_METADATA;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use localcloud::costs::CostRow;
use localstripe::Kind;
use serde_json::{Value, json};
use tests::stage::{Draft, Stage, TenantDraft};

/// The press, which is billed for one month alone.
fn manifest(month: Month) -> String {
    let press = TenantDraft::new("press", "Press").with("pricing: at-cost");
    let press = press.with(&format!("first_period: {month}")).with(&format!("last_period: {month}"));
    Draft::new("leaving").pricing("at-cost", "{}").tenant(press).yaml()
}

/// The month's cost becomes this many dollars, is read, and the invoicer runs.
async fn cost(stage: &Stage, month: Month, dollars: &str) -> Value {
    let row = json!({
        "date": format!("{month}-10"), "service": "AWS Lambda", "amount": dollars,
        "tags": { "ClientOrganization": "Press", "BillingProject": "one" },
    });
    let row: CostRow = serde_json::from_value(row).expect("a row");
    stage.place.cloud.costs().change(|model| (model.rows, model.monthly) = (vec![row], Vec::new()));
    let days = json!({ "start": month.period().start(), "end": month.period().last_day() });
    stage.invoke("leaving-cost-sync", &days).await;
    stage.invoke("leaving-invoicer", &json!({ "action": "calculate_and_invoice" })).await
}

/// Stripe's invoices: month, status, total in cents.
fn invoices(stage: &Stage) -> Vec<(String, String, i64)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let of = |invoice: &Value| {
        let month = text(&invoice["metadata"][PERIOD_METADATA]);
        (month, text(&invoice["status"]), invoice["total"].as_i64().expect("cents"))
    };
    let mut found: Vec<_> = stage.place.cloud.stripe().objects(Kind::Invoice).iter().map(of).collect();
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_leavers_paid_invoice_is_credited_and_what_is_found_later_invoiced_once_more() {
    let mut stage = Stage::new(&manifest("2020-01".parse().expect("a month"))).await;
    let month = stage.last_month();
    stage.write(&manifest(month));
    stage.be_permitted("apply").await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    cost(&stage, month, "100.00").await;
    let approve = json!({
        "action": "approve", "tenant": "press", "period": month, "total": "100.00 USD", "by": "Ada",
    });
    stage.invoke("leaving-invoicer", &approve).await;
    let id = stage.place.cloud.stripe().objects(Kind::Invoice)[0]["id"].as_str().expect("an id").to_owned();
    stage.at_stripe("POST", &format!("/v1/invoices/{id}/pay"), "paid_out_of_band=true").await;

    // Run twice: one credit note.
    for _ in 0..2 {
        let answer = cost(&stage, month, "73.21").await;
        assert_eq!(answer["invoices"][0]["result"], "done", "{answer}");
    }
    let notes = stage.at_stripe("GET", &format!("/v1/credit_notes?invoice={id}"), "").await;
    assert_eq!(notes["data"].as_array().expect("notes").len(), 1, "{notes}");
    let note = &notes["data"][0];
    let shown = [&note["total"], &note["post_payment_amount"], &note["status"], &note["metadata"]["billform_cause"]];
    let cause = format!("{month}.1.1");
    assert_eq!(shown, [&json!(2_679), &json!(2_679), &json!("issued"), &json!(cause)]);
    let customer = stage.place.cloud.stripe().objects(Kind::Customer)[0]["balance"].clone();
    assert_eq!(customer, json!(-2_679), "it is the customer's in Stripe");
    people_are_told(&mut stage, month, note["id"].as_str().expect("an id")).await;

    // Found later: one more invoice, once the month after the last one is over.
    cost(&stage, month, "131.00").await;
    assert_eq!(invoices(&stage), [(month.to_string(), "paid".to_owned(), 10_000)]);
    let next = month.next().expect("a month");
    let day: Date = next.next().expect("a month").period().start().tomorrow().expect("a day");
    let until = day.to_zoned(TimeZone::UTC).expect("a time").timestamp();
    let seconds = until.duration_since(stage.place.cloud.timeline().clock().now()).as_secs();
    let passed = stage.place.cloud.advance(u64::try_from(seconds).expect("later")).await.expect("time passes");
    assert!(passed.fired.iter().all(|fired| fired.ok), "{passed:?}");
    assert_eq!(
        invoices(&stage),
        [(month.to_string(), "paid".to_owned(), 10_000), (next.to_string(), "draft".to_owned(), 5_779)]
    );
}

/// `invoice status` and `invoice explain` show the note.
async fn people_are_told(stage: &mut Stage, month: Month, note: &str) {
    stage.be_permitted("invoice").await;
    let status = stage.run(&["invoice", "status", "--format", "json"]).await.ok().json();
    let shown = &status["tenants"][0]["months"][0]["credit_notes"][0];
    assert_eq!(
        (&shown["stripe_credit_note"], &shown["amount"], &shown["to_customer_balance"], &shown["state"]),
        (&json!(note), &json!("26.79 USD"), &json!("26.79 USD"), &json!("issued")),
        "{status}"
    );
    assert_eq!(status["tenants"][0]["balance"], "0.00 USD");
    let told = stage.run(&["--format", "human", "invoice", "status"]).await.ok().stdout;
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains(&format!("credit note 1 ({note}) gives back 26.79 USD; 26.79 USD of it had been paid")),
        "{told}"
    );
    let explained = stage.run(&["--format", "human", "invoice", "explain", "press"]).await.ok().stdout;
    let line = format!("credit note 1: {month} restated: 100.00 -> 73.21 -> -26.79 USD");
    assert!(explained.contains(&line), "{explained}");
}
