//! A world in order has no violation; every kind of fault, planted by hand, is seen as what it is, and nothing else is.

use std::collections::BTreeSet;

use jiff::Timestamp;
use oracle::balance::{Entry, EntryKind};
use oracle::bills::Bills;
use oracle::facts::{Facts, Figure, RecordType, Tags, Terms};
use oracle::invariant::{invariant, judge};
use oracle::line::{Line, Rule, total};
use oracle::money::{Attempt, Dispute, Held, Payments, Standing};
use oracle::month::Month;
use oracle::violation::Fault;
use oracle::world::{Account, Claimed, CreditNote, Document, Event, Methods, Money, Payment, Read, Status, World};

use crate::scene::{acme, at, day, exact, figure, id, money, month, rate, spend, tag, tenant};

/// acme: 100.00 in October, restated to 131.00 after it was billed, 50.00 in November. beta, in EUR: a refund of 40.00
/// in October, 100.00 in November. 7.00 of November without a tag.
pub(crate) fn facts() -> Facts {
    let mut facts = acme("USD", Terms::default());
    facts.tenants.insert(id("beta"), tenant("beta", "EUR", Terms::default()));
    for tenant in facts.tenants.values_mut() {
        tenant.first_period = month("2026-10");
    }
    facts.rates = vec![rate("2026-10-30", "EUR", "1"), rate("2026-11-30", "EUR", "1")];
    spend(&mut facts, "ACME", "2026-10-05", "Lambda", "100.00");
    facts.record(day("2026-10-05"), &tag("ACME"), "Lambda", RecordType::Usage, figure("131.00", "2026-12-01"));
    spend(&mut facts, "ACME", "2026-11-05", "Lambda", "50.00");
    facts.record(day("2026-10-05"), &tag("BETA"), "S3", RecordType::Refund, figure("-40.00", "2026-10-06"));
    spend(&mut facts, "BETA", "2026-11-05", "S3", "100.00");
    facts.record(day("2026-11-09"), &Tags::new(), "Support", RecordType::Fee, figure("7.00", "2026-11-10"));
    facts
}

pub(crate) fn hour(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn cost(service: &str, amount: i128) -> Line {
    Line { rule: Rule::Cost(service.to_owned()), amount }
}

fn document(document: &str, of: &str, currency: &str, lines: Vec<Line>, issued: &str) -> Document {
    Document {
        id: document.to_owned(),
        month: month(of),
        revision: 1,
        status: Status::Open,
        currency: currency.to_owned(),
        total: total(&lines),
        lines,
        drawn_at: at(issued),
        issued_at: Some(at(issued)),
        edited: false,
    }
}

fn entry(name: &str, amount: i128, kind: EntryKind) -> Entry {
    let (currency, month) = ("EUR".to_owned(), month("2026-10"));
    Entry { id: name.to_owned(), currency, month, revision: 1, amount, kind }
}

/// The facts, billed as they should be, as seen at the end of 2026-12-20.
pub(crate) fn world() -> World {
    let months = |day: Month| Month::new(2026, 10).to(day.plus(-1));
    let days = day("2026-11-01").series(jiff::Span::new().days(1)).take_while(|on| *on <= day("2026-12-20"));
    let reads = days.flat_map(|on| {
        let at = oracle::month::midnight(on);
        months(Month::of(on)).map(move |month| Read { month, at })
    });
    let mut october = document("in_1", "2026-10", "USD", vec![cost("Lambda", 10_000)], "2026-11-15");
    october.status = Status::Paid;
    let restated = Line { rule: Rule::Restated(month("2026-10")), amount: 3_100 };
    let november = document("in_2", "2026-11", "USD", vec![cost("Lambda", 5_000), restated], "2026-12-15");
    let credit = Line { rule: Rule::Credit, amount: -4_000 };
    let mut of_beta = document("in_3", "2026-11", "EUR", vec![cost("S3", 10_000), credit], "2026-12-15");
    (of_beta.status, of_beta.issued_at) = (Status::Draft, None);
    let run_at = Some(hour("2026-12-20T08:00:00Z"));
    let acme = Account {
        run_at,
        documents: vec![october, november],
        payments: vec![Payment { document: "in_1".to_owned(), amount: 10_000, refunded: 0 }],
        money: vec![paid()],
        methods: Some(Methods { newest: Some("pm_2".to_owned()), default: Some("pm_2".to_owned()) }),
        ..Account::default()
    };
    let balance = vec![entry("a", -4_000, EntryKind::Carried), entry("b", 4_000, EntryKind::Reserved)];
    let beta = Account { run_at, documents: vec![of_beta], balance, ..Account::default() };
    let close =
        Claimed { month: month("2026-11"), read_at: at("2026-12-20"), tenants: 15_000, unallocated: 700, bill: 15_700 };
    World {
        reads: reads.collect(),
        accounts: [(id("acme"), acme), (id("beta"), beta)].into_iter().collect(),
        closes: vec![close],
        events: vec![Event { id: "evt_1".to_owned(), times_done: 1 }],
        is_swept: true,
    }
}

/// October's invoice of acme, paid by a card that another one took the place of.
pub(crate) fn paid() -> Money {
    let stripe = Payments {
        document: "in_1".to_owned(),
        status: Status::Paid,
        paid: 10_000,
        out_of_band: 0,
        overpaid: 0,
        attempts: vec![Attempt::Failed, Attempt::Succeeded],
        refunds: vec![500],
        disputes: vec![(10_000, Dispute::Won)],
    };
    let ledger = Held {
        status: Status::Open,
        standing: Standing::Paid,
        paid: 10_000,
        out_of_band: 0,
        overpaid: 0,
        refunded: 500,
        disputed: 0,
    };
    Money { month: month("2026-10"), stripe, ledger: Some(ledger) }
}

/// What the ledger says of it.
fn in_the_ledger(world: &mut World) -> &mut Held {
    account(world, "acme").money[0].ledger.as_mut().expect("an invoice")
}

/// The name of a kind of fault. A kind that is added must be named here, and planted below.
fn name(fault: &Fault) -> &'static str {
    match fault {
        Fault::LinesDoNotSum { .. } => "lines do not sum",
        Fault::Negative { .. } => "negative",
        Fault::NotChargeable { .. } => "not chargeable",
        Fault::TooManyLines { .. } => "too many lines",
        Fault::TwoOfOneRevision { .. } => "two of one revision",
        Fault::TwoRevisions { .. } => "two revisions",
        Fault::NotAMember { .. } => "not a member",
        Fault::WrongCurrency { .. } => "wrong currency",
        Fault::ForeignCost { .. } => "foreign cost",
        Fault::DraftedEarly { .. } => "drafted early",
        Fault::IssuedEarly { .. } => "issued early",
        Fault::NotDrafted { .. } => "not drafted",
        Fault::NotBilled { .. } => "not billed",
        Fault::SilentWait { .. } => "silent wait",
        Fault::SilentEdit { .. } => "silent edit",
        Fault::NotLookedAt { .. } => "not looked at",
        Fault::NotAssessable { .. } => "not assessable",
        Fault::Unequal { .. } => "unequal",
        Fault::LeftOwing { .. } => "left owing",
        Fault::LeftOwed { .. } => "left owed",
        Fault::EntryChanged { .. } => "entry changed",
        Fault::Overpaid { .. } => "overpaid",
        Fault::OverCredited { .. } => "over-credited",
        Fault::NoSuchDocument { .. } => "no such document",
        Fault::MoneyDiffers { .. } => "money differs",
        Fault::EventWithoutResult { .. } => "event without result",
        Fault::EventTakenTwice { .. } => "event taken twice",
        Fault::WrongDefault { .. } => "wrong default",
        Fault::DoesNotAddUp { .. } => "does not add up",
        Fault::WrongClose { .. } => "wrong close",
    }
}

/// How many names [`name`] gives.
const KINDS: usize = 30;

/// acme leaves with October: what that month was restated by is on a document of November, and nothing else is.
pub(crate) fn leave(facts: &mut Facts, world: &mut World) {
    facts.tenants.get_mut(&id("acme")).expect("acme").last_period = Some(month("2026-10"));
    world.closes.clear();
    let document = november(world);
    document.lines.remove(0);
    document.total = 3_100;
}

/// The same, and the amount is in the balance instead.
pub(crate) fn leave_open(facts: &mut Facts, world: &mut World, amount: i128) {
    leave(facts, world);
    let account = account(world, "acme");
    account.documents.pop();
    account.balance.push(Entry { currency: "USD".to_owned(), ..entry("left", amount, EntryKind::Carried) });
}

/// October of acme costs so much in the end.
pub(crate) fn restate(facts: &mut Facts, usd: &str) {
    facts.record(day("2026-10-05"), &tag("ACME"), "Lambda", RecordType::Usage, figure(usd, "2026-12-02"));
}

type Plant = fn(&mut Facts, &mut World);

pub(crate) fn account<'w>(world: &'w mut World, tenant: &str) -> &'w mut Account {
    world.accounts.get_mut(&id(tenant)).expect("an account")
}

/// November's invoice of acme.
fn november(world: &mut World) -> &mut Document {
    &mut account(world, "acme").documents[1]
}

/// Every fault of the audit in issue 12 and of the invariant, and what must be seen of it.
const PLANTED: &[(&str, &[&str], Plant)] = &[
    ("a total is edited", &["lines do not sum", "unequal"], |_, world| november(world).total += 1),
    ("a refund is not noted", &["money differs"], |_, world| in_the_ledger(world).refunded = 0),
    ("a dispute counts after it was won", &["money differs"], |_, world| in_the_ledger(world).disputed = 10_000),
    ("a payment is not noticed", &["money differs"], |_, world| in_the_ledger(world).standing = Standing::None),
    ("a payment of an invoice that the ledger does not have", &["money differs"], |_, world| {
        account(world, "acme").money[0].ledger = None;
    }),
    ("an event gets lost", &["event without result"], |_, world| world.events[0].times_done = 0),
    ("an event is applied twice", &["event taken twice"], |_, world| world.events[0].times_done = 2),
    ("an older method is charged", &["wrong default"], |_, world| {
        account(world, "acme").methods.as_mut().expect("methods").default = Some("pm_1".to_owned());
    }),
    ("a grant is made twice", &["unequal"], |_, world| {
        let note = CreditNote { document: "in_2".to_owned(), amount: 500 };
        let account = account(world, "acme");
        account.grants.push(note.clone());
        account.credit_notes.extend([note.clone(), note]);
    }),
    ("a credit beyond the invoice", &["negative", "unequal"], |_, world| {
        let document = november(world);
        document.lines.push(Line { rule: Rule::Credit, amount: -9_000 });
        document.total -= 9_000;
    }),
    ("half a krona", &["not chargeable", "wrong currency", "unequal"], |_, world| {
        let document = november(world);
        document.currency = "ISK".to_owned();
        document.lines = vec![cost("Lambda", 8_150)];
        document.total = 8_150;
    }),
    ("260 services", &["too many lines"], |_, world| {
        let document = november(world);
        document.lines.extend((0..249).map(|_| cost("Lambda", 0)));
    }),
    ("a month drafted twice", &["two of one revision", "unequal"], |_, world| {
        let again = Document { id: "in_9".to_owned(), ..november(world).clone() };
        account(world, "acme").documents.push(again);
    }),
    ("a revision beside the first", &["two revisions", "unequal"], |_, world| {
        let again = Document { id: "in_9".to_owned(), revision: 2, ..november(world).clone() };
        account(world, "acme").documents.push(again);
    }),
    ("a month after leaving", &["not a member", "not assessable", "wrong close"], |facts, _| {
        facts.tenants.get_mut(&id("acme")).expect("acme").last_period = Some(month("2026-10"));
    }),
    ("the wrong currency", &["wrong currency", "unequal"], |_, world| november(world).currency = "EUR".to_owned()),
    ("another tenant's cost", &["foreign cost"], |_, world| november(world).lines[0] = cost("S3", 5_000)),
    ("a draft in a running month", &["drafted early"], |_, world| {
        november(world).drawn_at = hour("2026-11-30T23:00:00Z");
    }),
    ("an invoice before settling", &["issued early"], |_, world| {
        november(world).issued_at = Some(hour("2026-12-14T23:00:00Z"));
    }),
    ("an invoice on a read before settling", &["issued early"], |_, world| {
        world
            .reads
            .retain(|read| read.month != month("2026-11") || read.at < at("2026-12-15") || read.at > at("2026-12-16"));
    }),
    ("an invoice on an estimate", &["issued early"], |facts, _| {
        let estimate = Figure { known_at: at("2026-12-02"), usd: exact("50.00"), estimated: true };
        let last = Figure { known_at: at("2026-12-17"), usd: exact("50.00"), estimated: false };
        for figure in [estimate, last] {
            facts.record(day("2026-11-05"), &tag("ACME"), "Lambda", RecordType::Usage, figure);
        }
    }),
    ("no provisional draft", &["not drafted"], |_, world| {
        let account = account(world, "acme");
        account.run_at = Some(hour("2026-12-04T08:00:00Z"));
        account.documents.pop();
        account.balance.push(Entry { currency: "USD".to_owned(), ..entry("a", 3_100, EntryKind::Carried) });
    }),
    ("a draft that vanished", &["not billed", "unequal"], |_, world| november(world).status = Status::Deleted),
    ("an invoice voided and not made again", &["not billed"], |_, world| {
        account(world, "acme").documents.remove(1);
        let first = &mut account(world, "acme").documents[0];
        (first.status, first.id) = (Status::Void, "in_1".to_owned());
        let taken = vec![cost("Lambda", 5_000)];
        let second = document("in_2", "2026-11", "USD", taken, "2026-12-15");
        account(world, "acme").documents.push(second);
    }),
    ("a credit not carried", &["not billed"], |_, world| {
        account(world, "beta").balance.retain(|entry| entry.kind == EntryKind::Reserved);
    }),
    ("a month never read, in silence", &["silent wait"], |_, world| {
        world.reads.retain(|read| read.month != month("2026-11"));
        for tenant in ["acme", "beta"] {
            let documents = &mut account(world, tenant).documents;
            documents.retain(|document| document.month != month("2026-11"));
        }
        account(world, "acme").documents[0].lines.push(cost("Lambda", 3_100));
        account(world, "acme").documents[0].total = 13_100;
        account(world, "beta").balance.pop();
    }),
    ("no rate, in silence", &["silent wait"], |facts, world| {
        facts.rates.pop();
        account(world, "beta").documents.clear();
        account(world, "beta").balance.pop();
    }),
    ("an edit by hand, in silence", &["silent edit"], |_, world| {
        let document = november(world);
        document.edited = true;
        document.lines[0].amount += 5;
        document.total += 5;
    }),
    ("October forgotten once billed", &["not looked at", "unequal"], |_, world| {
        world.reads.retain(|read| read.month != month("2026-10") || read.at < at("2026-11-20"));
    }),
    ("terms taken away", &["not assessable", "silent wait"], |facts, world| {
        facts.tenants.get_mut(&id("acme")).expect("acme").terms.clear();
        november(world).status = Status::Void;
        account(world, "acme").documents[0].lines.push(cost("Lambda", 3_100));
        account(world, "acme").documents[0].total = 13_100;
    }),
    ("a restatement dropped", &["unequal"], |_, world| {
        let document = november(world);
        document.lines.pop();
        document.total = 5_000;
    }),
    ("a credit returned twice", &["unequal"], |_, world| {
        account(world, "beta").balance.push(entry("c", -4_000, EntryKind::Returned));
    }),
    ("a price edit that reprices", &["unequal"], |facts, _| {
        let terms = Terms { base_fee: money("20.00 USD"), ..Terms::default() };
        facts.tenants.get_mut(&id("acme")).expect("acme").terms.push((month("2026-11"), terms));
    }),
    ("a leaver's restatement dropped", &["unequal"], |facts, world| {
        leave(facts, world);
        november(world).status = Status::Deleted;
    }),
    ("a leaver's restatement left lying", &["left owing"], |facts, world| leave_open(facts, world, 3_100)),
    ("a leaver's credit left lying", &["left owed"], |facts, world| {
        leave_open(facts, world, -2_679);
        restate(facts, "73.21");
    }),
    ("a credit note made twice", &["unequal"], |facts, world| {
        leave_open(facts, world, -2_679);
        restate(facts, "73.21");
        account(world, "acme").balance.pop();
        let note = CreditNote { document: "in_1".to_owned(), amount: 2_679 };
        account(world, "acme").credit_notes.extend([note.clone(), note]);
    }),
    ("a leaver's closing document with cost", &["not a member", "not assessable"], |facts, world| {
        leave(facts, world);
        november(world).lines.push(cost("Lambda", 0));
    }),
    ("a closing document of a month that runs", &["drafted early"], |facts, world| {
        leave(facts, world);
        november(world).drawn_at = hour("2026-11-30T23:00:00Z");
    }),
    ("an entry rewritten", &["entry changed", "unequal"], |_, world| {
        account(world, "beta").balance.push(entry("b", 3_000, EntryKind::Reserved));
    }),
    ("a payment taken twice", &["overpaid"], |_, world| {
        let again = account(world, "acme").payments[0].clone();
        account(world, "acme").payments.push(again);
    }),
    ("more given back than taken", &["over-credited", "unequal"], |_, world| {
        account(world, "acme").credit_notes.push(CreditNote { document: "in_2".to_owned(), amount: 9_000 });
    }),
    ("a payment of nothing", &["no such document"], |_, world| {
        account(world, "acme").payments.push(Payment { document: "in_0".to_owned(), amount: 1, refunded: 0 });
    }),
    ("a close that does not add up", &["does not add up", "wrong close"], |_, world| world.closes[0].unallocated = 0),
    ("cost nobody was told of", &["wrong close", "does not add up"], |facts, world| {
        spend(facts, "TYPO", "2026-11-20", "Lambda", "70.00");
        world.closes[0].bill = 22_700;
    }),
];

pub(crate) fn seen(facts: &Facts, world: &World) -> BTreeSet<&'static str> {
    invariant(facts, world).iter().map(|violation| name(&violation.fault)).collect()
}

#[test]
fn a_world_in_order_has_no_violation() {
    assert_eq!(invariant(&facts(), &world()), []);
}

#[test]
fn every_planted_fault_is_seen_as_what_it_is() {
    let mut wrong = Vec::new();
    for (planted, expected, plant) in PLANTED {
        let (mut facts, mut world) = (facts(), world());
        plant(&mut facts, &mut world);
        let expected: BTreeSet<&str> = expected.iter().copied().collect();
        let found = seen(&facts, &world);
        if found != expected {
            let all: Vec<String> = invariant(&facts, &world).iter().map(ToString::to_string).collect();
            wrong.push(format!("{planted}: {expected:?} expected\n  {}", all.join("\n  ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_kind_of_fault_is_planted() {
    let planted: BTreeSet<&str> = PLANTED.iter().flat_map(|(_, expected, _)| expected.iter().copied()).collect();
    assert_eq!(planted.len(), KINDS, "{planted:?}");
}

#[test]
fn answers_kept_from_day_to_day_are_the_same() {
    let mut bills = Bills::default();
    for (planted, _, plant) in PLANTED {
        let (mut facts, mut world) = (facts(), world());
        assert_eq!(judge(&mut bills, &facts, &world), []);
        plant(&mut facts, &mut world);
        assert_eq!(judge(&mut bills, &facts, &world), invariant(&facts, &world), "{planted}");
    }
}

#[test]
fn what_is_named_is_not_silent_and_what_is_disturbed_waits_for_its_run() {
    let (mut no_rate, mut waiting) = (facts(), world());
    no_rate.rates.pop();
    account(&mut waiting, "beta").documents.clear();
    account(&mut waiting, "beta").balance.pop();
    account(&mut waiting, "beta").named_months.insert(month("2026-11"));
    assert_eq!(invariant(&no_rate, &waiting), []);

    let mut edited = world();
    november(&mut edited).edited = true;
    november(&mut edited).lines[0].amount = 1;
    november(&mut edited).total = 3_101;
    account(&mut edited, "acme").named_documents.insert("in_2".to_owned());
    assert_eq!(invariant(&facts(), &edited), []);

    let mut voided = world();
    november(&mut voided).status = Status::Void;
    assert!(!invariant(&facts(), &voided).is_empty());
    account(&mut voided, "acme").disturbed = true;
    assert_eq!(invariant(&facts(), &voided), []);
}

#[test]
fn a_voided_invoice_is_made_again_or_written_off() {
    let mut again = world();
    november(&mut again).status = Status::Void;
    let second = Document {
        id: "in_9".to_owned(),
        revision: 2,
        status: Status::Draft,
        issued_at: None,
        ..november(&mut again).clone()
    };
    account(&mut again, "acme").documents.push(second);
    assert_eq!(invariant(&facts(), &again), []);

    let mut off = world();
    november(&mut off).status = Status::Void;
    let written =
        Entry { currency: "USD".to_owned(), month: month("2026-11"), ..entry("off", 8_100, EntryKind::WrittenOff) };
    account(&mut off, "acme").balance.push(written);
    assert_eq!(invariant(&facts(), &off), []);
}
