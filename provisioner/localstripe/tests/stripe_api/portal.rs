//! The customer portal: its configurations, and its page as a browser uses it.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::answers::Published;
use crate::payments::{kinds, open, read};
use crate::{Local, START, id, ids};

/// A portal that lets customers do everything there is here; the address of the customer's page.
async fn portal(local: &Local, customer: &str) -> String {
    let features = "features[invoice_history][enabled]=true&features[payment_method_update][enabled]=true";
    let configuration = id(&local.post("/v1/billing_portal/configurations", features).await.ok());
    let form =
        format!("customer={customer}&configuration={configuration}&return_url=http%3A%2F%2Fapp.localhost%2F%3Fa%26b");
    let session = local.post("/v1/billing_portal/sessions", &form).await.ok();
    Published::read().check("POST /v1/billing_portal/sessions", &session);
    session["url"].as_str().unwrap().to_owned()
}

async fn methods(local: &Local, customer: &str) -> Vec<String> {
    ids(&local.get(&format!("/v1/customers/{customer}/payment_methods")).await.ok())
}

async fn default(local: &Local, customer: &str) -> Value {
    local.get(&format!("/v1/customers/{customer}")).await.ok()["invoice_settings"]["default_payment_method"].clone()
}

#[tokio::test]
async fn a_customer_adds_a_card_pays_and_removes_it() {
    let local = Local::start().await;
    let (customer, other) = (local.customer().await, local.customer().await);
    let (invoice, foreign) = (open(&local, &customer).await, open(&local, &other).await);
    let url = portal(&local, &customer).await;
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let (status, _, page) = local.browse(&url, "").await;
    assert_eq!(status, 200);
    assert!(page.contains("50.00 USD") && page.contains("http://app.localhost/?a&amp;b"), "{page}");
    assert!(page.contains(&invoice) && !page.contains(&foreign), "{page}");
    let (status, _, page) = local.browse(&format!("{url}/pay"), &format!("id={invoice}")).await;
    assert!(status == 400 && page.contains("Add a payment method first"), "{page}");
    let card = |number: &str| format!("type=card&number={number}&expiry=12%2F34&cvc=123&name=Ada");
    assert_eq!(local.browse(&format!("{url}/add"), &card("4000000000000002")).await.0, 402);
    for number in ["4242424242424242", "5555555555554444"] {
        let (status, location, _) = local.browse(&format!("{url}/add"), &card(number)).await;
        assert_eq!((status, url.ends_with(&location)), (303, true), "{location}");
    }
    let own = methods(&local, &customer).await;
    assert_eq!((own.len(), default(&local, &customer).await), (2, json!(own[0])), "the last one added");
    assert_eq!(local.browse(&format!("{url}/default"), &format!("id={}", own[1])).await.0, 303);
    assert_eq!(default(&local, &customer).await, json!(own[1]));
    assert!(local.browse(&url, "").await.2.contains("visa ending in 4242"));
    assert_eq!(local.browse(&format!("{url}/pay"), &format!("id={invoice}")).await.0, 303);
    assert_eq!(read(&local, &invoice).await["status"], "paid");
    for wrong in [&invoice, &foreign] {
        assert_eq!(local.browse(&format!("{url}/pay"), &format!("id={wrong}")).await.0, 400, "{wrong}");
    }
    assert_eq!(local.browse(&format!("{url}/remove"), &format!("id={}", own[1])).await.0, 303);
    assert_eq!(
        (methods(&local, &customer).await, default(&local, &customer).await),
        (vec![own[0].clone()], Value::Null)
    );
    assert_eq!(local.browse(&format!("{url}/remove"), "id=pm_none").await.0, 400);
    assert_eq!(local.browse(&format!("{url}/other"), "id=x").await.0, 400);
    let kinds = kinds(&local, 0).await;
    assert!(kinds.contains(&"payment_method.detached".to_owned()), "{kinds:?}");
}

#[tokio::test]
async fn the_bank_may_ask_before_an_invoice_is_paid() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let invoice = open(&local, &customer).await;
    let url = portal(&local, &customer).await;
    let asks = "type=card&number=4000002760003184&expiry=12%2F34&cvc=123&name=Ada";
    let (_, bank, _) = local.browse(&format!("{url}/add"), asks).await;
    assert!(bank.starts_with("/3d_secure/seti_"), "{bank}");
    let (_, back, _) = local.browse(&bank, "outcome=complete").await;
    assert!(back.starts_with(&url), "{back}");
    let method = methods(&local, &customer).await[0].clone();
    local.browse(&format!("{url}/default"), &format!("id={method}")).await;
    let (_, bank, _) = local.browse(&format!("{url}/pay"), &format!("id={invoice}")).await;
    assert!(bank.starts_with("/3d_secure/pi_"), "{bank}");
    assert_eq!(local.browse(&bank, "outcome=complete").await.0, 303);
    assert_eq!(read(&local, &invoice).await["status"], "paid");
}

#[tokio::test]
async fn a_link_lasts_an_hour_and_opens_what_the_configuration_allows() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let invoice = open(&local, &customer).await;
    let none = local.post("/v1/billing_portal/sessions", &format!("customer={customer}")).await;
    assert!(none.body["error"]["message"].as_str().unwrap().contains("No configuration"), "{}", none.body);
    let features = "features[customer_update][enabled]=false&default_return_url=http%3A%2F%2Fapp.localhost%2F";
    let configuration = id(&local.post("/v1/billing_portal/configurations", features).await.ok());
    let form = format!("customer={customer}&configuration={configuration}");
    let session = local.post("/v1/billing_portal/sessions", &form).await.ok();
    assert_eq!(session["return_url"], "http://app.localhost/");
    let url = session["url"].as_str().unwrap();
    let page = local.browse(url, "").await.2;
    assert!(!page.contains(&invoice) && !page.contains("name=\"number\""), "{page}");
    assert_eq!(local.browse(&format!("{url}/pay"), &format!("id={invoice}")).await.0, 400);
    let told = local.get("/v1/events?type=billing_portal.session.created").await.ok();
    assert!(
        !url.ends_with(told["data"][0]["data"]["object"]["url"].as_str().unwrap()),
        "the event does not open the portal"
    );
    local.stripe.advance(SignedDuration::from_secs(3600));
    assert_eq!(local.browse(url, "").await.0, 200);
    local.stripe.advance(SignedDuration::from_secs(1));
    assert_eq!(local.browse(url, "").await.0, 404);
    assert_eq!(local.browse("/p/session/test_none", "").await.0, 404);
}

#[tokio::test]
async fn configurations_are_made_changed_and_listed() {
    let (local, published) = (Local::start().await, Published::read());
    let form = "features[invoice_history][enabled]=true&business_profile[headline]=Billing&name=A&metadata[a]=1";
    let made = local.post("/v1/billing_portal/configurations", form).await.ok();
    published.check("POST /v1/billing_portal/configurations", &made);
    assert_eq!(
        (&made["features"]["invoice_history"]["enabled"], &made["features"]["payment_method_update"]["enabled"]),
        (&json!(true), &json!(false))
    );
    assert_eq!((&made["active"], &made["is_default"], &made["updated"]), (&json!(true), &json!(false), &json!(START)));
    local.stripe.advance(SignedDuration::from_secs(5));
    let path = format!("/v1/billing_portal/configurations/{}", id(&made));
    let changed = "active=false&features[payment_method_update][enabled]=true&business_profile[headline]=";
    let changed = local.post(&path, changed).await.ok();
    published.check("POST /v1/billing_portal/configurations/{configuration}", &changed);
    assert_eq!(
        (&changed["features"]["invoice_history"]["enabled"], &changed["features"]["payment_method_update"]["enabled"]),
        (&json!(true), &json!(true)),
        "what is not given stays"
    );
    assert_eq!((&changed["business_profile"]["headline"], &changed["updated"]), (&Value::Null, &json!(START + 5)));
    assert_eq!(local.get(&path).await.ok(), changed);
    let listed = local.get("/v1/billing_portal/configurations?active=false").await.ok();
    published.check("GET /v1/billing_portal/configurations", &listed);
    assert_eq!(ids(&listed), [id(&made)]);
    assert!(ids(&local.get("/v1/billing_portal/configurations?is_default=true").await.ok()).is_empty());
    assert_eq!(
        kinds(&local, 0).await,
        ["billing_portal.configuration.created", "billing_portal.configuration.updated"]
    );
    let customer = local.customer().await;
    let form = format!("customer={customer}&configuration={}", id(&made));
    assert_eq!(local.post("/v1/billing_portal/sessions", &form).await.refusal().2, Some("configuration"), "inactive");
}
