//! Requests of the same process: the same answers and effects as over HTTP.

use jiff::Timestamp;
use localstripe::{Answered, Call, Options, Stripe};
use serde_json::json;

use crate::local::KEY;
use crate::{Local, START};

fn stripe() -> Stripe {
    let start = Timestamp::from_second(START).ok();
    Stripe::new(Options { keys: vec![KEY.to_owned()], start, seed: Some(7), ..Options::default() })
}

fn call(stripe: &Stripe, method: &str, path: &str, form: &str, key: Option<&str>) -> Answered {
    let bearer = format!("Bearer {KEY}");
    let mut headers = vec![("authorization", bearer.as_str())];
    headers.extend(key.map(|key| ("idempotency-key", key)));
    stripe.call(Call { method, path, form, headers: &headers })
}

#[tokio::test]
async fn a_call_answers_what_http_answers() {
    let (local, stripe) = (Local::start().await, stripe());
    for (method, path, form) in [
        ("POST", "/v1/customers", "name=N&email=n@lab.test&invoice_prefix=NORTE"),
        ("GET", "/v1/customers?limit=1&expand[]=data.test_clock", ""),
        ("POST", "/v1/customers", "nmae=N"),
        ("GET", "/v1/nothing", ""),
        ("DELETE", "/v1/customers/cus_none", ""),
    ] {
        let ours = call(&stripe, method, path, form, None);
        let theirs = local.send(method.parse().unwrap(), path, form, &[]).await;
        assert_eq!((ours.status, ours.json()), (theirs.status, theirs.body.clone()), "{method} {path}");
        assert_eq!(Some(ours.request_id.as_str()), theirs.header("request-id"));
    }
    assert_eq!(stripe.call(Call { method: "GET", path: "/v1/account", form: "", headers: &[] }).status, 401);
    assert_eq!(stripe.requests().len(), 6);
}

#[test]
fn keys_hold_between_calls() {
    let stripe = stripe();
    let first = call(&stripe, "POST", "/v1/customers", "name=N", Some("k"));
    let again = call(&stripe, "POST", "/v1/customers", "name=N", Some("k"));
    assert_eq!((first.replayed, again.replayed, &first.body), (false, true, &again.body));
    let other = call(&stripe, "POST", "/v1/customers", "name=M", Some("k"));
    assert_eq!(other.json()["error"]["type"], "idempotency_error");
    stripe.advance(jiff::SignedDuration::from_hours(24));
    assert!(!call(&stripe, "POST", "/v1/customers", "name=M", Some("k")).replayed);
}

#[test]
fn events_older_than_they_are_listed_take_no_room() {
    let stripe = stripe();
    for _ in 0..40 {
        assert_eq!(call(&stripe, "POST", "/v1/customers", "name=N", None).status, 200);
        stripe.advance(jiff::SignedDuration::from_hours(24));
    }
    let kept = stripe.objects(localstripe::Kind::Event).len();
    assert!((30..=32).contains(&kept), "{kept}");
    assert_eq!(stripe.objects(localstripe::Kind::Customer).len(), 40);
    assert_eq!(stripe.objects(localstripe::Kind::Customer)[0]["balance"], json!(0));
}
