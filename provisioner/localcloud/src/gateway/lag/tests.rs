//! The lag on calls made up here, on a clock made up too.

use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::*;
use crate::gateway::classify::classify;

/// A lag of a tenth of a second, and a clock.
struct Stage {
    lag: Lag,
    start: Instant,
}

impl Stage {
    fn new(delay: Delay) -> Stage {
        let lag = Lag::default();
        lag.set(delay);
        Stage { lag, start: Instant::now() }
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    /// Asks at a time; `truth` is what is really there.
    fn read(&self, ms: u64, call: &Call, truth: &Answer) -> String {
        let shown = self.lag.answer_at(call, self.at(ms)).unwrap_or_else(|| {
            self.lag.learn_at(call, truth, self.at(ms), self.at(ms));
            truth.clone()
        });
        format!("{} {}", shown.status, String::from_utf8_lossy(&shown.body))
    }

    fn write(&self, ms: u64, call: &Call, answer: &Answer) {
        assert!(call.write, "{}", call.operation);
        self.lag.learn_at(call, answer, self.at(ms), self.at(ms));
    }
}

fn signed(service: &str, method: Method, path: &str, target: &str, body: String) -> Call {
    let mut headers = HeaderMap::new();
    let credential = format!("AWS4-HMAC-SHA256 Credential=K/20261121/us-east-1/{service}/aws4_request, Signature=0");
    headers.insert("authorization", credential.parse().unwrap());
    if !target.is_empty() {
        headers.insert("x-amz-target", format!("X.{target}").parse().unwrap());
    }
    classify(method, path.parse().unwrap(), headers, body.into())
}

fn iam(action: &str, role: &str) -> Call {
    let name = if role.is_empty() { String::new() } else { format!("&RoleName={role}") };
    signed("iam", Method::POST, "/", "", format!("Action={action}{name}"))
}

fn json_call(service: &str, target: &str, body: &Value) -> Call {
    signed(service, Method::POST, "/", target, body.to_string())
}

fn said(text: &str) -> Answer {
    Answer::new(200, "text/plain", text.to_owned())
}

#[test]
fn a_repeated_read_gives_its_earlier_answer_until_the_delay_is_over() {
    let stage = Stage::new(Delay::of_ms(100));
    let list = iam("ListRoles", "");
    assert_eq!(stage.read(0, &list, &said("none")), "200 none");
    stage.write(10, &iam("CreateRole", "a"), &said(""));
    assert_eq!(stage.read(20, &list, &said("a")), "200 none");
    assert_eq!(stage.read(109, &list, &said("a")), "200 none");
    assert_eq!(stage.read(110, &list, &said("a")), "200 a");
    assert_eq!(stage.lag.stale()["iam"]["ListRoles"], 2);
}

#[test]
fn a_stream_of_writes_makes_no_read_staler_than_the_delay() {
    let stage = Stage::new(Delay::of_ms(100));
    let list = iam("ListRoles", "");
    stage.read(0, &list, &said("0"));
    for n in 1..=8 {
        stage.write(n * 40, &iam("CreateRole", &format!("r{n}")), &said(""));
        let shown = stage.read(n * 40 + 1, &list, &said(&n.to_string()));
        let shown: u64 = shown.trim_start_matches("200 ").parse().unwrap();
        // Writes come every 40 ms: three of them are younger than the delay.
        assert!(n - shown <= 3, "after write {n} the read shows {shown}");
    }
}

#[test]
fn what_was_just_created_is_not_found_by_who_never_asked_before() {
    let stage = Stage::new(Delay::of_ms(100));
    stage.write(0, &iam("CreateRole", "a"), &said(""));
    let get = iam("GetRole", "a");
    let early = stage.read(50, &get, &said("a"));
    assert!(early.starts_with("404 ") && early.contains("<Code>NoSuchEntity</Code>"), "{early}");
    assert_eq!(stage.read(60, &iam("GetRole", "b"), &said("b")), "200 b", "another role is not concerned");
    assert_eq!(stage.read(60, &iam("ListRoles", ""), &said("a")), "200 a", "what the list was before nobody knows");
    assert_eq!(stage.read(100, &get, &said("a")), "200 a");
}

#[test]
fn a_change_and_a_delete_show_late_and_only_on_their_own_resource() {
    let stage = Stage::new(Delay::of_ms(100));
    let lambda = |method: Method, path: &str| signed("lambda", method, path, "", String::new());
    let (a, b) = ("/2015-03-31/functions/a/configuration", "/2015-03-31/functions/b/configuration");
    stage.read(0, &lambda(Method::GET, a), &said("256"));
    stage.read(0, &lambda(Method::GET, b), &said("128"));
    stage.write(10, &lambda(Method::PUT, a), &said(""));
    assert_eq!(stage.read(20, &lambda(Method::GET, a), &said("512")), "200 256");
    assert_eq!(stage.read(20, &lambda(Method::GET, b), &said("1024")), "200 1024");
    assert_eq!(stage.read(150, &lambda(Method::GET, a), &said("512")), "200 512");
    stage.write(200, &lambda(Method::DELETE, "/2015-03-31/functions/a"), &said(""));
    let gone = Answer::new(404, "text/plain", "gone");
    assert_eq!(stage.read(299, &lambda(Method::GET, a), &gone), "200 512");
    assert_eq!(stage.read(300, &lambda(Method::GET, a), &gone), "404 gone");
}

#[test]
fn a_refused_write_and_a_service_that_shows_writes_at_once_delay_nothing() {
    let stage = Stage::new(Delay::of_ms(100));
    let list = iam("ListRoles", "");
    stage.read(0, &list, &said("old"));
    stage.write(10, &iam("CreateRole", "a"), &Answer::new(409, "text/plain", "taken"));
    assert_eq!(stage.read(20, &list, &said("new")), "200 new");
    let bucket = |method| signed("s3", method, "/bucket", "", String::new());
    stage.read(0, &bucket(Method::HEAD), &said("old"));
    stage.write(10, &bucket(Method::PUT), &said(""));
    assert_eq!(stage.read(20, &bucket(Method::HEAD), &said("new")), "200 new");
}

#[test]
fn items_are_old_only_for_who_does_not_ask_for_consistency() {
    let stage = Stage::new(Delay::of_ms(100));
    let get = |consistent: bool| {
        json_call("dynamodb", "GetItem", &json!({"TableName": "t", "Key": {}, "ConsistentRead": consistent}))
    };
    let batch = json_call("dynamodb", "BatchGetItem", &json!({"RequestItems": {"t": {"ConsistentRead": true}}}));
    let table = json_call("dynamodb", "DescribeTable", &json!({"TableName": "t"}));
    for call in [&get(true), &get(false), &batch, &table] {
        stage.read(0, call, &said("old"));
    }
    stage.write(10, &json_call("dynamodb", "PutItem", &json!({"TableName": "t"})), &said("{}"));
    let shown = [&get(true), &get(false), &batch, &table].map(|call| stage.read(20, call, &said("new")));
    assert_eq!(shown, ["200 new", "200 old", "200 new", "200 new"]);
    stage.write(30, &json_call("dynamodb", "UpdateTable", &json!({"TableName": "t"})), &said("{}"));
    assert_eq!(stage.read(40, &table, &said("newer")), "200 new");
}

#[test]
fn an_api_is_known_by_the_id_that_its_create_gave_it() {
    let stage = Stage::new(Delay::of_ms(100));
    let api = |method: Method, path: &str| signed("apigateway", method, path, "", String::new());
    let created = Answer::json(201, &json!({"apiId": "x1y2"}));
    stage.write(0, &api(Method::POST, "/v2/apis"), &created);
    assert!(stage.read(10, &api(Method::GET, "/v2/apis/x1y2"), &said("")).starts_with("404 "));
    assert_eq!(stage.read(10, &api(Method::GET, "/v2/apis/z3"), &said("z")), "200 z");
}

#[test]
fn delays_are_drawn_from_the_seed_within_their_bounds() {
    let delay = Delay { delay_ms: 50, at_most_ms: 80, seed: 7 };
    let drawn: Vec<u128> = (1..200).map(|n| delay.of(n).as_millis()).collect();
    assert_eq!(drawn, (1..200).map(|n| delay.of(n).as_millis()).collect::<Vec<_>>());
    assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&50), Some(&80)));
    assert_ne!(delay.of(1), Delay { seed: 8, ..delay }.of(1));
    assert_eq!(Delay::of_ms(9).of(3).as_millis(), 9);
}

#[test]
fn switched_off_it_remembers_nothing() {
    let stage = Stage::new(Delay::of_ms(100));
    let list = iam("ListRoles", "");
    stage.read(0, &list, &said("old"));
    stage.write(1, &iam("CreateRole", "a"), &said(""));
    stage.lag.set(Delay::default());
    assert_eq!(stage.read(2, &list, &said("new")), "200 new");
    assert_eq!(stage.lag.stale(), ByOperation::new());
}
