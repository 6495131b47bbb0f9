use std::time::Duration;

use billing::ledger::{CostAmount, CostDay, SyncMark};
use billing::link::{self, LinkClaims, LinkKey};
use billing::tenant::TenantRecord;
use jiff::civil::date;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::*;
use crate::api::Served;
use crate::handler::Handler;
use crate::http::Body;
use crate::ports::memory::{Fault, Memory, World};
use crate::run::Run;
use crate::settings::Settings;

const KEY: &str = "canary-link-key-0123456789abcdef";

fn record(id: &str, locale: &str) -> TenantRecord {
    serde_json::from_value(json!({
        "id": id, "name": format!("Tenant {id}"), "email": "billing@example.com", "locale": locale, "currency": "USD",
        "tags": {}, "terms": [{}], "days_until_due": 30, "link_version": 1,
    }))
    .expect("a tenant")
}

/// Two tenants; the clock of `Memory` stands at 2026-11-21T08:00:00Z.
fn world() -> World {
    let mut world = World::default();
    world.secrets.insert("links".to_owned(), KEY.to_owned());
    for (id, locale, cents) in [("acme", "en-US", 12_550), ("beta", "de-DE", 99_900)] {
        world.tenants.insert(id.to_owned(), record(id, locale));
        let amount = CostAmount { cost: Decimal::new(cents, 2), usage: Decimal::ONE };
        let on = date(2026, 11, 3);
        let services = [("AWS Lambda".to_owned(), amount)].into();
        let day = CostDay { services, ..CostDay::nothing(on, jiff::Timestamp::UNIX_EPOCH) };
        world.days.insert((id.to_owned(), on), day);
        let mark = SyncMark {
            month: Month::of(on),
            through: date(2026, 11, 20),
            estimated: false,
            complete: true,
            synced_at: jiff::Timestamp::UNIX_EPOCH,
        };
        world.marks.insert((id.to_owned(), mark.month), mark);
    }
    world
}

fn token(tenant: &str, purpose: &str) -> String {
    let claims =
        LinkClaims { tenant: tenant.to_owned(), expires_at_s: 4_000_000_000, version: 1, purpose: purpose.to_owned() };
    link::sign(&claims, &LinkKey::from_secret(KEY).expect("a key")).expect("a token")
}

async fn asked(memory: &Memory, route: &str, more: Value) -> Response {
    let mut event = json!({"routeKey": route, "headers": {}, "requestContext": {"http": {"method": "GET"}}});
    event.as_object_mut().expect("an event").extend(more.as_object().expect("fields").clone());
    let request: Request = serde_json::from_value(event).expect("a request");
    let settings = [
        (Setting::LedgerTable, "ledger"),
        (Setting::LinkSecret, "links"),
        (Setting::Brand, r#"{"name":"Client Billing","logo":"https://cdn.example.com/logo.svg"}"#),
        (Setting::Payments, "told"),
    ];
    let settings = settings.map(|(setting, value)| (setting.variable().to_owned(), value.to_owned()));
    let env = Environment::new(Pages::SPEC, Settings::new(settings), Arc::new(memory.clone()));
    let pages = Served::<Pages>::start(&env).expect("it starts");
    pages.answer(&request, &Run::lasting("test", Duration::from_secs(10))).await.answer
}

fn by(token: &str) -> Value {
    json!({"headers": {"authorization": format!("Bearer {token}")}})
}

async fn page(route: &str, more: Value) -> Response {
    asked(&Memory::new(world()), route, more).await
}

#[tokio::test]
async fn each_tenant_sees_their_own_costs_in_their_own_language() {
    let acme = page("GET /", by(&token("acme", link::PORTAL))).await;
    assert_eq!(acme.status, 200);
    assert!(acme.text().contains("Tenant acme") && acme.text().contains("$125.50"), "{}", acme.text());
    assert!(!acme.text().contains("beta") && !acme.text().contains("999"), "{}", acme.text());
    let beta = page("GET /", by(&token("beta", link::PORTAL))).await;
    assert!(beta.text().contains("999,00\u{a0}$") && beta.text().contains("Abmelden"), "{}", beta.text());
}

#[tokio::test]
async fn who_is_not_signed_in_is_asked_to() {
    for (case, more) in
        [("nothing", json!({})), ("garbage", by("garbage")), ("another purpose", by(&token("acme", "x")))]
    {
        for route in ["GET /", "GET /invoices/{period}"] {
            let answer = page(route, more.clone()).await;
            assert_eq!((answer.status, answer.headers["location"].as_str()), (303, "/signin"), "{case}");
        }
    }
}

#[tokio::test]
async fn who_may_only_read_reads() {
    let viewer = page("GET /", by(&token("acme", link::COSTS))).await;
    assert!(viewer.text().contains("$125.50") && !viewer.text().contains("data-payment"), "{}", viewer.text());
    let admin = page("GET /", by(&token("acme", link::PORTAL))).await;
    assert!(admin.text().contains("data-payment"), "{}", admin.text());
}

#[tokio::test]
async fn an_invoice_that_is_not_there_is_a_page_that_says_so() {
    for period in ["2026-10", "nonsense", "2026-13"] {
        let mut more = by(&token("acme", link::PORTAL));
        more["pathParameters"] = json!({"period": period});
        let answer = page("GET /invoices/{period}", more).await;
        assert_eq!(answer.status, 404, "{period}");
        assert!(answer.text().contains("There is nothing here"), "{}", answer.text());
    }
}

#[tokio::test]
async fn pages_that_anybody_may_read_are_in_the_browsers_language() {
    let german = page("GET /signin", json!({"headers": {"accept-language": "de-DE,de;q=0.9"}})).await;
    assert!(german.text().contains("<html lang=\"de\">") && german.text().contains("Öffnen Sie den Link"));
    let asked = page("GET /help.html", json!({"queryStringParameters": {"lang": "de"}})).await;
    assert!(asked.text().contains("Wie füge ich eine Zahlungsart hinzu?"));
}

#[tokio::test]
async fn every_page_keeps_itself_to_itself() {
    for (route, more) in [
        ("GET /", by(&token("acme", link::PORTAL))),
        ("GET /signin", json!({})),
        ("GET /help.html", json!({})),
        ("GET /invoices/{period}", by(&token("acme", link::PORTAL))),
    ] {
        let answer = page(route, more).await;
        let policy = &answer.headers["content-security-policy"];
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(
            policy.contains("img-src 'self' data: https://cdn.example.com;") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(answer.headers["cache-control"], "no-store", "{route}");
        assert_eq!(answer.headers["referrer-policy"], "same-origin", "{route}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{route}");
        assert_eq!(answer.headers["vary"], "accept-encoding", "{route}");
    }
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_take_it() {
    for (accepts, coding) in [("gzip, br", Some("gzip")), ("br;q=1.0, gzip;q=0", None), ("", None), ("identity", None)]
    {
        let answer = page("GET /help.html", json!({"headers": {"accept-encoding": accepts}})).await;
        assert_eq!(answer.headers.get("content-encoding").map(String::as_str), coding, "{accepts}");
        assert_eq!(matches!(answer.body, Body::Bytes(_)), coding.is_some());
    }
}

#[tokio::test]
async fn style_and_script_are_kept_for_ever_by_their_names() {
    let signin = page("GET /signin", json!({})).await;
    for (before, kind) in [("href=\"/assets/", "text/css"), ("src=\"/assets/", "text/javascript")] {
        let name = signin.text().split_once(before).expect("an asset").1.split('"').next().expect("its name");
        let asset = page("GET /assets/{file}", json!({"pathParameters": {"file": name}})).await;
        assert!(asset.headers["content-type"].starts_with(kind), "{name}");
        assert!(asset.headers["cache-control"].contains("immutable"));
    }
    assert_eq!(page("GET /assets/{file}", json!({"pathParameters": {"file": "../main.rs"}})).await.status, 404);
}

#[tokio::test]
async fn a_failing_store_is_a_page_without_details() {
    let memory = Memory::new(world());
    for nth in 0..4 {
        memory.fail(nth, Fault::Before);
        let answer = asked(&memory, "GET /", by(&token("acme", link::PORTAL))).await;
        assert_eq!(answer.status, 500, "call {nth}");
        assert!(answer.text().contains("Something went wrong on our side"), "{}", answer.text());
        assert!(!answer.text().contains("canary") && !answer.text().contains("refused by the test"));
    }
}
