//! The gateway in front of a real MiniStack, as AWS behaves under load: rates, late reads, a lost network; and the
//! strict Stripe held to the same.

mod cloud;

use std::time::{Duration, Instant};

use cloud::{client, role, start};
use http::{HeaderMap, Method};
use localcloud::LocalCloud;
use localcloud::gateway::classify::classify;
use localcloud::gateway::fault::{Effect, Fault};
use localcloud::gateway::lag::Delay;
use localcloud::gateway::pipeline::{Answer, Upstream, UpstreamError};
use localcloud::gateway::rates::published;
use localstripe::Kind;
use serde_json::json;

/// Long enough that a busy machine does not outlast it.
const DELAY: Duration = Duration::from_secs(3);

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn published_rates_are_enforced_in_each_services_own_words() {
    let cloud = start().await;
    let aws = client(&cloud);
    let published = json!({"published": true}).to_string();
    assert!(aws.rest("x", Method::PUT, "/_billform/rates", published).await.unwrap().is_success());
    // Twice the bursts at once: more than comes back while they are under way.
    let apis = (0..80).map(|_| aws.rest("apigateway", Method::GET, "/v2/apis", ""));
    let apis = futures::future::join_all(apis).await;
    let ok = apis.iter().filter(|answer| answer.as_ref().unwrap().is_success()).count();
    assert!((40..60).contains(&ok), "{ok} of 80 passed a burst of 40");
    let refused = apis.into_iter().map(Result::unwrap).find(|answer| !answer.is_success()).unwrap();
    assert_eq!(
        (refused.status, refused.headers["x-amzn-errortype"].as_bytes()),
        (429, &b"TooManyRequestsException"[..])
    );

    let customers = (0..60).map(|_| post(&cloud, "/v1/customers", "email=a%40example.com"));
    let customers: Vec<Answer> = futures::future::join_all(customers).await.into_iter().map(Result::unwrap).collect();
    let made = customers.iter().filter(|answer| answer.is_success()).count();
    let refused = customers.iter().find(|answer| !answer.is_success()).unwrap();
    assert_eq!((refused.status, &refused.body_json()["error"]["code"]), (429, &json!("rate_limit")));
    assert_eq!(cloud.stripe().objects(Kind::Customer).len(), made, "what was refused had no effect");

    let rejections =
        aws.rest("x", Method::GET, "/_billform/rates", "").await.unwrap().body_json()["rejections"].clone();
    let expected = json!({"apigateway": {"GetApis": 80 - ok}, "stripe": {"POST /v1/customers": 60 - made}});
    assert_eq!(rejections, expected);
    assert_eq!(cloud.traffic().counts().rejected(), (140 - ok - made) as u64);
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn no_rate_is_in_force_unless_it_is_set() {
    let cloud = start().await;
    let aws = client(&cloud);
    let calls = (0..60).map(|_| aws.rest("apigateway", Method::GET, "/v2/apis", ""));
    assert!(futures::future::join_all(calls).await.iter().all(|answer| answer.as_ref().unwrap().is_success()));
    assert_eq!(cloud.traffic().counts().rejected(), 0);
    assert!(cloud.traffic().rates().is_empty() && !published().is_empty());
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn reads_show_a_write_late_and_then_for_good() {
    let cloud = start().await;
    let aws = client(&cloud);
    cloud.lag().set(Delay::of_ms(DELAY.as_millis() as u64));
    let list = [("Action", "ListRoles"), ("Version", "2010-05-08")];
    let listed = async || String::from_utf8_lossy(&aws.form("iam", &list).await.unwrap().body).contains("late-role");
    assert!(!listed().await);
    assert_eq!(aws.form("iam", &role("GetRole", "late-role")).await.unwrap().status, 404);
    assert!(aws.form("iam", &role("CreateRole", "late-role")).await.unwrap().is_success());
    let written = Instant::now();
    assert!(!listed().await, "the list is the old one");
    assert_eq!(aws.form("iam", &role("GetRole", "late-role")).await.unwrap().status, 404);
    let policies = aws.form("iam", &role("ListRolePolicies", "late-role")).await.unwrap();
    assert!(String::from_utf8_lossy(&policies.body).contains("NoSuchEntity"), "nobody asked this before");
    // A write meets the truth: AWS refuses a second role of the name though reads do not show the first.
    assert_eq!(aws.form("iam", &role("CreateRole", "late-role")).await.unwrap().status, 409);
    assert!(written.elapsed() < DELAY, "the machine is too slow for this test");
    tokio::time::sleep(DELAY - written.elapsed() + Duration::from_millis(50)).await;
    assert!(listed().await);
    assert!(aws.form("iam", &role("GetRole", "late-role")).await.unwrap().is_success());
    let shown = aws.rest("x", Method::GET, "/_billform/consistency", "").await.unwrap().body_json();
    assert_eq!(shown["stale"], json!({"iam": {"ListRoles": 1, "GetRole": 1, "ListRolePolicies": 1}}));
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn stripe_and_s3_show_a_write_at_once() {
    let cloud = start().await;
    let aws = client(&cloud);
    cloud.lag().set(Delay::of_ms(DELAY.as_millis() as u64));
    assert_eq!(aws.rest("s3", Method::HEAD, "/strong-bucket", "").await.unwrap().status, 404);
    assert!(aws.rest("s3", Method::PUT, "/strong-bucket", "").await.unwrap().is_success());
    assert_eq!(aws.rest("s3", Method::HEAD, "/strong-bucket", "").await.unwrap().status, 200);
    assert_eq!(customers(&cloud).await, 0);
    assert!(post(&cloud, "/v1/customers", "email=a%40example.com").await.unwrap().is_success());
    assert_eq!(customers(&cloud).await, 1);
}

/// Reads and writes of both sides are one sequence, so that a suite can strike each of them in turn.
#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn every_call_of_both_sides_can_be_struck_by_its_number() {
    let cloud = start().await;
    let script = async || {
        let aws = client(&cloud);
        let mut outcomes = Vec::new();
        outcomes.push(aws.form("iam", &role("GetRole", "a")).await.map(|answer| answer.status));
        outcomes.push(post(&cloud, "/v1/customers", "email=a%40example.com").await.map(|answer| answer.status));
        outcomes.push(aws.form("iam", &role("CreateRole", "a")).await.map(|answer| answer.status));
        outcomes.push(send(&cloud, Method::GET, "/v1/customers", "").await.map(|answer| answer.status));
        aws.form("iam", &role("DeleteRole", "a")).await.unwrap();
        outcomes.into_iter().map(|outcome| outcome.unwrap_or(0)).collect::<Vec<u16>>()
    };
    assert_eq!(script().await, [404, 200, 200, 200]);
    let log = cloud.traffic().counts().log;
    let told: Vec<(u64, &str, bool)> = log.iter().map(|call| (call.n, call.service.as_str(), call.write)).collect();
    assert_eq!(
        told,
        [(1, "iam", false), (2, "stripe", true), (3, "iam", true), (4, "stripe", false), (5, "iam", true)]
    );
    for (effect, by_number) in [
        (Effect::FailBefore, [500, 500, 500, 500]),
        (Effect::Throttle, [400, 429, 400, 429]),
        (Effect::LoseAnswer, [0, 0, 0, 0]),
    ] {
        for (at, struck) in by_number.into_iter().enumerate() {
            cloud.traffic().arm(vec![Fault::on_call(at as u64 + 1, effect)]).unwrap();
            let outcomes = script().await;
            assert_eq!(outcomes[at], struck, "{effect:?} at {at}: {outcomes:?}");
            assert_eq!(cloud.traffic().faults()[0].seen, at as u64 + 1);
        }
    }
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_lost_network_takes_every_call_from_then_on() {
    let cloud = start().await;
    let aws = client(&cloud);
    cloud.traffic().arm(vec![Fault::on_call(3, Effect::CutOff)]).unwrap();
    assert!(aws.form("iam", &role("CreateRole", "before")).await.is_ok());
    assert!(post(&cloud, "/v1/customers", "email=a%40example.com").await.is_ok());
    for _ in 0..2 {
        assert!(aws.form("iam", &role("CreateRole", "after")).await.is_err());
        assert!(post(&cloud, "/v1/customers", "email=b%40example.com").await.is_err());
    }
    cloud.traffic().arm(Vec::new()).unwrap();
    assert_eq!(aws.form("iam", &role("GetRole", "after")).await.unwrap().status, 404);
    assert_eq!(customers(&cloud).await, 1);
}

async fn customers(cloud: &LocalCloud) -> usize {
    send(cloud, Method::GET, "/v1/customers", "").await.unwrap().body_json()["data"].as_array().unwrap().len()
}

async fn post(cloud: &LocalCloud, path: &str, form: &'static str) -> Result<Answer, UpstreamError> {
    send(cloud, Method::POST, path, form).await
}

async fn send(cloud: &LocalCloud, method: Method, path: &str, form: &'static str) -> Result<Answer, UpstreamError> {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {}", cloud.description().stripe_api_key).parse().unwrap());
    headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    let call = classify(method, path.parse().unwrap(), headers, form.into());
    let address = cloud.description().stripe_api_base.trim_start_matches("http://").to_owned();
    Upstream::new(address, String::new(), String::new()).forward(&call).await
}
