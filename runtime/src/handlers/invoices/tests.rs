use std::time::Duration;

use billing::Month;
use billing::link::{self, COSTS, LinkClaims, LinkKey};
use serde_json::{Value, json};

use super::*;
use crate::api::Served;
use crate::handler::Handler;
use crate::http::{Body, Request};
use crate::ports::memory::{Memory, World};
use crate::run::Run;
use crate::settings::Settings;

const KEY: &str = "canary-link-key-0123456789abcdef";

/// Of acme September is paid and October open; of other October.
fn memory() -> Memory {
    let mut world = World::default();
    for (id, month, total, paid) in
        [("acme", "2026-09", "80.00", 8_000), ("acme", "2026-10", "125.50", 0), ("other", "2026-10", "99.00", 0)]
    {
        let record = json!({"id": id, "name": id, "email": "a@example.com", "locale": "en-US", "currency": "USD",
            "tags": {"T": id}, "terms": [{}], "days_until_due": 30, "link_version": 1});
        world.tenants.insert(id.to_owned(), serde_json::from_value(record).expect("a tenant"));
        let payment = json!({"status": if paid > 0 { "paid" } else { "none" }, "paid": paid});
        let invoice = json!({"state": "open", "since": "2026-11-15T08:00:00Z", "revision": 1, "version": 1,
            "customer": "cus_1", "stripe_invoice": format!("in_{id}_{month}"), "days_until_due": 30, "terms": {},
            "payment": payment, "invoice": {"tenant": id, "month": month, "currency": "USD", "lines": [],
            "total": format!("{total} USD"), "cost_usd": total, "steps": []}});
        let month: Month = month.parse().expect("a month");
        world.invoices.insert((id.to_owned(), month), serde_json::from_value(invoice).expect("an invoice"));
    }
    world.secrets.insert("links".to_owned(), KEY.to_owned());
    Memory::new(world)
}

async fn asked(id: &str, query: Value) -> (u16, String) {
    let settings = [(Setting::LedgerTable, "ledger"), (Setting::LinkSecret, "links")];
    let settings = settings.map(|(setting, value)| (setting.variable().to_owned(), value.to_owned()));
    let env = Environment::new(Invoices::SPEC, Settings::new(settings), Arc::new(memory()));
    let claims =
        LinkClaims { tenant: "acme".to_owned(), expires_at_s: 4_000_000_000, version: 1, purpose: COSTS.to_owned() };
    let token = link::sign(&claims, &LinkKey::from_secret(KEY).expect("a key")).expect("a token");
    let event = json!({"routeKey": "GET /customers/{id}/invoices", "pathParameters": {"id": id},
        "queryStringParameters": query, "headers": {"authorization": format!("Bearer {token}")},
        "requestContext": {"http": {"method": "GET"}}});
    let request: Request = serde_json::from_value(event).expect("a request");
    let served = Served::<Invoices>::start(&env).expect("it starts");
    let answer = served.answer(&request, &Run::lasting("test", Duration::from_secs(10))).await.answer;
    let text = match answer.body {
        Body::Text(text) => text,
        Body::Bytes(bytes) => String::from_utf8(bytes).expect("text"),
    };
    (answer.status, text)
}

#[tokio::test]
async fn the_latest_month_comes_first_and_says_how_it_stands() {
    let (status, text) = asked("acme", json!({})).await;
    let expected = concat!(
        r#"{"customer_id":"acme","invoices":[{"period":"2026-10","invoice_id":"in_acme_2026-10","status":"open","#,
        r#""amount":125.50,"amount_due":125.50,"amount_refunded":0.00,"currency":"USD","issued":"2026-11-15","#,
        r#""due":"2026-12-15"},{"period":"2026-09","invoice_id":"in_acme_2026-09","status":"paid","amount":80.00,"#,
        r#""amount_due":0.00,"amount_refunded":0.00,"currency":"USD","issued":"2026-11-15","due":"2026-12-15"}]}"#,
    );
    assert_eq!((status, text.as_str()), (200, expected));
}

#[tokio::test]
async fn the_file_has_the_same_figures() {
    let (status, text) = asked("acme", json!({"format": "csv"})).await;
    let expected = "month,status,total,to_pay,refunded,currency,issued,due,invoice_id\r\n\
                    2026-10,open,125.50,125.50,0.00,USD,2026-11-15,2026-12-15,in_acme_2026-10\r\n\
                    2026-09,paid,80.00,0.00,0.00,USD,2026-11-15,2026-12-15,in_acme_2026-09\r\n";
    assert_eq!((status, text.as_str()), (200, expected));
    assert_eq!(asked("acme", json!({"format": "xls"})).await.0, 400);
}

#[tokio::test]
async fn an_id_of_another_tenant_is_answered_as_one_of_nobody() {
    let other = asked("other", json!({})).await;
    assert_eq!(other.0, 404);
    assert_eq!(other, asked("nobody", json!({})).await);
    assert_eq!(other, asked("ACME", json!({})).await);
}
