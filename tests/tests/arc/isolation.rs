//! Who sees what: every route of `handlers.json`, asked over HTTP with every kind of credential, and with another
//! tenant's ids wherever a request can carry one. A route without a row fails.

mod credentials;
mod routes;
mod scene;

use std::collections::BTreeSet;

use billing::function::{Auth, Trigger, WEBHOOK_PATH};
use serde_json::json;

use credentials::{Credential, Sent};
use routes::{ROWS, Row};
use scene::Scene;

/// What is never in an answer to the press: all that is the shop's begins or ends so.
const CANARIES: &[&str] = &["canary", "Canary", "999.99", "shop"];

/// On every answer of a handler.
const HEADERS: &[(&str, &str)] = &[
    ("cache-control", "no-store"),
    ("referrer-policy", "same-origin"),
    ("x-content-type-options", "nosniff"),
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
];

#[test]
fn every_route_has_a_row() {
    let specs = provisioner::stack::handlers();
    let routes = specs.iter().flat_map(|spec| &spec.triggers).filter_map(|trigger| match trigger {
        Trigger::Http(routes) => Some(routes),
        _ => None,
    });
    let declared: BTreeSet<(String, Auth)> = routes.flatten().map(|route| (route.key.clone(), route.auth)).collect();
    let rows: BTreeSet<(String, Auth)> = ROWS.iter().map(|row| (row.key.to_owned(), row.auth)).collect();
    assert_eq!(rows, declared, "each route of handlers.json has a row in isolation/routes.rs, with its credential");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn nobody_sees_what_is_another_tenants() {
    let scene = Scene::new().await;
    let mut asked = 0;
    for row in ROWS {
        let plain = if matches!(row.auth, Auth::Tenant(_)) { Some(plain_answer(&scene, row).await) } else { None };
        for credential in Credential::all() {
            for sent in scene.credentials(credential) {
                asked += every_cell(&scene, row, credential, &sent).await;
            }
        }
        if let Some(plain) = plain {
            asked += smuggled(&scene, row, &plain).await;
        }
    }
    println!("isolation: {asked} requests, {} rows, {} credentials", ROWS.len(), Credential::all().count());
    sessions_are_bound_to_our_pages(&scene).await;
    bodies_have_an_end(&scene).await;
    a_tenant_is_throttled_alone(&scene).await;
    nothing_of_a_token_is_in_a_log(&scene).await;
}

/// What the press is answered by its own right, with its own figures in it.
async fn plain_answer(scene: &Scene, row: &Row) -> String {
    let sent = scene.press_admin();
    let answer = scene.ask(row, &sent, row.path(scene), &[], row.body(scene, &sent)).await;
    assert_eq!(answer.status, 200, "{}: {}", row.key, answer.body);
    answer.body
}

/// One route with one credential: the status is the row's, the headers keep the answer safe, and nothing leaks.
async fn every_cell(scene: &Scene, row: &Row, credential: Credential, sent: &Sent) -> usize {
    let answer = scene.ask(row, sent, row.path(scene), &[], row.body(scene, sent)).await;
    let cell = format!("{} with {credential:?} as {}", row.name(), sent.way());
    assert_eq!(answer.status, row.status(credential, sent), "{cell}: {}", answer.body);
    let kept = |name: &str| name == "cache-control" && row.is_kept();
    for (name, value) in HEADERS.iter().filter(|(name, _)| !kept(name)) {
        assert_eq!(answer.headers.get(*name).map(String::as_str), Some(*value), "{cell}: {name}");
    }
    let policy = answer.headers.get("content-security-policy").map(String::as_str).unwrap_or_default();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{cell}: {policy}");
    assert!(!answer.headers.contains_key("access-control-allow-credentials"), "{cell}");
    if credential != Credential::OtherTenants {
        assert_nothing_leaks(&cell, &answer.body);
    }
    1
}

/// Another tenant's ids in the query, in headers, in cookies and in the body: refused, or as if they were not there.
async fn smuggled(scene: &Scene, row: &Row, plain: &str) -> usize {
    let mut asked = 0;
    let theirs = scene.shop_session();
    for sent in [scene.press_admin(), scene.press_session()] {
        let path = row.path(scene);
        let joined = if path.contains('?') { '&' } else { '?' };
        for name in ["tenant", "id", "clientId", "customer", "customer_id", "clientOrganization"] {
            for value in ["shop", "Canary-Shop"] {
                let query = format!("{path}{joined}{name}={value}");
                asked += refused_or_the_same(scene, row, &sent, query, &[], None, plain).await;
            }
        }
        for (name, value) in [
            ("x-billform-tenant", "shop"),
            ("x-tenant-id", "shop"),
            ("x-forwarded-user", "shop"),
            ("x-original-url", "/customers/shop/invoices"),
            ("x-http-method-override", "DELETE"),
            ("cookie", "tenant=shop; session=shop"),
        ] {
            // A second cookie header would not be sent by a browser: with the session there is one already.
            if name != "cookie" || sent.way() == "bearer" {
                asked += refused_or_the_same(scene, row, &sent, path.clone(), &[(name, value)], None, plain).await;
            }
        }
        if sent.way() == "bearer" {
            let cookie = format!("{theirs}; x=1");
            asked += refused_or_the_same(scene, row, &sent, path.clone(), &[("cookie", &cookie)], None, plain).await;
        }
        for (name, value) in [
            ("clientId", "shop"),
            ("clientId", "Canary-Shop"),
            ("email", "shop@example.com"),
            ("tenant", "shop"),
            ("customer", "cus_shop"),
            ("amount", "999.99"),
        ] {
            let Some(mut body) = row.body(scene, &sent) else { continue };
            body[name] = json!(value);
            asked += refused_or_the_same(scene, row, &sent, path.clone(), &[], Some(body), plain).await;
        }
        for path in row.foreign_paths().iter().copied() {
            let answer = scene.ask(row, &sent, path.to_owned(), &[], row.body(scene, &sent)).await;
            assert_eq!(answer.status, 404, "{path}: {}", answer.body);
            assert_nothing_leaks(path, &answer.body);
            asked += 1;
        }
    }
    asked
}

async fn refused_or_the_same(
    scene: &Scene,
    row: &Row,
    sent: &Sent,
    path: String,
    headers: &[(&str, &str)],
    body: Option<serde_json::Value>,
    plain: &str,
) -> usize {
    let what = format!("{} {path} {headers:?} {body:?}", row.name());
    let body = body.or_else(|| row.body(scene, sent));
    let answer = scene.ask(row, sent, path, headers, body).await;
    match answer.status {
        200 if row.repeats => assert_eq!(answer.body, plain, "{what}"),
        200 => {}
        400 | 403 | 409 => {}
        other => panic!("{what}: {other} {}", answer.body),
    }
    assert_nothing_leaks(&what, &answer.body);
    1
}

fn assert_nothing_leaks(what: &str, body: &str) {
    for canary in CANARIES {
        assert!(!body.contains(canary), "{what}: {canary} in {body}");
    }
}

/// A cookie is sent by the browser, whoever asks it to.
async fn sessions_are_bound_to_our_pages(scene: &Scene) {
    let session = scene.press_session();
    for row in ROWS.iter().filter(|row| row.is_sent_by_browsers()) {
        for origin in [None, Some("https://evil.example"), Some("null"), Some("http://billing.example.com")] {
            let sent = Sent { origin: origin.map(str::to_owned), ..session.clone() };
            let answer = scene.ask(row, &sent, row.path(scene), &[], row.body(scene, &sent)).await;
            assert_eq!(answer.status, 403, "{} from {origin:?}: {}", row.name(), answer.body);
            assert!(
                answer.body.contains("foreign_origin") && !answer.headers.contains_key("set-cookie"),
                "{}",
                row.name()
            );
        }
    }
}

async fn bodies_have_an_end(scene: &Scene) {
    for row in ROWS.iter().filter(|row| row.is_sent_by_browsers()) {
        let body = json!({"token": "x".repeat(17 * 1024)});
        let answer = scene.ask(row, &scene.press_session(), row.path(scene), &[], Some(body)).await;
        assert_eq!(answer.status, 413, "{}", row.name());
    }
}

/// More than its share is refused with a word on when to come back, and nobody else notices.
async fn a_tenant_is_throttled_alone(scene: &Scene) {
    let row = ROWS.iter().find(|row| row.key == "POST /payment" && row.repeats).expect("a row");
    let sent = scene.press_admin();
    let mut refused = None;
    for _ in 0..60 {
        let answer = scene.ask_once(row, &sent, row.path(scene), &[], row.body(scene, &sent)).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("sixty writes at once are more than a tenant may ask");
    let after: u64 = refused.headers["retry-after"].parse().expect("seconds");
    assert!((1..=3).contains(&after), "{after}");
    let other = scene.shop_admin();
    let answer =
        scene.ask_once(row, &other, row.path(scene), &[], Some(json!({"action": "get-payment-methods"}))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    scene.pass_s(after).await;
    let again = scene.ask_once(row, &sent, row.path(scene), &[], row.body(scene, &sent)).await;
    assert_eq!(again.status, 200, "it is kept to its word: {}", again.body);
}

async fn nothing_of_a_token_is_in_a_log(scene: &Scene) {
    let logs = scene.logs().await;
    assert!(logs.contains("answered") && logs.contains("POST /session"), "the handlers' logs were read");
    for secret in scene.secrets() {
        assert!(!logs.contains(&secret), "{secret} is in a log");
    }
    // The route table has the path of the webhook as the manifest says it.
    assert!(ROWS.iter().any(|row| row.key.ends_with(WEBHOOK_PATH)));
}
