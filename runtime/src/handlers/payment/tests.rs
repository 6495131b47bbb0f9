use std::time::Duration;

use billing::Month;
use billing::invoice::InvoiceState;
use billing::link::{self, COSTS, LinkClaims, LinkKey, PORTAL};
use serde_json::{Value, json};

use super::*;
use crate::api::Served;
use crate::handler::Handler;
use crate::ports::memory::{Fault, Memory, World};
use crate::run::Run;
use crate::settings::Settings;

const KEY: &str = "canary-link-key-0123456789abcdef";
const OURS: &str = "https://billing.example.com";
/// The clock of `Memory` stands at 2026-11-21T08:00:00Z.
const LATER_S: i64 = 1_800_000_000;

fn record(id: &str, customer: Option<&str>) -> TenantRecord {
    let record = json!({"id": id, "name": id, "email": format!("{id}@example.com"), "locale": "de-DE", "currency": "EUR",
        "tags": {"Client": format!("Org-{id}")}, "terms": [{}], "days_until_due": 30, "link_version": 1,
        "stripe_customer": customer});
    serde_json::from_value(record).expect("a tenant")
}

/// October's invoice of both tenants: 125.50 of acme, 99.00 of other.
fn memory(state: InvoiceState) -> Memory {
    let mut world = World::default();
    for (id, customer, amount) in [("acme", "cus_acme", "125.50"), ("other", "cus_other", "99.00")] {
        world.tenants.insert(id.to_owned(), record(id, Some(customer)));
        let month: Month = "2026-10".parse().expect("a month");
        let total = format!("{amount} EUR");
        let invoice = json!({"state": state.name(), "revision": 1, "version": 1, "customer": customer,
            "stripe_invoice": format!("in_{id}"), "days_until_due": 30, "terms": {},
            "invoice": {"tenant": id, "month": "2026-10", "currency": "EUR", "lines": [], "total": total, "cost_usd": amount, "steps": []}});
        world.invoices.insert((id.to_owned(), month), serde_json::from_value(invoice).expect("an invoice"));
        world.stripe.pages.invoices.insert(format!("in_{id}"), format!("https://invoice.example/{id}"));
    }
    let method = KeptMethod {
        id: "pm_1".to_owned(),
        kind: "card".to_owned(),
        brand: Some("visa".to_owned()),
        last4: Some("4242".to_owned()),
        expires: Some((2030, 4)),
        is_default: true,
    };
    world.stripe.pages.methods.insert("cus_acme".to_owned(), vec![method]);
    world.secrets.insert("links".to_owned(), KEY.to_owned());
    world.secrets.insert("stripe".to_owned(), "sk_test_1".to_owned());
    Memory::new(world)
}

fn bearer(tenant: &str, purpose: &str) -> String {
    let (tenant, purpose) = (tenant.to_owned(), purpose.to_owned());
    let claims = LinkClaims { tenant, expires_at_s: LATER_S, version: 1, purpose };
    format!("Bearer {}", link::sign(&claims, &LinkKey::from_secret(KEY).expect("a key")).expect("a token"))
}

async fn asked_as(memory: &Memory, authorization: &str, body: &Value) -> (u16, Value) {
    let value = |setting| match setting {
        Setting::LinkSecret => "links",
        Setting::StripeSecret => "stripe",
        Setting::AllowedOrigins => OURS,
        Setting::PortalConfiguration => "bpc_1",
        Setting::TenantTag => "Client",
        _ => "ledger",
    };
    let settings = Payment::SPEC.settings.iter().map(|it| (it.variable().to_owned(), value(*it).to_owned()));
    let env = Environment::new(Payment::SPEC, Settings::new(settings), Arc::new(memory.clone()));
    let event = json!({"routeKey": "POST /payment", "headers": {"authorization": authorization, "host": "api.example.com"},
        "body": body.to_string(), "requestContext": {"http": {"method": "POST"}}});
    let request: Request = serde_json::from_value(event).expect("a request");
    let served = Served::<Payment>::start(&env).expect("it starts");
    let answer = served.answer(&request, &Run::lasting("request-1", Duration::from_secs(10))).await.answer;
    (answer.status, serde_json::from_str(answer.text()).expect("JSON"))
}

async fn asked(memory: &Memory, body: Value) -> (u16, Value) {
    asked_as(memory, &bearer("acme", PORTAL), &body).await
}

fn open() -> Memory {
    memory(InvoiceState::Open)
}

#[tokio::test]
async fn a_payment_method_is_set_up_for_the_customer_of_who_is_signed_in() {
    let memory = open();
    let body = json!({"action": "setup-payment-method", "clientId": "Org-acme", "clientName": "Acme",
        "email": "acme@example.com", "portalUrl": "https://billing.example.com/portal?x=1#y"});
    let (status, answer) = asked(&memory, body).await;
    assert_eq!((status, answer), (200, json!({"sessionId": "cs_1", "url": "https://checkout.example/cs_1"})));
    let expected = SetUpRequest {
        customer: "cus_acme".to_owned(),
        tenant: "acme".to_owned(),
        currency: billing::Currency::EUR,
        locale: Some("de".to_owned()),
        success_url: "https://billing.example.com/portal?payment=added".to_owned(),
        cancel_url: "https://billing.example.com/portal?payment=cancelled".to_owned(),
    };
    assert_eq!(memory.with(|world| world.stripe.pages.set_ups.clone()), [expected]);
    asked(&memory, json!({"action": "setup-payment-method"})).await;
    let second = memory.with(|world| world.stripe.pages.set_ups[1].success_url.clone());
    assert_eq!(second, "https://billing.example.com/?payment=added", "the portal's first page");
}

#[tokio::test]
async fn an_invoice_is_the_ledgers_and_its_amount_is_only_checked() {
    let invoice = |amount: &str| {
        let body = format!(r#"{{"action": "create-invoice", "billingPeriod": "2026-10", "amount": {amount}}}"#);
        serde_json::from_str::<Value>(&body).expect("JSON")
    };
    let expected = json!({"invoiceId": "in_acme", "invoiceUrl": "https://invoice.example/acme", "amount": 125.50,
        "currency": "EUR"});
    for same in ["125.50", "125.5", "\"125.50\"", "null"] {
        assert_eq!(asked(&open(), invoice(same)).await, (200, expected.clone()), "{same}");
    }
    for (amount, status, code) in
        [("99.00", 409, "amount_differs"), ("0.01", 409, "amount_differs"), ("\"x\"", 400, "bad_amount")]
    {
        let (answered, body) = asked(&open(), invoice(amount)).await;
        assert_eq!((answered, &body["error"]["code"]), (status, &json!(code)), "{amount}");
    }
    let without = json!({"action": "create-invoice", "billingPeriod": "2026-09"});
    assert_eq!(asked(&open(), without).await.0, 404);
    for bad in [json!({"action": "create-invoice"}), json!({"action": "create-invoice", "billingPeriod": "2026-13"})] {
        assert_eq!(asked(&open(), bad).await.0, 400);
    }
}

#[tokio::test]
async fn nothing_is_answered_of_an_invoice_that_is_not_issued_or_was_taken_back() {
    let body = json!({"action": "create-invoice", "billingPeriod": "2026-10"});
    for (state, status) in [
        (InvoiceState::NothingDue, 404),
        (InvoiceState::Credit, 404),
        (InvoiceState::Claimed, 409),
        (InvoiceState::Provisional, 409),
        (InvoiceState::Complete, 409),
        (InvoiceState::Approved, 409),
        (InvoiceState::Open, 200),
        (InvoiceState::Uncollectible, 200),
        (InvoiceState::Void, 404),
        (InvoiceState::Deleted, 404),
    ] {
        assert_eq!(asked(&memory(state), body.clone()).await.0, status, "{state:?}");
    }
}

#[tokio::test]
async fn methods_are_those_of_who_is_signed_in() {
    let body = json!({"action": "get-payment-methods", "clientId": "acme"});
    let card = json!({"id": "pm_1", "type": "card", "brand": "visa", "last4": "4242", "exp_month": 4, "exp_year": 2030,
        "isDefault": true});
    for purpose in [PORTAL, COSTS] {
        let answer = asked_as(&open(), &bearer("acme", purpose), &body).await;
        assert_eq!(answer, (200, json!({ "paymentMethods": [card] })), "a viewer may read, too");
    }
    let others = asked_as(&open(), &bearer("other", PORTAL), &json!({"action": "get-payment-methods"})).await;
    assert_eq!(others, (200, json!({ "paymentMethods": [] })));
}

#[tokio::test]
async fn the_customer_portal_is_opened_under_the_stacks_own_configuration() {
    let memory = open();
    let body = json!({"action": "customer-portal", "returnUrl": "https://billing.example.com/"});
    assert_eq!(asked(&memory, body).await, (200, json!({"url": "https://portal.example/1"})));
    let expected = PortalRequest {
        customer: "cus_acme".to_owned(),
        configuration: "bpc_1".to_owned(),
        return_url: "https://billing.example.com/".to_owned(),
        idempotency_key: "billform-portal-cus_acme-request-1".to_owned(),
    };
    assert_eq!(memory.with(|world| world.stripe.pages.portals.clone()), [expected]);
}

#[tokio::test]
async fn nobody_acts_for_another_and_a_viewer_does_not_pay() {
    for action in ["setup-payment-method", "create-invoice", "get-payment-methods", "customer-portal"] {
        let memory = open();
        for (field, value) in [("clientId", "other"), ("clientId", "Org-other"), ("email", "other@example.com")] {
            let (status, body) =
                asked(&memory, json!({"action": action, "billingPeriod": "2026-10", field: value})).await;
            assert_eq!((status, &body["error"]["code"]), (403, &json!("forbidden")), "{action} {field}");
        }
        let (status, _) = asked(&memory, json!({"action": action, "tenant": "other"})).await;
        assert_eq!(status, 400, "{action}: nothing else is taken");
        if action != "get-payment-methods" {
            let body = json!({"action": action, "billingPeriod": "2026-10"});
            assert_eq!(asked_as(&memory, &bearer("acme", COSTS), &body).await.0, 403, "{action}");
        }
        let pages = memory.with(|world| world.stripe.pages.clone());
        assert!(pages.set_ups.is_empty() && pages.portals.is_empty(), "Stripe was not asked");
    }
}

#[tokio::test]
async fn nobody_is_led_to_another_site() {
    let memory = open();
    for (action, field) in [("setup-payment-method", "portalUrl"), ("customer-portal", "returnUrl")] {
        for url in
            ["https://evil.example/", "http://billing.example.com/", "https://billing.example.com@evil.example/", ""]
        {
            let (status, body) = asked(&memory, json!({"action": action, field: url})).await;
            assert_eq!((status, &body["error"]["code"]), (400, &json!("foreign_url")), "{action} {url}");
        }
    }
}

#[tokio::test]
async fn a_tenant_without_a_customer_is_told_so_and_a_silent_stripe_too() {
    let memory = open();
    memory.with(|world| world.tenants.insert("acme".to_owned(), record("acme", None)));
    let body = json!({"action": "setup-payment-method"});
    let (status, answer) = asked(&memory, body.clone()).await;
    assert_eq!((status, &answer["error"]["code"]), (409, &json!("no_customer")));
    let memory = open();
    memory.fail_at("begin a Checkout session", Fault::Before);
    let (status, answer) = asked(&memory, body).await;
    assert_eq!((status, &answer["error"]["code"]), (502, &json!("payment_provider")));
    assert!(!answer.to_string().contains("refused by the test"), "{answer}");
}
