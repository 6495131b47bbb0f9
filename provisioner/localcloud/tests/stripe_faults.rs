//! Counting and faults through the gateway's `Traffic`; keys in use; racing requests.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use http::Method;
use localcloud::gateway::fault::{Effect, Fault, FaultState};
use localcloud::gateway::traffic::Traffic;
use localstripe::{Admission, Kind, Observer, Verdict};
use tokio::sync::Notify;

/// The harness of the strict Stripe's own tests.
#[path = "../../localstripe/tests/stripe_api/local.rs"]
#[allow(dead_code)]
mod local;

use local::Local;

fn on(operation: &str, effect: Effect) -> Fault {
    serde_json::from_value(serde_json::json!({"service": "stripe", "operation": operation, "nth": 1, "effect": effect}))
        .expect("a fault")
}

#[tokio::test]
async fn calls_are_counted_by_operation() {
    let traffic = Traffic::new();
    let local = Local::observed(traffic.clone()).await;
    let customer = local.customer().await;
    local.get(&format!("/v1/customers/{customer}")).await.ok();
    local.get("/v1/nothing").await;
    let counts = traffic.counts();
    assert_eq!(counts.of("stripe", "POST /v1/customers"), 1);
    assert_eq!(counts.of("stripe", "GET /v1/customers/{customer}"), 1);
    assert_eq!(counts.of("stripe", "GET unknown"), 1);
    assert_eq!((counts.total, counts.in_flight), (3, 0));
    assert_eq!(counts.log[2].status, Some(404));
}

#[tokio::test]
async fn a_lost_answer_took_effect_once() {
    let traffic = Traffic::new();
    let local = Local::observed(traffic.clone()).await;
    traffic.arm(vec![on("POST /v1/customers", Effect::LoseAnswer)]).unwrap();
    let keyed = [("idempotency-key", "k")];
    let lost = local.try_send(Method::POST, "/v1/customers", "name=N", &keyed).await;
    assert!(lost.is_none(), "{lost:?}");
    assert_eq!(local.stripe.objects(Kind::Customer).len(), 1);
    let again = local.keyed("k", "/v1/customers", "name=N").await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, Some("true")));
    assert_eq!(local.stripe.objects(Kind::Customer).len(), 1);
}

#[tokio::test]
async fn a_refused_call_has_no_effect_and_frees_its_key() {
    let traffic = Traffic::new();
    let local = Local::observed(traffic.clone()).await;
    for (effect, status) in [(Effect::Throttle, 429), (Effect::FailBefore, 500)] {
        traffic.arm(vec![on("POST /v1/customers", effect)]).unwrap();
        assert_eq!(local.keyed("k", "/v1/customers", "name=N").await.refusal().0, status);
        assert!(local.stripe.objects(Kind::Customer).is_empty());
    }
    assert_eq!(local.keyed("k", "/v1/customers", "name=N").await.header("idempotent-replayed"), None);
}

#[tokio::test]
async fn a_held_answer_took_effect_and_goes_out_when_released() {
    let traffic = Traffic::new();
    let local = Arc::new(Local::observed(traffic.clone()).await);
    let fault = traffic.arm(vec![on("POST /v1/customers", Effect::HoldAnswer)]).unwrap()[0];
    let caller = local.clone();
    let held = tokio::spawn(async move { caller.customer().await });
    traffic.until(fault, FaultState::Holding).await;
    assert_eq!(local.stripe.objects(Kind::Customer).len(), 1);
    assert!(!held.is_finished());
    traffic.release();
    held.await.unwrap();
}

#[tokio::test]
async fn a_held_call_has_no_effect_before_it_is_released() {
    let traffic = Traffic::new();
    let local = Arc::new(Local::observed(traffic.clone()).await);
    let fault = traffic.arm(vec![on("POST /v1/customers", Effect::HoldCall)]).unwrap()[0];
    let caller = local.clone();
    let held = tokio::spawn(async move { caller.customer().await });
    traffic.until(fault, FaultState::Holding).await;
    assert_eq!(local.stripe.objects(Kind::Customer).len(), 0);
    traffic.release();
    held.await.unwrap();
    assert_eq!(local.stripe.objects(Kind::Customer).len(), 1);
}

#[tokio::test]
async fn a_late_call_makes_a_second_object_unless_its_key_was_used_meanwhile() {
    let traffic = Traffic::new();
    let local = Local::observed(traffic.clone()).await;
    for (again, objects) in [("other", 2), ("key", 3)] {
        let fault = traffic.arm(vec![on("POST /v1/customers", Effect::ActLate)]).unwrap()[0];
        let key = if again == "key" { "key" } else { "first" };
        let headers = [("idempotency-key", key)];
        assert!(local.try_send(Method::POST, "/v1/customers", "name=N", &headers).await.is_none(), "no answer");
        assert_eq!(local.keyed(again, "/v1/customers", "name=N").await.status, 200);
        traffic.until(fault, FaultState::Done).await;
        assert_eq!(local.stripe.objects(Kind::Customer).len(), objects);
    }
}

#[tokio::test]
async fn a_reset_forgets_objects_and_keys_and_repeats_no_id() {
    let local = Local::start().await;
    let first = local.keyed("k", "/v1/customers", "name=N").await.body["id"].clone();
    local.stripe.reset();
    assert!(local.stripe.objects(Kind::Customer).is_empty());
    let second = local.keyed("k", "/v1/customers", "name=N").await;
    assert_eq!(second.header("idempotent-replayed"), None);
    assert_ne!(second.body["id"], first);
}

/// Lets the first call wait until it is told to go on.
struct Gate {
    entered: Arc<Notify>,
    open: Arc<Notify>,
}

struct Passed;

impl Admission for Passed {
    fn verdict(&self) -> Verdict {
        Verdict::Proceed
    }

    fn hold(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    fn settle(self: Box<Self>, _status: u16) {}
}

impl Observer for Gate {
    fn admit<'a>(&'a self, operation: &'a str, _write: bool) -> BoxFuture<'a, Box<dyn Admission>> {
        Box::pin(async move {
            if operation == "POST /v1/products" {
                self.entered.notify_one();
                self.open.notified().await;
            }
            let passed: Box<dyn Admission> = Box::new(Passed);
            passed
        })
    }
}

#[tokio::test]
async fn a_key_in_use_conflicts_and_is_free_when_its_client_goes() {
    let (entered, open) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let local = Arc::new(Local::observed(Gate { entered: entered.clone(), open: open.clone() }).await);
    let send = |local: Arc<Local>| async move { local.keyed("k", "/v1/products", "name=P").await };
    let first = tokio::spawn(send(local.clone()));
    entered.notified().await;
    // The second would wait at the gate too: let it through.
    let second = tokio::spawn(send(local.clone()));
    entered.notified().await;
    open.notify_waiters();
    let answers = [first.await.unwrap(), second.await.unwrap()];
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let refused = answers.iter().find(|answer| answer.status == 409).unwrap();
    assert_eq!(refused.refusal().1, Some("idempotency_key_in_use"));
    // A client that goes while it waits leaves no key behind.
    let gone = tokio::spawn({
        let local = local.clone();
        async move { local.keyed("k2", "/v1/products", "name=P").await }
    });
    entered.notified().await;
    gone.abort();
    let _ = gone.await;
    let retry = async {
        loop {
            let (local, opener) = (local.clone(), open.clone());
            let call = tokio::spawn(async move { local.keyed("k2", "/v1/products", "name=P").await });
            entered.notified().await;
            opener.notify_waiters();
            let answer = call.await.unwrap();
            if answer.status == 200 {
                return answer;
            }
            assert_eq!(answer.status, 409);
        }
    };
    let answer = tokio::time::timeout(Duration::from_secs(20), retry).await.expect("the key is free again");
    assert_eq!(answer.header("idempotent-replayed"), None);
}

#[tokio::test]
async fn racing_requests_with_one_key_make_one_object() {
    let local = Local::start().await;
    let calls = (0..16).map(|_| local.keyed("one", "/v1/customers", "name=N"));
    let answers = join_all(calls).await;
    assert!(answers.iter().all(|answer| answer.status == 200 || answer.status == 409));
    assert_eq!(local.stripe.objects(Kind::Customer).len(), 1);
}
