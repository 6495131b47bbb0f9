//! Checkout in set-up mode, as a browser completes it.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::answers::Published;
use crate::payments::kinds;
use crate::receiver::Receiver;
use crate::{Local, START, id, ids};

const VISA: &str = "type=card&number=4242+4242+4242+4242&expiry=12+%2F+34&cvc=123&name=Ada";

/// An open session for the customer in that currency.
async fn session(local: &Local, customer: &str, currency: &str) -> Value {
    let form = format!(
        "mode=setup&currency={currency}&customer={customer}&metadata[tenant]=acme&setup_intent_data[metadata][tenant]=acme\
         &success_url=http%3A%2F%2Fapp.localhost%2Fdone%3Fsession%3D%7BCHECKOUT_SESSION_ID%7D\
         &cancel_url=http%3A%2F%2Fapp.localhost%2Fback%3Fa%3D1%26b%3D2"
    );
    local.post("/v1/checkout/sessions", &form).await.ok()
}

async fn read(local: &Local, session: &Value) -> Value {
    local.get(&format!("/v1/checkout/sessions/{}?expand[]=setup_intent", id(session))).await.ok()
}

#[tokio::test]
async fn a_card_is_left_and_the_customer_sent_back() {
    let (local, published) = (Local::start().await, Published::read());
    let receiver = Receiver::start().await;
    let hook = receiver.url.replace(':', "%3A").replace('?', "%3F").replace('=', "%3D");
    let types = "enabled_events[]=checkout.session.completed&enabled_events[]=setup_intent.succeeded";
    local.post("/v1/webhook_endpoints", &format!("url={hook}&{types}")).await.ok();
    let customer = local.customer().await;
    let made = session(&local, &customer, "usd").await;
    published.check("POST /v1/checkout/sessions", &made);
    assert_eq!(
        (
            &made["status"],
            &made["payment_status"],
            &made["mode"],
            &made["expires_at"],
            &made["customer_details"]["email"]
        ),
        (
            &json!("open"),
            &json!("no_payment_required"),
            &json!("setup"),
            &json!(START + 86_400),
            &json!("pay@acme.test")
        )
    );
    assert_eq!(made["payment_method_types"], json!(["card", "us_bank_account"]), "what goes with the currency");
    let url = made["url"].as_str().unwrap();
    assert!(url.starts_with("http://127.0.0.1:") && url.contains("/c/pay/cs_test_"), "{url}");
    let (status, _, page) = local.browse(url, "").await;
    assert_eq!(status, 200);
    assert!(page.contains("name=\"number\"") && !page.contains("name=\"iban\""), "{page}");
    assert!(page.contains("href=\"http://app.localhost/back?a=1&amp;b=2\""), "{page}");
    let from = kinds(&local, 0).await.len();
    let (status, location, _) = local.browse(url, VISA).await;
    assert_eq!((status, location), (303, format!("http://app.localhost/done?session={}", id(&made))));
    // Stripe's endpoints hear of it before the browser goes on.
    assert_eq!(receiver.kinds(), ["setup_intent.succeeded", "checkout.session.completed"]);
    assert_eq!(
        kinds(&local, from).await,
        ["payment_method.attached", "setup_intent.succeeded", "checkout.session.completed"]
    );
    let done = read(&local, &made).await;
    published.check("GET /v1/checkout/sessions/{session}", &done);
    assert_eq!(
        (&done["status"], &done["url"], &done["setup_intent"]["status"], &done["setup_intent"]["metadata"]["tenant"]),
        (&json!("complete"), &Value::Null, &json!("succeeded"), &json!("acme"))
    );
    let methods = local.get(&format!("/v1/customers/{customer}/payment_methods")).await.ok();
    assert_eq!(methods["data"][0]["billing_details"]["name"], "Ada");
    assert_eq!(local.browse(url, "").await.0, 404, "over");
    assert_eq!(local.browse(url, VISA).await.0, 404);
    let again = local.post(&format!("/v1/checkout/sessions/{}/expire", id(&made)), "").await;
    assert_eq!(again.refusal().0, 400);
}

#[tokio::test]
async fn what_is_refused_says_so_on_the_page_and_may_be_tried_again() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let made = session(&local, &customer, "usd").await;
    let url = made["url"].as_str().unwrap();
    for (number, message) in [
        ("4242424242424241", "number is incorrect"),
        ("4000000000000002", "was declined"),
        ("4000000000009995", "insufficient funds"),
    ] {
        let (status, _, page) = local.browse(url, &VISA.replace("4242+4242+4242+4242", number)).await;
        assert_eq!(status, 402, "{number}");
        assert!(page.contains("role=\"alert\"") && page.contains(message), "{page}");
    }
    assert_eq!(kinds(&local, 0).await.iter().filter(|kind| *kind == "setup_intent.setup_failed").count(), 2);
    assert_eq!(read(&local, &made).await["status"], "open");
    assert_eq!(local.browse(url, VISA).await.0, 303);
}

#[tokio::test]
async fn the_bank_asks_on_a_second_page() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let made = session(&local, &customer, "usd").await;
    let url = made["url"].as_str().unwrap();
    let asks = VISA.replace("4242+4242+4242+4242", "4000002500003155");
    let (status, bank, _) = local.browse(url, &asks).await;
    assert_eq!(
        (status, bank.as_str()),
        (303, format!("/3d_secure/{}", made["setup_intent"].as_str().unwrap()).as_str())
    );
    let (status, _, page) = local.browse(&bank, "").await;
    assert!(status == 200 && page.contains("id=\"complete\"") && page.contains("id=\"fail\""), "{page}");
    let (status, _, page) = local.browse(&bank, "outcome=fail").await;
    assert!(status == 402 && page.contains("unable to authenticate") && page.contains("name=\"number\""), "{page}");
    assert_eq!(local.browse(&bank, "").await.0, 404, "the bank asks once");
    let (_, bank, _) = local.browse(url, &asks).await;
    let (status, location, _) = local.browse(&bank, "outcome=complete").await;
    assert_eq!((status, location), (303, format!("http://app.localhost/done?session={}", id(&made))));
    assert_eq!(read(&local, &made).await["status"], "complete");
}

#[tokio::test]
async fn an_account_is_left_with_its_mandate() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let made = session(&local, &customer, "eur").await;
    let url = made["url"].as_str().unwrap();
    let page = local.browse(url, "").await.2;
    assert!(
        page.contains("name=\"iban\"") && page.contains("value=\"pay@acme.test\"") && page.contains("mandate"),
        "{page}"
    );
    let wrong = "type=sepa_debit&iban=DE00370400440532013000&name=ACME&email=pay%40acme.test";
    let (status, _, page) = local.browse(url, wrong).await;
    assert!(status == 400 && page.contains("IBAN"), "{page}");
    assert_eq!(local.browse(url, &wrong.replace("DE00", "DE89")).await.0, 303);
    let done = read(&local, &made).await;
    let mandate = done["setup_intent"]["mandate"].as_str().unwrap();
    assert_eq!(local.get(&format!("/v1/mandates/{mandate}")).await.ok()["status"], "active");
    assert_eq!(done["customer_details"]["name"], "ACME");
}

#[tokio::test]
async fn sessions_expire_by_request_and_by_the_clock() {
    let local = Local::start().await;
    let (customer, other) = (local.customer().await, local.customer().await);
    let (asked, waited) = (session(&local, &customer, "usd").await, session(&local, &customer, "usd").await);
    session(&local, &other, "usd").await;
    let listed = local.get(&format!("/v1/checkout/sessions?customer={customer}&status=open")).await.ok();
    Published::read().check("GET /v1/checkout/sessions", &listed);
    assert_eq!(ids(&listed), [id(&waited), id(&asked)]);
    let from = kinds(&local, 0).await.len();
    let over = local.post(&format!("/v1/checkout/sessions/{}/expire", id(&asked)), "").await.ok();
    assert_eq!((&over["status"], &over["url"]), (&json!("expired"), &Value::Null));
    assert_eq!(kinds(&local, from).await, ["setup_intent.canceled", "checkout.session.expired"]);
    local.stripe.advance(SignedDuration::from_secs(86_399));
    assert_eq!(read(&local, &waited).await["status"], "open");
    local.stripe.advance(SignedDuration::from_secs(1));
    assert_eq!(read(&local, &waited).await["status"], "expired");
    assert_eq!(local.browse(waited["url"].as_str().unwrap(), "").await.0, 404);
    let intent = waited["setup_intent"].as_str().unwrap();
    assert_eq!(local.get(&format!("/v1/setup_intents/{intent}")).await.ok()["status"], "canceled");
}

#[tokio::test]
async fn sessions_are_checked() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let form = "mode=setup&currency=usd&success_url=http%3A%2F%2Fa.localhost%2F";
    for (more, param) in [
        ("customer=cus_none", "customer"),
        ("expires_at=1", "expires_at"),
        ("payment_method_types[]=card", "payment_method_types"),
        ("allowed_payment_method_types[]=sepa_debit", "allowed_payment_method_types"),
        ("line_items[0][price]=price_1", "line_items"),
        ("ui_mode=elements", "ui_mode"),
        ("cancel_url=app", "cancel_url"),
    ] {
        let refused = local.post("/v1/checkout/sessions", &format!("{form}&{more}")).await;
        assert_eq!(refused.refusal().2, Some(param), "{more}");
    }
    for (missing, param) in [
        ("mode=setup&", "mode"),
        ("currency=usd&", "currency"),
        ("&success_url=http%3A%2F%2Fa.localhost%2F", "success_url"),
    ] {
        let refused = local.post("/v1/checkout/sessions", &form.replace(missing, "")).await;
        assert_eq!(refused.refusal().2, Some(param));
    }
    let both =
        local.post("/v1/checkout/sessions", &format!("{form}&customer={customer}&customer_email=a%40b.test")).await;
    assert_eq!(both.refusal().1, Some("parameters_exclusive"));
    let payment = local.post("/v1/checkout/sessions", &form.replace("setup", "subscription")).await;
    assert!(payment.body["error"]["message"].as_str().unwrap().contains("does not model"), "{}", payment.body);
    let made = local.post("/v1/checkout/sessions", &format!("{form}&allowed_payment_method_types[]=card")).await.ok();
    assert_eq!((&made["customer"], &made["allowed_payment_method_types"]), (&Value::Null, &json!(["card"])));
    let intent = format!("/v1/setup_intents/{}", made["setup_intent"].as_str().unwrap());
    for step in ["confirm", "cancel"] {
        let refused = local.post(&format!("{intent}/{step}"), "").await;
        assert_eq!(refused.refusal().1, Some("setup_intent_unexpected_state"), "{step}");
    }
    let noted = local.post(&format!("/v1/checkout/sessions/{}", id(&made)), "metadata[a]=1").await.ok();
    assert_eq!(noted["metadata"], json!({"a": "1"}));
    assert_eq!(local.browse("/c/pay/cs_test_none", "").await.0, 404);
    assert_eq!(local.browse("/3d_secure/seti_none", "").await.0, 404);
}

#[tokio::test]
async fn a_caller_without_checkout_gets_its_customer_back_from_the_bank() {
    let local = Local::start().await;
    for (path, form, name) in [
        ("/v1/setup_intents", "", "setup_intent"),
        ("/v1/payment_intents", "amount=500&currency=usd&", "payment_intent"),
    ] {
        for (outcome, status) in [("complete", "succeeded"), ("fail", "failed")] {
            let form = format!(
                "{form}confirm=true&payment_method=pm_card_authenticationRequired&return_url=http%3A%2F%2Fa.localhost%2Fx%3Fy%3D1"
            );
            let waits = local.post(path, &form).await.ok();
            let url = waits["next_action"]["redirect_to_url"]["url"].as_str().unwrap();
            let (code, location, _) = local.browse(url, &format!("outcome={outcome}")).await;
            assert_eq!(code, 303);
            let begin = format!("http://a.localhost/x?y=1&{name}={}&{name}_client_secret=", id(&waits));
            assert!(
                location.starts_with(&begin) && location.ends_with(&format!("redirect_status={status}")),
                "{location}"
            );
        }
    }
}

/// An open session in payment mode: two pieces of 15.00.
async fn purchase(local: &Local, currency: &str, more: &str) -> Value {
    let price = format!("currency={currency}&unit_amount=1500&product_data[name]=P");
    let price = id(&local.post("/v1/prices", &price).await.ok());
    let form = format!(
        "mode=payment&line_items[0][price]={price}&line_items[0][quantity]=2\
         &success_url=http%3A%2F%2Fapp.localhost%2F%7BCHECKOUT_SESSION_ID%7D{more}"
    );
    local.post("/v1/checkout/sessions", &form).await.ok()
}

#[tokio::test]
async fn a_purchase_is_paid_on_the_page() {
    let (local, published) = (Local::start().await, Published::read());
    let customer = local.customer().await;
    let more = format!(
        "&customer={customer}&payment_intent_data[setup_future_usage]=off_session&payment_intent_data[metadata][a]=1"
    );
    let made = purchase(&local, "usd", &more).await;
    published.check("POST /v1/checkout/sessions", &made);
    assert_eq!(
        (&made["amount_total"], &made["payment_status"], &made["payment_intent"], &made["setup_intent"]),
        (&json!(3000), &json!("unpaid"), &Value::Null, &Value::Null)
    );
    let url = made["url"].as_str().unwrap();
    assert!(local.browse(url, "").await.2.contains("Pay 30.00 USD"));
    let (status, _, page) = local.browse(url, &VISA.replace("4242+4242+4242+4242", "4000000000000002")).await;
    assert!(status == 402 && page.contains("was declined"), "{page}");
    let asks = VISA.replace("4242+4242+4242+4242", "4000002760003184");
    let (_, bank, _) = local.browse(url, &asks).await;
    let (status, _, page) = local.browse(&bank, "outcome=fail").await;
    assert!(status == 402 && page.contains("unable to authenticate"), "{page}");
    let (_, bank, _) = local.browse(url, &asks).await;
    let (status, location, _) = local.browse(&bank, "outcome=complete").await;
    assert_eq!((status, location), (303, format!("http://app.localhost/{}", id(&made))));
    let done = local.get(&format!("/v1/checkout/sessions/{}?expand[]=payment_intent", id(&made))).await.ok();
    published.check("GET /v1/checkout/sessions/{session}", &done);
    let intent = &done["payment_intent"];
    assert_eq!(
        (
            &done["status"],
            &done["payment_status"],
            &intent["status"],
            &intent["amount_received"],
            &intent["metadata"]["a"]
        ),
        (&json!("complete"), &json!("paid"), &json!("succeeded"), &json!(3000), &json!("1"))
    );
    assert_eq!(ids(&local.get(&format!("/v1/customers/{customer}/payment_methods")).await.ok()).len(), 1);
}

#[tokio::test]
async fn a_debit_pays_a_purchase_later() {
    let local = Local::start().await;
    for (iban, paid, told) in [
        ("AT611904300234573201", "paid", "checkout.session.async_payment_succeeded"),
        ("AT861904300235473202", "unpaid", "checkout.session.async_payment_failed"),
    ] {
        let made = purchase(&local, "eur", "").await;
        let account = format!("type=sepa_debit&iban={iban}&name=ACME&email=a%40b.test");
        assert_eq!(local.browse(made["url"].as_str().unwrap(), &account).await.0, 303);
        let path = format!("/v1/checkout/sessions/{}", id(&made));
        let done = local.get(&path).await.ok();
        assert_eq!((&done["status"], &done["payment_status"]), (&json!("complete"), &json!("unpaid")));
        local.stripe.advance(SignedDuration::from_mins(2));
        assert_eq!(local.get(&path).await.ok()["payment_status"], paid);
        assert_eq!(ids(&local.get(&format!("/v1/events?type={told}")).await.ok()).len(), 1);
    }
}

#[tokio::test]
async fn purchases_are_checked_and_confirmed_without_a_page() {
    let local = Local::start().await;
    let monthly = "currency=usd&unit_amount=5&product_data[name]=Q&recurring[interval]=month";
    let monthly = id(&local.post("/v1/prices", monthly).await.ok());
    let form = "mode=payment&success_url=http%3A%2F%2Fa.localhost%2F";
    for (more, param) in [
        (String::new(), "line_items"),
        ("line_items[0][quantity]=1".to_owned(), "line_items[0][price]"),
        (format!("line_items[0][price]={monthly}"), "line_items[0][price]"),
        ("setup_intent_data[description]=d".to_owned(), "setup_intent_data"),
    ] {
        let refused = local.post("/v1/checkout/sessions", &format!("{form}&{more}")).await;
        assert_eq!(refused.refusal().2, Some(param), "{more}");
    }
    let made = purchase(&local, "usd", "").await;
    let path = format!("/v1/payment_pages/{}", id(&made));
    assert_eq!(local.get(&path).await.ok()["state"], "active");
    let card = id(&local.post("/v1/payment_methods", "type=card&card[token]=tok_visa").await.ok());
    for (form, param) in [
        ("expected_amount=1".to_owned(), "expected_amount"),
        ("payment_method=pm_none".to_owned(), "payment_method"),
        (String::new(), "payment_method"),
    ] {
        assert_eq!(local.post(&format!("{path}/confirm"), &form).await.refusal().2, Some(param), "{form}");
    }
    let paid =
        local.post(&format!("{path}/confirm"), &format!("payment_method={card}&expected_amount=3000")).await.ok();
    Published::read().check("POST /v1/payment_pages/{session}/confirm", &paid);
    assert_eq!(paid["state"], "succeeded");
    assert_eq!(local.post(&format!("{path}/confirm"), &format!("payment_method={card}")).await.refusal().0, 400);
    let unpaid = purchase(&local, "usd", "").await;
    let over = local.post(&format!("/v1/checkout/sessions/{}/expire", id(&unpaid)), "").await.ok();
    assert_eq!((&over["status"], &over["payment_intent"]), (&json!("expired"), &Value::Null));
}
