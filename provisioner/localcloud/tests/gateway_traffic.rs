//! The gateway in front of a real MiniStack: calls pass, are counted, and are struck by the faults that are armed.

mod cloud;

use std::time::{Duration, Instant};

use cloud::{client, role, start};
use http::Method;
use localcloud::gateway::fault::{Effect, Fault, FaultState};
use localcloud::gateway::pipeline::Answer;
use serde_json::json;

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn calls_pass_and_are_counted_by_their_names() {
    let cloud = start().await;
    let aws = client(&cloud);
    assert!(aws.form("iam", &role("CreateRole", "reader")).await.unwrap().is_success());
    let found = aws.form("iam", &role("GetRole", "reader")).await.unwrap();
    assert!(String::from_utf8_lossy(&found.body).contains(":123456789012:role/reader"));
    assert_eq!(aws.form("iam", &role("GetRole", "nobody")).await.unwrap().status, 404);
    assert!(aws.rest("lambda", Method::GET, "/2015-03-31/functions", "").await.unwrap().is_success());
    assert!(aws.target("dynamodb", "DynamoDB_20120810.ListTables", &json!({})).await.unwrap().is_success());

    let health = aws.rest("x", Method::GET, "/_billform/health", "").await.unwrap();
    assert_eq!(health.body_json()["ministack"], "ok");
    let calls = aws.rest("x", Method::GET, "/_billform/calls", "").await.unwrap().body_json();
    let expected = json!({
        "dynamodb": {"ListTables": 1}, "iam": {"CreateRole": 1, "GetRole": 2}, "lambda": {"ListFunctions": 1}
    });
    assert_eq!((&calls["services"], &calls["total"]), (&expected, &json!(5)));
    assert_eq!(
        calls["log"][2],
        json!({"n": 3, "service": "iam", "operation": "GetRole", "write": false, "status": 404})
    );
    cloud.stop().await;
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn objects_pass_whole_and_heads_keep_their_length() {
    let cloud = start().await;
    let aws = client(&cloud);
    let body = vec![7_u8; 3_000_000];
    assert!(aws.rest("s3", Method::PUT, "/some-bucket", "").await.unwrap().is_success());
    assert!(aws.rest("s3", Method::PUT, "/some-bucket/a%20key", body.clone()).await.unwrap().is_success());
    let head = aws.rest("s3", Method::HEAD, "/some-bucket/a%20key", "").await.unwrap();
    assert_eq!(head.headers["content-length"], "3000000");
    let got = aws.rest("s3", Method::GET, "/some-bucket/a%20key", "").await.unwrap();
    assert!(got.body == body);
    let counts = cloud.traffic().counts();
    assert_eq!(
        [counts.of("s3", "CreateBucket"), counts.of("s3", "PutObject"), counts.of("s3", "HeadObject")],
        [1, 1, 1]
    );
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_lost_answer_has_taken_effect() {
    let cloud = start().await;
    let aws = client(&cloud);
    cloud.traffic().arm(vec![Fault::on_write(1, Effect::LoseAnswer)]).unwrap();
    assert!(!exists(&aws.form("iam", &role("GetRole", "lost")).await.unwrap()));
    let lost = aws.form("iam", &role("CreateRole", "lost")).await;
    assert!(lost.is_err(), "{lost:?}");
    assert!(exists(&aws.form("iam", &role("GetRole", "lost")).await.unwrap()));
    assert_eq!(cloud.traffic().counts().log[1].status, None);
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_held_answer_has_taken_effect_and_ends_with_its_client() {
    let cloud = start().await;
    let aws = client(&cloud);
    let id = cloud.traffic().arm(vec![Fault::on_operation("iam", "CreateRole", Effect::HoldAnswer)]).unwrap()[0];
    let held = tokio::spawn({
        let aws = aws.clone();
        async move { aws.form("iam", &role("CreateRole", "held")).await }
    });
    cloud.traffic().until(id, FaultState::Holding).await;
    assert!(exists(&aws.form("iam", &role("GetRole", "held")).await.unwrap()));
    assert!(!held.is_finished());
    held.abort();
    cloud.traffic().until(id, FaultState::Done).await;
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_held_call_never_happens_when_its_client_goes_and_happens_when_released() {
    let cloud = start().await;
    for gone in [true, false] {
        let aws = client(&cloud);
        let id = cloud.traffic().arm(vec![Fault::on_operation("iam", "CreateRole", Effect::HoldCall)]).unwrap()[0];
        let held = tokio::spawn({
            let aws = aws.clone();
            async move { aws.form("iam", &role("CreateRole", "held")).await }
        });
        cloud.traffic().until(id, FaultState::Holding).await;
        assert!(!exists(&aws.form("iam", &role("GetRole", "held")).await.unwrap()));
        if gone {
            held.abort();
        } else {
            cloud.traffic().release();
        }
        cloud.traffic().until(id, FaultState::Done).await;
        while cloud.traffic().counts().in_flight > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(exists(&aws.form("iam", &role("GetRole", "held")).await.unwrap()), !gone);
    }
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_late_call_takes_effect_after_its_client_was_left_without_an_answer() {
    let cloud = start().await;
    let aws = client(&cloud);
    let id = cloud.traffic().arm(vec![Fault::on_operation("iam", "CreateRole", Effect::ActLate)]).unwrap()[0];
    assert!(aws.form("iam", &role("CreateRole", "late")).await.is_err());
    assert!(!exists(&aws.form("iam", &role("GetRole", "late")).await.unwrap()));
    assert_eq!(cloud.traffic().counts().in_flight, 1, "it is still on its way");
    cloud.traffic().until(id, FaultState::Done).await;
    assert!(exists(&aws.form("iam", &role("GetRole", "late")).await.unwrap()));
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_reset_leaves_an_empty_account() {
    let cloud = start().await;
    let aws = client(&cloud);
    assert!(aws.form("iam", &role("CreateRole", "reader")).await.unwrap().is_success());
    assert!(aws.rest("s3", Method::PUT, "/some-bucket", "").await.unwrap().is_success());
    cloud.costs().change(|model| {
        model.active_tags.insert("Team".to_owned());
    });
    cloud.traffic().arm(vec![Fault::on_call(1, Effect::Throttle)]).unwrap();
    cloud.reset().await.unwrap();
    assert!(!exists(&aws.form("iam", &role("GetRole", "reader")).await.unwrap()));
    assert!(!exists(&aws.rest("s3", Method::HEAD, "/some-bucket", "").await.unwrap()));
    assert!(!cloud.costs().model().active_tags.contains("Team"));
    assert_eq!(cloud.traffic().counts().total, 2);
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_held_answer_goes_out_when_released() {
    let cloud = start().await;
    let aws = client(&cloud);
    let armed = json!({"faults": [{"nth": 1, "of": "writes", "effect": "hold_answer"}]}).to_string();
    let shown = aws.rest("x", Method::PUT, "/_billform/faults", armed).await.unwrap().body_json();
    let held = tokio::spawn({
        let aws = aws.clone();
        async move { aws.form("iam", &role("CreateRole", "held")).await }
    });
    let wait = format!("/_billform/faults/wait?id={}&state=holding", shown["faults"][0]["id"]);
    let shown = aws.rest("x", Method::GET, &wait, "").await.unwrap().body_json();
    assert_eq!(shown["faults"][0]["state"], "holding");
    aws.rest("x", Method::POST, "/_billform/faults/release", "").await.unwrap();
    assert!(held.await.unwrap().unwrap().is_success());
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn refused_calls_have_no_effect_and_latency_is_felt() {
    let cloud = start().await;
    let aws = client(&cloud);
    let faults = vec![Fault::on_write(1, Effect::FailBefore), Fault::on_write(2, Effect::Throttle)];
    cloud.traffic().arm(faults).unwrap();
    let failed = aws.form("iam", &role("CreateRole", "never")).await.unwrap();
    let throttled = aws.form("iam", &role("CreateRole", "never")).await.unwrap();
    assert_eq!(failed.status, 500);
    assert!(throttled.status == 400 && String::from_utf8_lossy(&throttled.body).contains("<Code>Throttling</Code>"));
    assert!(!exists(&aws.form("iam", &role("GetRole", "never")).await.unwrap()));

    cloud.traffic().set_latency(Duration::from_millis(120));
    let before = Instant::now();
    aws.form("iam", &role("GetRole", "never")).await.unwrap();
    assert!(before.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn calls_at_once_are_seen_as_such() {
    let cloud = start().await;
    let aws = client(&cloud);
    cloud.traffic().set_latency(Duration::from_millis(500));
    let names: Vec<String> = (0..8).map(|number| format!("role-{number}")).collect();
    let calls = names.iter().map(|name| {
        let (aws, pairs) = (aws.clone(), role("GetRole", name));
        async move { aws.form("iam", &pairs).await.map(|answer| answer.status) }
    });
    futures::future::join_all(calls).await;
    let counts = cloud.traffic().counts();
    assert_eq!((counts.total, counts.in_flight, counts.in_flight_peak), (8, 0, 8));
}

fn exists(answer: &Answer) -> bool {
    answer.is_success()
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn an_http_api_answers_at_the_address_it_names() {
    let cloud = start().await;
    let aws = client(&cloud);
    let wanted = json!({"name": "a", "protocolType": "HTTP"}).to_string();
    let api = aws.rest("apigateway", Method::POST, "/v2/apis", wanted).await.unwrap().body_json();
    let port = cloud.description().aws_endpoint.rsplit(':').next().unwrap().to_owned();
    let id = api["apiId"].as_str().unwrap();
    assert_eq!(api["apiEndpoint"], format!("http://{id}.execute-api.localhost:{port}"));
    let missing = aws.rest("x", Method::GET, &format!("/_aws/execute-api/{id}/$default/costs"), "").await.unwrap();
    assert_eq!((missing.status, missing.body_json()), (404, json!({"message": "Not Found"})));
    assert_eq!(cloud.traffic().counts().of("execute-api", "Invoke"), 1);
}
