//! The portal's manifest with each way of approval and collection: from sync to paid, by the clock.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use localstripe::Kind;
use serde_json::{Value, json};
use tests::stage::{PORTAL, Stage};

use super::payments::{after, default_method, pass_until, set_up, standing};

const TENANT: &str = "mmp-toledo";
/// What the sample costs come to in each month, in cents.
const CENTS: i64 = 12_550;

/// The portal's manifest, its webhook set up, with other settings of `invoicing`.
fn manifest(first_period: Date, approval: &str, collection: &str) -> String {
    let first_period = format!("first_period: {}", first_period.strftime("%Y-%m"));
    let settings = [
        ("first_period: 2026-10", first_period.as_str()),
        ("approval: manual", &format!("approval: {approval}")),
        ("collection: send-invoice", &format!("collection: {collection}")),
        ("  payment_methods: [card]\n", "  payment_methods: [card]\n  webhook: {}\n"),
    ];
    settings.iter().fold(PORTAL.to_owned(), |text, (is, to)| {
        assert!(text.contains(is), "{is}");
        text.replace(is, to)
    })
}

/// A stage on the 25th of a month, from which on the tenant is billed; and its first day.
async fn stage(approval: &str, collection: &str) -> (Stage, Date) {
    let somewhen = Date::new(2026, 1, 1).expect("a day");
    let mut stage = Stage::new(&manifest(somewhen, approval, collection)).await;
    let now = stage.place.cloud.timeline().clock().now();
    let first = now.to_zoned(TimeZone::UTC).date().last_of_month().tomorrow().expect("a day");
    pass_until(&stage, first.with().day(25).build().expect("a day")).await;
    stage.write(&manifest(first, approval, collection));
    stage.be_permitted("apply").await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    stage.be_permitted("invoice").await;
    (stage, first)
}

/// The one invoice at Stripe.
fn invoice(stage: &Stage) -> Value {
    let all = stage.place.cloud.stripe().objects(Kind::Invoice);
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn approved_and_charged_by_itself_a_month_is_paid_by_the_clock_alone() {
    let (stage, first) = stage("automatic", "charge-automatically").await;
    set_up(&stage, "pm_card_visa", "").await;
    default_method(&stage).await;
    pass_until(&stage, after(first, 17)).await;
    let shown = standing(&stage, first, "paid").await;
    assert_eq!(shown["tenants"][0]["months"][0]["total"], "125.50 USD", "{shown}");
    let charged = invoice(&stage);
    assert_eq!((&charged["status"], &charged["amount_paid"]), (&json!("paid"), &json!(CENTS)), "{charged}");
    assert_eq!(charged["collection_method"], "charge_automatically");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn approved_by_hand_and_sent_a_month_waits_for_both_and_is_paid() {
    let (stage, first) = stage("manual", "send-invoice").await;
    // A card on file is not charged for an invoice that is sent.
    set_up(&stage, "pm_card_visa", "").await;
    default_method(&stage).await;
    pass_until(&stage, after(first, 17)).await;
    let drafted = invoice(&stage);
    assert_eq!((&drafted["status"], &drafted["total"]), (&json!("draft"), &json!(CENTS)), "{drafted}");
    let period = first.strftime("%Y-%m").to_string();
    stage.run(&["invoice", "approve", TENANT, "--period", &period, "--auto-approve"]).await.ok();
    pass_until(&stage, after(first, 19)).await;
    standing(&stage, first, "none").await;
    let sent = invoice(&stage);
    assert_eq!((&sent["status"], &sent["collection_method"]), (&json!("open"), &json!("send_invoice")), "{sent}");
    assert!(sent["due_date"].is_i64(), "{sent}");

    let id = sent["id"].as_str().expect("an id");
    stage.at_stripe("POST", &format!("/v1/invoices/{id}/pay"), "payment_method=pm_card_visa").await;
    let shown = standing(&stage, first, "paid").await;
    assert_eq!(shown["tenants"][0]["months"][0]["state"], "paid", "{shown}");
}
