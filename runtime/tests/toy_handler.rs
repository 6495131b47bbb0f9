//! A handler written by the steps of the README: one file and one line. It is never shipped; it shows that a handler
//! with pages, path parameters, cookies, a schedule and a bucket needs nothing else.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use billing::function::{Auth, FunctionSpec, Grant, Setting, Trigger};
use jiff::Timestamp;
use runtime::api::{Api, Call, Route, api};
use runtime::environment::Environment;
use runtime::error::{RunError, StartError};
use runtime::events::Event;
use runtime::handler::Entry;
use runtime::http::{Cookie, Refusal, Response};
use runtime::ports::{Checkout, Clock, CostQuery, CostSource, Invoices, Ledger, Payments, PortError, Ports, Secrets};
use runtime::process::Process;
use runtime::run::{Outcome, Run};
use runtime::secret::Secret;
use runtime::settings::Settings;
use runtime::spec::{On, Spec};
use serde_json::{Value, json};

/// Keeps a guest book: names come by form, are shown as a page, and are cleared by schedule.
struct GuestBook {
    clock: Arc<dyn Clock>,
    title: String,
    names: Mutex<Vec<String>>,
}

#[async_trait(?Send)]
impl Api for GuestBook {
    const SPEC: Spec = Spec {
        name: "guest_book",
        description: "A page of names",
        triggers: &[On::Schedule { name: "daily", expression: "cron(0 6 * * ? *)" }, On::Bucket { prefix: "guests/" }],
        // A POST is taken from the stack's own pages alone.
        settings: &[Setting::TenantTag, Setting::AllowedOrigins],
        ..Spec::EMPTY
    };
    const ROUTES: &'static [Route<GuestBook>] = &[
        Route { key: "GET /guests/{name}", auth: Auth::Public, serve: |book, call| Box::pin(book.page(call)) },
        Route { key: "POST /guests/{name}", auth: Auth::Public, serve: |book, call| Box::pin(book.sign(call)) },
    ];

    fn start(env: &Environment) -> Result<GuestBook, StartError> {
        Ok(GuestBook { clock: env.clock(), title: env.setting(Setting::TenantTag)?, names: Mutex::default() })
    }

    async fn on(&self, event: Event, _run: &Run) -> Result<Outcome<Value>, RunError> {
        match event {
            Event::Schedule(_) => self.names().clear(),
            Event::Bucket(bucket) => self.names().extend(bucket.objects.into_iter().map(|object| object.key)),
            other => return Err(RunError::Event(format!("the guest book takes no {}", other.noun()))),
        }
        Ok(Outcome::new(json!({ "guests": self.names().len() })))
    }
}

impl GuestBook {
    async fn page(&self, call: Call<'_>) -> Result<Response, Refusal> {
        let name = call.request.parameter("name")?;
        if !self.names().iter().any(|known| known == name) {
            return Err(Refusal::new(404, "unknown_guest", "no such guest"));
        }
        let seen = call.request.cookie(&Cookie::full_name("guest")) == Some(name);
        let greeting = if seen { "Welcome back" } else { "Welcome" };
        Ok(Response::html(
            200,
            format!("<h1>{}</h1><p>{greeting}, {}, on {}</p>", self.title, escaped(name), self.clock.today()),
        ))
    }

    async fn sign(&self, call: Call<'_>) -> Result<Response, Refusal> {
        let name = call.request.parameter("name")?;
        self.names().push(name.to_owned());
        Ok(Response::redirect("/guests").with_cookie(&Cookie::session("guest", name, 3600)))
    }

    fn names(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.names.lock().expect("names")
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// The one line.
const GUEST_BOOK: Entry = api::<GuestBook>();

/// The world of a handler that is granted nothing but the time.
struct OnlyTheTime;

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        "2026-11-27T12:00:00Z".parse().expect("a time")
    }
}

impl Ports for OnlyTheTime {
    fn ledger(&self, _table: &str) -> Arc<dyn Ledger> {
        unreachable!("the spec grants no ledger")
    }

    fn secrets(&self) -> Arc<dyn Secrets> {
        unreachable!("the spec grants no secret")
    }

    fn cost_source(&self, _query: CostQuery) -> Arc<dyn CostSource> {
        unreachable!("the spec grants no costs")
    }

    fn invoices(&self, _key: Secret) -> Result<Arc<dyn Invoices>, PortError> {
        unreachable!("the spec grants no invoices")
    }

    fn checkout(&self, _key: Secret) -> Result<Arc<dyn Checkout>, PortError> {
        unreachable!("the spec grants no pages of Stripe's")
    }

    fn payments(&self, _key: Secret) -> Result<Arc<dyn Payments>, PortError> {
        unreachable!("the spec grants no payments")
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(Noon)
    }
}

fn settings() -> Settings {
    let given = [(Setting::TenantTag, "Guests"), (Setting::AllowedOrigins, "https://guests.example.com")];
    Settings::new(given.map(|(setting, value)| (setting.variable().to_owned(), value.to_owned())))
}

fn started() -> Process {
    Process::of(&GUEST_BOOK, settings(), Arc::new(OnlyTheTime)).expect("it starts")
}

/// What the process answers to an event, as Lambda hands both on.
async fn handled(process: &Process, event: Value) -> Result<Value, RunError> {
    let answer = process.handle(event, &Run::lasting("request-1", Duration::from_secs(10))).await?;
    Ok(serde_json::from_str(answer.get()).expect("JSON"))
}

fn http(method: &str, name: &str, cookies: &[&str]) -> Value {
    json!({
        "version": "2.0", "routeKey": format!("{method} /guests/{{name}}"), "rawPath": format!("/prod/guests/{name}"),
        "cookies": cookies, "headers": {"host": "example.com", "origin": "https://guests.example.com"}, "pathParameters": {"name": name},
        "requestContext": {"http": {"method": method}, "stage": "prod"}, "isBase64Encoded": false,
    })
}

#[test]
fn its_spec_is_what_the_provisioner_deploys() {
    let FunctionSpec { triggers, settings, .. } = GUEST_BOOK.spec.describe();
    let [Trigger::Http(routes), Trigger::Schedule { name, .. }, Trigger::Bucket { prefix }] = &triggers[..] else {
        panic!("{triggers:?}")
    };
    let keys: Vec<&str> = routes.iter().map(|route| route.key.as_str()).collect();
    assert_eq!(keys, ["GET /guests/{name}", "POST /guests/{name}"]);
    let declared = vec![Setting::TenantTag, Setting::AllowedOrigins];
    assert_eq!((name.as_str(), prefix.as_str(), settings), ("daily", "guests/", declared));
}

#[tokio::test]
async fn pages_cookies_and_redirects_go_through_the_gateway() {
    let book = started();
    let missing = handled(&book, http("GET", "Ada", &[])).await.expect("an answer");
    assert_eq!(missing["statusCode"], 404);

    let signed = handled(&book, http("POST", "Ada", &[])).await.expect("an answer");
    assert_eq!((&signed["statusCode"], &signed["headers"]["location"]), (&json!(303), &json!("/guests")));
    let cookie = signed["cookies"][0].as_str().expect("a cookie");
    assert!(cookie.starts_with("__Host-guest=Ada; "), "{cookie}");

    let cookie = cookie.split(';').next().expect("a pair");
    let page = handled(&book, http("GET", "Ada", &[cookie])).await.expect("an answer");
    assert_eq!(page["body"], "<h1>Guests</h1><p>Welcome back, Ada, on 2026-11-27</p>");
    assert_eq!(page["headers"]["content-type"], "text/html; charset=utf-8");
}

#[tokio::test]
async fn a_bucket_and_a_schedule_reach_it_too() {
    let book = started();
    let object = json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {
        "bucket": {"name": "b"}, "object": {"key": "guests/Bob", "size": 1, "sequencer": "00"}}}]});
    assert_eq!(handled(&book, object).await.expect("an answer"), json!({"guests": 1}));
    let due = json!({"version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events",
        "account": "123456789012", "time": "2026-11-27T06:00:00Z", "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:123456789012:rule/daily"], "detail": {}});
    assert_eq!(handled(&book, due).await.expect("an answer"), json!({"guests": 0}));
    let misspelt = handled(&book, json!({"shedule": true})).await;
    assert!(matches!(misspelt, Err(RunError::Event(_))), "{misspelt:?}");
}

#[test]
fn it_starts_on_its_declared_settings_alone() {
    let refused = Process::of(&GUEST_BOOK, Settings::default(), Arc::new(OnlyTheTime)).err().expect("a refusal");
    assert!(refused.to_string().contains("BILLFORM_TENANT_TAG is missing"), "{refused}");

    let env = Environment::new(GUEST_BOOK.spec, settings(), Arc::new(OnlyTheTime));
    let undeclared = env.setting(Setting::LedgerTable).expect_err("a refusal");
    assert!(undeclared.to_string().contains("BILLFORM_LEDGER_TABLE"), "{undeclared}");
    let ungranted = env.ledger().err();
    let grants = &[Grant::LedgerRead, Grant::LedgerWrite];
    assert_eq!(ungranted, Some(StartError::UndeclaredPort { handler: "guest_book", port: "the ledger", grants }));
}
