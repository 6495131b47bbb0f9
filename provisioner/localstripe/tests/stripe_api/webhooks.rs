//! Webhook endpoints and what is delivered to them: signed, repeated, doubled and turned around.

use http::Method;
use jiff::{SignedDuration, Timestamp};
use localstripe::{Disturbance, Kind};
use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::{Local, START, id, ids};

/// Registers a receiver for those types; answers id and secret.
async fn register(local: &Local, receiver: &Receiver, types: &[&str]) -> (String, String) {
    let listed: String = types.iter().map(|kind| format!("&enabled_events[]={kind}")).collect();
    let made = local.post("/v1/webhook_endpoints", &format!("url={}{listed}", escaped(&receiver.url))).await.ok();
    (id(&made), made["secret"].as_str().unwrap().to_owned())
}

fn escaped(url: &str) -> String {
    url.replace(':', "%3A").replace('?', "%3F").replace('=', "%3D")
}

/// Lets the clock reach that many seconds after the start, with every delivery on the way.
async fn reach(local: &Local, seconds: i64) {
    local.stripe.clock().advance_to(Timestamp::from_second(START + seconds).unwrap()).await;
}

#[tokio::test]
async fn an_endpoint_shows_its_secret_once_and_keeps_its_version() {
    let local = Local::start().await;
    let receiver = Receiver::start().await;
    let form = format!(
        "url={}&enabled_events[]=invoice.paid&enabled_events[]=invoice.voided&description=d&metadata[a]=1\
         &api_version=2026-09-30.endive",
        escaped(&receiver.url)
    );
    let made = local.post("/v1/webhook_endpoints", &form).await.ok();
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_") && secret.len() == 38, "{secret}");
    assert_eq!(
        (&made["status"], &made["api_version"], &made["url"]),
        (&json!("enabled"), &json!("2026-09-30.endive"), &json!(receiver.url))
    );
    let path = format!("/v1/webhook_endpoints/{}", id(&made));
    let read = local.get(&path).await.ok();
    assert_eq!((read.get("secret"), &read["metadata"]["a"]), (None, &json!("1")));
    assert_eq!(local.get("/v1/webhook_endpoints").await.ok()["data"][0], read);
    let changed = local.post(&path, "disabled=true&enabled_events[]=*&description=").await.ok();
    assert_eq!(
        (&changed["status"], &changed["enabled_events"], &changed["description"]),
        (&json!("disabled"), &json!(["*"]), &Value::Null)
    );
    assert_eq!(local.post(&path, "api_version=2026-08-26.dahlia").await.refusal().1, Some("parameter_unknown"));
    assert_eq!(local.post(&path, "disabled=false").await.ok()["status"], "enabled");
    let gone = local.delete(&path).await.ok();
    assert_eq!(gone, json!({"id": id(&made), "object": "webhook_endpoint", "deleted": true}));
    assert_eq!(local.get(&path).await.refusal().0, 404);
}

#[tokio::test]
async fn endpoints_are_checked_and_counted() {
    let local = Local::start().await;
    for (form, param) in [
        ("enabled_events[]=*", "url"),
        ("url=http%3A%2F%2F127.0.0.1%2Fx", "enabled_events"),
        ("url=127.0.0.1%2Fx&enabled_events[]=*", "url"),
        ("url=ftp%3A%2F%2F127.0.0.1%2Fx&enabled_events[]=*", "url"),
        ("url=http%3A%2F%2F127.0.0.1%2Fx&enabled_events[]=invoice.payed", "enabled_events[0]"),
        ("url=http%3A%2F%2F127.0.0.1%2Fx&enabled_events[]=*&enabled_events[]=invoice.paid", "enabled_events"),
        ("url=http%3A%2F%2F127.0.0.1%2Fx&enabled_events[]=*&api_version=2026-01-01", "api_version"),
        ("url=http%3A%2F%2F127.0.0.1%2Fx&enabled_events[]=*&connect=true", "connect"),
    ] {
        assert_eq!(local.post("/v1/webhook_endpoints", form).await.refusal().2, Some(param), "{form}");
    }
    for n in 0..16 {
        let form = format!("url=http%3A%2F%2F127.0.0.1%3A1%2F{n}&enabled_events[]=customer.updated");
        local.post("/v1/webhook_endpoints", &form).await.ok();
    }
    let more = local.post("/v1/webhook_endpoints", "url=http%3A%2F%2F127.0.0.1%3A1%2F&enabled_events[]=*").await;
    assert_eq!(more.refusal().0, 400);
    assert!(more.body["error"]["message"].as_str().unwrap().contains("16"));
}

#[tokio::test]
async fn what_was_asked_for_arrives_signed_and_in_order() {
    let local = Local::start().await;
    let receiver = Receiver::start().await;
    let (_, secret) = register(&local, &receiver, &["customer.created", "invoice.created", "invoice.finalized"]).await;
    let customer = local.customer().await;
    let invoice = local.draft(&customer).await;
    local.item(&customer, &invoice, 5000).await;
    local.post(&format!("/v1/invoices/{invoice}/finalize"), "").await.ok();
    reach(&local, 60).await;
    assert_eq!(receiver.kinds(), ["customer.created", "invoice.created", "invoice.finalized"]);
    for delivered in receiver.taken() {
        assert_eq!(delivered.verified(&secret), START, "signed when it was sent");
        assert_eq!(delivered.headers["content-type"], "application/json; charset=utf-8");
        assert!(delivered.headers["user-agent"].to_str().unwrap().starts_with("Stripe/"));
    }
    let last = receiver.taken().pop().unwrap().event();
    assert_eq!((&last["data"]["object"]["status"], &last["data"]["object"]["total"]), (&json!("open"), &json!(5000)));
    // As it was sent, it was still pending; now it is not.
    assert_eq!(last["pending_webhooks"], 1);
    let kept = local.get(&format!("/v1/events/{}", id(&last))).await.ok();
    assert_eq!(kept["pending_webhooks"], 0);
}

#[tokio::test]
async fn a_star_takes_everything_and_a_disabled_endpoint_nothing() {
    let local = Local::start().await;
    let (all, none) = (Receiver::start().await, Receiver::start().await);
    register(&local, &all, &["*"]).await;
    let (disabled, _) = register(&local, &none, &["*"]).await;
    local.post(&format!("/v1/webhook_endpoints/{disabled}"), "disabled=true").await.ok();
    local.post("/v1/products", "name=P").await.ok();
    reach(&local, 1).await;
    assert_eq!(all.kinds(), ["product.created"]);
    assert!(none.kinds().is_empty());
}

#[tokio::test]
async fn a_refused_delivery_is_tried_again_with_growing_delays() {
    let local = Local::start().await;
    let receiver = Receiver::start().await;
    let (_, secret) = register(&local, &receiver, &["customer.created"]).await;
    receiver.answer(&[500, 302, 404]);
    local.customer().await;
    reach(&local, 3 * 86_400).await;
    let times: Vec<i64> = receiver.taken().iter().map(|delivered| delivered.verified(&secret) - START).collect();
    assert_eq!(times.len(), 4, "until it was taken: {times:?}");
    let delays: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(times[0] == 0 && delays[0] > 0 && delays.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
    let all: Vec<_> = receiver.taken().iter().map(|delivered| id(&delivered.event())).collect();
    assert!(all.iter().all(|event| *event == all[0]), "the same event each time");
    let attempts = local.stripe.attempts();
    let outcomes: Vec<_> = attempts.iter().map(|attempt| attempt.outcome.clone().unwrap()).collect();
    assert_eq!(outcomes, [500, 302, 404, 200]);
}

#[tokio::test]
async fn after_three_days_an_event_stays_undelivered_and_can_be_listed_as_such() {
    let local = Local::start().await;
    let receiver = Receiver::start().await;
    register(&local, &receiver, &["customer.created"]).await;
    receiver.answer(&[503; 30]);
    local.customer().await;
    local.post("/v1/products", "name=P").await.ok();
    reach(&local, 20 * 86_400).await;
    let tried = receiver.taken().len();
    assert!((5..20).contains(&tried), "{tried}");
    assert!(local.stripe.attempts().iter().all(|attempt| attempt.at <= START + 3 * 86_400));
    let undelivered = local.get("/v1/events?delivery_success=false").await.ok();
    assert_eq!(
        (undelivered["data"].as_array().unwrap().len(), &undelivered["data"][0]["type"]),
        (1, &json!("customer.created"))
    );
    assert_eq!(undelivered["data"][0]["pending_webhooks"], 1);
    // Nobody asked for the product's event, so nothing of it is outstanding.
    assert_eq!(local.get("/v1/events?delivery_success=true").await.ok()["data"][0]["type"], "product.created");
}

#[tokio::test]
async fn an_endpoint_that_is_gone_gets_nothing_more() {
    let local = Local::start().await;
    let receiver = Receiver::start().await;
    let (endpoint, _) = register(&local, &receiver, &["customer.created"]).await;
    receiver.answer(&[500]);
    local.customer().await;
    reach(&local, 1).await;
    local.delete(&format!("/v1/webhook_endpoints/{endpoint}")).await.ok();
    reach(&local, 86_400).await;
    assert_eq!(receiver.taken().len(), 1);
}

#[tokio::test]
async fn only_loopback_is_delivered_to() {
    let local = Local::start().await;
    for url in ["https%3A%2F%2Fhooks.example.com%2F", "http%3A%2F%2F192.0.2.1%2F"] {
        local.post("/v1/webhook_endpoints", &format!("url={url}&enabled_events[]=customer.created")).await.ok();
    }
    local.customer().await;
    reach(&local, 1).await;
    let attempts = local.stripe.attempts();
    assert_eq!(attempts.len(), 2);
    assert!(attempts.iter().all(|attempt| attempt.outcome.as_ref().unwrap_err().contains("loopback")), "{attempts:?}");
}

#[tokio::test]
async fn on_request_deliveries_come_twice_and_in_another_order() {
    let order = |disturbance: Option<Disturbance>| async move {
        let local = Local::start().await;
        let receiver = Receiver::start().await;
        register(&local, &receiver, &["customer.created"]).await;
        local.stripe.disturb(disturbance);
        let mut made = Vec::new();
        for _ in 0..12 {
            made.push(local.customer().await);
        }
        reach(&local, 3600).await;
        let came: Vec<usize> = receiver
            .taken()
            .iter()
            .map(|delivered| {
                let customer = id(&delivered.event()["data"]["object"]);
                made.iter().position(|known| *known == customer).unwrap()
            })
            .collect();
        let pending = local.get("/v1/events?delivery_success=false").await.ok();
        assert!(ids(&pending).is_empty(), "a duplicate is not pending");
        came
    };
    let plain: Vec<usize> = (0..12).collect();
    assert_eq!(order(None).await, plain);
    let disturbed = order(Some(Disturbance::new(7, 50, 600))).await;
    assert!(disturbed.len() > 12, "some come twice: {disturbed:?}");
    assert!(plain.iter().all(|customer| disturbed.contains(customer)), "none is lost: {disturbed:?}");
    assert!(disturbed.windows(2).any(|pair| pair[0] > pair[1]), "in another order: {disturbed:?}");
    assert_eq!(order(Some(Disturbance::new(7, 50, 600))).await, disturbed, "the seed decides");
    assert_ne!(order(Some(Disturbance::new(8, 50, 600))).await, disturbed);
}

#[tokio::test]
async fn the_control_addresses_move_the_clock_and_disturb_deliveries() {
    let local = Local::start().await;
    let receiver = Receiver::start().await;
    register(&local, &receiver, &["customer.created"]).await;
    let json = [("content-type", "application/json")];
    let disturbed = r#"{"seed": 3, "duplicate_percent": 100, "reorder_seconds": 30}"#;
    let answer = local.send(Method::POST, "/_localstripe/deliveries", disturbed, &json).await.ok();
    assert_eq!(
        answer["disturbance"],
        json!({"seed": 3, "duplicate_percent": 100, "reorder_seconds": 30, "lost_percent": 0})
    );
    local.customer().await;
    let moved = local.send(Method::POST, "/_localstripe/clock/advance", r#"{"seconds": 60}"#, &json).await.ok();
    assert_eq!(moved, json!({"now": START + 60}));
    assert_eq!(receiver.taken().len(), 2, "when it answers, everything that fell due was delivered");
    let deliveries = local.get("/_localstripe/deliveries").await.ok();
    assert_eq!((deliveries["attempts"].as_array().unwrap().len(), &deliveries["waiting"]), (2, &json!(0)));
    assert_eq!(local.delete("/_localstripe/deliveries").await.ok()["disturbance"], Value::Null);
    for (path, body) in
        [("clock/advance", "{}"), ("deliveries", r#"{"seed": -1}"#), ("deliveries", "x"), ("other", "{}")]
    {
        let refused = local.send(Method::POST, &format!("/_localstripe/{path}"), body, &json).await;
        assert_eq!(refused.status, 400, "{path} {body}");
    }
    assert!(local.stripe.requests().iter().all(|seen| !seen.path.starts_with("/_localstripe")));
}

#[tokio::test]
async fn a_clock_that_runs_delivers_by_itself() {
    let local = Local::running().await;
    let receiver = Receiver::start().await;
    register(&local, &receiver, &["customer.created"]).await;
    local.customer().await;
    for _ in 0..500 {
        if !receiver.taken().is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(receiver.kinds(), ["customer.created"]);
}

#[tokio::test]
async fn a_reset_forgets_endpoints_events_and_deliveries() {
    let local = Local::start().await;
    let receiver = Receiver::start().await;
    register(&local, &receiver, &["customer.created"]).await;
    receiver.answer(&[500]);
    local.customer().await;
    reach(&local, 1).await;
    local.stripe.reset();
    local.customer().await;
    local.stripe.advance(SignedDuration::from_hours(72));
    reach(&local, 80 * 3600).await;
    assert_eq!(receiver.taken().len(), 1);
    assert_eq!(local.stripe.objects(Kind::Event).len(), 1);
    assert!(local.stripe.objects(Kind::WebhookEndpoint).is_empty());
}

#[tokio::test]
async fn an_event_counts_as_delivered_once_every_endpoint_has_it() {
    let local = Local::start().await;
    let (first, second, third) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
    register(&local, &first, &["customer.created"]).await;
    register(&local, &second, &["*"]).await;
    let (gone, _) = register(&local, &third, &["customer.created"]).await;
    second.answer(&[500]);
    third.answer(&[500; 9]);
    local.customer().await;
    reach(&local, 1).await;
    let reader = &local;
    let undelivered = |query: &'static str| async move {
        ids(&reader.get(&format!("/v1/events?delivery_success=false{query}")).await.ok()).len()
    };
    assert_eq!(undelivered("").await, 1);
    reach(&local, 400).await;
    assert_eq!(undelivered("&type=customer.*").await, 1, "the third has not taken it");
    local.delete(&format!("/v1/webhook_endpoints/{gone}")).await.ok();
    reach(&local, 4 * 86_400).await;
    assert_eq!(undelivered("").await, 1, "an endpoint that is gone never took it");
    assert!(ids(&local.get("/v1/events?delivery_success=true&types[]=customer.created").await.ok()).is_empty());
    local.customer().await;
    reach(&local, 4 * 86_400 + 60).await;
    assert_eq!(undelivered("").await, 1, "and what happens later does not wait for it");
}

#[tokio::test]
async fn on_request_deliveries_are_lost_and_listed_as_undelivered() {
    let local = Local::start().await;
    let receiver = Receiver::start().await;
    register(&local, &receiver, &["customer.created"]).await;
    local.stripe.disturb(Some(Disturbance::new(7, 0, 0).losing(50)));
    for _ in 0..20 {
        local.customer().await;
    }
    reach(&local, 4 * 86_400).await;
    let came = receiver.taken().len();
    assert!((1..20).contains(&came), "{came}");
    let lost = local.get("/v1/events?delivery_success=false&limit=100").await.ok();
    assert_eq!(ids(&lost).len(), 20 - came);
    let page = local.get("/v1/events?delivery_success=false&limit=1").await.ok();
    assert_eq!(page["has_more"], 20 - came > 1);
}

#[tokio::test]
async fn a_disabled_endpoint_is_not_tried_again() {
    let local = Local::start().await;
    let receiver = Receiver::start().await;
    let (endpoint, _) = register(&local, &receiver, &["customer.created"]).await;
    receiver.answer(&[500]);
    local.customer().await;
    reach(&local, 1).await;
    local.post(&format!("/v1/webhook_endpoints/{endpoint}"), "disabled=true").await.ok();
    reach(&local, 86_400).await;
    assert_eq!(receiver.taken().len(), 1);
    assert_eq!(ids(&local.get("/v1/events?delivery_success=false").await.ok()).len(), 1);
}
