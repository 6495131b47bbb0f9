//! Events: which are born by what, in which order, with what they hold.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{Local, START, id, ids};

/// The types of the events since the start, oldest first.
async fn kinds(local: &Local) -> Vec<String> {
    all(local).await.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

/// Every event, oldest first.
async fn all(local: &Local) -> Vec<Value> {
    let mut events = Vec::new();
    let mut after = String::new();
    loop {
        let page = local.get(&format!("/v1/events?limit=100{after}")).await.ok();
        events.extend(page["data"].as_array().unwrap().iter().cloned());
        if page["has_more"] == false {
            events.reverse();
            return events;
        }
        after = format!("&starting_after={}", ids(&page).pop().unwrap());
    }
}

/// What `steps` add to the log.
async fn born(local: &Local, path: &str, form: &str) -> Vec<String> {
    let before = all(local).await.len();
    local.post(path, form).await;
    kinds(local).await.split_off(before)
}

#[tokio::test]
async fn a_sent_invoice_tells_its_whole_way() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let form = format!("customer={customer}&currency=usd&collection_method=send_invoice&days_until_due=14");
    let invoice = id(&local.post("/v1/invoices", &form).await.ok());
    let path = format!("/v1/invoices/{invoice}");
    let lines = "lines[0][amount]=4000&lines[1][amount]=1000&invoice_metadata[billform_state]=complete";
    assert_eq!(kinds(&local).await, ["customer.created", "invoice.created"]);
    assert_eq!(
        born(&local, &format!("{path}/add_lines"), lines).await,
        ["customer.updated", "invoiceitem.created", "invoiceitem.created", "invoice.updated"]
    );
    assert_eq!(
        born(&local, &format!("{path}/finalize"), "").await,
        ["customer.updated", "invoice.finalized", "payment_intent.created", "invoice.updated"]
    );
    assert_eq!(born(&local, &format!("{path}/send"), "").await, ["invoice.sent"]);
    assert_eq!(
        born(&local, &format!("{path}/pay"), "payment_method=pm_card_chargeDeclined").await,
        ["charge.failed", "payment_intent.payment_failed", "invoice.updated", "invoice.payment_failed"]
    );
    assert_eq!(
        born(&local, &format!("{path}/mark_uncollectible"), "").await,
        ["invoice.marked_uncollectible", "invoice.updated"]
    );
    assert_eq!(
        born(&local, &format!("{path}/pay"), "payment_method=pm_card_visa").await,
        [
            "charge.succeeded",
            "payment_intent.succeeded",
            "invoice_payment.paid",
            "invoice.updated",
            "invoice.paid",
            "invoice.payment_succeeded"
        ]
    );
    assert!(born(&local, &format!("{path}/void"), "").await.is_empty(), "a refusal is no event");
    let paid = local.get("/v1/events?type=invoice.paid").await.ok();
    let object = &paid["data"][0]["data"]["object"];
    assert_eq!(
        (&object["status"], &object["amount_paid"], &object["id"]),
        (&json!("paid"), &json!(5000), &json!(invoice))
    );
    assert_eq!(object["metadata"]["billform_state"], "complete");
    assert_eq!(object["lines"]["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn out_of_band_is_paid_but_no_payment_and_nothing_due_is_paid_at_once() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let invoice = local.draft(&customer).await;
    local.item(&customer, &invoice, 100).await;
    let path = format!("/v1/invoices/{invoice}");
    local.post(&format!("{path}/finalize"), "").await.ok();
    assert_eq!(
        born(&local, &format!("{path}/pay"), "paid_out_of_band=true").await,
        ["payment_intent.canceled", "invoice.updated", "invoice.paid"]
    );
    let nothing = local.draft(&customer).await;
    assert_eq!(
        born(&local, &format!("/v1/invoices/{nothing}/finalize"), "").await,
        ["customer.updated", "invoice.finalized", "invoice.updated", "invoice.paid", "invoice.payment_succeeded"]
    );
}

#[tokio::test]
async fn every_object_tells_of_its_changes() {
    let local = Local::start().await;
    let price = "currency=usd&unit_amount=5&product_data[name]=P&lookup_key=k";
    assert_eq!(born(&local, "/v1/prices", price).await, ["product.created", "price.created"]);
    let moved = "currency=usd&unit_amount=6&product_data[name]=Q&lookup_key=k&transfer_lookup_key=true";
    let order = born(&local, "/v1/prices", moved).await;
    assert_eq!(order, ["price.updated", "product.created", "price.created"]);
    let form = "name=R&id=r&default_price_data[currency]=usd&default_price_data[unit_amount]=1";
    assert_eq!(born(&local, "/v1/products", form).await, ["product.created", "price.created"]);
    assert_eq!(born(&local, "/v1/products/r", "description=d").await, ["product.updated"]);
    assert!(born(&local, "/v1/products/r", "description=d").await.is_empty(), "nothing changed");
    let customer = local.customer().await;
    let path = format!("/v1/customers/{customer}");
    assert_eq!(born(&local, &path, "name=Other&metadata[a]=1").await, ["customer.updated"]);
    let updated = all(&local).await.pop().unwrap();
    assert_eq!(updated["data"]["previous_attributes"], json!({"name": "ACME", "metadata": {"a": null}}));
    assert_eq!(updated["data"]["object"]["name"], "Other");
    // A draft that is deleted takes its items along; a deleted customer its pending ones.
    let invoice = local.draft(&customer).await;
    local.item(&customer, &invoice, 100).await;
    local.post("/v1/invoiceitems", &format!("customer={customer}&amount=1&currency=usd")).await.ok();
    let before = all(&local).await.len();
    local.delete(&format!("/v1/invoices/{invoice}")).await.ok();
    local.delete(&path).await.ok();
    local.post("/v1/products", "name=S&id=s").await.ok();
    local.delete("/v1/products/s").await.ok();
    let expected = [
        "invoiceitem.deleted",
        "invoice.deleted",
        "invoiceitem.deleted",
        "customer.deleted",
        "product.created",
        "product.deleted",
    ];
    assert_eq!(kinds(&local).await.split_off(before), expected);
}

#[tokio::test]
async fn an_event_names_the_request_and_a_replay_makes_none() {
    let local = Local::start().await;
    let first = local.keyed("key-1", "/v1/customers", "name=N").await;
    let again = local.keyed("key-1", "/v1/customers", "name=N").await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let events = all(&local).await;
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!(event["request"], json!({"id": first.header("request-id").unwrap(), "idempotency_key": "key-1"}));
    assert_eq!((&event["created"], &event["api_version"]), (&json!(START), &json!("2026-09-30.endive")));
    assert_eq!((&event["livemode"], &event["pending_webhooks"]), (&json!(false), &json!(0)));
    assert_eq!(event["data"]["object"], first.body);
    assert!(event["data"].get("previous_attributes").is_none());
    // What the clock does, no request did.
    let customer = local.customer().await;
    let invoice = local.draft(&customer).await;
    local.item(&customer, &invoice, 100).await;
    local.post(&format!("/v1/invoices/{invoice}"), "auto_advance=true").await.ok();
    local.stripe.advance(SignedDuration::from_hours(2));
    let finalized = local.get("/v1/events?type=invoice.finalized").await.ok();
    assert_eq!(finalized["data"][0]["request"], json!({"id": null, "idempotency_key": null}));
    assert_eq!(finalized["data"][0]["created"], START + 3600, "when it fell due, not when the clock stopped");
    let failed = local.get("/v1/events?type=invoice.payment_failed").await.ok();
    assert_eq!(ids(&failed).len(), 1, "there is no payment method on file");
}

#[tokio::test]
async fn a_draft_that_cannot_finalise_itself_says_why() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let invoice =
        id(&local.post("/v1/invoices", &format!("customer={customer}&currency=usd&auto_advance=true")).await.ok());
    local.delete(&format!("/v1/customers/{customer}")).await.ok();
    local.stripe.advance(SignedDuration::from_hours(1));
    assert_eq!(kinds(&local).await.pop().unwrap(), "invoice.finalization_failed");
    let draft = local.get(&format!("/v1/invoices/{invoice}")).await.ok();
    assert_eq!((&draft["status"], &draft["automatically_finalizes_at"]), (&json!("draft"), &Value::Null));
    assert!(draft["last_finalization_error"]["message"].as_str().unwrap().contains("customer"));
}

#[tokio::test]
async fn events_are_listed_by_type_time_and_age() {
    let local = Local::start().await;
    let customer = local.customer().await;
    local.stripe.advance(SignedDuration::from_secs(10));
    local.draft(&customer).await;
    let reader = &local;
    let list = |query: &'static str| async move { ids(&reader.get(&format!("/v1/events?{query}")).await.ok()).len() };
    assert_eq!(list("").await, 2);
    assert_eq!(list("type=customer.created").await, 1);
    assert_eq!(list("type=invoice.*").await, 1);
    assert_eq!(list("types[]=customer.created&types[]=invoice.created").await, 2);
    assert_eq!(list("types[]=customer.deleted").await, 0);
    assert_eq!(list(&*format!("created[gt]={START}").leak()).await, 1);
    let both = local.get("/v1/events?type=invoice.created&types[]=invoice.paid").await;
    assert_eq!(both.refusal().1, Some("parameters_exclusive"));
    let old = ids(&local.get("/v1/events").await.ok()).pop().unwrap();
    local.stripe.advance(SignedDuration::from_hours(24 * 31));
    assert_eq!(list("").await, 0, "older than 30 days");
    assert_eq!(local.get(&format!("/v1/events/{old}")).await.refusal(), (404, Some("resource_missing"), Some("id")));
}

#[tokio::test]
async fn every_event_is_of_a_published_type_and_has_the_published_shape() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let invoice = local.draft(&customer).await;
    local.item(&customer, &invoice, 100).await;
    local.post(&format!("/v1/invoices/{invoice}/finalize"), "").await.ok();
    local.post(&format!("/v1/invoices/{invoice}/void"), "").await.ok();
    let published = crate::answers::Published::read();
    let types: BTreeSet<String> = published.event_types();
    assert!(types.len() > 200, "{}", types.len());
    for event in all(&local).await {
        published.check("GET /v1/events/{id}", &event);
        assert!(types.contains(event["type"].as_str().unwrap()), "{}", event["type"]);
    }
    let last = kinds(&local).await.split_off(6);
    let expected = [
        "invoice.finalized",
        "payment_intent.created",
        "invoice.updated",
        "payment_intent.canceled",
        "invoice.voided",
        "invoice.updated",
    ];
    assert_eq!(last, expected);
}
