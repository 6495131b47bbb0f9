//! What can happen to an invoice's money and to how a tenant pays, step by step, and what the ledger says in the end.

use jiff::SignedDuration;
use localstripe::Kind;

use super::world::World;

/// One thing that happens, at some time after the one before.
type Step = fn(&World);

/// A course of events.
pub struct Scenario {
    pub name: &'static str,
    pub steps: &'static [Step],
    /// The invoice in the end: state, status, then amounts that are not zero.
    pub money: &'static str,
    /// How the tenant pays in the end; empty where nothing is known of it.
    pub pays: &'static str,
}

const fn money(name: &'static str, steps: &'static [Step], money: &'static str) -> Scenario {
    Scenario { name, steps, money, pays: "" }
}

const fn methods(name: &'static str, steps: &'static [Step], pays: &'static str) -> Scenario {
    Scenario { name, steps, money: "open none", pays }
}

fn pay(world: &World, method: &str) {
    // What is declined, or waits for its customer, is answered 402.
    let _ = world.post(&format!("/v1/invoices/{}/pay", world.invoice), &[("payment_method", method)]);
}

fn by_card(world: &World) {
    pay(world, "pm_card_visa");
}

fn declined(world: &World) {
    pay(world, "pm_card_chargeDeclinedInsufficientFunds");
}

fn asked(world: &World) {
    pay(world, "pm_card_authenticationRequired");
}

fn authenticated(world: &World, passed: bool) {
    let intent = world.newest_id(Kind::PaymentIntent);
    world.shared.stripe.authenticate(&intent, passed).expect("an intent that waits");
}

fn debited(world: &World, failure: Option<&str>) {
    let form = [
        ("type", "sepa_debit"),
        ("sepa_debit[iban]", "DE89370400440532013000"),
        ("billing_details[email]", "billing@example.com"),
        ("billing_details[name]", "Acme"),
    ];
    let method = world.id_of("/v1/payment_methods", &form);
    world.id_of("/v1/setup_intents", &setup_of(world, &method));
    world.shared.stripe.answer_debits(&method, SignedDuration::from_hours(9 * 24), failure).expect("a debit");
    pay(world, &method);
}

fn setup_of<'a>(world: &'a World, method: &'a str) -> [(&'a str, &'a str); 6] {
    [
        ("customer", &world.customer),
        ("confirm", "true"),
        ("payment_method", method),
        ("mandate_data[customer_acceptance][type]", "online"),
        ("mandate_data[customer_acceptance][online][ip_address]", "127.0.0.1"),
        ("mandate_data[customer_acceptance][online][user_agent]", "test"),
    ]
}

fn nine_days(world: &World) {
    world.wait(9 * 24 + 1);
}

fn disputed(world: &World) {
    let charge = world.newest_id(Kind::Charge);
    world.shared.stripe.open_dispute(&charge, "fraudulent").expect("a charge");
}

fn decided(world: &World, won: bool) {
    let dispute = world.newest_id(Kind::Dispute);
    world.shared.stripe.close_dispute(&dispute, won).expect("an open dispute");
}

fn refunded(world: &World, amount: &str) {
    let intent = world.newest_id(Kind::PaymentIntent);
    world.id_of("/v1/refunds", &[("payment_intent", &intent), ("amount", amount)]);
}

fn in_part(world: &World, amount: i64) {
    world.shared.stripe.pay_amount(&world.invoice, amount).expect("an open invoice");
}

fn credited(world: &World, pairs: &[(&str, &str)]) {
    world.id_of("/v1/credit_notes", &[&[("invoice", world.invoice.as_str())], pairs].concat());
}

fn step(world: &World, action: &str) {
    world.post(&format!("/v1/invoices/{}/{action}", world.invoice), &[]).expect("it is done");
}

fn set_up(world: &World, method: &str) {
    let form = [("customer", world.customer.as_str()), ("confirm", "true"), ("payment_method", method)];
    let _ = world.post("/v1/setup_intents", &[&form[..], &[("return_url", "http://localhost/back")]].concat());
    world.wait(1);
}

fn of_customer(world: &World, pairs: &[(&str, &str)]) {
    world.post(&format!("/v1/customers/{}", world.customer), pairs).expect("a customer");
}

fn detached(world: &World) {
    let method = world.newest_id(Kind::PaymentMethod);
    world.post(&format!("/v1/payment_methods/{method}/detach"), &[]).expect("an attached method");
}

fn checkout(world: &World) -> String {
    let form = [
        ("mode", "setup"),
        ("currency", "eur"),
        ("customer", world.customer.as_str()),
        ("success_url", "https://app.example.com/done"),
    ];
    world.id_of("/v1/checkout/sessions", &form)
}

fn deleted(world: &World) {
    let form = simulator::Form::default();
    simulator::send(&world.shared, ("DELETE", &format!("/v1/customers/{}", world.customer)), &form).expect("deleted");
}

pub const MONEY: &[Scenario] = &[
    money("nothing happens", &[], "open none"),
    money("paid by card", &[by_card], "open paid, paid 10000"),
    money("declined", &[declined], "open failed"),
    money("declined, then paid", &[declined, by_card], "open paid, paid 10000"),
    money("3-D Secure needed", &[asked], "open none, waits for authentication"),
    money("3-D Secure done", &[asked, |world| authenticated(world, true)], "open paid, paid 10000"),
    money("3-D Secure failed", &[asked, |world| authenticated(world, false)], "open failed"),
    money(
        "paid out of band",
        &[|world| world.shared.stripe.pay_out_of_band(&world.invoice).expect("open")],
        "open paid, paid 10000, off_stripe 10000",
    ),
    money("a part", &[|world| in_part(world, 4_000)], "open none, paid 4000"),
    money("in two parts", &[|world| in_part(world, 4_000), |world| in_part(world, 6_000)], "open paid, paid 10000"),
    money("more than asked for", &[|world| in_part(world, 12_000)], "open paid, paid 10000, overpaid 2000"),
    money("given up", &[|world| step(world, "mark_uncollectible")], "uncollectible none"),
    money("given up, then paid", &[|world| step(world, "mark_uncollectible"), by_card], "open paid, paid 10000"),
    money("declined, then voided", &[declined, |world| step(world, "void")], "open none"),
];

pub const LATER: &[Scenario] = &[
    money("disputed", &[by_card, disputed], "open paid, paid 10000, disputed 10000"),
    money("dispute won", &[by_card, disputed, |world| decided(world, true)], "open paid, paid 10000"),
    money("dispute lost", &[by_card, disputed, |world| decided(world, false)], "open paid, paid 10000, disputed 10000"),
    money("refunded", &[by_card, |world| refunded(world, "10000")], "open paid, paid 10000, refunded 10000"),
    money(
        "refunded in parts",
        &[by_card, |world| refunded(world, "1500"), |world| refunded(world, "500")],
        "open paid, paid 10000, refunded 2000",
    ),
    money(
        "a refund fails",
        &[
            by_card,
            |world| refunded(world, "1500"),
            |world| world.shared.stripe.fail_refund(&world.newest_id(Kind::Refund)).expect("a refund"),
        ],
        "open paid, paid 10000",
    ),
    money("credited, then paid", &[|world| credited(world, &[("amount", "2500")]), by_card], "open paid, paid 7500"),
    money(
        "paid, then credited to the balance",
        &[by_card, |world| credited(world, &[("amount", "2500"), ("credit_amount", "2500")])],
        "open paid, paid 10000",
    ),
    money(
        "paid, then credited and refunded",
        &[by_card, |world| credited(world, &[("amount", "2500"), ("refund_amount", "2500")])],
        "open paid, paid 10000, refunded 2500",
    ),
];

const SEPA: &str = "sepa_debit 3000, active";

pub const METHODS: &[Scenario] = &[
    Scenario {
        name: "a debit is under way",
        steps: &[|world| debited(world, None)],
        money: "open processing",
        pays: SEPA,
    },
    Scenario {
        name: "a debit succeeds after nine days",
        steps: &[|world| debited(world, None), nine_days],
        money: "open paid, paid 10000",
        pays: SEPA,
    },
    Scenario {
        name: "a debit fails after nine days",
        steps: &[|world| debited(world, Some("insufficient_funds")), nine_days],
        money: "open failed",
        pays: SEPA,
    },
    Scenario {
        name: "a mandate ends",
        steps: &[
            |world| debited(world, None),
            |world| world.shared.stripe.end_mandate(&world.newest_id(Kind::PaymentMethod)).expect("a mandate"),
        ],
        money: "open processing",
        pays: "sepa_debit 3000, inactive",
    },
    methods("set up", &[|world| set_up(world, "pm_card_visa")], "card 4242"),
    methods(
        "set up twice",
        &[|world| set_up(world, "pm_card_visa"), |world| set_up(world, "pm_card_mastercard")],
        "card 4444",
    ),
    methods("set up and declined", &[|world| set_up(world, "pm_card_chargeDeclined")], "nothing"),
    methods(
        "set up, and declined later",
        &[|world| set_up(world, "pm_card_visa"), |world| set_up(world, "pm_card_chargeDeclined")],
        "card 4242",
    ),
    methods(
        "set up with 3-D Secure",
        &[
            |world| set_up(world, "pm_card_authenticationRequiredOnSetup"),
            |world| {
                let intent = world.newest_id(Kind::SetupIntent);
                world.shared.stripe.authenticate(&intent, true).expect("an intent that waits");
            },
        ],
        "card 3155",
    ),
    methods("detached", &[|world| set_up(world, "pm_card_visa"), detached], "nothing"),
    methods(
        "the later one is detached",
        &[|world| set_up(world, "pm_card_visa"), |world| set_up(world, "pm_card_mastercard"), detached],
        "card 4242",
    ),
    methods("customer renamed", &[|world| of_customer(world, &[("name", "Acme Ltd")])], "nothing"),
    methods(
        "set up, then customer renamed",
        &[|world| set_up(world, "pm_card_visa"), |world| of_customer(world, &[("name", "Acme Ltd")])],
        "card 4242",
    ),
    methods(
        "Checkout completed",
        &[|world| {
            let session = checkout(world);
            world.shared.stripe.complete_checkout(&session, "4242424242424242").expect("an open session");
        }],
        "card 4242",
    ),
    methods(
        "Checkout expired",
        &[|world| {
            let session = checkout(world);
            world.post(&format!("/v1/checkout/sessions/{session}/expire"), &[]).expect("an open session");
        }],
        "nothing",
    ),
    Scenario {
        name: "set up, paid with it, deleted",
        steps: &[|world| set_up(world, "pm_card_visa"), by_card, deleted],
        money: "open paid, paid 10000",
        pays: "deleted",
    },
];
