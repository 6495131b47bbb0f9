//! What a company that left leaves behind: one more invoice, a credit note, or a reason.

use std::collections::BTreeSet;

use oracle::facts::RecordType;
use oracle::invariant::invariant;
use oracle::money::Attempt;
use oracle::world::{CreditNote, Status};

use crate::planted::{account, facts, hour, leave, leave_open, paid, restate, seen, world};
use crate::scene::{day, figure, id, month, tag};

#[test]
fn a_leaver_gets_a_credit_note() {
    let (mut facts, mut world) = (facts(), world());
    facts.tenants.get_mut(&id("acme")).expect("acme").last_period = Some(month("2026-11"));
    facts.record(day("2026-11-05"), &tag("ACME"), "Lambda", RecordType::Usage, figure("41.50", "2026-12-18"));
    assert_eq!(seen(&facts, &world), BTreeSet::from(["unequal", "wrong close"]));
    world.closes.clear();
    account(&mut world, "acme").credit_notes.push(CreditNote { document: "in_2".to_owned(), amount: 850 });
    assert_eq!(invariant(&facts, &world), []);
}

#[test]
fn a_leavers_difference_is_one_more_invoice_or_a_credit_note() {
    let (mut invoiced, mut world) = (facts(), world());
    leave(&mut invoiced, &mut world);
    assert_eq!(invariant(&invoiced, &world), []);

    let (mut given_back, mut world) = (facts(), self::world());
    leave_open(&mut given_back, &mut world, -2_679);
    restate(&mut given_back, "73.21");
    let mut named = world.clone();
    account(&mut named, "acme").named_months.insert(month("2026-10"));
    assert_eq!(invariant(&given_back, &named), [], "what no invoice can take is named");
    account(&mut world, "acme").balance.pop();
    account(&mut world, "acme").credit_notes.push(CreditNote { document: "in_1".to_owned(), amount: 2_679 });
    assert_eq!(invariant(&given_back, &world), []);
}

/// Forty cents are less than Stripe charges, and what a run has not seen yet is not left lying.
#[test]
fn a_leavers_rest_may_be_small_or_new() {
    let (mut small, mut world) = (facts(), world());
    leave_open(&mut small, &mut world, 40);
    restate(&mut small, "100.40");
    assert_eq!(invariant(&small, &world), []);

    let (mut new, mut world) = (facts(), self::world());
    leave_open(&mut new, &mut world, -2_679);
    restate(&mut new, "73.21");
    account(&mut world, "acme").documents[0].issued_at = Some(hour("2026-12-20T10:00:00Z"));
    assert_eq!(invariant(&new, &world), []);
}

/// Stripe takes no credit note while a direct debit is under way: up to that invoice's total it may wait.
#[test]
fn what_a_leaver_is_owed_may_wait_for_a_payment_under_way() {
    let (mut facts, mut world) = (facts(), world());
    leave_open(&mut facts, &mut world, -2_679);
    restate(&mut facts, "73.21");
    let account = account(&mut world, "acme");
    account.documents[0].status = Status::Open;
    let mut money = paid();
    let stripe = &mut money.stripe;
    (stripe.status, stripe.paid, stripe.attempts) = (Status::Open, 0, vec![Attempt::UnderWay]);
    (stripe.refunds, stripe.disputes) = (Vec::new(), Vec::new());
    money.ledger = None;
    account.money = vec![money];
    assert!(!seen(&facts, &world).contains("left owed"), "{:?}", seen(&facts, &world));
    self::account(&mut world, "acme").documents[0].total = 2_678;
    assert!(seen(&facts, &world).contains("left owed"));
}
