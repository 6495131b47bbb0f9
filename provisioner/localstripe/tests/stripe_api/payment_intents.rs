//! Payment intents that requests make, and invoices that are paid in parts, by others, or too much.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::answers::Published;
use crate::payments::{kinds, open, payment, read};
use crate::{Local, START, id, ids};

#[tokio::test]
async fn an_intent_pays_at_once_when_it_is_confirmed() {
    let (local, published) = (Local::start().await, Published::read());
    let customer = local.customer().await;
    let form = format!("amount=2000&currency=eur&customer={customer}&payment_method=pm_card_visa&metadata[k]=v");
    let made = local.post("/v1/payment_intents", &form).await.ok();
    published.check("POST /v1/payment_intents", &made);
    assert_eq!((&made["status"], &made["amount_received"]), (&json!("requires_confirmation"), &json!(0)));
    let path = format!("/v1/payment_intents/{}", id(&made));
    let changed = local.post(&path, "amount=2500&description=d&setup_future_usage=off_session").await.ok();
    assert_eq!(changed["amount"], 2500);
    let from = kinds(&local, 0).await.len();
    let paid = local.post(&format!("{path}/confirm"), "expand[]=latest_charge").await.ok();
    published.check("POST /v1/payment_intents/{intent}/confirm", &paid);
    assert_eq!((&paid["status"], &paid["amount_received"]), (&json!("succeeded"), &json!(2500)));
    let charge = &paid["latest_charge"];
    assert_eq!(
        (
            &charge["amount"],
            &charge["paid"],
            &charge["payment_method_details"]["card"]["last4"],
            &charge["metadata"]["k"]
        ),
        (&json!(2500), &json!(true), &json!("4242"), &json!("v"))
    );
    let expected = ["charge.succeeded", "payment_intent.succeeded", "payment_method.attached"];
    assert_eq!(kinds(&local, from).await, expected, "kept for later, as it was asked");
    for step in ["confirm", "cancel"] {
        let over = local.post(&format!("{path}/{step}"), "").await;
        assert_eq!(over.refusal().1, Some("payment_intent_unexpected_state"), "{step}");
        assert_eq!(over.body["error"]["payment_intent"]["id"], id(&made));
    }
    let listed = local.get(&format!("/v1/charges?payment_intent={}", id(&made))).await.ok();
    published.check("GET /v1/charges", &listed);
    assert_eq!(ids(&listed).len(), 1);
    let noted = local.post(&format!("/v1/charges/{}", id(charge)), "metadata[seen]=1").await.ok();
    assert_eq!(noted["metadata"], json!({"k": "v", "seen": "1"}));
    assert_eq!(kinds(&local, 0).await.pop().unwrap(), "charge.updated");
}

#[tokio::test]
async fn an_intent_is_declined_waits_or_is_cancelled() {
    let local = Local::start().await;
    let form = "amount=2000&currency=usd&confirm=true&payment_method=";
    let declined =
        local.post("/v1/payment_intents", &format!("{form}pm_card_visa_chargeDeclinedInsufficientFunds")).await;
    assert_eq!(declined.refusal(), (402, Some("card_declined"), None));
    let shown = &declined.body["error"]["payment_intent"];
    assert_eq!(
        (&shown["status"], &shown["last_payment_error"]["decline_code"]),
        (&json!("requires_payment_method"), &json!("insufficient_funds"))
    );
    assert_eq!(kinds(&local, 0).await, ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]);
    for (token, passed, status) in [
        ("pm_card_authenticationRequired", true, "succeeded"),
        ("pm_card_authenticationRequired", false, "requires_payment_method"),
        ("pm_card_threeDSecureRequiredChargeDeclined", true, "requires_payment_method"),
    ] {
        let waits = local.post("/v1/payment_intents", &format!("{form}{token}")).await.ok();
        assert_eq!((&waits["status"], &waits["latest_charge"]), (&json!("requires_action"), &Value::Null));
        local.stripe.authenticate(&id(&waits), passed).unwrap();
        let over = local.get(&format!("/v1/payment_intents/{}", id(&waits))).await.ok();
        assert_eq!((&over["status"], &over["next_action"]), (&json!(status), &Value::Null), "{token}");
    }
    let made = id(&local.post("/v1/payment_intents", "amount=2000&currency=usd").await.ok());
    let path = format!("/v1/payment_intents/{made}/cancel");
    let ended = local.post(&path, "cancellation_reason=requested_by_customer").await.ok();
    assert_eq!((&ended["status"], &ended["canceled_at"]), (&json!("canceled"), &json!(START)));
    let unsaid = id(&local.post("/v1/payment_intents", "amount=2000&currency=usd").await.ok());
    let ended = local.post(&format!("/v1/payment_intents/{unsaid}/cancel"), "").await.ok();
    assert_eq!(ended["cancellation_reason"], Value::Null);
    for (form, param) in [
        ("currency=usd", "amount"),
        ("amount=0&currency=usd", "amount"),
        ("amount=49&currency=usd", "amount"),
        ("amount=50&currency=xxq", "currency"),
        ("amount=50&currency=usd&customer=cus_none", "customer"),
    ] {
        assert_eq!(local.post("/v1/payment_intents", form).await.refusal().2, Some(param), "{form}");
    }
}

#[tokio::test]
async fn a_debit_needs_a_mandate_and_takes_its_time() {
    let local = Local::start().await;
    let form = "amount=1000&currency=eur&confirm=true&payment_method=pm_successDelayed_at";
    assert_eq!(local.post("/v1/payment_intents", form).await.refusal().2, Some("mandate_data"));
    let accepted =
        "mandate_data[customer_acceptance][type]=offline&mandate_data[customer_acceptance][accepted_at]=1590590577";
    let asked = local.post("/v1/payment_intents", &format!("{form}&{accepted}")).await.ok();
    assert_eq!(asked["status"], "processing");
    let path = format!("/v1/payment_intents/{}", id(&asked));
    assert_eq!(local.post(&format!("{path}/cancel"), "").await.refusal().1, Some("payment_intent_unexpected_state"));
    local.stripe.advance(SignedDuration::from_mins(3));
    assert_eq!(local.get(&path).await.ok()["status"], "succeeded");
}

#[tokio::test]
async fn an_invoice_is_paid_in_parts_by_attached_payments() {
    let (local, published) = (Local::start().await, Published::read());
    let customer = local.customer().await;
    let invoice = open(&local, &customer).await;
    let form = format!("amount=2000&currency=usd&customer={customer}&payment_method=pm_card_visa");
    let intent = id(&local.post("/v1/payment_intents", &form).await.ok());
    let path = format!("/v1/invoices/{invoice}");
    let changes = local.stripe.changes_of(&customer);
    let attached = local.post(&format!("{path}/attach_payment"), &format!("payment_intent={intent}")).await.ok();
    assert!(local.stripe.changes_of(&customer) > changes, "what is kept of the invoice's payments is stale");
    assert_eq!((&attached["status"], &attached["amount_paid"]), (&json!("open"), &json!(0)));
    let again = local.post(&format!("{path}/attach_payment"), &format!("payment_intent={intent}")).await;
    assert_eq!(again.refusal().2, Some("payment_intent"));
    let from = kinds(&local, 0).await.len();
    local.post(&format!("/v1/payment_intents/{intent}/confirm"), "").await.ok();
    let expected = ["charge.succeeded", "payment_intent.succeeded", "invoice_payment.paid", "invoice.updated"];
    assert_eq!(kinds(&local, from).await, expected);
    let part = read(&local, &invoice).await;
    assert_eq!(
        (&part["status"], &part["amount_paid"], &part["amount_remaining"], &part["attempt_count"]),
        (&json!("open"), &json!(2000), &json!(3000), &json!(0))
    );
    let page = local.get(&format!("/v1/invoice_payments?invoice={invoice}")).await.ok();
    published.check("GET /v1/invoice_payments", &page);
    let rows = page["data"].as_array().unwrap();
    assert_eq!(
        (&rows[0]["is_default"], &rows[0]["amount_paid"], &rows[1]["is_default"], &rows[1]["amount_requested"]),
        (&json!(false), &json!(2000), &json!(true), &json!(3000)),
        "the default payment is over what is left"
    );
    let of_intent = format!("/v1/invoice_payments?payment[type]=payment_intent&payment[payment_intent]={intent}");
    assert_eq!(ids(&local.get(&of_intent).await.ok()), [id(&rows[0])]);
    let paid = local.post(&format!("{path}/pay"), "payment_method=pm_card_visa&expand[]=payments").await.ok();
    published.check("POST /v1/invoices/{invoice}/pay", &paid);
    assert_eq!(
        (&paid["status"], &paid["amount_paid"], &paid["amount_overpaid"]),
        (&json!("paid"), &json!(5000), &json!(0))
    );
    assert_eq!(paid["payments"]["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn too_much_goes_to_the_customers_balance() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let invoice = open(&local, &customer).await;
    local.stripe.pay_amount(&invoice, 1500).unwrap();
    let from = kinds(&local, 0).await.len();
    local.stripe.pay_amount(&invoice, 4000).unwrap();
    let expected = [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice_payment.paid",
        "customer.updated",
        "payment_intent.canceled",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice.overpaid",
    ];
    assert_eq!(kinds(&local, from).await, expected);
    let paid = read(&local, &invoice).await;
    assert_eq!(
        (&paid["status"], &paid["amount_paid"], &paid["amount_remaining"], &paid["amount_overpaid"]),
        (&json!("paid"), &json!(5000), &json!(0), &json!(500))
    );
    assert_eq!(local.get(&format!("/v1/customers/{customer}")).await.ok()["balance"], -500);
    let moved = local.get(&format!("/v1/customers/{customer}/balance_transactions?invoice={invoice}")).await.ok();
    assert_eq!((&moved["data"][0]["type"], &moved["data"][0]["amount"]), (&json!("invoice_overpaid"), &json!(-500)));
    let open_again = open(&local, &customer).await;
    assert_eq!(read(&local, &open_again).await["amount_due"], 4500, "the credit pays the next invoice");
    // An invoice that is over takes no further payment.
    assert!(local.stripe.pay_amount(&invoice, 100).is_err());
}

#[tokio::test]
async fn a_part_outside_stripe_and_a_payment_that_succeeded_before_are_credited() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let invoice = open(&local, &customer).await;
    let form = format!("amount=1000&currency=usd&customer={customer}&payment_method=pm_card_visa&confirm=true");
    let intent = id(&local.post("/v1/payment_intents", &form).await.ok());
    let path = format!("/v1/invoices/{invoice}");
    let part = local.post(&format!("{path}/attach_payment"), &format!("payment_intent={intent}")).await.ok();
    assert_eq!((&part["amount_paid"], &part["amount_remaining"]), (&json!(1000), &json!(4000)));
    local.stripe.pay_out_of_band(&invoice).unwrap();
    let paid = read(&local, &invoice).await;
    assert_eq!(
        (&paid["status"], &paid["amount_paid"], &paid["amount_paid_off_stripe"]),
        (&json!("paid"), &json!(5000), &json!(4000))
    );
    let other = local.customer().await;
    let foreign = open(&local, &other).await;
    let intent = id(&local.post("/v1/payment_intents", &form).await.ok());
    for (invoice, form) in
        [(&foreign, format!("payment_intent={intent}")), (&foreign, "payment_intent=pi_none".to_owned())]
    {
        let refused = local.post(&format!("/v1/invoices/{invoice}/attach_payment"), &form).await;
        assert_eq!(refused.refusal().2, Some("payment_intent"));
    }
    assert_eq!(
        local.post(&format!("{path}/attach_payment"), &format!("payment_intent={intent}")).await.refusal().0,
        400
    );
}

#[tokio::test]
async fn the_intent_of_an_invoice_is_confirmed_and_not_cancelled() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let invoice = open(&local, &customer).await;
    let path = format!("/v1/payment_intents/{}", id(&payment(&local, &invoice).await.1));
    for (step, form) in [("/cancel", ""), ("", "amount=1000")] {
        let refused = local.post(&format!("{path}{step}"), form).await;
        assert_eq!(refused.refusal().1, Some("payment_intent_unexpected_state"), "{step}");
    }
    let asked = local.post(&format!("{path}/confirm"), "payment_method=pm_card_authenticationRequired").await;
    assert_eq!(asked.status, 402);
    local.stripe.authenticate(path.rsplit('/').next().unwrap(), true).unwrap();
    let paid = read(&local, &invoice).await;
    assert_eq!((&paid["status"], &paid["amount_paid"]), (&json!("paid"), &json!(5000)));
}

#[tokio::test]
async fn the_balance_is_moved_by_charges_refunds_and_disputes() {
    let (local, published) = (Local::start().await, Published::read());
    let form = "amount=10000&currency=usd&confirm=true&payment_method=pm_card_visa";
    let paid = local.post("/v1/payment_intents", form).await.ok();
    let charge = paid["latest_charge"].as_str().unwrap().to_owned();
    let moved = local.get(&format!("/v1/balance_transactions?source={charge}")).await.ok();
    published.check("GET /v1/balance_transactions", &moved);
    let row = &moved["data"][0];
    assert_eq!(
        (&row["amount"], &row["fee"], &row["net"], &row["status"]),
        (&json!(10000), &json!(320), &json!(9680), &json!("pending"))
    );
    let balance = local.get("/v1/balance").await.ok();
    published.check("GET /v1/balance", &balance);
    assert_eq!((&balance["pending"][0]["amount"], &balance["available"][0]["amount"]), (&json!(9680), &json!(0)));
    local.stripe.advance(SignedDuration::from_hours(48));
    assert_eq!(local.get("/v1/balance").await.ok()["available"][0]["amount"], 9680);
    local.post("/v1/refunds", &format!("charge={charge}&amount=1000")).await.ok();
    let second = local.post("/v1/payment_intents", form).await.ok();
    let dispute = local.stripe.open_dispute(&id(&second), "fraudulent").unwrap();
    local.stripe.close_dispute(&dispute, true).unwrap();
    let page = local.get("/v1/balance_transactions?limit=3").await.ok();
    let kinds: Vec<_> = page["data"].as_array().unwrap().iter().map(|row| (&row["type"], &row["amount"])).collect();
    assert_eq!(
        kinds,
        [
            (&json!("adjustment"), &json!(10000)),
            (&json!("adjustment"), &json!(-10000)),
            (&json!("charge"), &json!(10000))
        ]
    );
    let after = format!("/v1/balance_transactions?starting_after={}", ids(&page)[2]);
    let rest = local.get(&after).await.ok();
    assert_eq!((&rest["data"][0]["type"], ids(&rest).len()), (&json!("refund"), 2));
    let one = local.get(&format!("/v1/balance_transactions/{}", ids(&rest)[0])).await.ok();
    assert_eq!(one["amount"], -1000);
    let won = local.get(&format!("/v1/disputes/{dispute}")).await.ok();
    published.check("GET /v1/disputes/{dispute}", &won);
    assert_eq!((&won["status"], won["balance_transactions"].as_array().unwrap().len()), (&json!("won"), 2));
}

#[tokio::test]
async fn money_that_is_held_is_taken_when_it_is_captured() {
    let local = Local::start().await;
    let form = "amount=2000&currency=usd&confirm=true&capture_method=manual&payment_method=";
    let held = local.post("/v1/payment_intents", &format!("{form}pm_card_visa")).await.ok();
    assert_eq!(
        (&held["status"], &held["amount_capturable"], &held["amount_received"]),
        (&json!("requires_capture"), &json!(2000), &json!(0))
    );
    let charge = format!("/v1/charges/{}", held["latest_charge"].as_str().unwrap());
    assert_eq!(local.get(&charge).await.ok()["captured"], false);
    assert!(ids(&local.get("/v1/balance_transactions").await.ok()).is_empty(), "nothing has come in");
    let path = format!("/v1/payment_intents/{}", id(&held));
    assert_eq!(local.post(&format!("{path}/confirm"), "").await.refusal().1, Some("payment_intent_unexpected_state"));
    let part = local.post(&format!("{path}/capture"), "amount_to_capture=1000").await;
    assert_eq!(part.refusal().2, Some("amount_to_capture"));
    let from = kinds(&local, 0).await.len();
    let taken = local.post(&format!("{path}/capture"), "").await.ok();
    Published::read().check("POST /v1/payment_intents/{intent}/capture", &taken);
    assert_eq!(
        (&taken["status"], &taken["amount_capturable"], &taken["amount_received"]),
        (&json!("succeeded"), &json!(0), &json!(2000))
    );
    assert_eq!(kinds(&local, from).await, ["charge.captured", "payment_intent.succeeded"]);
    assert_eq!(local.get(&charge).await.ok()["amount_captured"], 2000);
    assert_eq!(local.post(&format!("{path}/capture"), "").await.refusal().1, Some("payment_intent_unexpected_state"));
    // A card that asks for its customer first.
    let waits = local.post("/v1/payment_intents", &format!("{form}pm_card_authenticationRequired")).await.ok();
    local.stripe.authenticate(&id(&waits), true).unwrap();
    let over = local.get(&format!("/v1/payment_intents/{}", id(&waits))).await.ok();
    assert_eq!(over["status"], "requires_capture");
}
