use billing::ledger::EventResult;
use serde_json::json;

use super::*;
use crate::handlers::webhook::tests as webhook;
use crate::ports::About;
use crate::ports::memory::{FixedClock, Memory, World};

const NOW: &str = "2026-11-21T08:00:00Z";

fn tenant() -> TenantRecord {
    serde_json::from_value(json!({
        "id": "acme", "name": "Acme", "email": "billing@example.com", "locale": "en-US", "currency": "USD", "tags": {},
        "terms": [{}], "days_until_due": 30, "link_version": 1, "stripe_customer": "cus_acme",
    }))
    .expect("a tenant")
}

fn memory() -> Memory {
    let mut world = World::default();
    world.tenants.insert("acme".to_owned(), tenant());
    Memory::new(world)
}

fn gone(id: &str) -> Envelope {
    let event = json!({"id": id, "type": "charge.dispute.created", "created": 1_795_248_000,
        "data": {"object": {"object": "dispute", "id": "du_9"}}});
    Envelope::of(&event).expect("an event")
}

async fn sweep(memory: &Memory) -> SweepAnswer {
    let clock = FixedClock::at(NOW);
    let events = StripeEvents { ledger: memory, invoices: memory, payments: memory, clock: &clock };
    Sweep { events, answer: SweepAnswer::default() }.all().await.expect("an answer")
}

#[tokio::test]
async fn a_dead_letter_is_tried_each_night_and_in_the_end_waits_for_a_person() {
    let memory = memory();
    memory.with(|world| world.stripe.side.events = vec![gone("evt_1")]);
    for night in 1..=NIGHTS {
        let answer = sweep(&memory).await;
        let kept = stripe_events::one(&memory, "evt_1").await.expect("the ledger").expect("a row");
        // On the first night it is found undelivered, later as a dead letter and undelivered.
        assert!(kept.attempts >= night, "night {night}: {kept:?}");
        assert_eq!(answer.failed.first().map(|failed| failed.what.as_str()), Some("evt_1"), "night {night}");
        assert!(matches!(kept.result, EventResult::Dead { .. }));
    }
    memory.with(|world| world.stripe.side.events.clear());
    let before = stripe_events::one(&memory, "evt_1").await.expect("the ledger").expect("a row").attempts;
    let last = sweep(&memory).await;
    assert!(last.failed[0].reason.contains("billform events retry evt_1"), "{last:?}");
    assert_eq!(last.failures(), 1, "it is an error until a person acts");
    let after = stripe_events::one(&memory, "evt_1").await.expect("the ledger").expect("a row").attempts;
    assert_eq!(after, before, "it is not tried again by itself");
}

#[tokio::test]
async fn every_page_of_undelivered_events_is_taken_and_each_event_once() {
    let memory = memory();
    let missed = |number: u32, kind: &str| {
        let event = json!({"id": format!("evt_{number}"), "type": kind, "created": 1_795_248_000,
            "data": {"object": {"object": "customer", "id": "cus_other"}}});
        Envelope::of(&event).expect("an event")
    };
    let mut events: Vec<Envelope> = (1..=5).map(|number| missed(number, "customer.updated")).collect();
    events.push(missed(6, "payout.paid"));
    memory.with(|world| world.stripe.side.events = events);
    assert_eq!(sweep(&memory).await.without_effect, 5);
    assert_eq!(sweep(&memory).await, SweepAnswer::default(), "they are known now");
    let others = stripe_events::one(&memory, "evt_6").await.expect("the ledger");
    assert_eq!(others, None, "an event of a type that is not taken leaves nothing");
}

#[tokio::test]
async fn a_retry_of_an_event_that_nobody_has_says_so() {
    let memory = memory();
    let clock = FixedClock::at(NOW);
    let events = StripeEvents { ledger: &memory, invoices: &memory, payments: &memory, clock: &clock };
    let retried = Sweep { events, answer: SweepAnswer::default() }.retry("evt_none").await;
    let refused = retried.expect_err("no such event").to_string();
    assert!(refused.contains("`evt_none`") && refused.contains("30 days"), "{refused}");
}

/// Made by hand, or by another stack: it carries a tenant's name, and no record knows it. A void one is nobody's money.
#[tokio::test]
async fn an_invoice_that_the_ledger_does_not_know_is_named() {
    let memory = webhook::memory();
    assert_eq!(sweep(&memory).await.unknown, [], "the ledger's own is known");
    let stray = |id: &str, status| webhook::stripe_invoice(Remote { id: id.to_owned(), status, ..webhook::remote() });
    memory.with(|world| {
        world.stripe.invoices.push(stray("in_stray", RemoteStatus::Open));
        world.stripe.invoices.push(stray("in_void", RemoteStatus::Void));
    });
    let answer = sweep(&memory).await;
    let [unknown] = answer.unknown.as_slice() else { panic!("one: {:?}", answer.unknown) };
    assert_eq!((unknown.tenant.as_str(), unknown.stripe_invoice.as_str()), ("acme", "in_stray"));
    assert_eq!(unknown.total.map(|total| total.to_string()).as_deref(), Some("100.00 USD"));
    assert_eq!(answer.failures(), 1);
}

/// Given up in Stripe, it may be paid after all: with no event delivered the sweep sees it.
#[tokio::test]
async fn an_uncollectible_invoice_that_is_paid_is_noticed() {
    let memory = webhook::memory();
    memory.with(|world| world.stripe.invoices[0].remote.status = RemoteStatus::Uncollectible);
    sweep(&memory).await;
    let state = |memory: &Memory| memory.with(|world| world.invoices.values().next().expect("a record").clone());
    assert_eq!(state(&memory).state, InvoiceState::Uncollectible);
    memory.with(|world| {
        let remote = &mut world.stripe.invoices[0].remote;
        (remote.status, remote.paid, remote.attempted) = (RemoteStatus::Paid, remote.total, true);
    });
    assert_eq!(sweep(&memory).await.changed.len(), 1);
    assert_eq!((state(&memory).payment.status, state(&memory).payment.paid), (PaymentStatus::Paid, 10_000));
    assert_eq!(sweep(&memory).await.changed, [], "it is told once");
}

/// What Stripe did not know at first it knows later: the dead letter is applied, and is none any more.
#[tokio::test]
async fn a_dead_letter_is_applied_once_it_can_be() {
    let memory = webhook::memory();
    memory.with(|world| world.stripe.side.events = vec![gone("evt_1")]);
    assert_eq!(sweep(&memory).await.failures(), 1);
    memory.with(|world| {
        world.stripe.side.about.insert("du_9".to_owned(), About::Invoices(vec!["in_1".to_owned()]));
        let remote = &mut world.stripe.invoices[0].remote;
        (remote.status, remote.paid, remote.attempted) = (RemoteStatus::Paid, remote.total, true);
    });
    let answer = sweep(&memory).await;
    assert_eq!(answer.failures(), 0, "{answer:?}");
    let kept = stripe_events::one(&memory, "evt_1").await.expect("the ledger").expect("a row");
    assert!(matches!(kept.result, EventResult::Applied { .. }), "{kept:?}");
    assert!(stripe_events::of_kind(&memory, stripe_events::DEAD_EVENT).await.expect("the ledger").is_empty());
}

#[tokio::test]
async fn a_dead_letter_that_never_can_be_applied_is_dismissed_with_a_reason() {
    let memory = memory();
    memory.with(|world| world.stripe.side.events = vec![gone("evt_1")]);
    assert_eq!(sweep(&memory).await.failures(), 1);
    let clock = FixedClock::at(NOW);
    let dismissed = |id: &'static str, reason: &'static str| {
        let events = StripeEvents { ledger: &memory, invoices: &memory, payments: &memory, clock: &clock };
        Sweep { events, answer: SweepAnswer::default() }.dismiss(id, reason)
    };
    assert!(dismissed("evt_1", " ").await.is_err(), "no reason");
    assert!(dismissed("evt_2", "a test").await.is_err(), "no such event");
    dismissed("evt_1", "the dispute was of another account").await.expect("an answer");
    let kept = stripe_events::one(&memory, "evt_1").await.expect("the ledger").expect("a row");
    assert_eq!(kept.result.text(), "dismissed by a person: the dispute was of another account");
    assert!(dismissed("evt_1", "again").await.is_err(), "it is closed");
    assert_eq!(sweep(&memory).await.failures(), 0, "and stays so");
}
