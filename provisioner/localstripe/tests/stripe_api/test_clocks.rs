//! Test clocks: customers that live by another time, and what falls due in it.

use serde_json::{Value, json};

use crate::{Local, START, id, ids};

const DAY: i64 = 86_400;

async fn clock(local: &Local, at: i64) -> String {
    id(&local.post("/v1/test_helpers/test_clocks", &format!("frozen_time={at}&name=month")).await.ok())
}

async fn customer_of(local: &Local, clock: &str) -> String {
    id(&local.post("/v1/customers", &format!("name=N&email=n@lab.test&test_clock={clock}")).await.ok())
}

async fn advance(local: &Local, clock: &str, to: i64) -> Value {
    local.post(&format!("/v1/test_helpers/test_clocks/{clock}/advance"), &format!("frozen_time={to}")).await.ok()
}

#[tokio::test]
async fn a_customers_objects_live_by_its_clock() {
    let local = Local::start().await;
    let past = START - 100 * DAY;
    let clock = clock(&local, past).await;
    let customer = customer_of(&local, &clock).await;
    let read = local.get(&format!("/v1/customers/{customer}?expand[]=test_clock")).await.ok();
    assert_eq!((&read["created"], &read["test_clock"]["frozen_time"]), (&json!(past), &json!(past)));
    let form = format!("customer={customer}&currency=usd&collection_method=send_invoice&days_until_due=14");
    let invoice = local.post("/v1/invoices", &form).await.ok();
    assert_eq!(
        (&invoice["created"], &invoice["due_date"], &invoice["test_clock"]),
        (&json!(past), &json!(past + 14 * DAY), &json!(clock))
    );
    let item = format!("customer={customer}&invoice={}&amount=700&currency=usd", id(&invoice));
    let item = local.post("/v1/invoiceitems", &item).await.ok();
    assert_eq!((&item["date"], &item["test_clock"]), (&json!(past), &json!(clock)));
    let final_ = local.post(&format!("/v1/invoices/{}/finalize", id(&invoice)), "").await.ok();
    assert_eq!(final_["status_transitions"]["finalized_at"], past);
    // A due date that has passed for everybody else is still to come for this customer.
    let form = format!("customer={customer}&collection_method=send_invoice&due_date={}", past + DAY);
    assert_eq!(local.post("/v1/invoices", &form).await.ok()["due_date"], past + DAY);
    let late = format!("customer={customer}&collection_method=send_invoice&due_date={}", past - 1);
    assert_eq!(local.post("/v1/invoices", &late).await.refusal().2, Some("due_date"));
}

#[tokio::test]
async fn advancing_finalises_what_falls_due_at_its_time() {
    let local = Local::start().await;
    let clock = clock(&local, START).await;
    let customer = customer_of(&local, &clock).await;
    let other = local.customer().await;
    let draft = |customer: String, rest: &'static str| {
        let local = &local;
        async move {
            let form = format!("customer={customer}&currency=usd&auto_advance=true{rest}");
            let invoice = id(&local.post("/v1/invoices", &form).await.ok());
            local.item(&customer, &invoice, 900).await;
            invoice
        }
    };
    let sent = draft(customer.clone(), "&collection_method=send_invoice&days_until_due=3").await;
    let own = draft(other, "").await;
    let advancing = advance(&local, &clock, START + 5 * DAY).await;
    assert_eq!(
        (
            &advancing["status"],
            &advancing["frozen_time"],
            &advancing["status_details"]["advancing"]["target_frozen_time"]
        ),
        (&json!("advancing"), &json!(START), &json!(START + 5 * DAY))
    );
    let ready = local.get(&format!("/v1/test_helpers/test_clocks/{clock}")).await.ok();
    assert_eq!((&ready["status"], &ready["frozen_time"]), (&json!("ready"), &json!(START + 5 * DAY)));
    let invoice = local.get(&format!("/v1/invoices/{sent}")).await.ok();
    assert_eq!(
        (&invoice["status"], &invoice["status_transitions"]["finalized_at"]),
        (&json!("open"), &json!(START + 3600))
    );
    assert_eq!(local.get(&format!("/v1/invoices/{own}")).await.ok()["status"], "draft", "another clock");
    let events = local.get("/v1/events?limit=100").await.ok();
    let mut kinds: Vec<&str> =
        events["data"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
    kinds.reverse();
    let from = kinds.iter().position(|kind| *kind == "test_helpers.test_clock.advancing").unwrap();
    let expected = [
        "test_helpers.test_clock.advancing",
        "customer.updated",
        "invoice.finalized",
        "payment_intent.created",
        "invoice.updated",
        "invoice.sent",
        "invoice.overdue",
        "test_helpers.test_clock.ready",
    ];
    assert_eq!(kinds[from..], expected);
}

#[tokio::test]
async fn a_clock_goes_forward_only_and_not_too_far() {
    let local = Local::start().await;
    let clock = clock(&local, START).await;
    let path = format!("/v1/test_helpers/test_clocks/{clock}/advance");
    for to in [START - 1, START, START + 800 * DAY] {
        assert_eq!(local.post(&path, &format!("frozen_time={to}")).await.refusal().2, Some("frozen_time"), "{to}");
    }
    advance(&local, &clock, START + 730 * DAY).await;
    assert_eq!(local.post(&path, "frozen_time=x").await.refusal().1, Some("parameter_invalid_integer"));
    assert_eq!(local.post("/v1/customers", "test_clock=clock_no").await.refusal().2, Some("test_clock"));
}

#[tokio::test]
async fn a_clock_takes_three_customers_and_lists_only_its_own() {
    let local = Local::start().await;
    let clock = clock(&local, START).await;
    let plain = local.customer().await;
    let mut own = Vec::new();
    for _ in 0..3 {
        own.push(customer_of(&local, &clock).await);
    }
    assert_eq!(local.post("/v1/customers", &format!("test_clock={clock}")).await.refusal().2, Some("test_clock"));
    assert_eq!(ids(&local.get("/v1/customers").await.ok()), [plain], "others are listed without it");
    let listed = ids(&local.get(&format!("/v1/customers?test_clock={clock}")).await.ok());
    own.reverse();
    assert_eq!(listed, own);
}

#[tokio::test]
async fn a_clock_takes_an_existing_customer_and_its_customers_along_when_it_goes() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let form = format!("frozen_time={START}&customer={customer}");
    let clock = local.post("/v1/test_helpers/test_clocks", &form).await.ok();
    assert_eq!((&clock["name"], &clock["deletes_after"]), (&Value::Null, &json!(START + 7 * DAY)));
    assert_eq!(local.get(&format!("/v1/customers/{customer}")).await.ok()["test_clock"], clock["id"]);
    assert_eq!(local.post("/v1/test_helpers/test_clocks", &form).await.refusal().2, Some("customer"));
    assert_eq!(ids(&local.get("/v1/test_helpers/test_clocks").await.ok()), [id(&clock)]);
    let path = format!("/v1/test_helpers/test_clocks/{}", id(&clock));
    let gone = local.delete(&path).await.ok();
    assert_eq!(gone, json!({"id": clock["id"], "object": "test_helpers.test_clock", "deleted": true}));
    assert_eq!(local.get(&path).await.refusal().0, 404);
    assert_eq!(local.get(&format!("/v1/customers/{customer}")).await.ok()["deleted"], true);
    let last = local.get("/v1/events?limit=2").await.ok();
    assert_eq!(last["data"][0]["type"], "test_helpers.test_clock.deleted");
    assert_eq!(last["data"][1]["type"], "customer.deleted");
}

#[tokio::test]
async fn a_clocks_answers_have_the_published_shape() {
    let local = Local::start().await;
    let published = crate::answers::Published::read();
    let made = local.post("/v1/test_helpers/test_clocks", &format!("frozen_time={START}")).await.ok();
    published.check("POST /v1/test_helpers/test_clocks", &made);
    let advancing = advance(&local, &id(&made), START + 1).await;
    published.check("POST /v1/test_helpers/test_clocks/{test_clock}/advance", &advancing);
    let endpoint = "url=http%3A%2F%2F127.0.0.1%3A9%2F&enabled_events[]=invoice.paid";
    let endpoint = local.post("/v1/webhook_endpoints", endpoint).await.ok();
    published.check("POST /v1/webhook_endpoints", &endpoint);
    published.check("GET /v1/webhook_endpoints", &local.get("/v1/webhook_endpoints").await.ok());
    published.check("GET /v1/events", &local.get("/v1/events").await.ok());
}
