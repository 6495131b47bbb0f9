use std::sync::Arc;
use std::time::Duration;

use billing::function::{Auth, Grant, Role, Setting};
use serde_json::{Value, json};

use super::*;
use crate::ports::PortError;
use crate::ports::memory::Memory;
use crate::settings::Settings;

/// An API with a route of each outcome.
struct Probe;

impl Api for Probe {
    const SPEC: Spec = Spec {
        name: "probe",
        grants: &[Grant::LedgerRead, Grant::LinkSecretRead, Grant::ThrottleWrite],
        settings: &[Setting::LedgerTable, Setting::LinkSecret, Setting::AllowedOrigins],
        ..Spec::EMPTY
    };
    const ROUTES: &'static [Route<Probe>] = &[
        Route { key: "GET /open/{name}", auth: Auth::Public, serve: |_, call| Box::pin(async move { greeting(call) }) },
        Route { key: "PUT /open/{name}", auth: Auth::Public, serve: |_, _| Box::pin(async { Err(broken()) }) },
        Route { key: "GET /slow", auth: Auth::Public, serve: |_, _| Box::pin(std::future::pending()) },
        Route {
            key: "GET /mine",
            auth: Auth::Tenant(Role::Viewer),
            serve: |_, _| Box::pin(async { panic!("answered without a credential") }),
        },
    ];

    fn start(_env: &Environment) -> Result<Probe, StartError> {
        Ok(Probe)
    }
}

fn greeting(call: Call<'_>) -> Result<Response, Refusal> {
    Ok(Response::json(200, json!({ "hello": call.request.parameter("name")? }).to_string()))
}

fn broken() -> Refusal {
    PortError::new("read the ledger", "canary").into()
}

fn environment(spec: Spec) -> Environment {
    let settings = [(Setting::LedgerTable, "ledger"), (Setting::LinkSecret, "links")];
    let settings = settings.map(|(setting, value)| (setting.variable().to_owned(), value.to_owned()));
    Environment::new(spec, Settings::new(settings), Arc::new(Memory::default()))
}

fn probe() -> Served<Probe> {
    Served::start(&environment(Probe::SPEC)).expect("it starts")
}

fn run(left: Duration) -> Run {
    Run::lasting("test", left)
}

async fn answer(route: &str, method: &str) -> Outcome<Response> {
    let event = json!({"routeKey": route, "pathParameters": {"name": "a"}, "requestContext": {"http": {"method": method}},
        "headers": {"host": "api.example.com", "origin": "https://api.example.com"}});
    let request: Request = serde_json::from_value(event).expect("a request");
    probe().answer(&request, &run(Duration::from_secs(10))).await
}

fn code(outcome: &Outcome<Response>) -> String {
    let body: Value = serde_json::from_str(outcome.answer.text()).expect("JSON");
    body["error"]["code"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_route_answers_by_its_key() {
    let outcome = answer("GET /open/{name}", "GET").await;
    assert_eq!((outcome.answer.status, outcome.answer.text()), (200, r#"{"hello":"a"}"#));
    assert!(outcome.metrics.is_empty());
}

#[tokio::test]
async fn what_is_no_route_is_not_found_and_another_method_not_allowed() {
    for (route, method, status, expected) in [
        ("GET /other", "GET", 404, "not_found"),
        ("$default", "GET", 404, "not_found"),
        ("", "", 404, "not_found"),
        ("GET /open/{name}", "DELETE", 405, "method_not_allowed"),
    ] {
        let outcome = answer(route, method).await;
        assert_eq!((outcome.answer.status, code(&outcome).as_str()), (status, expected), "{route}");
    }
    let outcome = answer("GET /open/{name}", "DELETE").await;
    assert!(outcome.answer.text().contains("only GET, PUT is answered"), "{}", outcome.answer.text());
}

#[tokio::test]
async fn the_credential_comes_before_the_answer() {
    let outcome = answer("GET /mine", "GET").await;
    assert_eq!((outcome.answer.status, code(&outcome).as_str()), (401, "unauthorized"));
}

#[tokio::test]
async fn a_failure_is_counted_and_not_shown() {
    let outcome = answer("PUT /open/{name}", "PUT").await;
    assert_eq!((outcome.answer.status, code(&outcome).as_str()), (500, "internal"));
    assert_eq!(outcome.metrics, [Metric::new(ERRORS, 1)]);
    assert!(!outcome.answer.text().contains("canary"));
}

#[tokio::test]
async fn other_events_are_refused_unless_the_api_takes_them() {
    for payload in [json!({}), json!({"tenant": "a"})] {
        let incoming: Incoming = serde_json::from_value(payload).expect("an event");
        let refused = probe().run(incoming, &run(Duration::from_secs(1))).await.expect_err("a refusal").to_string();
        assert!(refused.contains("probe answers HTTP requests, not a direct invocation"), "{refused}");
    }
}

/// A port that never answers: the caller still gets the handler's own error, before Lambda ends the process.
#[tokio::test]
async fn an_answer_gets_out_in_time() {
    let event = json!({"routeKey": "GET /slow", "requestContext": {"http": {"method": "GET"}}});
    let request: Request = serde_json::from_value(event).expect("a request");
    let run = run(Duration::from_millis(500));
    let outcome = probe().answer(&request, &run).await;
    assert_eq!((outcome.answer.status, code(&outcome).as_str()), (503, "timeout"));
    assert_eq!(outcome.metrics, [Metric::new(ERRORS, 1)]);
}

/// A page of another site cannot change anything, whoever visits it.
#[tokio::test]
async fn what_changes_something_is_sent_by_our_own_pages() {
    for headers in [json!({}), json!({"host": "api.example.com", "origin": "https://evil.example"})] {
        let event = json!({"routeKey": "PUT /open/{name}", "headers": headers,
            "requestContext": {"http": {"method": "PUT"}}});
        let request: Request = serde_json::from_value(event).expect("a request");
        let outcome = probe().answer(&request, &run(Duration::from_secs(10))).await;
        assert_eq!((outcome.answer.status, code(&outcome).as_str()), (403, "foreign_origin"));
    }
}

#[tokio::test]
async fn a_body_has_an_end() {
    let event = json!({"routeKey": "PUT /open/{name}", "body": "x".repeat(16 * 1024 + 1),
        "requestContext": {"http": {"method": "PUT"}}});
    let request: Request = serde_json::from_value(event).expect("a request");
    let outcome = probe().answer(&request, &run(Duration::from_secs(10))).await;
    assert_eq!((outcome.answer.status, code(&outcome).as_str()), (413, "too_large"));
}

#[test]
fn a_route_needs_what_its_credential_needs() {
    let spec = Spec { grants: &[Grant::LedgerRead], ..Probe::SPEC };
    let refused = Served::<Probe>::start(&environment(spec)).err().expect("a refusal");
    assert!(matches!(refused, StartError::UndeclaredPort { port: "the link key", .. }), "{refused}");
}

#[test]
fn the_trigger_is_the_routes() {
    let spec = <Served<Probe> as Handler>::SPEC.describe();
    let keys = match &spec.triggers[..] {
        [billing::function::Trigger::Http(routes)] => routes.iter().map(|route| route.key.as_str()).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(keys, ["GET /open/{name}", "PUT /open/{name}", "GET /slow", "GET /mine"]);
}
