//! How invoices are paid: methods, attempts by hand and by the clock, debits.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::answers::Published;
use crate::{Local, START, id, ids};

const DAY: i64 = 86_400;

/// A method attached to the customer and made its default; its id.
async fn default_method(local: &Local, customer: &str, token: &str) -> String {
    let form = format!("customer={customer}");
    let method = id(&local.post(&format!("/v1/payment_methods/{token}/attach"), &form).await.ok());
    let form = format!("invoice_settings[default_payment_method]={method}");
    local.post(&format!("/v1/customers/{customer}"), &form).await.ok();
    method
}

/// A draft of 50.00 that Stripe collects.
async fn collected(local: &Local, customer: &str) -> String {
    let form = format!("customer={customer}&currency=usd&collection_method=charge_automatically");
    let invoice = id(&local.post("/v1/invoices", &form).await.ok());
    local.item(customer, &invoice, 5000).await;
    invoice
}

/// An open invoice of 50.00, not collected by itself.
pub async fn open(local: &Local, customer: &str) -> String {
    let invoice = local.draft(customer).await;
    local.item(customer, &invoice, 5000).await;
    local.post(&format!("/v1/invoices/{invoice}/finalize"), "").await.ok();
    invoice
}

pub async fn read(local: &Local, invoice: &str) -> Value {
    local.get(&format!("/v1/invoices/{invoice}")).await.ok()
}

/// The one payment of an invoice, and its intent.
pub async fn payment(local: &Local, invoice: &str) -> (Value, Value) {
    let page = local.get(&format!("/v1/invoice_payments?invoice={invoice}")).await.ok();
    assert_eq!(page["data"].as_array().unwrap().len(), 1, "{page}");
    let payment = page["data"][0].clone();
    let intent = payment["payment"]["payment_intent"].as_str().unwrap();
    let intent = local.get(&format!("/v1/payment_intents/{intent}")).await.ok();
    (payment, intent)
}

/// The types of the events after the first `from`, oldest first.
pub async fn kinds(local: &Local, from: usize) -> Vec<String> {
    let page = local.get("/v1/events?limit=100").await.ok();
    let mut kinds: Vec<String> =
        page["data"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
    kinds.reverse();
    kinds.split_off(from)
}

#[tokio::test]
async fn a_default_card_pays_at_finalising_with_auto_advance_only() {
    let local = Local::start().await;
    let customer = local.customer().await;
    default_method(&local, &customer, "pm_card_visa").await;
    let waiting = collected(&local, &customer).await;
    let left = local.post(&format!("/v1/invoices/{waiting}/finalize"), "auto_advance=false").await.ok();
    assert_eq!((&left["status"], &left["attempted"]), (&json!("open"), &json!(false)));
    let (payment_open, intent) = payment(&local, &waiting).await;
    assert_eq!((&payment_open["status"], &payment_open["amount_requested"]), (&json!("open"), &json!(5000)));
    assert_eq!((&payment_open["is_default"], &intent["status"]), (&json!(true), &json!("requires_payment_method")));
    assert!(intent.get("invoice").is_none(), "an intent names no invoice");

    let invoice = collected(&local, &customer).await;
    let from = kinds(&local, 0).await.len();
    let paid = local.post(&format!("/v1/invoices/{invoice}/finalize"), "auto_advance=true").await.ok();
    assert_eq!(
        (
            &paid["status"],
            &paid["amount_paid"],
            &paid["amount_remaining"],
            &paid["attempt_count"],
            &paid["auto_advance"]
        ),
        (&json!("paid"), &json!(5000), &json!(0), &json!(1), &json!(false))
    );
    let expected = [
        "customer.updated",
        "invoice.finalized",
        "payment_intent.created",
        "invoice.updated",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice_payment.paid",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
    ];
    assert_eq!(kinds(&local, from).await, expected);
    let (payment, intent) = payment(&local, &invoice).await;
    assert_eq!(
        (&payment["status"], &payment["amount_paid"], &payment["status_transitions"]["paid_at"]),
        (&json!("paid"), &json!(5000), &json!(START))
    );
    assert_eq!((&intent["status"], &intent["amount_received"]), (&json!("succeeded"), &json!(5000)));
    // And by `pay`, with the default method.
    let paid = local.post(&format!("/v1/invoices/{waiting}/pay"), "").await.ok();
    assert_eq!(paid["status"], "paid");
}

#[tokio::test]
async fn a_declined_card_is_tried_again_by_the_clock_until_another_pays() {
    let local = Local::start().await;
    let customer = local.customer().await;
    default_method(&local, &customer, "pm_card_chargeCustomerFail").await;
    let invoice = collected(&local, &customer).await;
    let tried = local.post(&format!("/v1/invoices/{invoice}/finalize"), "auto_advance=true").await.ok();
    assert_eq!(
        (&tried["status"], &tried["attempt_count"], &tried["next_payment_attempt"]),
        (&json!("open"), &json!(1), &json!(START + 3 * DAY))
    );
    local.stripe.advance(SignedDuration::from_secs(3 * DAY - 1));
    assert_eq!(read(&local, &invoice).await["attempt_count"], 1);
    local.stripe.advance(SignedDuration::from_secs(1));
    let again = read(&local, &invoice).await;
    assert_eq!(
        (&again["attempt_count"], &again["next_payment_attempt"]),
        (&json!(2), &json!(START + 8 * DAY)),
        "five days after the second"
    );
    default_method(&local, &customer, "pm_card_visa").await;
    local.stripe.advance(SignedDuration::from_secs(5 * DAY));
    let paid = read(&local, &invoice).await;
    assert_eq!(
        (&paid["status"], &paid["attempt_count"], &paid["next_payment_attempt"]),
        (&json!("paid"), &json!(3), &Value::Null)
    );
}

#[tokio::test]
async fn attempts_end_after_the_fourth_and_with_auto_advance() {
    let local = Local::start().await;
    let customer = local.customer().await;
    default_method(&local, &customer, "pm_card_chargeCustomerFail").await;
    let (first, second) = (collected(&local, &customer).await, collected(&local, &customer).await);
    for invoice in [&first, &second] {
        local.post(&format!("/v1/invoices/{invoice}/finalize"), "auto_advance=true").await.ok();
    }
    local.post(&format!("/v1/invoices/{second}"), "auto_advance=false").await.ok();
    local.stripe.advance(SignedDuration::from_secs(100 * DAY));
    let given_up = read(&local, &first).await;
    assert_eq!(
        (&given_up["status"], &given_up["attempt_count"], &given_up["next_payment_attempt"]),
        (&json!("open"), &json!(4), &Value::Null)
    );
    assert_eq!(read(&local, &second).await["attempt_count"], 1);
}

#[tokio::test]
async fn declines_name_their_code_and_leave_the_invoice_as_it_was() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let invoice = open(&local, &customer).await;
    let path = format!("/v1/invoices/{invoice}/pay");
    for (token, code, decline) in [
        ("pm_card_visa_chargeDeclined", "card_declined", Some("generic_decline")),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", Some("insufficient_funds")),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
    ] {
        let declined = local.post(&path, &format!("payment_method={token}")).await;
        let error = &declined.body["error"];
        assert_eq!((declined.status, error["type"].as_str()), (402, Some("card_error")), "{token}");
        assert_eq!((error["code"].as_str(), error["decline_code"].as_str()), (Some(code), decline), "{token}");
        let intent = payment(&local, &invoice).await.1;
        assert_eq!(intent["last_payment_error"]["code"], code);
        assert_eq!(intent["status"], "requires_payment_method");
    }
    let asked = local.post(&path, "payment_method=pm_card_authenticationRequired").await;
    assert_eq!(asked.refusal(), (402, Some("invoice_payment_intent_requires_action"), None));
    assert_eq!(payment(&local, &invoice).await.1["status"], "requires_action");
    let left = read(&local, &invoice).await;
    assert_eq!((&left["status"], &left["attempt_count"]), (&json!("open"), &json!(4)));
    assert!(kinds(&local, 0).await.contains(&"invoice.payment_action_required".to_owned()));
    local.post(&path, "payment_method=pm_card_visa").await.ok();
    assert_eq!(payment(&local, &invoice).await.1["last_payment_error"], Value::Null);
}

#[tokio::test]
async fn a_debit_is_processing_until_the_bank_answers() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let invoice = open(&local, &customer).await;
    let path = format!("/v1/invoices/{invoice}");
    let asked = local.post(&format!("{path}/pay"), "payment_method=pm_failedDelayed_de").await.ok();
    assert_eq!((&asked["status"], &asked["attempted"]), (&json!("open"), &json!(true)));
    assert_eq!(payment(&local, &invoice).await.1["status"], "processing");
    for (step, form) in [("pay", ""), ("pay", "paid_out_of_band=true"), ("void", ""), ("mark_uncollectible", "")] {
        let refused = local.post(&format!("{path}/{step}"), form).await;
        assert_eq!(refused.refusal().1, Some("payment_intent_unexpected_state"), "{step} {form}");
    }
    local.stripe.advance(SignedDuration::from_secs(179));
    assert_eq!(payment(&local, &invoice).await.1["status"], "processing");
    local.stripe.advance(SignedDuration::from_secs(1));
    assert_eq!(payment(&local, &invoice).await.1["status"], "requires_payment_method");
    let failed = read(&local, &invoice).await;
    assert_eq!((&failed["status"], &failed["next_payment_attempt"]), (&json!("open"), &Value::Null));
    // Failed, then processing again, then paid.
    let from = kinds(&local, 0).await.len();
    local.post(&format!("{path}/pay"), "payment_method=pm_usBankAccount_success").await.ok();
    local.stripe.advance(SignedDuration::from_hours(1));
    assert_eq!(read(&local, &invoice).await["status"], "paid");
    let expected = [
        "charge.pending",
        "payment_intent.processing",
        "invoice.updated",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice_payment.paid",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
    ];
    assert_eq!(kinds(&local, from).await, expected);
    let for_ever = open(&local, &customer).await;
    local.post(&format!("/v1/invoices/{for_ever}/pay"), "payment_method=pm_usBankAccount_processing").await.ok();
    local.stripe.advance(SignedDuration::from_hours(24 * 60));
    assert_eq!(payment(&local, &for_ever).await.1["status"], "processing");
}

#[tokio::test]
async fn a_debit_settles_by_the_test_clock_of_its_customer() {
    let local = Local::start().await;
    let clock = id(&local.post("/v1/test_helpers/test_clocks", &format!("frozen_time={START}")).await.ok());
    let customer = id(&local.post("/v1/customers", &format!("test_clock={clock}")).await.ok());
    default_method(&local, &customer, "pm_success_at").await;
    let invoice = collected(&local, &customer).await;
    local.post(&format!("/v1/invoices/{invoice}"), "auto_advance=true").await.ok();
    local.stripe.advance(SignedDuration::from_hours(5));
    assert_eq!(read(&local, &invoice).await["status"], "draft", "the account's own clock is another one");
    let path = format!("/v1/test_helpers/test_clocks/{clock}/advance");
    local.post(&path, &format!("frozen_time={}", START + 3600)).await.ok();
    assert_eq!(payment(&local, &invoice).await.1["status"], "processing");
    local.post(&path, &format!("frozen_time={}", START + DAY)).await.ok();
    let paid = read(&local, &invoice).await;
    assert_eq!((&paid["status"], &paid["status_transitions"]["paid_at"]), (&json!("paid"), &json!(START + 3660)));
}

#[tokio::test]
async fn what_is_not_paid_by_stripe_leaves_a_cancelled_payment() {
    let local = Local::start().await;
    let customer = local.customer().await;
    for (step, form, reason) in [("pay", "paid_out_of_band=true", "automatic"), ("void", "", "void_invoice")] {
        let invoice = open(&local, &customer).await;
        let done = local.post(&format!("/v1/invoices/{invoice}/{step}"), form).await.ok();
        let off_stripe = if step == "pay" { 5000 } else { 0 };
        assert_eq!(done["amount_paid_off_stripe"], off_stripe);
        let (payment, intent) = payment(&local, &invoice).await;
        assert_eq!(
            (&payment["status"], &intent["status"], &intent["cancellation_reason"]),
            (&json!("canceled"), &json!("canceled"), &json!(reason))
        );
    }
    // Nothing to pay: there is no payment at all.
    let nothing = local.draft(&customer).await;
    local.item(&customer, &nothing, 49).await;
    local.post(&format!("/v1/invoices/{nothing}/finalize"), "").await.ok();
    let none = local.get(&format!("/v1/invoice_payments?invoice={nothing}")).await.ok();
    assert!(ids(&none).is_empty());
}

#[tokio::test]
async fn methods_are_attached_listed_and_detached() {
    let local = Local::start().await;
    let (customer, other) = (local.customer().await, local.customer().await);
    let method = default_method(&local, &customer, "pm_card_visa").await;
    let debit = default_method(&local, &customer, "pm_success_de").await;
    assert_ne!(method, "pm_card_visa", "every use makes one of its own");
    let listed = ids(&local.get(&format!("/v1/customers/{customer}/payment_methods")).await.ok());
    assert_eq!(listed, [debit.clone(), method.clone()]);
    let cards = local.get(&format!("/v1/payment_methods?customer={customer}&type=card")).await.ok();
    assert_eq!((ids(&cards), &cards["data"][0]["card"]["last4"]), (vec![method.clone()], &json!("4242")));
    let declined =
        local.post("/v1/payment_methods/pm_card_chargeDeclined/attach", &format!("customer={customer}")).await;
    assert_eq!(declined.refusal(), (402, Some("card_declined"), None));
    let taken = local.post(&format!("/v1/payment_methods/{method}/attach"), &format!("customer={other}")).await;
    assert_eq!(taken.refusal().0, 400);
    let foreign = format!("invoice_settings[default_payment_method]={method}");
    let foreign = local.post(&format!("/v1/customers/{other}"), &foreign).await;
    assert_eq!(foreign.refusal().2, Some("invoice_settings[default_payment_method]"));
    let invoice = open(&local, &other).await;
    let foreign = local.post(&format!("/v1/invoices/{invoice}/pay"), &format!("payment_method={method}")).await;
    assert_eq!(foreign.refusal(), (400, Some("resource_missing"), Some("payment_method")));
    local.post(&format!("/v1/payment_methods/{debit}/detach"), "").await.ok();
    let left = local.get(&format!("/v1/customers/{customer}")).await.ok();
    assert_eq!(left["invoice_settings"]["default_payment_method"], Value::Null);
    let again = local.post(&format!("/v1/payment_methods/{debit}/attach"), &format!("customer={customer}")).await;
    assert_eq!(again.refusal().0, 400, "detached for good");
    assert_eq!(local.get("/v1/payment_methods/pm_none").await.refusal().0, 404);
    // The invoice's own method goes before its customer's.
    let own = format!("customer={customer}&currency=usd&default_payment_method={method}");
    let own = local.post("/v1/invoices", &own).await.ok();
    assert_eq!(own["default_payment_method"], method);
    local.item(&customer, &id(&own), 5000).await;
    local.post(&format!("/v1/invoices/{}/finalize", id(&own)), "auto_advance=true").await.ok();
    let used = payment(&local, &id(&own)).await.1;
    assert_eq!((&used["status"], &used["payment_method"]), (&json!("succeeded"), &json!(method)));
}

#[tokio::test]
async fn answers_about_payments_have_the_published_shape() {
    let (local, published) = (Local::start().await, Published::read());
    let customer = local.customer().await;
    for token in ["pm_card_visa", "pm_usBankAccount_success", "pm_success_de"] {
        let form = format!("customer={customer}");
        let method = local.post(&format!("/v1/payment_methods/{token}/attach"), &form).await.ok();
        published.check("POST /v1/payment_methods/{payment_method}/attach", &method);
    }
    let invoice = open(&local, &customer).await;
    for token in ["pm_card_visa_chargeDeclined", "pm_card_authenticationRequired", "pm_card_visa"] {
        local.post(&format!("/v1/invoices/{invoice}/pay"), &format!("payment_method={token}")).await;
        let page = local.get("/v1/payment_intents").await.ok();
        published.check("GET /v1/payment_intents", &page);
        published
            .check("GET /v1/invoice_payments", &local.get("/v1/invoice_payments?expand[]=data.invoice").await.ok());
    }
    let intent = id(&payment(&local, &invoice).await.1);
    let expanded = "expand[]=payments.data.payment.payment_intent&expand[]=confirmation_secret";
    let whole = local.get(&format!("/v1/invoices/{invoice}?{expanded}")).await.ok();
    published.check("GET /v1/invoices/{invoice}", &whole);
    assert_eq!(whole["payments"]["data"][0]["payment"]["payment_intent"]["id"], intent);
    assert!(whole["confirmation_secret"]["client_secret"].as_str().unwrap().starts_with(&intent));
    assert!(read(&local, &invoice).await.get("payments").is_none(), "only when asked for");
    let refund = local.post("/v1/refunds", &format!("payment_intent={intent}&amount=1")).await.ok();
    published.check("POST /v1/refunds", &refund);
    published.check("POST /v1/customers", &local.get(&format!("/v1/customers/{customer}")).await.ok());
}

#[tokio::test]
async fn an_open_invoice_becomes_overdue_and_a_paid_one_does_not() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let mut sent = Vec::new();
    for _ in 0..2 {
        let form = format!("customer={customer}&currency=usd&collection_method=send_invoice&days_until_due=14");
        let invoice = id(&local.post("/v1/invoices", &form).await.ok());
        local.item(&customer, &invoice, 5000).await;
        local.post(&format!("/v1/invoices/{invoice}/send"), "").await.ok();
        sent.push(invoice);
    }
    local.post(&format!("/v1/invoices/{}/pay", sent[0]), "paid_out_of_band=true").await.ok();
    local.stripe.advance(SignedDuration::from_secs(15 * DAY));
    let overdue = local.get("/v1/events?type=invoice.overdue").await.ok();
    assert_eq!(ids(&overdue).len(), 1);
    assert_eq!(overdue["data"][0]["data"]["object"]["id"], sent[1]);
    assert_eq!(overdue["data"][0]["created"], START + 14 * DAY);
}

#[tokio::test]
async fn a_draft_that_is_paid_is_finalised_first() {
    let local = Local::start().await;
    let customer = local.customer().await;
    for form in ["payment_method=pm_card_visa", "paid_out_of_band=true"] {
        let invoice = local.draft(&customer).await;
        local.item(&customer, &invoice, 5000).await;
        let path = format!("/v1/invoices/{invoice}/pay");
        assert_eq!(local.post(&path, "").await.refusal().1, Some("resource_missing"));
        assert_eq!(read(&local, &invoice).await["status"], "draft", "without a method nothing happens");
        let paid = local.post(&path, form).await.ok();
        assert_eq!((&paid["status"], &paid["amount_paid"]), (&json!("paid"), &json!(5000)), "{form}");
        assert!(paid["number"].is_string());
    }
    let nothing = local.draft(&customer).await;
    let paid = local.post(&format!("/v1/invoices/{nothing}/pay"), "payment_method=pm_card_visa").await.ok();
    assert_eq!((&paid["status"], &paid["amount_paid"]), (&json!("paid"), &json!(0)));
}
