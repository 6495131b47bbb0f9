use std::sync::Arc;
use std::time::Duration;

use aws_config::Region;
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::*;
use crate::deadline::Deadline;
use crate::ports::Ports;

/// A service that takes connections and never answers; ends with the listener.
async fn silent() -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let accepting = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok(connection) = listener.accept().await {
            held.push(connection);
        }
    });
    (format!("http://{address}"), accepting)
}

fn aws(endpoint: &str) -> Aws {
    let credentials = Credentials::new("AKIDEXAMPLE", "not-a-secret", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .endpoint_url(endpoint)
        .http_client(Builder::new().build_http())
        .retry_config(RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    Aws(config)
}

#[tokio::test]
async fn a_service_that_never_answers_is_an_error_within_the_deadline() {
    let (endpoint, accepting) = silent().await;
    let secrets = crate::adapters::AwsPorts::new(aws(&endpoint), None).secrets();
    let deadline = Deadline::after(Duration::from_secs(2));
    let begun = Instant::now();
    let read = crate::deadline::scope(deadline, secrets.secret("links")).await;
    let error = read.expect_err("no answer").to_string();
    assert!(error.contains("could not read the secret links") && error.contains("timeout"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(10), "six attempts of 20 s without a deadline");
    accepting.abort();
}

/// Each client is bounded, not only the one above.
#[tokio::test]
async fn every_client_keeps_the_deadline() {
    let (endpoint, accepting) = silent().await;
    let aws = aws(&endpoint);
    let (table, costs) = (aws.dynamodb(), aws.cost_explorer());
    let within = || Deadline::after(Duration::from_millis(600));
    let begun = Instant::now();
    let listed = crate::deadline::scope(within(), table.get_item().table_name("t").send()).await;
    assert!(listed.is_err());
    let interval = aws_sdk_costexplorer::types::DateInterval::builder().start("2026-10-01").end("2026-11-01").build();
    let request = costs.get_cost_and_usage().time_period(interval.expect("an interval"));
    let request = request.granularity(aws_sdk_costexplorer::types::Granularity::Daily).metrics("UnblendedCost");
    assert!(crate::deadline::scope(within(), request.send()).await.is_err());
    assert!(begun.elapsed() < Duration::from_secs(10));
    accepting.abort();
}

/// The handler itself: `costs` behind its guard answers 500 or 503 by itself when Secrets Manager is silent.
#[tokio::test]
async fn the_costs_api_answers_its_own_error_when_aws_is_silent() {
    use billing::function::Setting;
    let (endpoint, accepting) = silent().await;
    let settings = [("HANDLER", "costs"), ("LEDGER_TABLE", "t"), ("LINK_SECRET", "links"), ("TENANT_TAG", "Org")];
    let settings = settings.map(|(name, value)| (format!("BILLFORM_{name}"), value.to_owned()));
    assert!(settings.iter().any(|(name, _)| name == Setting::LinkSecret.variable()));
    // The machine's clock: at a loopback address the local cloud's would be asked, which is silent here too.
    let ports = crate::adapters::AwsPorts {
        clock: Arc::new(crate::adapters::SystemClock),
        ..crate::adapters::AwsPorts::new(aws(&endpoint), None)
    };
    let ports = Arc::new(ports);
    let process = crate::process::Process::start(crate::settings::Settings::new(settings), ports).expect("it starts");
    let event = serde_json::json!({"routeKey": "GET /costs", "headers": {"authorization": "Bearer a.b"},
        "requestContext": {"http": {"method": "GET"}}});
    let run = crate::run::Run::lasting("test", Duration::from_secs(2));
    let answer = process.handle(event, &run).await.expect("an answer, not a failed run");
    let answer: serde_json::Value = serde_json::from_str(answer.get()).expect("JSON");
    let status = answer["statusCode"].as_u64().unwrap_or_default();
    assert!(status == 500 || status == 503, "{answer}");
    assert!(Instant::now() < run.deadline.process + Duration::from_secs(5));
    accepting.abort();
}
