use std::time::Duration;

use billing::Month;
use billing::function::Setting;
use billing::invoice::{
    Attempt, AttemptStatus, Collection, Composed, Dispute, Finality, Invoice, InvoiceRecord, InvoiceState, MonthTerms,
    PaymentStatus, Remote, RemoteStatus,
};
use billing::ledger::{PaymentMethod, PaymentSetup, StripeEvent};
use billing::money::MinorUnits;
use billing::names::{PERIOD_METADATA, REVISION_METADATA, TENANT_METADATA};
use billing::tenant::TenantRecord;
use jiff::Timestamp;
use jiff::civil::date;
use serde_json::Value;

use super::*;
use crate::api::Served;
use crate::auth::stripe_signature::sign_for_tests;
use crate::handler::Handler;
use crate::http::Request;
use crate::ports::memory::stripe::Invoice as StripeInvoice;
use crate::ports::memory::{Fault, Memory, World};
use crate::ports::{About, DraftRequest, RemoteCustomer, RemoteSetup};
use crate::run::Run;
use crate::settings::Settings;

/// The memory's clock stands here.
const NOW: i64 = 1_795_248_000;

fn october() -> Month {
    Month::of(date(2026, 10, 1))
}

fn tenant() -> TenantRecord {
    serde_json::from_value(json!({
        "id": "acme", "name": "Acme", "email": "billing@example.com", "locale": "en-US", "currency": "USD", "tags": {},
        "terms": [{}], "days_until_due": 30, "link_version": 1, "stripe_customer": "cus_acme",
    }))
    .expect("a tenant")
}

/// The remote invoice of October, open, of 100.00 USD.
pub(in crate::handlers) fn remote() -> Remote {
    let metadata = [(TENANT_METADATA, "acme"), (PERIOD_METADATA, "2026-10"), (REVISION_METADATA, "1")];
    Remote {
        id: "in_1".to_owned(),
        status: RemoteStatus::Open,
        total: MinorUnits(10_000),
        currency: "USD".to_owned(),
        livemode: false,
        has_lines: true,
        paid: MinorUnits(0),
        remaining: MinorUnits(10_000),
        credited_unpaid: MinorUnits(0),
        credited_paid: MinorUnits(0),
        by_balance: MinorUnits(0),
        off_stripe: MinorUnits(0),
        overpaid: MinorUnits(0),
        attempted: false,
        metadata: metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
    }
}

pub(in crate::handlers) fn stripe_invoice(remote: Remote) -> StripeInvoice {
    let request = DraftRequest {
        customer: "cus_acme".to_owned(),
        currency: billing::Currency::USD,
        days_until_due: 30,
        description: None,
        metadata: Vec::new(),
        idempotency_key: "draft".to_owned(),
    };
    StripeInvoice {
        request,
        remote,
        lines: Vec::new(),
        collection: Collection::SendInvoice,
        sent: 0,
        credit_notes: Vec::new(),
    }
}

fn record() -> InvoiceRecord {
    let total = "100.00 USD".parse().expect("money");
    let invoice = Invoice {
        tenant: "acme".to_owned(),
        month: october(),
        currency: billing::Currency::USD,
        lines: Vec::new(),
        total,
        cost_usd: rust_decimal::Decimal::ONE_HUNDRED,
        exchange: None,
        steps: Vec::new(),
    };
    let terms = MonthTerms::of(&tenant(), october()).expect("terms");
    let claimed =
        InvoiceRecord::claimed(&tenant(), terms, Collection::SendInvoice, Composed { invoice, drawn: Vec::new() });
    InvoiceRecord {
        state: InvoiceState::Open,
        since: Some(Timestamp::UNIX_EPOCH),
        version: 7,
        stripe_invoice: Some("in_1".to_owned()),
        livemode: Some(false),
        finality: Finality::Complete,
        ..claimed
    }
}

pub(in crate::handlers) fn memory() -> Memory {
    let mut world = World::default();
    world.tenants.insert("acme".to_owned(), tenant());
    world.invoices.insert(("acme".to_owned(), october()), record());
    world.stripe.invoices.push(stripe_invoice(remote()));
    world.stripe.side.customers.insert("cus_acme".to_owned(), RemoteCustomer::default());
    for (name, value) in [("signing", "whsec_1"), ("stripe", "sk_test_1")] {
        world.secrets.insert(name.to_owned(), value.to_owned());
    }
    Memory::new(world)
}

fn event(id: &str, kind: &str, object: Value) -> Value {
    json!({"id": id, "type": kind, "created": NOW, "livemode": false, "data": {"object": object}})
}

fn paid(id: &str) -> Value {
    event(id, "invoice.paid", json!({"object": "invoice", "id": "in_1", "customer": "cus_acme"}))
}

/// Posts a body with a signature; the status and the answer.
async fn post_signed(memory: &Memory, body: &str, signature: &str) -> (u16, Value) {
    let settings = [
        (Setting::LedgerTable, "ledger"),
        (Setting::StripeSecret, "stripe"),
        (Setting::WebhookSecret, "signing"),
        (Setting::WebhookPath, "/v1/stripe/webhook"),
    ];
    let settings = Settings::new(settings.map(|(setting, value)| (setting.variable().to_owned(), value.to_owned())));
    let env = Environment::new(Served::<Webhook>::SPEC, settings, Arc::new(memory.clone()));
    let webhook = Served::<Webhook>::start(&env).expect("it starts");
    let request = json!({
        "routeKey": "POST /v1/stripe/webhook", "rawPath": "/v1/stripe/webhook",
        "requestContext": {"http": {"method": "POST"}}, "headers": {"stripe-signature": signature}, "body": body,
    });
    let request: Request = serde_json::from_value(request).expect("a request");
    let answer = webhook.answer(&request, &Run::lasting("test", Duration::from_secs(10))).await.answer;
    let body = serde_json::to_value(&answer).expect("an answer")["body"].as_str().map(str::to_owned);
    (answer.status, body.and_then(|body| serde_json::from_str(&body).ok()).unwrap_or_default())
}

async fn post(memory: &Memory, event: &Value) -> (u16, Value) {
    let body = event.to_string();
    post_signed(memory, &body, &sign_for_tests("whsec_1", NOW, body.as_bytes())).await
}

/// The state that an event is answered with.
async fn state(memory: &Memory, event: &Value) -> String {
    let (status, answer) = post(memory, event).await;
    assert_eq!(status, 200, "{answer}");
    answer["state"].as_str().expect("a state").to_owned()
}

async fn row(memory: &Memory, id: &str) -> Option<StripeEvent> {
    billing::ledger::stripe_events::one(memory, id).await.expect("the ledger")
}

fn invoice(memory: &Memory) -> InvoiceRecord {
    memory.with(|world| world.invoices[&("acme".to_owned(), october())].clone())
}

async fn setup(memory: &Memory) -> Option<PaymentSetup> {
    billing::ledger::payment_setup::one(memory, "acme").await.expect("the ledger")
}

fn pays(memory: &Memory, attempt: Attempt, change: impl FnOnce(&mut Remote)) {
    memory.with(|world| {
        change(&mut world.stripe.invoices[0].remote);
        world.stripe.payments.insert("in_1".to_owned(), vec![attempt]);
        world.stripe.side.about.insert("pi_1".to_owned(), About::Invoices(vec!["in_1".to_owned()]));
        world.stripe.side.about.insert("du_1".to_owned(), About::Invoices(vec!["in_1".to_owned()]));
    });
}

fn attempt(status: AttemptStatus) -> Attempt {
    Attempt {
        id: "pi_1".to_owned(),
        status,
        amount: 10_000,
        method: Some("card".to_owned()),
        failure: None,
        refunded: 0,
        disputes: Vec::new(),
    }
}

fn is_paid(remote: &mut Remote) {
    remote.status = RemoteStatus::Paid;
    remote.paid = MinorUnits(10_000);
}

#[tokio::test]
async fn a_payment_is_applied_once_however_often_it_is_told() {
    let memory = memory();
    pays(&memory, attempt(AttemptStatus::Succeeded), is_paid);
    assert_eq!(state(&memory, &paid("evt_1")).await, "applied");
    let first = invoice(&memory);
    assert_eq!((first.payment.status, first.payment.paid, first.version), (PaymentStatus::Paid, 10_000, 8));
    let (_, again) = post(&memory, &paid("evt_1")).await;
    assert_eq!(again["known"], true);
    // Another endpoint delivers the same event, another event of the same second tells the same.
    assert_eq!(state(&memory, &paid("evt_2")).await, "no_effect");
    assert_eq!(invoice(&memory), first);
    let row = row(&memory, "evt_1").await.expect("a row");
    assert_eq!((row.tenant.as_deref(), row.month, row.attempts), (Some("acme"), Some(october()), 1));
    assert_eq!(row.result.text(), "acme 2026-10: open, paid, 100.00 USD received");
}

#[tokio::test]
async fn the_money_moves_as_stripe_says_in_any_direction() {
    let memory = memory();
    let told = |id: &str| event(id, "payment_intent.processing", json!({"object": "payment_intent", "id": "pi_1"}));
    let failed = Attempt { failure: Some("insufficient_funds".to_owned()), ..attempt(AttemptStatus::Failed) };
    let steps: [(Attempt, PaymentStatus, &str); 4] = [
        (attempt(AttemptStatus::Processing), PaymentStatus::Processing, "payment under way"),
        (failed, PaymentStatus::Failed, "payment failed"),
        (attempt(AttemptStatus::NeedsAuthentication), PaymentStatus::None, "waits for authentication"),
        (attempt(AttemptStatus::Processing), PaymentStatus::Processing, "payment under way"),
    ];
    for (number, (attempt, status, says)) in steps.into_iter().enumerate() {
        pays(&memory, attempt, |remote| remote.attempted = true);
        assert_eq!(state(&memory, &told(&format!("evt_{number}"))).await, "applied");
        assert_eq!(invoice(&memory).payment.status, status);
        let row = row(&memory, &format!("evt_{number}")).await.expect("a row");
        assert!(row.result.text().contains(says), "{}", row.result.text());
    }
}

#[tokio::test]
async fn refunds_and_disputes_are_amounts_beside_a_payment() {
    let memory = memory();
    let dispute = |status: &str| Dispute { id: "du_1".to_owned(), amount: 10_000, status: status.to_owned() };
    let told = |id: &str| event(id, "charge.dispute.updated", json!({"object": "dispute", "id": "du_1"}));
    for (number, (status, disputed)) in
        [("warning_needs_response", 0), ("needs_response", 10_000), ("lost", 10_000), ("won", 0)]
            .into_iter()
            .enumerate()
    {
        let disputes = vec![dispute(status)];
        pays(&memory, Attempt { refunded: 500, disputes, ..attempt(AttemptStatus::Succeeded) }, is_paid);
        assert_eq!(state(&memory, &told(&format!("evt_{number}"))).await, "applied", "{status}");
        let payment = invoice(&memory).payment;
        assert_eq!(
            (payment.status, payment.refunded, payment.disputed),
            (PaymentStatus::Paid, 500, disputed),
            "{status}"
        );
    }
}

#[tokio::test]
async fn what_is_not_stripes_own_signature_is_refused_and_changes_nothing() {
    let memory = memory();
    let before = memory.with(|world| world.clone());
    let body = paid("evt_1").to_string();
    for (body, secret, at, expected) in [
        (body.as_str(), "whsec_2", NOW, 401),
        (body.as_str(), "whsec_1", NOW - 301, 401),
        (body.as_str(), "whsec_1", NOW + 301, 401),
    ] {
        let signature = sign_for_tests(secret, at, body.as_bytes());
        assert_eq!(post_signed(&memory, body, &signature).await.0, expected);
    }
    let altered = body.replace("in_1", "in_2");
    assert_eq!(post_signed(&memory, &altered, &sign_for_tests("whsec_1", NOW, body.as_bytes())).await.0, 401);
    let long = " ".repeat((1 << 20) + 1);
    assert_eq!(post_signed(&memory, &long, &sign_for_tests("whsec_1", NOW, long.as_bytes())).await.0, 413);
    assert_eq!(memory.with(|world| world.clone()), before);
    assert_eq!(row(&memory, "evt_1").await, None);
}

#[tokio::test]
async fn what_does_not_concern_the_stack_is_kept_with_its_reason() {
    let memory = memory();
    let before = invoice(&memory);
    let mut live = paid("evt_live");
    live["livemode"] = json!(true);
    let mut connected = paid("evt_connected");
    connected["account"] = json!("acct_2");
    let foreign = event("evt_foreign", "invoice.paid", json!({"object": "invoice", "id": "in_2", "customer": "cus_2"}));
    let unknown = event("evt_unknown", "payout.paid", json!({"object": "payout", "id": "po_1"}));
    for (event, reason) in [
        (live, "it is of live mode, and the stack works in test mode"),
        (connected, "it is of the connected account acct_2"),
        (foreign, "Stripe does not know in_2, and no tenant of this stack is its customer"),
        (unknown, "billform takes no events of the type payout.paid"),
    ] {
        assert_eq!(state(&memory, &event).await, "no_effect");
        let row = row(&memory, event["id"].as_str().expect("an id")).await.expect("a row");
        assert_eq!(row.result.text(), reason);
    }
    let kind = "customer.subscription.updated";
    let subscription = event("evt_sub", kind, json!({"object": "subscription", "id": "sub_1"}));
    assert_eq!(state(&memory, &subscription).await, "deferred");
    assert_eq!(invoice(&memory), before);
}

#[tokio::test]
async fn what_cannot_be_read_or_found_is_a_dead_letter() {
    let memory = memory();
    let body = "not an event";
    let (status, answer) = post_signed(&memory, body, &sign_for_tests("whsec_1", NOW, body.as_bytes())).await;
    assert_eq!((status, &answer["state"]), (200, &json!("dead")));
    let gone = event("evt_1", "charge.dispute.created", json!({"object": "dispute", "id": "du_9"}));
    assert_eq!(state(&memory, &gone).await, "dead");
    assert_eq!(row(&memory, "evt_1").await.expect("a row").result.text(), "Stripe does not know the dispute du_9");
    // An invoice that the ledger has as open, and Stripe does not know.
    memory.with(|world| world.stripe.invoices.clear());
    assert_eq!(state(&memory, &paid("evt_2")).await, "dead");
    assert_eq!(row(&memory, "evt_2").await.expect("a row").result.text(), "Stripe does not know in_1, which is open");
}

#[tokio::test]
async fn whatever_call_fails_the_event_is_applied_once_when_it_comes_again() {
    let probe = memory();
    pays(&probe, attempt(AttemptStatus::Succeeded), is_paid);
    probe.fail(usize::MAX, Fault::Before);
    assert_eq!(post(&probe, &paid("evt_1")).await.0, 200);
    let (calls, expected) = (probe.calls(), invoice(&probe));
    assert!(calls >= 6, "{calls}");
    for call in 0..calls {
        for fault in [Fault::Before, Fault::After, Fault::Killed] {
            let memory = memory();
            pays(&memory, attempt(AttemptStatus::Succeeded), is_paid);
            memory.fail(call, fault);
            let (status, _) = post(&memory, &paid("evt_1")).await;
            assert_eq!(status, 500, "call {call}, {fault:?}: not stored, so not taken");
            memory.revive();
            assert_eq!(post(&memory, &paid("evt_1")).await.0, 200, "call {call}, {fault:?}");
            assert_eq!(invoice(&memory), expected, "call {call}, {fault:?}");
        }
    }
}

#[tokio::test]
async fn an_invoice_that_is_being_worked_on_is_left_alone() {
    let memory = memory();
    pays(&memory, attempt(AttemptStatus::Succeeded), is_paid);
    let until = Timestamp::from_second(NOW + 60).expect("a time");
    memory.with(|world| {
        let record = world.invoices.values_mut().next().expect("a record");
        record.lease = Some(billing::invoice::Lease { holder: "run-1".to_owned(), until });
    });
    let (status, _) = post(&memory, &paid("evt_1")).await;
    assert_eq!((status, row(&memory, "evt_1").await), (500, None));
}

fn card(id: &str) -> PaymentMethod {
    PaymentMethod { id: id.to_owned(), kind: "card".to_owned(), last4: Some("4242".to_owned()) }
}

fn set_up(memory: &Memory, intent: &str, method: Option<&str>) {
    memory.with(|world| {
        let setup =
            RemoteSetup { id: intent.to_owned(), method: method.map(card), mandate: None, detached: Vec::new() };
        world.stripe.side.setups.insert("cus_acme".to_owned(), setup);
        let customer = About::Customer(Some("cus_acme".to_owned()));
        world.stripe.side.about.insert(intent.to_owned(), customer);
        world.stripe.side.about.insert("pm_1".to_owned(), About::Customer(None));
    });
}

fn setup_event(id: &str, intent: &str) -> Value {
    event(id, "setup_intent.succeeded", json!({"object": "setup_intent", "id": intent, "customer": "cus_acme"}))
}

#[tokio::test]
async fn a_method_that_was_set_up_is_made_the_default_and_the_newest_one_stays() {
    let memory = memory();
    set_up(&memory, "seti_1", Some("pm_1"));
    assert_eq!(state(&memory, &setup_event("evt_1", "seti_1")).await, "applied");
    assert_eq!(setup(&memory).await.and_then(|setup| setup.method), Some(card("pm_1")));
    set_up(&memory, "seti_2", Some("pm_2"));
    assert_eq!(state(&memory, &setup_event("evt_3", "seti_2")).await, "applied");
    // The earlier one comes late, or once more: it replaces nothing.
    assert_eq!(state(&memory, &setup_event("evt_2", "seti_1")).await, "no_effect");
    assert_eq!(setup(&memory).await.and_then(|setup| setup.method), Some(card("pm_2")));
    memory.with(|world| {
        let keys: Vec<&str> = world.stripe.side.defaults.iter().map(|set| set.idempotency_key.as_str()).collect();
        assert_eq!(keys, ["billform-default-cus_acme-seti_1", "billform-default-cus_acme-seti_2"]);
    });
}

#[tokio::test]
async fn a_tenant_left_without_a_method_is_named() {
    let memory = memory();
    set_up(&memory, "seti_1", Some("pm_1"));
    assert_eq!(state(&memory, &setup_event("evt_1", "seti_1")).await, "applied");
    memory.with(|world| {
        world.stripe.side.customers.insert("cus_acme".to_owned(), RemoteCustomer::default());
        world.stripe.side.setups.get_mut("cus_acme").expect("a set-up").method = None;
    });
    let mut detached = event("evt_2", "payment_method.detached", json!({"object": "payment_method", "id": "pm_1"}));
    detached["data"]["previous_attributes"] = json!({"customer": "cus_acme"});
    assert_eq!(state(&memory, &detached).await, "applied");
    assert_eq!(row(&memory, "evt_2").await.expect("a row").result.text(), "acme has no payment method");
    memory.with(|world| {
        let deleted = RemoteCustomer { deleted: true, method: None };
        world.stripe.side.customers.insert("cus_acme".to_owned(), deleted)
    });
    let deleted = event("evt_3", "customer.deleted", json!({"object": "customer", "id": "cus_acme"}));
    assert_eq!(state(&memory, &deleted).await, "applied");
    assert_eq!(setup(&memory).await.map(|setup| (setup.deleted, setup.method)), Some((true, None)));
}

/// Between the first look at the invoice and the look at the ledger, another event stores what came after: what changes the
/// record is read behind it.
#[tokio::test]
async fn an_older_look_at_an_invoice_never_replaces_a_newer_one() {
    let memory = memory();
    memory.meanwhile("read an invoice", |memory| {
        pays(memory, attempt(AttemptStatus::Succeeded), |remote| {
            (remote.status, remote.paid, remote.attempted) = (RemoteStatus::Paid, remote.total, true);
        });
        memory.with(|world| {
            let record = world.invoices.get_mut(&("acme".to_owned(), october())).expect("a record");
            let (remote, attempts) = (&world.stripe.invoices[0].remote, world.stripe.payments["in_1"].clone());
            record.payment = billing::invoice::Payment::of(remote, attempts);
            record.version += 1;
        });
    });
    let updated = event("evt_1", "invoice.updated", json!({"object": "invoice", "id": "in_1", "customer": "cus_acme"}));
    assert_eq!(state(&memory, &updated).await, "no_effect");
    let stored = memory.with(|world| world.invoices[&("acme".to_owned(), october())].clone());
    assert_eq!((stored.payment.status, stored.payment.paid), (billing::invoice::PaymentStatus::Paid, 10_000));
}

/// Cards were set up one after the other, and the tenant chose the first in the portal: removing the last one makes no other
/// the default.
#[tokio::test]
async fn a_method_that_the_tenant_chose_stays_when_another_one_is_removed() {
    let memory = memory();
    set_up(&memory, "seti_1", Some("pm_1"));
    assert_eq!(state(&memory, &setup_event("evt_1", "seti_1")).await, "applied");
    set_up(&memory, "seti_2", Some("pm_2"));
    assert_eq!(state(&memory, &setup_event("evt_2", "seti_2")).await, "applied");
    set_up(&memory, "seti_3", Some("pm_3"));
    assert_eq!(state(&memory, &setup_event("evt_3", "seti_3")).await, "applied");
    memory.with(|world| {
        let chosen = RemoteCustomer { deleted: false, method: Some(card("pm_1")) };
        world.stripe.side.customers.insert("cus_acme".to_owned(), chosen);
    });
    let updated = event("evt_4", "customer.updated", json!({"object": "customer", "id": "cus_acme"}));
    assert_eq!(state(&memory, &updated).await, "applied");

    // The third card is removed: the second set-up is the newest that is left.
    set_up(&memory, "seti_2", Some("pm_2"));
    memory.with(|world| {
        world.stripe.side.setups.get_mut("cus_acme").expect("a set-up").detached = vec!["seti_3".to_owned()];
    });
    let removed = event("evt_5", "customer.updated", json!({"object": "customer", "id": "cus_acme"}));
    state(&memory, &removed).await;
    assert_eq!(setup(&memory).await.and_then(|setup| setup.method), Some(card("pm_1")));
    memory.with(|world| assert_eq!(world.stripe.side.customers["cus_acme"].method, Some(card("pm_1"))));
}
