//! Single events: of the same second, for two endpoints, deferred, of something that is gone.

use billing::ledger::{EventResult, stripe_events};
use futures::executor::block_on;
use localstripe::{Kind, Sent, sign};
use serde_json::{Value, json};

use super::world::World;

fn signed(world: &World, event: &Value) -> Sent {
    let body = event.to_string();
    let signature = sign(&world.endpoints[0].secret, world.shared.now().as_second(), body.as_bytes());
    Sent { signature, body }
}

fn subscription(id: &str) -> Value {
    json!({"id": id, "object": "event", "type": "customer.subscription.updated", "created": 1_794_000_000, "livemode": false,
        "data": {"object": {"object": "subscription", "id": "sub_1", "customer": "cus_1"}}})
}

#[test]
fn a_deferred_event_is_kept_and_can_be_replayed() {
    let world = World::new(1);
    let books = world.books();
    assert_eq!(world.webhook.post(&signed(&world, &subscription("evt_sub"))), 200);
    assert_eq!(world.webhook.post(&signed(&world, &subscription("evt_sub"))), 200);
    let kept = world.row("evt_sub").expect("a row");
    assert!(matches!(kept.result, EventResult::Deferred { .. }), "{kept:?}");
    world.sweep(json!({"retry": "evt_sub"}));
    let again = world.row("evt_sub").expect("a row");
    assert_eq!(
        (again.attempts, &again.result, again.event_type.as_str()),
        (kept.attempts + 1, &kept.result, "customer.subscription.updated")
    );
    let listed = block_on(stripe_events::of_kind(&world.shared.ledger, stripe_events::DEFERRED_EVENT)).expect("rows");
    assert_eq!(listed.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["evt_sub"]);
    assert_eq!(world.books(), books);
}

#[test]
fn two_events_of_one_second_and_two_endpoints_change_the_ledger_once() {
    let world = World::new(2);
    world.shared.stripe.pay_out_of_band(&world.invoice).expect("an open invoice");
    let before = world.record().version;
    let waiting = world.shared.stripe.waiting();
    let paid: Vec<Value> = world
        .shared
        .stripe
        .objects(Kind::Event)
        .into_iter()
        .filter(|event| event["data"]["object"]["status"] == "paid")
        .collect();
    assert!(paid.len() >= 2 && paid.iter().all(|event| event["created"] == paid[0]["created"]), "{}", paid.len());
    for waiting in &waiting {
        let endpoint = world.endpoints.iter().find(|endpoint| endpoint.id == waiting.endpoint).expect("an endpoint");
        world.shared.set_signing_secret(&endpoint.secret);
        assert_eq!(world.webhook.deliver(waiting), Some(200), "{waiting:?}");
    }
    assert_eq!(world.record().version, before + 1, "one of them changed it");
    let is_taken = |event: &&Value| event["type"].as_str().is_some_and(runtime::stripe_events::kinds::is_taken);
    let applied = |event: &&Value| {
        let row = world.row(event["id"].as_str().unwrap_or_default()).expect("a row");
        matches!(row.result, EventResult::Applied { .. })
    };
    let invoice_events = world.shared.stripe.objects(Kind::Event);
    let of_invoice = invoice_events.iter().filter(|event| event["data"]["object"]["object"] == "invoice");
    let applied = of_invoice.filter(is_taken).filter(applied).count();
    assert_eq!(applied, 1);
}

#[test]
fn an_invoice_that_stripe_does_not_know_is_named_and_left_as_it_is() {
    let world = World::new(1);
    super::orders::deliver_all(&world);
    let (gone, mut record) = ("in_1GoneForGood", world.record());
    record.stripe_invoice = Some(gone.to_owned());
    record.version += 1;
    world.shared.ledger.set(billing::ledger::Stored::of("acme", &record).expect("an item"));
    let books = world.books();
    let event = json!({"id": "evt_gone", "object": "event", "type": "invoice.paid", "created": 1_794_000_000, "livemode": false,
        "data": {"object": {"object": "invoice", "id": gone, "customer": world.customer}}});
    assert_eq!(world.webhook.post(&signed(&world, &event)), 200);
    let row = world.row("evt_gone").expect("a row");
    assert_eq!(row.result, EventResult::Dead { reason: format!("Stripe does not know {gone}, which is open") });
    let swept = world.sweep(json!({}));
    let reasons = swept["failed"].to_string();
    assert!(reasons.contains("acme 2026-10") && reasons.contains("evt_gone") && reasons.contains(gone), "{reasons}");
    assert_eq!(world.books(), books, "it never counts as cancelled by itself");
}

#[test]
fn what_is_not_stripes_own_changes_nothing() {
    let world = World::new(1);
    super::orders::deliver_all(&world);
    let before = world.shared.ledger.items();
    let real = signed(&world, &subscription("evt_1"));
    let forged = Sent { body: real.body.replace("sub_1", "sub_2"), ..real.clone() };
    let now = world.shared.now().as_second();
    let of = |secret: &str, at: i64| Sent { signature: sign(secret, at, real.body.as_bytes()), ..real.clone() };
    let long = " ".repeat(1 << 21);
    let long = Sent { signature: sign(&world.endpoints[0].secret, now, long.as_bytes()), body: long };
    for (sent, status) in [
        (forged, 401),
        (of("whsec_other", now), 401),
        (of(&world.endpoints[0].secret, now - 301), 401),
        (of(&world.endpoints[0].secret, now + 301), 401),
        (Sent { signature: String::new(), ..real.clone() }, 401),
        (long, 413),
    ] {
        assert_eq!(world.webhook.post(&sent), status);
    }
    assert_eq!(world.shared.ledger.items(), before);
}

#[test]
fn a_draft_that_is_deleted_is_the_invoicers() {
    let world = World::new(1);
    let draft = world.drafted("2026-09");
    super::orders::deliver_all(&world);
    let books = world.books();
    simulator::send(&world.shared, ("DELETE", &format!("/v1/invoices/{draft}")), &simulator::Form::default())
        .expect("deleted");
    super::orders::deliver_all(&world);
    assert_eq!(world.books(), books);
    let dead = block_on(stripe_events::of_kind(&world.shared.ledger, stripe_events::DEAD_EVENT)).expect("rows");
    assert_eq!(dead, []);
}
