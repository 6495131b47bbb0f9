//! What tests make banks and customers do, by the control addresses.

use http::Method;
use serde_json::{Value, json};

use crate::payments::{open, payment, read};
use crate::{Local, id};

async fn happen(local: &Local, hook: &str, body: Value) -> (u16, Value) {
    let json = [("content-type", "application/json")];
    let answer = local.send(Method::POST, &format!("/_localstripe/{hook}"), &body.to_string(), &json).await;
    (answer.status, answer.body)
}

#[tokio::test]
async fn payments_are_made_in_parts_outside_and_too_high() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let (parts, outside) = (open(&local, &customer).await, open(&local, &customer).await);
    let (status, made) = happen(&local, "payments", json!({"invoice": parts, "amount": 2000})).await;
    assert!(status == 200 && made["id"].as_str().unwrap().starts_with("pi_"), "{made}");
    assert_eq!(read(&local, &parts).await["amount_remaining"], 3000);
    happen(&local, "payments", json!({"invoice": parts, "amount": 3500})).await;
    let paid = read(&local, &parts).await;
    assert_eq!((&paid["status"], &paid["amount_overpaid"]), (&json!("paid"), &json!(500)));
    happen(&local, "payments", json!({"invoice": outside, "out_of_band": true})).await;
    assert_eq!(read(&local, &outside).await["amount_paid_off_stripe"], 5000);
    for body in [json!({"invoice": outside, "amount": 100}), json!({"invoice": "in_none", "amount": 1}), json!({})] {
        let (status, refused) = happen(&local, "payments", body.clone()).await;
        assert!(status == 400 && refused["error"]["message"].is_string(), "{body}: {refused}");
    }
}

#[tokio::test]
async fn a_debit_fails_after_nine_days_of_the_customers_test_clock() {
    const NINE_DAYS: i64 = 9 * 86_400;
    let local = Local::start().await;
    let clock = format!("frozen_time={}", crate::START);
    let clock = id(&local.post("/v1/test_helpers/test_clocks", &clock).await.ok());
    let form = format!("test_clock={clock}&name=ACME&email=a%40lab.test");
    let customer = id(&local.post("/v1/customers", &form).await.ok());
    let method =
        id(&local.post("/v1/payment_methods/pm_success_de/attach", &format!("customer={customer}")).await.ok());
    let later = json!({"payment_method": method, "seconds": NINE_DAYS, "failure": "insufficient_funds"});
    assert_eq!(happen(&local, "debits", later).await.0, 200);
    let invoice = open(&local, &customer).await;
    local.post(&format!("/v1/invoices/{invoice}/pay"), &format!("payment_method={method}")).await.ok();
    let advance = format!("/v1/test_helpers/test_clocks/{clock}/advance");
    local.post(&advance, &format!("frozen_time={}", crate::START + NINE_DAYS - 1)).await.ok();
    assert_eq!(payment(&local, &invoice).await.1["status"], "processing");
    local.post(&advance, &format!("frozen_time={}", crate::START + NINE_DAYS)).await.ok();
    let failed = payment(&local, &invoice).await.1;
    assert_eq!(failed["last_payment_error"]["code"], "insufficient_funds");
    assert_eq!(read(&local, &invoice).await["status"], "open");
    // And with the money.
    happen(&local, "debits", json!({"payment_method": method, "seconds": 60})).await;
    local.post(&format!("/v1/invoices/{invoice}/pay"), &format!("payment_method={method}")).await.ok();
    local.post(&advance, &format!("frozen_time={}", crate::START + NINE_DAYS + 60)).await.ok();
    assert_eq!(read(&local, &invoice).await["status"], "paid");
    let card = id(&local.post("/v1/payment_methods/pm_card_visa/attach", &format!("customer={customer}")).await.ok());
    for wrong in [
        json!({"payment_method": card, "seconds": 1}),
        json!({"payment_method": method, "seconds": 1, "failure": "bad_weather"}),
        json!({"payment_method": method}),
    ] {
        assert_eq!(happen(&local, "debits", wrong.clone()).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_method_that_is_taken_away_is_a_change_of_its_customer() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let form = format!("customer={customer}");
    let method = id(&local.post("/v1/payment_methods/pm_card_visa/attach", &form).await.ok());
    let changes = local.stripe.changes_of(&customer);
    local.post(&format!("/v1/payment_methods/{method}/detach"), "").await.ok();
    assert!(local.stripe.changes_of(&customer) > changes);
}

#[tokio::test]
async fn disputes_refunds_mandates_and_authentications_are_decided() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let form = format!("amount=2000&currency=usd&customer={customer}&confirm=true&payment_method=pm_card_visa");
    let intent = id(&local.post("/v1/payment_intents", &form).await.ok());
    let changes = local.stripe.changes_of(&customer);
    let (_, dispute) = happen(&local, "disputes", json!({"charge": intent})).await;
    assert!(local.stripe.changes_of(&customer) > changes);
    let (dispute, changes) = (id(&dispute), local.stripe.changes_of(&customer));
    assert_eq!(happen(&local, "disputes", json!({"dispute": dispute, "won": true})).await.0, 200);
    assert!(local.stripe.changes_of(&customer) > changes, "a dispute names no customer, and is of its charge's");
    assert_eq!(local.get(&format!("/v1/disputes/{dispute}")).await.ok()["status"], "won");
    assert_eq!(happen(&local, "disputes", json!({"charge": intent, "reason": "mood"})).await.0, 400);
    let intent = id(&local.post("/v1/payment_intents", &form).await.ok());
    let refund = id(&local.post("/v1/refunds", &format!("payment_intent={intent}")).await.ok());
    assert_eq!(happen(&local, "refunds", json!({"refund": refund})).await.0, 200);
    assert_eq!(local.get(&format!("/v1/refunds/{refund}")).await.ok()["status"], "failed");
    let waits = form.replace("pm_card_visa", "pm_card_authenticationRequired");
    let waits = id(&local.post("/v1/payment_intents", &waits).await.ok());
    assert_eq!(happen(&local, "authentications", json!({"intent": waits, "passed": true})).await.0, 200);
    assert_eq!(local.get(&format!("/v1/payment_intents/{waits}")).await.ok()["status"], "succeeded");
    let debit = format!(
        "customer={customer}&confirm=true&payment_method=pm_success_de&mandate_data[customer_acceptance][type]=offline"
    );
    let debit = local.post("/v1/setup_intents", &debit).await.ok();
    assert_eq!(happen(&local, "mandates", json!({"payment_method": debit["payment_method"]})).await.0, 200);
    let mandate = format!("/v1/mandates/{}", debit["mandate"].as_str().unwrap());
    assert_eq!(local.get(&mandate).await.ok()["status"], "inactive");
    // A session whose customer the bank has seen is completed too.
    let session = format!("mode=setup&currency=usd&customer={customer}&success_url=http%3A%2F%2Fa.localhost%2F");
    let session = local.post("/v1/checkout/sessions", &session).await.ok();
    let asks = "type=card&number=4000002760003184&expiry=12%2F34&cvc=123&name=Ada";
    local.browse(session["url"].as_str().unwrap(), asks).await;
    happen(&local, "authentications", json!({"intent": session["setup_intent"], "passed": true})).await;
    assert_eq!(local.get(&format!("/v1/checkout/sessions/{}", id(&session))).await.ok()["status"], "complete");
}
