//! The strict Stripe beside the gateway: counted with the calls to AWS and struck by the same faults.

mod cloud;

use cloud::{client, role, start};
use http::{HeaderMap, Method};
use localcloud::LocalCloud;
use localcloud::gateway::classify::classify;
use localcloud::gateway::fault::{Effect, Fault, FaultState};
use localcloud::gateway::pipeline::{Answer, Upstream, UpstreamError};
use localstripe::Kind;

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn stripe_takes_only_its_own_key_and_is_counted() {
    let cloud = start().await;
    let refused = post(&cloud, "sk_test_another", "/v1/customers", "email=a%40example.com").await.unwrap();
    assert_eq!(refused.status, 401, "{refused:?}");
    let made = post(&cloud, &key(&cloud), "/v1/customers", "email=a%40example.com").await.unwrap();
    assert_eq!(made.status, 200, "{made:?}");
    assert_eq!(cloud.stripe().objects(Kind::Customer).len(), 1);
    let counts = cloud.traffic().counts();
    assert_eq!(counts.of("stripe", "POST /v1/customers"), 2);
    let log: Vec<_> = counts.log.iter().map(|call| (call.write, call.status)).collect();
    assert_eq!(log, [(true, Some(401)), (true, Some(200))]);
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn the_second_write_may_be_stripes() {
    let cloud = start().await;
    let aws = client(&cloud);
    let id = cloud.traffic().arm(vec![Fault::on_write(2, Effect::HoldAnswer)]).unwrap()[0];
    assert!(aws.form("iam", &role("CreateRole", "first")).await.unwrap().is_success());
    let key = key(&cloud);
    tokio::select! {
        answer = post(&cloud, &key, "/v1/customers", "email=b%40example.com") => panic!("not held: {answer:?}"),
        () = cloud.traffic().until(id, FaultState::Holding) => {}
    }
    // The client has gone by now; what it asked for was done.
    cloud.traffic().until(id, FaultState::Done).await;
    assert_eq!(cloud.stripe().objects(Kind::Customer).len(), 1);
}

fn key(cloud: &LocalCloud) -> String {
    cloud.description().stripe_api_key.clone()
}

async fn post(cloud: &LocalCloud, key: &str, path: &str, form: &'static str) -> Result<Answer, UpstreamError> {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {key}").parse().unwrap());
    headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    let call = classify(Method::POST, path.parse().unwrap(), headers, form.into());
    let address = cloud.description().stripe_api_base.trim_start_matches("http://").to_owned();
    Upstream::new(address, String::new(), String::new()).forward(&call).await
}
