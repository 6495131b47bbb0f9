use billing::balance::Balance;
use billing::invoice::{Attempt, AttemptStatus, InvoiceRecord, InvoiceState, Remote, RemoteStatus};
use billing::ledger::{CostAmount, CostDay, SyncMark};
use billing::money::MinorUnits;
use billing::{Money, Month};
use jiff::civil::date;
use rust_decimal::Decimal;
use serde_json::json;

use super::*;
use crate::ports::memory::{Fault, FixedClock, Memory, World};
use crate::run::{ERRORS, INVOICES_DRAFTED, INVOICES_LATE, Metric};

mod claims;
mod giving_back;
mod leaving;
mod lifecycle;
mod restated;
mod shared;
mod tags;

const TAG: &str = "ClientOrganization";
const NOW: &str = "2026-11-21T08:00:00Z";
const LATER: &str = "2026-11-21T09:00:00Z";

fn october() -> Month {
    Month::of(date(2026, 10, 1))
}

fn tenant(id: &str, terms: serde_json::Value) -> TenantRecord {
    serde_json::from_value(json!({
        "id": id, "name": id, "email": "billing@example.com", "locale": "en-US", "currency": "USD",
        "tags": { TAG: id }, "terms": [terms], "days_until_due": 30, "link_version": 1, "stripe_customer": format!("cus_{id}"),
    }))
    .expect("a tenant")
}

fn add_month(world: &mut World, id: &str, month: Month, costs: &[(&str, i64)]) {
    let start = month.period().start();
    let amount = |cents: i64| CostAmount { cost: Decimal::new(cents, 2), usage: Decimal::ONE };
    let day = CostDay {
        services: costs.iter().map(|(name, cents)| ((*name).to_owned(), amount(*cents))).collect(),
        ..CostDay::nothing(start, Timestamp::UNIX_EPOCH)
    };
    world.days.insert((id.to_owned(), start), day);
    let mark = SyncMark {
        month,
        through: month.period().last_day(),
        estimated: false,
        complete: true,
        // Read after the month had settled.
        synced_at: "2026-11-20T06:00:00Z".parse().expect("a time"),
    };
    world.marks.insert((id.to_owned(), month), mark);
}

fn world(terms: serde_json::Value) -> World {
    let mut world = World::default();
    world.tenants.insert("mmp-toledo".to_owned(), tenant("mmp-toledo", terms));
    add_month(&mut world, "mmp-toledo", october(), &[("AWS Lambda", 4020), ("Amazon S3", 8530)]);
    world
}

async fn run_at(memory: &Memory, now: &str, holder: &str) -> InvoicerAnswer {
    run_event(memory, now, holder, &InvoicerEvent::default()).await.expect("an answer").answer
}

async fn run_event(
    memory: &Memory,
    now: &str,
    holder: &str,
    event: &InvoicerEvent,
) -> Result<Outcome<InvoicerAnswer>, RunError> {
    run_by(memory, now, holder, event, &policy()).await
}

async fn run_by(
    memory: &Memory,
    now: &str,
    holder: &str,
    event: &InvoicerEvent,
    policy: &Policy,
) -> Result<Outcome<InvoicerAnswer>, RunError> {
    let clock = FixedClock::at(now);
    let invoicer = Invoicing {
        ledger: memory,
        invoices: memory,
        clock: &clock,
        policy: policy.clone(),
        claims: None,
        lease_s: 60,
        holder: holder.to_owned(),
        shared: futures::lock::Mutex::default(),
    };
    invoicer.run(event).await
}

fn policy() -> Policy {
    Policy {
        tenant_tag: TAG.to_owned(),
        rules: DraftRules { day: 1, settle_days: 14 },
        automatic: None,
        collection: Collection::SendInvoice,
    }
}

/// A direct debit.
fn attempt(status: AttemptStatus, cents: i64) -> Attempt {
    Attempt {
        id: "pi_1".to_owned(),
        status,
        amount: cents,
        method: Some("sepa_debit".to_owned()),
        failure: None,
        refunded: 0,
        disputes: Vec::new(),
    }
}

/// The one record of October.
fn record(memory: &Memory) -> InvoiceRecord {
    memory.with(|world| world.invoices[&("mmp-toledo".to_owned(), october())].clone())
}

/// A tenant whose cost of October is read again: `cents` of one service.
fn restate(memory: &Memory, cents: i64, read_at: &str) {
    memory.with(|world| {
        add_month(world, "mmp-toledo", october(), &[("AWS Lambda", cents)]);
        let mark = world.marks.get_mut(&("mmp-toledo".to_owned(), october())).expect("a mark");
        mark.synced_at = read_at.parse().expect("a time");
    });
}

fn done(answer: &InvoicerAnswer) -> (InvoiceState, Money, bool) {
    match &answer.invoices[0].result {
        MonthResult::Done { state, total, new, .. } => (*state, *total, *new),
        other => panic!("not done: {other:?}"),
    }
}

fn waiting(answer: &InvoicerAnswer) -> String {
    match &answer.invoices[0].result {
        MonthResult::Waiting { reason } => reason.clone(),
        other => panic!("not waiting: {other:?}"),
    }
}

fn failed(answer: &InvoicerAnswer) -> String {
    match &answer.invoices[0].result {
        MonthResult::Failed { reason, .. } => reason.clone(),
        other => panic!("not failed: {other:?}"),
    }
}

fn money(text: &str) -> Money {
    text.parse().expect("money")
}

#[tokio::test]
async fn the_portals_month_is_drafted_to_the_cent() {
    for (terms, total) in [
        (json!({}), "125.50 USD"),
        (json!({"markup": "10%"}), "138.05 USD"),
        (json!({"fee": {"flat": "10.00 USD"}}), "135.50 USD"),
    ] {
        let memory = Memory::new(world(terms));
        let answer = run_at(&memory, NOW, "run-1").await;
        assert_eq!(done(&answer), (InvoiceState::Complete, money(total), true));
        memory.with(|world| {
            let invoice = &world.stripe.invoices[0];
            assert_eq!(Ok(invoice.remote.total), money(total).minor_units());
            assert_eq!(invoice.request.customer, "cus_mmp-toledo");
            assert_eq!(invoice.request.days_until_due, 30);
            assert_eq!(invoice.lines[0].1.description, "AWS Lambda");
            assert_eq!(invoice.lines[0].1.amount, MinorUnits(4020));
            let record = &world.invoices[&("mmp-toledo".to_owned(), october())];
            assert_eq!(record.stripe_invoice.as_ref(), Some(&invoice.remote.id));
            assert_eq!(record.lease, None);
        });
    }
}

/// List, create, add all lines.
#[tokio::test]
async fn a_draft_takes_three_calls_to_stripe_and_another_look_one() {
    let memory = Memory::new(world(json!({})));
    memory.count_stripe();
    run_at(&memory, NOW, "run-1").await;
    assert_eq!(memory.count_stripe(), 3);
    run_at(&memory, LATER, "run-2").await;
    assert_eq!(memory.count_stripe(), 1);
}

#[tokio::test]
async fn a_second_run_changes_nothing() {
    let memory = Memory::new(world(json!({})));
    run_at(&memory, NOW, "run-1").await;
    let before = memory.with(|world| world.clone());
    let answer = run_at(&memory, LATER, "run-2").await;
    assert_eq!(done(&answer), (InvoiceState::Complete, money("125.50 USD"), false));
    memory.with(|world| assert_eq!(*world, before));
}

/// What must be the same after faults: everything but versions, which count the writes.
fn essence(world: &World) -> World {
    let mut world = world.clone();
    for record in world.invoices.values_mut() {
        (record.version, record.since, record.lease) = (0, None, None);
    }
    for balance in world.balances.values_mut() {
        balance.version = 0;
    }
    world.entries.clear();
    world.stripe.keys.clear();
    world
}

#[tokio::test]
async fn after_any_fault_a_second_run_ends_in_one_draft() {
    let undisturbed = Memory::new(world(json!({"markup": "10%"})));
    undisturbed.fail(usize::MAX, Fault::Before);
    run_at(&undisturbed, NOW, "run-1").await;
    let calls = undisturbed.calls();
    let expected = undisturbed.with(|world| essence(world));
    assert!(calls > 10, "{calls} calls are too few to be the invoicer");

    for nth in 0..calls {
        for fault in [Fault::Before, Fault::After, Fault::Killed] {
            for keys_forgotten in [false, true] {
                let case = format!("{fault:?} call {nth}, keys forgotten: {keys_forgotten}");
                let memory = Memory::new(world(json!({"markup": "10%"})));
                memory.fail(nth, fault);
                let first = run_event(&memory, NOW, "run-1", &InvoicerEvent::default()).await;
                let failed = first.as_ref().map_or(true, |outcome| outcome.answer.failed() == 1);
                assert!(failed, "{case}");
                memory.revive();
                if keys_forgotten {
                    memory.with(|world| world.stripe.keys.clear());
                }
                // Prices change meanwhile; what was claimed stays as it was claimed.
                let claimed = memory.with(|world| !world.invoices.is_empty());
                if claimed {
                    let dearer = tenant("mmp-toledo", json!({"markup": "50%"}));
                    memory.with(|world| world.tenants.insert("mmp-toledo".to_owned(), dearer));
                }
                let second = run_at(&memory, LATER, "run-2").await;
                assert_eq!(done(&second).1, money("138.05 USD"), "{case}");
                memory.with(|world| {
                    world.tenants.insert("mmp-toledo".to_owned(), tenant("mmp-toledo", json!({"markup": "10%"})));
                    assert_eq!(essence(world), expected, "{case}");
                });
            }
        }
    }
}

#[tokio::test]
async fn a_claim_holds_until_its_lease_ends_and_its_own_run_goes_on() {
    let memory = Memory::new(world(json!({})));
    // Killed after the claim: before the draft is created.
    memory.fail_at("create a draft", Fault::Killed);
    run_at(&memory, NOW, "run-1").await;
    memory.revive();
    memory.with(|world| assert!(world.stripe.invoices.is_empty() && world.invoices.len() == 1));
    let other = run_at(&memory, "2026-11-21T08:00:30Z", "run-2").await;
    assert!(waiting(&other).contains("another run holds it"), "{}", waiting(&other));
    let own = run_at(&memory, "2026-11-21T08:00:30Z", "run-1").await;
    assert_eq!(done(&own).0, InvoiceState::Complete);
}

/// It waits for an apply at first; days after it should have been complete it is an error, with the metric of late months.
#[tokio::test]
async fn a_month_without_a_customer_does_not_wait_for_ever() {
    let mut world = world(json!({}));
    world.tenants.values_mut().for_each(|tenant| tenant.stripe_customer = None);
    let memory = Memory::new(world);
    let event = InvoicerEvent::default();
    let answer = run_event(&memory, "2026-11-16T08:00:00Z", "run-1", &event).await.expect("an answer");
    assert!(waiting(&answer.answer).contains("no Stripe customer"));
    let late = run_event(&memory, "2026-11-25T08:00:00Z", "run-2", &event).await.expect("an answer");
    let reason = failed(&late.answer);
    assert!(reason.contains("no Stripe customer") && reason.contains("it should have been complete on"), "{reason}");
    assert!(late.metrics.contains(&Metric::new(crate::run::INVOICES_LATE, 1)), "{:?}", late.metrics);
}

#[tokio::test]
async fn months_that_cannot_be_billed_wait_with_their_reason() {
    let reason = |event: InvoicerEvent, change: fn(&mut World)| async move {
        let mut world = world(json!({}));
        change(&mut world);
        let memory = Memory::new(world);
        let answer = run_event(&memory, "2026-11-16T08:00:00Z", "run-1", &event).await.expect("an answer").answer;
        memory.with(|world| assert!(world.stripe.invoices.is_empty() && world.invoices.is_empty()));
        waiting(&answer)
    };
    let all = InvoicerEvent::default;
    let of = |month: Month| InvoicerEvent { period: Some(month), ..InvoicerEvent::default() };
    assert!(reason(of(october().next().expect("a month")), |_| ()).await.contains("not over"));
    assert!(reason(all(), |world| world.marks.clear()).await.contains("never synced"));
    let torn = |world: &mut World| world.marks.values_mut().for_each(|mark| mark.complete = false);
    assert!(reason(all(), torn).await.contains("in part"));
    let no_customer = |world: &mut World| world.tenants.values_mut().for_each(|tenant| tenant.stripe_customer = None);
    assert!(reason(all(), no_customer).await.contains("no Stripe customer"));
    let later = |world: &mut World| {
        world.tenants.values_mut().for_each(|tenant| tenant.first_period = october().next().ok());
    };
    assert!(reason(of(october()), later).await.contains("first month"));
}

/// What should have been complete four days ago fails, with a count of its own.
#[tokio::test]
async fn a_month_that_waits_too_long_is_an_error() {
    let mut unsynced = world(json!({}));
    unsynced.marks.clear();
    let memory = Memory::new(unsynced);
    let event = InvoicerEvent::default();
    let outcome = run_event(&memory, "2026-11-19T08:00:00Z", "run-1", &event).await.expect("an answer");
    let reason = failed(&outcome.answer);
    assert!(reason.contains("never synced") && reason.contains("complete on 2026-11-15"), "{reason}");
    assert!(outcome.metrics.contains(&Metric::new(INVOICES_LATE, 1)));
    assert!(outcome.metrics.contains(&Metric::new(ERRORS, 1)));

    let memory = Memory::new(world(json!({})));
    memory.with(|world| world.marks.values_mut().for_each(|mark| mark.estimated = true));
    let reason = failed(&run_at(&memory, "2026-11-19T08:00:00Z", "run-1").await);
    assert!(reason.contains("estimate"), "{reason}");
    assert_eq!(record(&memory).last_error.expect("it is kept").message, reason);
}

/// The cost was read on the 14th, the month settled on the 15th, and no sync ran since.
#[tokio::test]
async fn a_month_whose_cost_was_read_before_it_settled_stays_provisional() {
    let read_at = |at: &str| {
        let mut world = world(json!({}));
        let synced_at = at.parse().expect("a time");
        world.marks.values_mut().for_each(|mark| mark.synced_at = synced_at);
        Memory::new(world)
    };
    let memory = read_at("2026-11-14T23:59:59Z");
    assert_eq!(done(&run_at(&memory, "2026-11-15T08:00:00Z", "run-1").await).0, InvoiceState::Provisional);
    let reason = failed(&run_at(&memory, NOW, "run-2").await);
    assert!(reason.contains("last read before, at 2026-11-14T23:59:59Z"), "{reason}");
    assert!(reason.contains("since 2026-11-15"), "{reason}");
    assert_eq!(record(&memory).state, InvoiceState::Provisional);
    let answer = run_at(&read_at("2026-11-15T00:00:00Z"), NOW, "run-1").await;
    assert_eq!(done(&answer).0, InvoiceState::Complete);
}

#[tokio::test]
async fn nothing_due_and_credit_make_no_invoice_and_credit_is_carried() {
    let september = october().previous().expect("a month");
    let mut world = world(json!({}));
    add_month(&mut world, "mmp-toledo", september, &[("AWS Lambda", -2550)]);
    let memory = Memory::new(world);
    let event = InvoicerEvent { period: Some(september), ..InvoicerEvent::default() };
    let refunded = run_event(&memory, NOW, "run-1", &event).await.expect("an answer").answer;
    assert_eq!(done(&refunded), (InvoiceState::Credit, money("-25.50 USD"), true));
    memory.with(|world| assert!(world.stripe.invoices.is_empty()));
    let billed = run_event(&memory, NOW, "run-2", &InvoicerEvent { period: Some(october()), ..event }).await;
    let billed = billed.expect("an answer").answer;
    assert_eq!(done(&billed), (InvoiceState::Complete, money("100.00 USD"), true));
    memory.with(|world| {
        assert_eq!(world.balances["mmp-toledo"].open, [], "the credit is taken");
        assert_eq!(world.stripe.invoices[0].lines.last().expect("a line").1.description, "Credit from 2026-09");
    });
}

/// A mistyped tag value leaves a tenant without cost: the month has nothing due, until the value is mended and synced.
#[tokio::test]
async fn a_month_with_nothing_due_is_billed_once_its_cost_is_found() {
    let mut empty = world(json!({}));
    add_month(&mut empty, "mmp-toledo", october(), &[]);
    let memory = Memory::new(empty);
    assert_eq!(done(&run_at(&memory, NOW, "run-1").await), (InvoiceState::NothingDue, money("0.00 USD"), true));
    assert_eq!(done(&run_at(&memory, NOW, "run-2").await), (InvoiceState::NothingDue, money("0.00 USD"), false));
    memory.with(|world| {
        assert!(world.stripe.invoices.is_empty());
        add_month(world, "mmp-toledo", october(), &[("AWS Lambda", 4020)]);
    });
    assert_eq!(done(&run_at(&memory, NOW, "run-3").await), (InvoiceState::Complete, money("40.20 USD"), true));
    assert_eq!(done(&run_at(&memory, NOW, "run-4").await), (InvoiceState::Complete, money("40.20 USD"), false));
    memory.with(|world| assert_eq!(world.stripe.invoices.len(), 1));
}

/// Found late and disturbed at any call: still one draft.
#[tokio::test]
async fn reopening_a_month_can_be_disturbed_anywhere() {
    let closed = || async {
        let mut empty = world(json!({}));
        add_month(&mut empty, "mmp-toledo", october(), &[]);
        let memory = Memory::new(empty);
        run_at(&memory, NOW, "run-1").await;
        memory.with(|world| add_month(world, "mmp-toledo", october(), &[("AWS Lambda", 4020)]));
        memory
    };
    let probe = closed().await;
    probe.fail(usize::MAX, Fault::Before);
    run_at(&probe, NOW, "probe").await;
    let calls = probe.calls();
    assert!(calls > 8, "{calls}");
    for call in 0..calls {
        for fault in [Fault::Before, Fault::After, Fault::Killed] {
            let memory = closed().await;
            memory.fail(call, fault);
            // The answer may be an error: the run is repeated then, as Lambda repeats it.
            let _ = run_event(&memory, NOW, "run-2", &InvoicerEvent::default()).await;
            memory.revive();
            let answer = run_at(&memory, LATER, "run-3").await;
            assert_eq!(done(&answer).1, money("40.20 USD"), "call {call}, {fault:?}: {answer:?}");
            memory.with(|world| assert_eq!(world.stripe.invoices.len(), 1, "call {call}, {fault:?}"));
        }
    }
}

#[tokio::test]
async fn one_tenants_failure_leaves_the_others_billed() {
    let mut world = world(json!({}));
    world.tenants.insert("zeta".to_owned(), tenant("zeta", json!({"effective_from": "2027-01"})));
    add_month(&mut world, "zeta", october(), &[("AWS Lambda", 100)]);
    let memory = Memory::new(world);
    let outcome = run_event(&memory, NOW, "run-1", &InvoicerEvent::default()).await.expect("an answer");
    assert_eq!(outcome.answer.failed(), 1);
    assert_eq!(done(&outcome.answer).0, InvoiceState::Complete);
    assert!(outcome.metrics.contains(&Metric::new(ERRORS, 1)));
    assert!(outcome.metrics.contains(&Metric::new(INVOICES_DRAFTED, 1)));
}

#[tokio::test]
async fn events_are_checked() {
    let memory = Memory::new(world(json!({})));
    assert!(crate::handler::event::<InvoicerEvent>(json!({"action": "delete"})).is_err());
    let alone = InvoicerEvent { action: Action::Void, ..InvoicerEvent::default() };
    assert!(run_event(&memory, NOW, "run-1", &alone).await.is_err());
    let unseen = InvoicerEvent { dry_run: true, total: Some(money("1.00 USD")), ..InvoicerEvent::default() };
    assert!(run_event(&memory, NOW, "run-1", &unseen).await.is_err());
    let nobody = InvoicerEvent { tenant: Some("nobody".to_owned()), ..InvoicerEvent::default() };
    assert!(run_event(&memory, NOW, "run-1", &nobody).await.is_err());
    let read: InvoicerEvent =
        crate::handler::event(json!({"action": "calculate_and_invoice", "period": "2026-10", "tenant": "mmp-toledo"}))
            .expect("an event");
    let answer = run_event(&memory, NOW, "run-1", &read).await.expect("an answer").answer;
    let shown = serde_json::to_value(&answer).expect("JSON");
    assert_eq!(
        shown["invoices"][0],
        json!({"tenant": "mmp-toledo", "period": "2026-10", "result": "done", "state": "complete",
               "total": "125.50 USD", "stripe_invoice": "in_0", "payment": "none",
               "waits": "it waits for `billform invoice approve`", "new": true})
    );
}

/// The tenant `from` goes, and `to` has its tag and its cost from now on.
fn hand_over(memory: &Memory, from: &str, to: &str, cents: i64) {
    memory.with(|world| {
        let old = world.tenants.remove(from).expect("a tenant");
        let stripe_customer = Some(format!("cus_{to}"));
        world.tenants.insert(to.to_owned(), TenantRecord { id: to.to_owned(), stripe_customer, ..old });
        add_month(world, to, october(), &[("AWS Lambda", cents)]);
    });
}

#[tokio::test]
async fn cost_that_was_invoiced_to_one_tenant_is_not_invoiced_to_another() {
    let memory = Memory::new(world(json!({})));
    run_at(&memory, NOW, "first").await;
    hand_over(&memory, "mmp-toledo", "renamed", 12_550);
    for holder in ["second", "third"] {
        let answer = run_at(&memory, LATER, holder).await;
        assert_eq!(
            waiting(&answer),
            "the cost of ClientOrganization=mmp-toledo in 2026-10 was invoiced to tenant mmp-toledo, or is being"
        );
    }
    assert_eq!(memory.with(|world| world.stripe.invoices.len()), 1);

    // A tag of its own is another cost.
    memory.with(|world| {
        let renamed = world.tenants.get_mut("renamed").expect("a tenant");
        renamed.tags.insert(TAG.to_owned(), "other".into());
    });
    assert!(done(&run_at(&memory, LATER, "fourth").await).2);
    assert_eq!(memory.with(|world| world.stripe.invoices.len()), 2);
}

#[tokio::test]
async fn a_month_with_nothing_due_is_nobodys() {
    let mut world = world(json!({}));
    world.days.clear();
    let memory = Memory::new(world);
    assert_eq!(done(&run_at(&memory, NOW, "first").await).0, InvoiceState::NothingDue);
    hand_over(&memory, "mmp-toledo", "renamed", 500);
    assert_eq!(
        done(&run_at(&memory, LATER, "second").await),
        (InvoiceState::Complete, "5.00 USD".parse().expect("money"), true)
    );
}
