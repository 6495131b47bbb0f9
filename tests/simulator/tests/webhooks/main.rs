//! Whatever order events come in, twice, in part or not at all: the ledger ends the same. The real webhook and the real
//! sweep, over the strict Stripe in this process.

mod orders;
mod scenarios;
mod single;
mod world;

use billing::invoice::Payment;
use localstripe::Kind;
use serde_json::Value;

use scenarios::{LATER, METHODS, MONEY, Scenario};
use world::World;

/// How many orders each scenario is played in: 30, or as many as `BILLFORM_ORDERS` says.
fn orders() -> u64 {
    match std::env::var("BILLFORM_ORDERS") {
        Ok(text) => text.parse().expect("BILLFORM_ORDERS is a number"),
        Err(_) => 30,
    }
}

/// How often some of its events get lost.
const LOSSES: u64 = 10;

/// The invoice's money, as scenarios write it.
fn money(world: &World) -> String {
    let record = world.record();
    let Payment { paid, without_cash: _, off_stripe, overpaid, refunded, disputed, .. } = record.payment;
    let status = serde_json::to_value(record.payment.status).expect("JSON");
    let mut text = format!("{} {}", record.state.name(), status.as_str().unwrap_or_default());
    let amounts = [
        ("paid", paid),
        ("off_stripe", off_stripe),
        ("overpaid", overpaid),
        ("refunded", refunded),
        ("disputed", disputed),
    ];
    for (name, units) in amounts.into_iter().filter(|(_, units)| *units != 0) {
        text.push_str(&format!(", {name} {units}"));
    }
    if record.payment.needs_authentication() {
        text.push_str(", waits for authentication");
    }
    text
}

/// How the tenant pays, as scenarios write it.
fn pays(world: &World) -> String {
    let Some(setup) = world.setup() else { return String::new() };
    let method = setup.method.map(|method| format!("{} {}", method.kind, method.last4.unwrap_or_default()));
    let pays = match method {
        _ if setup.deleted => "deleted".to_owned(),
        Some(method) => method,
        None => "nothing".to_owned(),
    };
    setup.mandate.map(|mandate| format!("{pays}, {mandate}")).unwrap_or(pays)
}

fn plays(scenario: &Scenario) {
    let name = scenario.name;
    let first = orders::in_order(scenario);
    assert_eq!(money(&first), scenario.money, "{name}");
    if !scenario.pays.is_empty() {
        assert_eq!(pays(&first), scenario.pays, "{name}");
    }
    let expected = first.books();
    for seed in 0..orders() {
        let world = orders::shuffled(scenario, seed);
        assert_eq!(world.books(), expected, "{name}, order {seed}");
        if seed % 5 > 0 {
            continue;
        }
        every_event_has_its_row(&world, name, seed);
        let swept = world.sweep(serde_json::json!({}));
        assert_eq!(swept["changed"], serde_json::json!([]), "{name}, order {seed}: nothing is left to a sweep");
    }
    for seed in 0..LOSSES {
        let lost_percent = if seed == 0 { 100 } else { 50 };
        let world = orders::swept(scenario, seed, lost_percent);
        assert_eq!(world.books(), expected, "{name}, {lost_percent} % lost, seed {seed}");
        every_event_has_its_row(&world, name, seed);
    }
}

/// Every event of a type that is taken has a row, and no dead letter among them.
fn every_event_has_its_row(world: &World, name: &str, seed: u64) {
    // The sweep's own change of the customer is told by an event that the next sweep takes.
    world.sweep(serde_json::json!({}));
    for event in world.shared.stripe.objects(Kind::Event) {
        let text = |field: &Value| field.as_str().unwrap_or_default().to_owned();
        let (id, kind) = (text(&event["id"]), text(&event["type"]));
        if runtime::stripe_events::kinds::is_taken(&kind) {
            let row = world.row(&id).unwrap_or_else(|| panic!("{name}, seed {seed}: {kind} has no row"));
            assert!(row.result.is_done(), "{name}, seed {seed}: {kind} is {:?}", row.result);
        }
    }
}

#[test]
fn payments_end_the_same_in_every_order() {
    MONEY.iter().for_each(plays);
}

#[test]
fn what_follows_a_payment_ends_the_same_in_every_order() {
    LATER.iter().for_each(plays);
}

#[test]
fn how_a_tenant_pays_ends_the_same_in_every_order() {
    METHODS.iter().for_each(plays);
}
