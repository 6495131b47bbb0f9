//! A payment method that a person leaves on Stripe's page, in Chromium; then the clock moves, and nothing else is called.

use jiff::SignedDuration;
use serde_json::Value;
use tests::stage::{Browser, Stage};

use super::payments::{after, customer, default_method, pass_until, stage, standing};

/// Opens a Checkout session in set-up mode for the one customer: the browser at its page, and where it returns to.
async fn at_the_page(stage: &Stage, method: &str, currency: &str) -> (Browser, String) {
    let back = stage.run(&["output", "api_url"]).await.ok().stdout.trim().to_owned() + "/costs?set-up=done";
    let customer = customer(stage);
    let form = format!(
        "mode=setup&customer={customer}&currency={currency}&allowed_payment_method_types[]={method}\
         &success_url={back}&cancel_url={back}"
    );
    let session = stage.at_stripe("POST", "/v1/checkout/sessions", &form).await;
    let browser = Browser::start(800, 900).await;
    browser.open(session["url"].as_str().unwrap_or_else(|| panic!("{session}"))).await;
    (browser, back)
}

async fn leave_a_card(browser: &Browser, number: &str) {
    for (field, text) in [("number", number), ("expiry", "12 / 34"), ("cvc", "123"), ("name", "Ada Press")] {
        browser.fill(&format!("#card input[name={field}]"), text).await;
    }
    browser.press("#card button").await;
}

fn money(shown: &Value) -> &Value {
    &shown["tenants"][0]["months"][0]["money"]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
#[cfg_attr(all(tool_python, not(tool_chromium)), ignore = "Chromium with its driver is missing")]
async fn a_card_is_left_in_the_browser_and_the_month_is_paid_by_the_clock_alone() {
    let (stage, first) = stage("USD").await;
    let (browser, back) = at_the_page(&stage, "card", "usd").await;
    // A slip of the hand is told on the page, and nothing is lost.
    leave_a_card(&browser, "4242 4242 4242 4241").await;
    browser.arrives_at("http").await;
    assert!(browser.text().await.contains("card number"), "{}", browser.text().await);
    leave_a_card(&browser, "4242 4242 4242 4242").await;
    browser.arrives_at(&back).await;
    browser.close().await;
    default_method(&stage).await;

    pass_until(&stage, after(first, 18)).await;
    let shown = standing(&stage, first, "paid").await;
    assert_eq!(money(&shown)["paid"], shown["tenants"][0]["months"][0]["total"], "{shown}");
    assert_eq!(shown["tenants"][0]["payment_method"]["last4"], "4242", "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
#[cfg_attr(all(tool_python, not(tool_chromium)), ignore = "Chromium with its driver is missing")]
async fn a_debit_is_left_in_the_browser_and_fails_after_nine_days() {
    let (stage, first) = stage("EUR").await;
    let (browser, back) = at_the_page(&stage, "sepa_debit", "eur").await;
    for (field, text) in [("iban", "DE89370400440532013000"), ("name", "Ada Press"), ("email", "ada@example.com")] {
        browser.fill(&format!("#sepa_debit input[name={field}]"), text).await;
    }
    browser.press("#sepa_debit button").await;
    browser.arrives_at(&back).await;
    browser.close().await;
    let method = default_method(&stage).await;
    let nine_days = SignedDuration::from_hours(9 * 24);
    stage.place.cloud.stripe().answer_debits(&method, nine_days, Some("insufficient_funds")).expect("a debit");

    pass_until(&stage, after(first, 18)).await;
    standing(&stage, first, "processing").await;
    pass_until(&stage, after(first, 27)).await;
    let shown = standing(&stage, first, "failed").await;
    assert_eq!(money(&shown)["failure"], "insufficient_funds", "{shown}");
}

/// The bank asks when the card is left, and again when it is charged: the tenant answers on the bank's page both times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
#[cfg_attr(all(tool_python, not(tool_chromium)), ignore = "Chromium with its driver is missing")]
async fn a_card_that_needs_its_holder_is_confirmed_in_the_browser_and_paid() {
    let (stage, first) = stage("USD").await;
    let (browser, back) = at_the_page(&stage, "card", "usd").await;
    leave_a_card(&browser, "4000 0027 6000 3184").await;
    browser.press("#complete").await;
    browser.arrives_at(&back).await;
    default_method(&stage).await;

    pass_until(&stage, after(first, 18)).await;
    let status = stage.run(&["invoice", "status"]).await.ok().stdout;
    assert!(status.contains("authenticat"), "{status}");
    let customer = customer(&stage);
    let shows = "features[invoice_history][enabled]=true&features[payment_method_update][enabled]=true";
    let portal = stage.at_stripe("POST", "/v1/billing_portal/configurations", shows).await;
    let portal = portal["id"].as_str().unwrap_or_else(|| panic!("{portal}"));
    let session = format!("customer={customer}&configuration={portal}");
    let asked = stage.at_stripe("POST", "/v1/billing_portal/sessions", &session).await;
    browser.open(asked["url"].as_str().unwrap_or_else(|| panic!("{asked}"))).await;
    browser.press("#invoices button").await;
    browser.press("#complete").await;
    standing(&stage, first, "paid").await;
    browser.close().await;
}
