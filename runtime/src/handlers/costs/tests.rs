use std::time::Duration;

use billing::ledger::CostAmount;
use billing::link::{self, LinkClaims, LinkKey};
use billing::names::TOKEN_HEADER;
use billing::tenant::TenantRecord;
use jiff::civil::date;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::*;
use crate::api::Served;
use crate::handler::Handler;
use crate::http::Request;
use crate::ports::Secrets;
use crate::ports::memory::{Fault, Memory, World};
use crate::run::Run;
use crate::settings::Settings;

const KEY: &str = "canary-link-key-0123456789abcdef";
const TAG: &str = "ClientOrganization";

fn record(version: u32) -> TenantRecord {
    serde_json::from_value(json!({
        "id": "mmp-toledo", "name": "Minute Man Press Toledo", "email": "billing@example.com", "locale": "en-US",
        "currency": "USD", "tags": {TAG: "MMP-Toledo"}, "terms": [{}], "days_until_due": 30, "link_version": version,
    }))
    .expect("a tenant")
}

fn day(on: jiff::civil::Date, service: &str, project: &str, cents: i64) -> CostDay {
    let amount = CostAmount { cost: Decimal::new(cents, 2), usage: Decimal::ONE };
    CostDay {
        services: [(service.to_owned(), amount)].into(),
        projects: [(project.to_owned(), amount)].into(),
        ..CostDay::nothing(on, jiff::Timestamp::UNIX_EPOCH)
    }
}

/// The portal's October: 85.30 + 40.20.
fn world() -> World {
    let mut world = World::default();
    world.tenants.insert("mmp-toledo".to_owned(), record(1));
    world.secrets.insert("links".to_owned(), KEY.to_owned());
    let mine = || "mmp-toledo".to_owned();
    for day in [
        day(date(2026, 10, 3), "Amazon Simple Storage Service", "mmp-toledo", 8530),
        day(date(2026, 10, 30), "AWS Lambda", "mmp-toledo-firespring", 4020),
    ] {
        world.days.insert((mine(), day.date), day);
    }
    // Another tenant's cost, which nobody may see here.
    world.days.insert(("other".to_owned(), date(2026, 10, 3)), day(date(2026, 10, 3), "S3", "x", 99_900));
    let month = Month::of(date(2026, 10, 1));
    let mark = SyncMark {
        month,
        through: date(2026, 10, 31),
        estimated: false,
        complete: true,
        synced_at: jiff::Timestamp::UNIX_EPOCH,
    };
    world.marks.insert((mine(), month), mark);
    world
}

fn token(version: u32, expires_at_s: i64, tenant: &str) -> String {
    let claims = LinkClaims { tenant: tenant.to_owned(), expires_at_s, version, purpose: link::COSTS.to_owned() };
    link::sign(&claims, &LinkKey::from_secret(KEY).expect("a key")).expect("a token")
}

fn good_token() -> String {
    token(1, 4_000_000_000, "mmp-toledo")
}

fn request(token: Option<&str>, query: Value) -> Request {
    let headers = token.map_or(json!({}), |token| json!({"authorization": format!("Bearer {token}")}));
    let event = json!({"routeKey": "GET /costs", "headers": headers, "queryStringParameters": query,
        "requestContext": {"http": {"method": "GET"}}});
    serde_json::from_value(event).expect("a request")
}

/// The handler as it is deployed, its guard in front; the clock of `Memory` stands at 2026-11-21T08:00:00Z.
async fn answer(memory: &Memory, request: &Request) -> (u16, Value) {
    let settings = [(Setting::LedgerTable, "ledger"), (Setting::LinkSecret, "links"), (Setting::TenantTag, TAG)];
    let settings = settings.map(|(setting, value)| (setting.variable().to_owned(), value.to_owned()));
    let env = Environment::new(Costs::SPEC, Settings::new(settings), Arc::new(memory.clone()));
    let costs = Served::<Costs>::start(&env).expect("it starts");
    let response = costs.answer(request, &Run::lasting("test", Duration::from_secs(10))).await.answer;
    (response.status, serde_json::from_str(response.text()).expect("JSON"))
}

async fn status(request: &Request) -> u16 {
    answer(&Memory::new(world()), request).await.0
}

#[tokio::test]
async fn the_contracts_answer_for_the_tenant_of_the_link() {
    let request = request(Some(&good_token()), json!({"clientOrganization": "MMP-Toledo", "period": "last-month"}));
    let (status, body) = answer(&Memory::new(world()), &request).await;
    assert_eq!(status, 200);
    assert_eq!(body["clientOrganization"], "MMP-Toledo");
    assert_eq!(body["period"], json!({"start": "2026-10-01", "end": "2026-10-31", "type": "last-month"}));
    assert_eq!(body["summary"]["totalCost"], json!(125.50));
    assert_eq!(body["summary"]["byProject"]["mmp-toledo"]["cost"], json!(85.30));
    assert_eq!(body["summary"]["byProject"]["mmp-toledo-firespring"]["cost"], json!(40.20));
    assert_eq!(body["summary"]["byService"].as_object().map(serde_json::Map::len), Some(2));
    assert_eq!(body["summary"]["dailyBreakdown"].as_array().map(Vec::len), Some(31));
    assert_eq!(body["forecast"], json!({"amount": 125.50, "unit": "USD", "period": "next-30-days"}));
}

#[tokio::test]
async fn the_token_may_come_in_a_header_of_its_own() {
    let mut request = request(None, json!({}));
    request.headers.insert(TOKEN_HEADER.to_owned(), good_token());
    assert_eq!(status(&request).await, 200);
}

#[tokio::test]
async fn who_asks_for_another_organization_is_refused() {
    let token = good_token();
    for other in ["Acme", "mmp-toledo", "MMP-Toledo,Acme"] {
        let (status, body) =
            answer(&Memory::new(world()), &request(Some(&token), json!({"clientOrganization": other}))).await;
        assert_eq!((status, &body["error"]["code"]), (403, &json!("forbidden")), "{other}");
    }
}

/// Two tenants may have the same value of the tenant tag: what is shown is the tenant's of the link, not the value's.
#[tokio::test]
async fn tenants_of_one_organization_see_their_own_cost() {
    let mut world = world();
    let tags =
        |environment: &str| [(TAG.to_owned(), "MMP-Toledo".into()), ("Environment".to_owned(), environment.into())];
    let trial = TenantRecord { id: "other".to_owned(), tags: tags("dev").into(), ..record(1) };
    world.tenants.insert("other".to_owned(), trial);
    world.tenants.get_mut("mmp-toledo").expect("a tenant").tags = tags("prod").into();
    let marks: Vec<SyncMark> = world.marks.values().cloned().collect();
    world.marks.extend(marks.into_iter().map(|mark| (("other".to_owned(), mark.month), mark)));
    let memory = Memory::new(world);
    let asked = json!({"clientOrganization": "MMP-Toledo", "start": "2026-10-01", "end": "2026-10-31"});
    for (tenant, total) in [("mmp-toledo", json!(125.50)), ("other", json!(999.00))] {
        let (status, body) = answer(&memory, &request(Some(&token(1, 4_000_000_000, tenant)), asked.clone())).await;
        assert_eq!((status, &body["summary"]["totalCost"]), (200, &total), "{tenant}");
    }
}

#[tokio::test]
async fn tokens_that_do_not_hold_are_refused() {
    for (case, token, code) in [
        ("missing", None, "unauthorized"),
        ("garbage", Some("garbage".to_owned()), "unauthorized"),
        ("tampered", Some(good_token().replacen('e', "f", 1)), "unauthorized"),
        ("expired", Some(token(1, 1_700_000_000, "mmp-toledo")), "link_expired"),
        ("revoked", Some(token(2, 4_000_000_000, "mmp-toledo")), "link_revoked"),
    ] {
        let (status, body) = answer(&Memory::new(world()), &request(token.as_deref(), json!({}))).await;
        assert_eq!((status, &body["error"]["code"]), (401, &json!(code)), "{case}");
    }
}

#[tokio::test]
async fn a_tenant_that_is_gone_is_unknown() {
    let gone = token(1, 4_000_000_000, "gone");
    let (status, body) = answer(&Memory::new(world()), &request(Some(&gone), json!({}))).await;
    assert_eq!((status, &body["error"]["code"]), (404, &json!("unknown_tenant")));
}

#[tokio::test]
async fn bad_periods_say_what_is_wrong() {
    let token = good_token();
    for query in [
        json!({"period": "yesterday"}),
        json!({"start": "2026-10-02", "end": "2026-10-01"}),
        json!({"start": "2026-10-02"}),
        json!({"start": "2026-10-02", "end": "2027-10-01"}),
    ] {
        let (status, body) = answer(&Memory::new(world()), &request(Some(&token), query.clone())).await;
        assert_eq!((status, &body["error"]["code"]), (400, &json!("bad_period")), "{query}");
    }
    let mut post = request(Some(&token), json!({}));
    post.method = "POST".to_owned();
    assert_eq!(status(&post).await, 405);
}

#[tokio::test]
async fn a_failing_store_is_an_error_without_details() {
    let memory = Memory::new(world());
    let token = good_token();
    let request = request(Some(&token), json!({}));
    for nth in 0..4 {
        memory.fail(nth, Fault::Before);
        let (status, body) = answer(&memory, &request).await;
        assert_eq!(status, 500, "call {nth}");
        let shown = body.to_string();
        assert!(!shown.contains("canary") && !shown.contains("refused by the test"), "{shown}");
    }
}

/// What is logged while a future runs, as the deployed function would write it.
async fn logged<T>(run: impl Future<Output = T>) -> (T, String) {
    let lines = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let writer = {
        let lines = lines.clone();
        move || Shared(lines.clone())
    };
    let subscriber =
        tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE).with_writer(writer).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let done = run.await;
    drop(guard);
    let text = String::from_utf8(lines.lock().expect("lines").clone()).expect("text");
    (done, text)
}

struct Shared(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("lines").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn neither_key_nor_token_is_ever_logged() {
    let memory = Memory::new(world());
    let token = good_token();
    let request = request(Some(&token), json!({}));
    let everything = async {
        for nth in 0..5 {
            memory.fail(nth, Fault::After);
            answer(&memory, &request).await;
        }
        let secret = memory.secret("links").await;
        tracing::error!(?secret, "a careless line");
    };
    let ((), log) = logged(everything).await;
    assert!(log.contains("the request failed") && log.contains("a careless line"), "{log}");
    assert!(!log.contains(KEY) && !log.contains(&token), "{log}");
}

#[tokio::test]
async fn a_planted_leak_is_seen() {
    let ((), log) = logged(async { tracing::info!(key = KEY, "a leak") }).await;
    assert!(log.contains(KEY));
}

/// Page, table, CSV and API show one set of figures.
#[tokio::test]
async fn the_file_has_the_same_figures() {
    let query = json!({"period": "last-month", "format": "csv"});
    let settings = [(Setting::LedgerTable, "ledger"), (Setting::LinkSecret, "links"), (Setting::TenantTag, TAG)];
    let settings = settings.map(|(setting, value)| (setting.variable().to_owned(), value.to_owned()));
    let env = Environment::new(Costs::SPEC, Settings::new(settings), Arc::new(Memory::new(world())));
    let costs = Served::<Costs>::start(&env).expect("it starts");
    let run = Run::lasting("test", Duration::from_secs(10));
    let response = costs.answer(&request(Some(&good_token()), query), &run).await.answer;
    assert_eq!(response.headers["content-type"], "text/csv; charset=utf-8");
    let name = "attachment; filename*=UTF-8''costs%2DMMP%2DToledo%2D2026%2D10%2D01%2D2026%2D10%2D31%2Ecsv";
    assert_eq!(response.headers["content-disposition"], name);
    let crate::http::Body::Bytes(bytes) = response.body else { panic!("a file") };
    let text = String::from_utf8(bytes).expect("text");
    let lines: Vec<&str> = text.lines().collect();
    let head = [
        "breakdown,name,cost,currency,usage",
        "total,,125.50,USD,",
        "service,AWS Lambda,40.20,USD,1",
        "service,Amazon Simple Storage Service,85.30,USD,1",
        "project,mmp-toledo,85.30,USD,1",
        "project,mmp-toledo-firespring,40.20,USD,1",
        "day,2026-10-01,0.00,USD,",
    ];
    assert_eq!(lines[..7], head);
    assert_eq!((lines.len(), lines[8], lines[36]), (37, "day,2026-10-03,85.30,USD,", "day,2026-10-31,0.00,USD,"));
}
