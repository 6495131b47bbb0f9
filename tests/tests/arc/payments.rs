//! Money after an invoice is finalised: Stripe tells the deployed webhook, and the ledger says what Stripe says. Methods
//! are set up, time passes, and nothing else is called.

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use localcloud::costs::CostModel;
use localstripe::Kind;
use serde_json::{Value, json};
use tests::stage::{Draft, Stage, TenantDraft};

const INVOICING: &str =
    "invoicing: { settle_days: 14, approval: automatic, collection: charge-automatically, first_period: ";

/// One tenant, whose method is charged; billed in its currency from this month on.
fn manifest(first_period: Date, (currency, locale): (&str, &str)) -> String {
    let press = TenantDraft::new("press", "Press").with("pricing: at-cost").with(&format!("currency: {currency}"));
    let press = press.with(&format!("locale: {locale}"));
    let rate = match currency {
        "USD" => String::new(),
        _ => format!("fx: {{ rates: [{{ date: {}, EUR: \"0.90\", source: ECB }}] }}\n", first_period.last_of_month()),
    };
    let draft = Draft::new("paid").pricing("at-cost", "{}").tenant(press).with(&rate);
    let invoicing = format!("{INVOICING}{} }}", first_period.strftime("%Y-%m"));
    let yaml = draft.yaml().replace("invoicing: { settle_days: 0 }", &invoicing);
    yaml.replace("stripe: { secret_key: stripe }", "stripe: { secret_key: stripe, webhook: {} }")
}

/// A dollar and a half on each day of a month.
fn small_cost(model: &mut CostModel, first: Date) {
    let tags = json!({ "ClientOrganization": "Press", "BillingProject": "one" });
    let row = |date: Date| {
        let row = json!({ "date": date, "service": "AWS Lambda", "amount": "1.50", "tags": tags });
        serde_json::from_value(row).expect("a row")
    };
    let days = first.series(1.day()).take_while(|day| day.month() == first.month());
    (model.rows, model.monthly) = (days.map(row).collect(), Vec::new());
}

/// A stage on which it is the 25th of the next month, with everything applied; and that month's first day.
pub(super) async fn stage(currency: &str) -> (Stage, Date) {
    stage_of(currency, "en-US").await
}

/// The same of a tenant who reads that language.
pub(super) async fn stage_of(currency: &str, locale: &str) -> (Stage, Date) {
    let somewhen = Date::new(2026, 1, 1).expect("a day");
    let mut stage = Stage::new(&manifest(somewhen, (currency, locale))).await;
    let now = stage.place.cloud.timeline().clock().now();
    let first = now.to_zoned(TimeZone::UTC).date().last_of_month().tomorrow().expect("a day");
    pass_until(&stage, first.with().day(25).build().expect("a day")).await;
    stage.place.cloud.costs().change(|model| small_cost(model, first));
    stage.write(&manifest(first, (currency, locale)));
    stage.be_permitted("apply").await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    stage.be_permitted("invoice").await;
    (stage, first)
}

/// Lets time pass until noon of a day.
pub(super) async fn pass_until(stage: &Stage, day: Date) {
    let now = stage.place.cloud.timeline().clock().now();
    let until: Timestamp = day.to_zoned(TimeZone::UTC).expect("a time").timestamp() + SignedDuration::from_hours(12);
    let seconds = u64::try_from(until.duration_since(now).as_secs()).expect("later");
    let advanced = stage.place.cloud.advance(seconds).await.expect("time passes");
    assert!(advanced.fired.iter().all(|fired| fired.ok), "{advanced:?}");
}

/// The one customer's id.
pub(super) fn customer(stage: &Stage) -> String {
    stage.place.cloud.stripe().objects(Kind::Customer)[0]["id"].as_str().expect("an id").to_owned()
}

/// Sets a method up for the one customer, as Checkout does; the intent.
pub(super) async fn set_up(stage: &Stage, method: &str, more: &str) -> Value {
    let customer = customer(stage);
    let form = format!("customer={customer}&confirm=true&usage=off_session&payment_method={method}{more}");
    stage.at_stripe("POST", "/v1/setup_intents", &form).await
}

/// The first month's standing, once the ledger says this of its money: events arrive on their own time.
pub(super) async fn standing(stage: &Stage, period: Date, expected: &str) -> Value {
    let period = period.strftime("%Y-%m").to_string();
    let mut shown = Value::Null;
    for _ in 0..40 {
        shown = stage.run(&["invoice", "status", "--period", &period, "--format", "json"]).await.ok().json();
        let month = &shown["tenants"][0]["months"][0];
        if month["money"]["status"] == expected {
            return shown;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let events = stage.run_as_root(&["events", "list", "--all"]).await.stdout;
    panic!("the money is not {expected}: {shown:#}\n{events}");
}

/// Waits until the webhook made the method the customer's default.
pub(super) async fn default_method(stage: &Stage) -> String {
    for _ in 0..40 {
        let customer = stage.place.cloud.stripe().objects(Kind::Customer)[0].clone();
        if let Some(method) = customer["invoice_settings"]["default_payment_method"].as_str() {
            return method.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    panic!("no default:\n{}", stage.run_as_root(&["events", "list", "--all"]).await.stdout);
}

/// The intent of the one invoice's payment.
async fn intent(stage: &Stage) -> String {
    let invoice = stage.place.cloud.stripe().objects(Kind::Invoice)[0]["id"].as_str().expect("an id").to_owned();
    let rows = stage.at_stripe("GET", &format!("/v1/invoice_payments?invoice={invoice}"), "").await;
    rows["data"][0]["payment"]["payment_intent"].as_str().expect("an intent").to_owned()
}

/// The first days after the month.
pub(super) fn after(first: Date, day: i8) -> Date {
    first.last_of_month().tomorrow().expect("a day").with().day(day).build().expect("a day")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_card_is_set_up_and_the_month_is_charged_and_paid_by_the_clock_alone() {
    let (mut stage, first) = stage("USD").await;
    let set_up = set_up(&stage, "pm_card_visa", "").await;
    assert_eq!(set_up["status"], "succeeded", "{set_up}");
    let method = default_method(&stage).await;
    assert_eq!(set_up["payment_method"], method.as_str());

    pass_until(&stage, after(first, 18)).await;
    let shown = standing(&stage, first, "paid").await;
    let month = &shown["tenants"][0]["months"][0];
    let [invoice] = stage.place.cloud.stripe().objects(Kind::Invoice).try_into().expect("one invoice");
    assert_eq!((&invoice["status"], &month["state"]), (&json!("paid"), &json!("paid")), "{month}");
    assert_eq!(month["money"]["paid"], month["total"]);
    assert_eq!(month["money"]["attempts"][0]["method"], "card");
    assert_eq!(shown["tenants"][0]["payment_method"]["last4"], "4242");

    // A refund and a dispute move the money again; nothing is asked for.
    let period = first.strftime("%Y-%m").to_string();
    let refund = ["invoice", "refund", "press", "--period", &period, "--amount", "5.00 USD", "--reason", "goodwill"];
    let refund = [&refund[..], &["--auto-approve"]].concat();
    stage.run(&refund).await.ok();
    stage.run(&refund).await.ok();
    assert_eq!(stage.at_stripe("GET", "/v1/refunds", "").await["data"].as_array().map(Vec::len), Some(1), "made once");
    let payment = intent(&stage).await;
    let dispute = stage.place.cloud.stripe().open_dispute(&payment, "fraudulent").expect("a dispute");
    // The invoice is still found by what it says of itself.
    assert_eq!(stage.place.cloud.stripe().objects(Kind::Invoice)[0]["metadata"]["billform_tenant"], "press");
    let disputed = async |expected: &str| {
        for _ in 0..40 {
            let shown = standing(&stage, first, "paid").await;
            if shown["tenants"][0]["months"][0]["money"]["disputed"] == expected {
                return shown;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        panic!("not disputed by {expected}: {:#}", standing(&stage, first, "paid").await);
    };
    let total = month["total"].as_str().expect("money");
    let shown = disputed(total).await;
    assert_eq!(shown["tenants"][0]["months"][0]["money"]["refunded"], "5.00 USD");
    stage.place.cloud.stripe().close_dispute(&dispute, true).expect("it is decided");
    disputed("0.00 USD").await;

    // Each event that Stripe sent is in the ledger, and none is dead.
    stage.be_permitted("events").await;
    let all = stage.run(&["events", "list", "--all", "--format", "json"]).await.ok().json();
    let states: Vec<&str> = all["events"]
        .as_array()
        .expect("events")
        .iter()
        .filter_map(|event| event["result"]["state"].as_str())
        .collect();
    assert!(states.contains(&"applied") && !states.contains(&"dead"), "{all:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_sepa_debit_is_under_way_for_days_and_fails() {
    let (stage, first) = stage("EUR").await;
    let mandate = "&allowed_payment_method_types[]=sepa_debit&mandate_data[customer_acceptance][type]=offline";
    let set_up = set_up(&stage, "pm_success_de", mandate).await;
    assert_eq!(set_up["status"], "succeeded", "{set_up}");
    let method = default_method(&stage).await;
    let nine_days = SignedDuration::from_hours(9 * 24);
    stage.place.cloud.stripe().answer_debits(&method, nine_days, Some("insufficient_funds")).expect("a debit");

    pass_until(&stage, after(first, 18)).await;
    let shown = standing(&stage, first, "processing").await;
    assert_eq!(shown["tenants"][0]["months"][0]["state"], "open", "{shown}");
    assert_eq!(shown["tenants"][0]["mandate"], "active", "{shown}");
    pass_until(&stage, after(first, 22)).await;
    standing(&stage, first, "processing").await;
    pass_until(&stage, after(first, 27)).await;
    let shown = standing(&stage, first, "failed").await;
    assert_eq!(shown["tenants"][0]["months"][0]["money"]["failure"], "insufficient_funds", "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_card_that_wants_authentication_is_paid_once_its_holder_was_there() {
    let (stage, first) = stage("USD").await;
    let set_up = set_up(&stage, "pm_card_authenticationRequired", "").await;
    assert_eq!(set_up["status"], "requires_action", "{set_up}");
    let stripe = stage.place.cloud.stripe();
    stripe.authenticate(set_up["id"].as_str().expect("an id"), true).expect("the holder is there");
    default_method(&stage).await;

    pass_until(&stage, after(first, 18)).await;
    let shown = {
        let invoice = &stripe.objects(Kind::Invoice)[0];
        assert_eq!(invoice["status"], "open", "{invoice}");
        let status = stage.run(&["invoice", "status"]).await.ok().stdout;
        assert!(status.contains("authenticat"), "{status}");
        status
    };
    stripe.authenticate(&intent(&stage).await, true).unwrap_or_else(|error| panic!("{error}\n{shown}"));
    standing(&stage, first, "paid").await;
}
