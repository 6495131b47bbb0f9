use std::sync::Arc;
use std::time::Duration;

use billing::function::Role;
use billing::link::{self, COSTS, LinkClaims, LinkKey, PORTAL};
use billing::rotated::Rotated;
use billing::session::{self, LASTS_S, SessionClaims};
use serde_json::{Value, json};

use super::*;
use crate::api::Served;
use crate::handler::Handler;
use crate::http::Request;
use crate::ports::memory::{Memory, World};
use crate::run::Run;
use crate::settings::Settings;

const KEY: &str = "canary-link-key-0123456789abcdef";
/// The clock of `Memory` stands at 2026-11-21T08:00:00Z.
const NOW_S: i64 = 1_795_248_000;

/// A route of a tenant behind the same guard.
struct Mine;

impl Api for Mine {
    const SPEC: Spec = Spec {
        name: "mine",
        grants: &[Grant::LedgerRead, Grant::LinkSecretRead, Grant::ThrottleWrite],
        settings: &[Setting::LedgerTable, Setting::LinkSecret, Setting::AllowedOrigins],
        ..Spec::EMPTY
    };
    const ROUTES: &'static [Route<Mine>] = &[
        Route { key: "GET /mine", auth: Auth::Tenant(Role::Viewer), serve: |_, call| Box::pin(shown(call)) },
        Route { key: "POST /mine", auth: Auth::Tenant(Role::Admin), serve: |_, call| Box::pin(shown(call)) },
    ];

    fn start(_env: &Environment) -> Result<Mine, StartError> {
        Ok(Mine)
    }
}

async fn shown(call: Call<'_>) -> Result<Response, Refusal> {
    let SignedIn { tenant, role } = call.caller.signed_in()?;
    Ok(Response::json(200, json!({"tenant": tenant.id, "role": role.as_str()}).to_string()))
}

fn memory(version: u32) -> Memory {
    let mut world = World::default();
    for id in ["acme", "other"] {
        let record = json!({"id": id, "name": id, "email": "a@example.com", "locale": "en-US", "currency": "USD",
            "tags": {"T": id}, "terms": [{}], "days_until_due": 30, "link_version": version});
        world.tenants.insert(id.to_owned(), serde_json::from_value(record).expect("a tenant"));
    }
    world.secrets.insert("links".to_owned(), KEY.to_owned());
    Memory::new(world)
}

fn key() -> LinkKey {
    LinkKey::from_secret(KEY).expect("a key")
}

fn link_of(tenant: &str, purpose: &str, holds_for_s: i64) -> String {
    let (tenant, purpose) = (tenant.to_owned(), purpose.to_owned());
    let claims = LinkClaims { tenant, expires_at_s: NOW_S + holds_for_s, version: 1, purpose };
    link::sign(&claims, &key()).expect("a token")
}

async fn served<A: Api>(memory: &Memory, event: Value) -> (u16, Value, Vec<String>) {
    let settings = [
        (Setting::LedgerTable, "ledger"),
        (Setting::LinkSecret, "links"),
        (Setting::AllowedOrigins, "https://billing.example.com"),
    ];
    let settings = settings.map(|(setting, value)| (setting.variable().to_owned(), value.to_owned()));
    let env = Environment::new(A::SPEC, Settings::new(settings), Arc::new(memory.clone()));
    let request: Request = serde_json::from_value(event).expect("a request");
    let served = Served::<A>::start(&env).expect("it starts");
    let answer = served.answer(&request, &Run::lasting("test", Duration::from_secs(10))).await.answer;
    (answer.status, serde_json::from_str(answer.text()).expect("JSON"), answer.cookies)
}

async fn exchanged(memory: &Memory, token: &str, origin: &str) -> (u16, Value, Vec<String>) {
    let event = json!({"routeKey": "POST /session", "headers": {"origin": origin, "host": "api.example.com"},
        "body": json!({"token": token}).to_string(), "requestContext": {"http": {"method": "POST"}}});
    served::<Session>(memory, event).await
}

const OURS: &str = "https://billing.example.com";

async fn mine(memory: &Memory, method: &str, headers: Value, cookies: &[&str]) -> (u16, Value) {
    let event = json!({"routeKey": format!("{method} /mine"), "headers": headers, "cookies": cookies,
        "requestContext": {"http": {"method": method}}});
    let (status, body, _) = served::<Mine>(memory, event).await;
    (status, body)
}

/// The cookie as the browser sends it back.
fn kept(set: &[String]) -> String {
    set[0].split(';').next().expect("a pair").to_owned()
}

async fn signed_in(memory: &Memory, purpose: &str) -> String {
    let (status, _, set) = exchanged(memory, &link_of("acme", purpose, 86_400), OURS).await;
    assert_eq!(status, 200);
    kept(&set)
}

#[tokio::test]
async fn a_link_is_exchanged_for_a_cookie_that_no_script_and_no_other_site_gets() {
    let memory = memory(1);
    for (holds_for_s, lasts_s) in [(86_400, LASTS_S), (60, 60)] {
        let (status, body, set) = exchanged(&memory, &link_of("acme", PORTAL, holds_for_s), OURS).await;
        let expires = Timestamp::from_second(NOW_S + lasts_s).expect("a time").to_string();
        assert_eq!((status, body), (200, json!({"tenant": "acme", "role": "admin", "expires": expires})));
        let (pair, attributes) = set[0].split_once("; ").expect("attributes");
        assert_eq!(attributes, format!("Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={lasts_s}"));
        assert!(pair.starts_with("__Host-billform="), "{pair}");
        assert_eq!(mine(&memory, "GET", json!({}), &[pair]).await, (200, json!({"tenant": "acme", "role": "admin"})));
    }
}

#[tokio::test]
async fn only_our_own_pages_exchange_a_link_and_only_for_one_that_holds() {
    let memory = memory(1);
    let good = link_of("acme", PORTAL, 60);
    for (token, origin, status, code) in [
        (good.as_str(), "https://evil.example", 403, "foreign_origin"),
        (&good, "null", 403, "foreign_origin"),
        ("nonsense", OURS, 401, "unauthorized"),
        (&link_of("acme", "another-purpose", 60), OURS, 401, "unauthorized"),
        (&link_of("acme", PORTAL, 0), OURS, 401, "link_expired"),
        (&link_of("nobody", PORTAL, 60), OURS, 404, "unknown_tenant"),
    ] {
        let (answered, body, set) = exchanged(&memory, token, origin).await;
        assert_eq!((answered, &body["error"]["code"], set.len()), (status, &json!(code), 0), "{token} from {origin}");
    }
    let revoked = exchanged(&self::memory(2), &good, OURS).await;
    assert_eq!((revoked.0, &revoked.1["error"]["code"]), (401, &json!("link_revoked")));
}

#[tokio::test]
async fn a_session_ends_with_its_links_version_its_time_and_its_key() {
    let cookie = signed_in(&memory(1), PORTAL).await;
    let (status, body) = mine(&memory(2), "GET", json!({}), &[&cookie]).await;
    assert_eq!((status, &body["error"]["code"]), (401, &json!("link_revoked")));

    let claims = SessionClaims {
        tenant: "acme".to_owned(),
        purpose: PORTAL.to_owned(),
        issued_at_s: NOW_S - LASTS_S,
        expires_at_s: NOW_S,
        version: 1,
    };
    let sealed = |claims: &SessionClaims| format!("__Host-billform={}", session::sign(claims, &key()).expect("sealed"));
    let (status, body) = mine(&memory(1), "GET", json!({}), &[&sealed(&claims)]).await;
    assert_eq!((status, &body["error"]["code"]), (401, &json!("session_expired")));
    let elsewhere =
        SessionClaims { purpose: "another".to_owned(), expires_at_s: NOW_S + 1, issued_at_s: NOW_S, ..claims };
    assert_eq!(mine(&memory(1), "GET", json!({}), &[&sealed(&elsewhere)]).await.0, 401);

    let rotated = memory(1);
    let next = "fedcba9876543210fedcba9876543210".to_owned();
    let both = Rotated { current: next.clone(), previous: Some(KEY.to_owned()) }.text();
    rotated.with(|world| world.secrets.insert("links".to_owned(), both));
    assert_eq!(mine(&rotated, "GET", json!({}), &[&cookie]).await.0, 200);
    rotated.with(|world| world.secrets.insert("links".to_owned(), next));
    assert_eq!(mine(&rotated, "GET", json!({}), &[&cookie]).await.0, 401);
}

#[tokio::test]
async fn a_cookie_changes_something_only_from_our_own_pages_and_a_bearer_from_anywhere() {
    let memory = memory(1);
    let cookie = signed_in(&memory, PORTAL).await;
    let post = async |headers: Value, cookies: &[&str]| mine(&memory, "POST", headers, cookies).await.0;
    assert_eq!(post(json!({"origin": OURS}), &[&cookie]).await, 200);
    assert_eq!(post(json!({}), &[&cookie]).await, 403);
    assert_eq!(post(json!({"origin": "https://evil.example"}), &[&cookie]).await, 403);
    let bearer = format!("Bearer {}", link_of("acme", PORTAL, 60));
    assert_eq!(post(json!({"authorization": bearer}), &[]).await, 200);
    assert_eq!(post(json!({}), &[]).await, 401);
}

#[tokio::test]
async fn a_link_for_reading_neither_pays_nor_becomes_a_session_that_does() {
    let memory = memory(1);
    let cookie = signed_in(&memory, COSTS).await;
    let bearer = json!({"authorization": format!("Bearer {}", link_of("acme", COSTS, 60))});
    let viewer = json!({"tenant": "acme", "role": "viewer"});
    assert_eq!(mine(&memory, "GET", json!({}), &[&cookie]).await, (200, viewer.clone()));
    assert_eq!(mine(&memory, "GET", bearer.clone(), &[]).await, (200, viewer));
    assert_eq!(mine(&memory, "POST", json!({"origin": OURS}), &[&cookie]).await.0, 403);
    assert_eq!(mine(&memory, "POST", bearer, &[]).await.0, 403);
}

/// The cookie comes by itself: it must not lend its tenant to a bearer that fails, nor the other way round.
#[tokio::test]
async fn an_explicit_token_counts_alone() {
    let memory = memory(1);
    let cookie = signed_in(&memory, PORTAL).await;
    let with = |token: &str| json!({"authorization": format!("Bearer {token}")});
    assert_eq!(mine(&memory, "GET", with("nonsense"), &[&cookie]).await.0, 401);
    let (status, body) = mine(&memory, "GET", with(&link_of("other", COSTS, 60)), &[&cookie]).await;
    assert_eq!((status, body), (200, json!({"tenant": "other", "role": "viewer"})));
    let session_as_bearer = with(cookie.split_once('=').expect("a pair").1);
    assert_eq!(mine(&memory, "GET", session_as_bearer, &[]).await.0, 401);
    let link_as_cookie = format!("__Host-billform={}", link_of("acme", PORTAL, 60));
    assert_eq!(mine(&memory, "GET", json!({}), &[&link_as_cookie]).await.0, 401);
    assert_eq!(
        mine(&memory, "GET", json!({}), &[&cookie.replace("__Host-", "")]).await.0,
        401,
        "the prefix is the name"
    );
}

#[tokio::test]
async fn signing_out_forgets_the_cookie() {
    let signout = async |origin: &str| {
        let event = json!({"routeKey": "POST /signout", "headers": {"origin": origin},
            "requestContext": {"http": {"method": "POST"}}});
        served::<Session>(&memory(1), event).await
    };
    let (status, _, set) = signout(OURS).await;
    assert_eq!(status, 200);
    assert_eq!(set, ["__Host-billform=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"]);
    assert_eq!(signout("https://evil.example").await.0, 403);
}

#[tokio::test]
async fn a_body_is_the_token_and_nothing_else() {
    for body in ["", "[]", "{}", r#"{"token": 1}"#, r#"{"token": "x", "tenant": "other"}"#] {
        let event = json!({"routeKey": "POST /session", "headers": {"origin": OURS}, "body": body,
            "requestContext": {"http": {"method": "POST"}}});
        assert_eq!(served::<Session>(&memory(1), event).await.0, 400, "{body}");
    }
}
