//! Setup intents: a method is made ready for later payments, refused, or asked about; debits with their mandates.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::answers::Published;
use crate::payments::{kinds, open, payment, read};
use crate::{Local, START, id, ids};

const MANDATE: &str = "mandate_data[customer_acceptance][type]=online\
    &mandate_data[customer_acceptance][online][ip_address]=127.0.0.1\
    &mandate_data[customer_acceptance][online][user_agent]=test";

#[tokio::test]
async fn a_card_that_is_set_up_becomes_the_customers_own() {
    let (local, published) = (Local::start().await, Published::read());
    let customer = local.customer().await;
    let made = local.post("/v1/setup_intents", &format!("customer={customer}&metadata[tenant]=acme")).await.ok();
    published.check("POST /v1/setup_intents", &made);
    assert_eq!(
        (&made["status"], &made["usage"], &made["created"], &made["metadata"]["tenant"]),
        (&json!("requires_payment_method"), &json!("off_session"), &json!(START), &json!("acme"))
    );
    assert!(made["client_secret"].as_str().unwrap().starts_with(&format!("{}_secret_", id(&made))));
    let path = format!("/v1/setup_intents/{}", id(&made));
    let none = local.post(&format!("{path}/confirm"), "").await;
    assert_eq!(none.refusal().1, Some("setup_intent_unexpected_state"));
    let from = kinds(&local, 0).await.len();
    let done = local.post(&format!("{path}/confirm"), "payment_method=pm_card_visa").await.ok();
    published.check("POST /v1/setup_intents/{intent}/confirm", &done);
    assert_eq!((&done["status"], &done["mandate"]), (&json!("succeeded"), &Value::Null));
    assert_eq!(kinds(&local, from).await, ["payment_method.attached", "setup_intent.succeeded"]);
    let method = done["payment_method"].as_str().unwrap();
    assert_eq!(local.get(&format!("/v1/payment_methods/{method}")).await.ok()["customer"], customer);
    for step in ["confirm", "cancel"] {
        let over = local.post(&format!("{path}/{step}"), "").await;
        assert_eq!(over.refusal().1, Some("setup_intent_unexpected_state"), "{step}");
    }
    let expanded = local.get(&format!("{path}?expand[]=payment_method&expand[]=customer")).await.ok();
    assert_eq!(
        (&expanded["payment_method"]["card"]["last4"], &expanded["customer"]["id"]),
        (&json!("4242"), &json!(customer))
    );
}

#[tokio::test]
async fn a_declined_card_says_why_and_another_one_may_follow() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let form = format!("customer={customer}&confirm=true&payment_method=pm_card_chargeDeclined");
    let declined = local.post("/v1/setup_intents", &form).await;
    assert_eq!(declined.refusal(), (402, Some("card_declined"), None));
    let error = &declined.body["error"];
    let intent = &error["setup_intent"];
    assert_eq!((&error["type"], &error["decline_code"]), (&json!("card_error"), &json!("generic_decline")));
    assert_eq!(
        (&intent["status"], &intent["payment_method"], &intent["last_setup_error"]["code"]),
        (&json!("requires_payment_method"), &Value::Null, &json!("card_declined"))
    );
    assert_eq!(kinds(&local, 1).await, ["setup_intent.created", "setup_intent.setup_failed"]);
    let path = format!("/v1/setup_intents/{}", id(intent));
    let done = local.post(&format!("{path}/confirm"), "payment_method=pm_card_mastercard").await.ok();
    assert_eq!((&done["status"], &done["last_setup_error"]), (&json!("succeeded"), &Value::Null));
}

#[tokio::test]
async fn a_card_that_asks_for_its_customer_waits_and_then_pays_without() {
    let local = Local::start().await;
    for (token, passed) in [
        ("pm_card_authenticationRequiredOnSetup", true),
        ("pm_card_authenticationRequiredOnSetup", false),
        ("pm_card_authenticationRequired", true),
    ] {
        let customer = local.customer().await;
        let form =
            format!("customer={customer}&confirm=true&payment_method={token}&return_url=http%3A%2F%2Flocalhost%2Fback");
        let waits = local.post("/v1/setup_intents", &form).await.ok();
        Published::read().check("POST /v1/setup_intents", &waits);
        assert_eq!(
            (&waits["status"], &waits["next_action"]["type"]),
            (&json!("requires_action"), &json!("redirect_to_url"))
        );
        let url = waits["next_action"]["redirect_to_url"]["url"].as_str().unwrap();
        assert!(url.starts_with("http://127.0.0.1:") && url.ends_with(&id(&waits)), "{url}");
        local.stripe.authenticate(&id(&waits), passed).unwrap();
        assert!(local.stripe.authenticate(&id(&waits), passed).is_err(), "asked once");
        let over = local.get(&format!("/v1/setup_intents/{}", id(&waits))).await.ok();
        if !passed {
            assert_eq!(
                (&over["status"], &over["last_setup_error"]["code"]),
                (&json!("requires_payment_method"), &json!("setup_intent_authentication_failure"))
            );
            continue;
        }
        assert_eq!((&over["status"], &over["next_action"]), (&json!("succeeded"), &Value::Null));
        let invoice = open(&local, &customer).await;
        let form = format!("payment_method={}", over["payment_method"].as_str().unwrap());
        let paid = local.post(&format!("/v1/invoices/{invoice}/pay"), &form).await;
        // One card asks until it is set up, the other one always.
        let expected = if token == "pm_card_authenticationRequired" { 402 } else { 200 };
        assert_eq!(paid.status, expected, "{token}: {}", paid.body);
    }
    let kinds = kinds(&local, 0).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "setup_intent.requires_action").count(), 3);
    assert_eq!(kinds.iter().filter(|kind| *kind == "setup_intent.setup_failed").count(), 1);
}

#[tokio::test]
async fn a_debit_is_set_up_with_its_mandate_which_ends_with_the_account() {
    let (local, published) = (Local::start().await, Published::read());
    let customer = local.customer().await;
    let account = "type=sepa_debit&sepa_debit[iban]=DE89370400440532013000&billing_details[email]=a%40lab.test\
        &billing_details[name]=ACME";
    let method = local.post("/v1/payment_methods", account).await.ok();
    published.check("POST /v1/payment_methods", &method);
    assert_eq!(
        (&method["sepa_debit"]["last4"], &method["sepa_debit"]["country"], &method["customer"]),
        (&json!("3000"), &json!("DE"), &Value::Null)
    );
    let form = format!("customer={customer}&confirm=true&payment_method={}", id(&method));
    let bare = local.post("/v1/setup_intents", &form).await;
    assert_eq!(bare.refusal().2, Some("mandate_data"));
    let done = local.post("/v1/setup_intents", &format!("{form}&{MANDATE}")).await.ok();
    assert_eq!(done["status"], "succeeded");
    let path = format!("/v1/mandates/{}", done["mandate"].as_str().unwrap());
    let mandate = local.get(&path).await.ok();
    published.check("GET /v1/mandates/{mandate}", &mandate);
    assert_eq!(
        (
            &mandate["status"],
            &mandate["payment_method"],
            &mandate["type"],
            &mandate["customer_acceptance"]["accepted_at"]
        ),
        (&json!("active"), &json!(id(&method)), &json!("multi_use"), &json!(START))
    );
    assert!(mandate["payment_method_details"]["sepa_debit"]["reference"].is_string());
    // The bank sends the debit back after nine days: the account is closed.
    local.stripe.answer_debits(&id(&method), SignedDuration::from_hours(9 * 24), Some("account_closed")).unwrap();
    let invoice = open(&local, &customer).await;
    local.post(&format!("/v1/invoices/{invoice}/pay"), &format!("payment_method={}", id(&method))).await.ok();
    local.stripe.advance(SignedDuration::from_hours(9 * 24 - 1));
    assert_eq!(payment(&local, &invoice).await.1["status"], "processing");
    local.stripe.advance(SignedDuration::from_hours(1));
    let failed = payment(&local, &invoice).await.1;
    assert_eq!(
        (&failed["status"], &failed["last_payment_error"]["code"]),
        (&json!("requires_payment_method"), &json!("account_closed"))
    );
    assert_eq!(read(&local, &invoice).await["status"], "open");
    assert_eq!(local.get(&path).await.ok()["status"], "inactive");
    let told = local.get("/v1/events?type=mandate.updated").await.ok();
    assert_eq!(told["data"][0]["data"]["previous_attributes"], json!({"status": "active"}));
    let charge = failed["latest_charge"].as_str().unwrap();
    let charge = local.get(&format!("/v1/charges/{charge}")).await.ok();
    published.check("GET /v1/charges/{charge}", &charge);
    assert_eq!(charge["payment_method_details"]["sepa_debit"]["mandate"], mandate["id"]);
}

#[tokio::test]
async fn intents_are_listed_changed_and_cancelled() {
    let local = Local::start().await;
    let (customer, other) = (local.customer().await, local.customer().await);
    let mut made = Vec::new();
    for owner in [&customer, &customer, &other] {
        made.push(id(&local.post("/v1/setup_intents", &format!("customer={owner}")).await.ok()));
    }
    let listed = local.get(&format!("/v1/setup_intents?customer={customer}")).await.ok();
    assert_eq!(ids(&listed), [made[1].clone(), made[0].clone()]);
    Published::read().check("GET /v1/setup_intents", &listed);
    let path = format!("/v1/setup_intents/{}", made[0]);
    let changed = local.post(&path, "description=d&payment_method=pm_card_visa&metadata[a]=1").await.ok();
    assert_eq!((&changed["status"], &changed["description"]), (&json!("requires_confirmation"), &json!("d")));
    let by_method = format!("/v1/setup_intents?payment_method={}", changed["payment_method"].as_str().unwrap());
    assert_eq!(ids(&local.get(&by_method).await.ok()), [made[0].clone()]);
    let ended = local.post(&format!("{path}/cancel"), "cancellation_reason=abandoned").await.ok();
    assert_eq!((&ended["status"], &ended["cancellation_reason"]), (&json!("canceled"), &json!("abandoned")));
    assert_eq!(kinds(&local, 0).await.pop().unwrap(), "setup_intent.canceled");
    assert_eq!(local.post(&path, "description=e").await.refusal().1, Some("setup_intent_unexpected_state"));
    for (form, param) in [
        ("customer=cus_none", "customer"),
        ("payment_method=pm_none", "payment_method"),
        ("payment_method=pm_success_de&allowed_payment_method_types[]=card", "payment_method"),
        ("payment_method_types[]=card", "payment_method_types"),
        ("attach_to_self=true", "attach_to_self"),
    ] {
        assert_eq!(local.post("/v1/setup_intents", form).await.refusal().2, Some(param), "{form}");
    }
    let older = [("stripe-version", "2026-08-26.dahlia")];
    let older = local.send(http::Method::POST, "/v1/setup_intents", "payment_method_types[]=card", &older).await.ok();
    assert_eq!(older["payment_method_types"], json!(["card"]), "versions before endive take the parameter");
    // A method of another customer.
    let attached = local.post("/v1/payment_methods/pm_card_visa/attach", &format!("customer={other}")).await.ok();
    for form in
        [format!("customer={customer}&payment_method={}", id(&attached)), format!("payment_method={}", id(&attached))]
    {
        assert_eq!(local.post("/v1/setup_intents", &form).await.refusal().2, Some("payment_method"), "{form}");
    }
}

#[tokio::test]
async fn methods_are_made_from_test_numbers_only() {
    let local = Local::start().await;
    let card =
        |number: &str| format!("type=card&card[number]={number}&card[exp_month]=12&card[exp_year]=2034&card[cvc]=123");
    let made = local.post("/v1/payment_methods", &card("5555555555554444")).await.ok();
    assert_eq!((&made["card"]["brand"], &made["card"]["last4"]), (&json!("mastercard"), &json!("4444")));
    assert_eq!(
        local.post("/v1/payment_methods", &card("4242424242424241")).await.refusal().1,
        Some("incorrect_number")
    );
    let live = local.post("/v1/payment_methods", &card("4111111111111111")).await;
    assert_eq!(
        (live.refusal().1, &live.body["error"]["decline_code"]),
        (Some("card_declined"), &json!("test_mode_live_card"))
    );
    let token = local.post("/v1/payment_methods", "type=card&card[token]=tok_visa").await.ok();
    assert_eq!(token["card"]["last4"], "4242");
    for (form, param) in [
        ("type=sepa_debit&sepa_debit[iban]=DE89370400440532013000", "billing_details[email]"),
        (
            "type=sepa_debit&sepa_debit[iban]=DE00&billing_details[name]=A&billing_details[email]=a%40b.test",
            "sepa_debit[iban]",
        ),
        ("type=us_bank_account&us_bank_account[account_number]=12", "us_bank_account[account_number]"),
        ("type=klarna", "type"),
    ] {
        assert_eq!(local.post("/v1/payment_methods", form).await.refusal().2, Some(param), "{form}");
    }
    let account = "type=us_bank_account&us_bank_account[account_number]=000222222227&us_bank_account[routing_number]=110000000\
        &us_bank_account[account_holder_type]=company&billing_details[name]=ACME";
    assert_eq!(local.post("/v1/payment_methods", account).await.ok()["us_bank_account"]["last4"], "2227");
}
