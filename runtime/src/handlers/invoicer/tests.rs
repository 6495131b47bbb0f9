use billing::ledger::{CostAmount, CostDay};
use billing::money::MinorUnits;
use jiff::civil::date;
use rust_decimal::Decimal;
use serde_json::json;

use super::*;
use crate::ports::RemoteStatus;
use crate::ports::memory::{Fault, FixedClock, Memory, World};

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
    let clock = FixedClock::at(now);
    let invoicer = Invoicing {
        ledger: memory,
        invoices: memory,
        clock: &clock,
        tenant_tag: TAG,
        settle_days: 14,
        lease_s: 60,
        holder: holder.to_owned(),
    };
    invoicer.run(event).await
}

fn done(answer: &InvoicerAnswer) -> (InvoiceState, Money, bool) {
    match &answer.invoices[0].result {
        TenantResult::Done { state, total, new, .. } => (*state, *total, *new),
        other => panic!("not done: {other:?}"),
    }
}

fn waiting(answer: &InvoicerAnswer) -> String {
    match &answer.invoices[0].result {
        TenantResult::Waiting { reason } => reason.clone(),
        other => panic!("not waiting: {other:?}"),
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
        assert_eq!(done(&answer), (InvoiceState::Draft, money(total), true));
        memory.with(|world| {
            let (request, draft) = &world.drafts[0];
            assert_eq!(Ok(draft.total), money(total).minor_units());
            assert_eq!(request.customer, "cus_mmp-toledo");
            assert_eq!(request.days_until_due, 30);
            assert_eq!(world.items[0].0.description, "AWS Lambda");
            assert_eq!(world.items[0].0.amount, MinorUnits(4020));
            let record = &world.invoices[&("mmp-toledo".to_owned(), october())];
            assert_eq!(record.stripe_items.len(), world.items.len());
            assert_eq!(record.lease, None);
        });
    }
}

#[tokio::test]
async fn a_second_run_changes_nothing() {
    let memory = Memory::new(world(json!({})));
    run_at(&memory, NOW, "run-1").await;
    let before = memory.with(|world| world.clone());
    let answer = run_at(&memory, LATER, "run-2").await;
    assert_eq!(done(&answer), (InvoiceState::Draft, money("125.50 USD"), false));
    memory.with(|world| assert_eq!(*world, before));
}

/// What must be the same after faults: everything but versions, which count the writes.
fn essence(world: &World) -> World {
    let mut world = world.clone();
    for record in world.invoices.values_mut() {
        record.version = 0;
    }
    world.keys.clear();
    world
}

#[tokio::test]
async fn after_any_fault_a_second_run_ends_in_one_draft() {
    let undisturbed = Memory::new(world(json!({"markup": "10%"})));
    undisturbed.fail(usize::MAX, Fault::Before);
    run_at(&undisturbed, NOW, "run-1").await;
    let calls = undisturbed.calls();
    let expected = undisturbed.with(|world| essence(world));
    assert!(calls > 12, "{calls} calls are too few to be the invoicer");

    for nth in 0..calls {
        for fault in [Fault::Before, Fault::After] {
            for keys_forgotten in [false, true] {
                let case = format!("{fault:?} call {nth}, keys forgotten: {keys_forgotten}");
                let memory = Memory::new(world(json!({"markup": "10%"})));
                memory.fail(nth, fault);
                let first = run_event(&memory, NOW, "run-1", &InvoicerEvent::default()).await;
                let failed = first.as_ref().map_or(true, |outcome| outcome.answer.failed() == 1);
                assert!(failed, "{case}");
                if keys_forgotten {
                    memory.with(|world| world.keys.clear());
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
    // Killed after the claim: before the draft is looked for.
    memory.fail(8, Fault::Before);
    run_at(&memory, NOW, "run-1").await;
    memory.with(|world| assert!(world.drafts.is_empty() && world.invoices.len() == 1));
    let other = run_at(&memory, "2026-11-21T08:00:30Z", "run-2").await;
    assert!(waiting(&other).contains("another run holds it"), "{}", waiting(&other));
    let own = run_at(&memory, "2026-11-21T08:00:30Z", "run-1").await;
    assert_eq!(done(&own).0, InvoiceState::Draft);
}

#[tokio::test]
async fn months_that_cannot_be_billed_wait_with_their_reason() {
    let reason = |event: InvoicerEvent, change: fn(&mut World)| async move {
        let mut world = world(json!({}));
        change(&mut world);
        let memory = Memory::new(world);
        let answer = run_event(&memory, NOW, "run-1", &event).await.expect("an answer").answer;
        memory.with(|world| assert!(world.drafts.is_empty() && world.invoices.is_empty()));
        waiting(&answer)
    };
    let last_month = InvoicerEvent::default;
    let this_month = InvoicerEvent { period: october().next().ok(), ..InvoicerEvent::default() };
    assert!(reason(this_month, |_| ()).await.contains("not over"));
    assert!(reason(last_month(), |world| world.marks.clear()).await.contains("never synced"));
    let estimated = |world: &mut World| world.marks.values_mut().for_each(|mark| mark.estimated = true);
    assert!(reason(last_month(), estimated).await.contains("estimate"));
    let torn = |world: &mut World| world.marks.values_mut().for_each(|mark| mark.complete = false);
    assert!(reason(last_month(), torn).await.contains("in part"));
    let no_customer = |world: &mut World| world.tenants.values_mut().for_each(|tenant| tenant.stripe_customer = None);
    assert!(reason(last_month(), no_customer).await.contains("no Stripe customer"));
    let later = |world: &mut World| {
        world.tenants.values_mut().for_each(|tenant| tenant.first_period = october().next().ok());
    };
    assert!(reason(last_month(), later).await.contains("first month"));
}

#[tokio::test]
async fn an_unsettled_month_waits() {
    let memory = Memory::new(world(json!({})));
    let asked = InvoicerEvent { period: Some(october()), ..InvoicerEvent::default() };
    let answer = run_event(&memory, "2026-11-14T23:59:59Z", "run-1", &asked).await.expect("an answer").answer;
    assert!(waiting(&answer).contains("settles until 2026-11-15"), "{}", waiting(&answer));
}

/// The cost was read on the 14th, the month settled on the 15th, and no sync ran since.
#[tokio::test]
async fn a_month_whose_cost_was_read_before_it_settled_waits_for_the_next_sync() {
    let read_at = |at: &str| {
        let mut world = world(json!({}));
        let synced_at = at.parse().expect("a time");
        world.marks.values_mut().for_each(|mark| mark.synced_at = synced_at);
        Memory::new(world)
    };
    let memory = read_at("2026-11-14T23:59:59Z");
    let answer = run_at(&memory, NOW, "run-1").await;
    let reason = waiting(&answer);
    assert!(reason.contains("last read before, at 2026-11-14T23:59:59Z"), "{reason}");
    assert!(reason.contains("since 2026-11-15"), "{reason}");
    memory.with(|world| assert!(world.drafts.is_empty() && world.invoices.is_empty() && world.claims.is_empty()));
    let answer = run_at(&read_at("2026-11-15T00:00:00Z"), NOW, "run-1").await;
    assert_eq!(done(&answer).0, InvoiceState::Draft);
}

#[tokio::test]
async fn daily_runs_draft_a_month_on_the_day_it_settles() {
    let memory = Memory::new(world(json!({})));
    let before = run_at(&memory, "2026-11-14T23:59:59Z", "run-1").await;
    assert_eq!(Some(before.period), october().previous().ok(), "the last month that has settled");
    memory.with(|world| assert!(world.drafts.is_empty()));
    let on_the_day = run_at(&memory, "2026-11-15T08:00:00Z", "run-2").await;
    assert_eq!(on_the_day.period, october());
    assert_eq!(done(&on_the_day).0, InvoiceState::Draft);
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
    memory.with(|world| assert!(world.drafts.is_empty()));
    let billed = run_at(&memory, NOW, "run-2").await;
    assert_eq!(done(&billed), (InvoiceState::Draft, money("100.00 USD"), true));
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
        assert!(world.drafts.is_empty());
        add_month(world, "mmp-toledo", october(), &[("AWS Lambda", 4020)]);
    });
    assert_eq!(done(&run_at(&memory, NOW, "run-3").await), (InvoiceState::Draft, money("40.20 USD"), true));
    assert_eq!(done(&run_at(&memory, NOW, "run-4").await), (InvoiceState::Draft, money("40.20 USD"), false));
    memory.with(|world| assert_eq!(world.drafts.len(), 1));
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
        for fault in [Fault::Before, Fault::After] {
            let memory = closed().await;
            memory.fail(call, fault);
            // The answer may be an error: the run is repeated then, as Lambda repeats it.
            let _ = run_event(&memory, NOW, "run-2", &InvoicerEvent::default()).await;
            let answer = run_at(&memory, LATER, "run-3").await;
            assert_eq!(done(&answer).1, money("40.20 USD"), "call {call}, {fault:?}: {answer:?}");
            memory.with(|world| assert_eq!(world.drafts.len(), 1, "call {call}, {fault:?}"));
        }
    }
}

#[tokio::test]
async fn an_edited_draft_is_an_error_and_a_finalised_one_is_issued() {
    let killed_before_the_last_look = || async {
        let memory = Memory::new(world(json!({})));
        memory.fail(usize::MAX, Fault::Before);
        run_at(&memory, NOW, "probe").await;
        let last_look = memory.calls() - 2;
        let memory = Memory::new(world(json!({})));
        memory.fail(last_look, Fault::Before);
        run_at(&memory, NOW, "run-1").await;
        memory
    };
    let memory = killed_before_the_last_look().await;
    memory.with(|world| world.drafts[0].1.total.0 += 1);
    let answer = run_at(&memory, LATER, "run-2").await;
    assert_eq!(answer.failed(), 1);
    assert!(format!("{answer:?}").contains("somebody edited it"), "{answer:?}");

    let memory = killed_before_the_last_look().await;
    memory.with(|world| world.drafts[0].1.status = RemoteStatus::Issued);
    assert_eq!(done(&run_at(&memory, LATER, "run-2").await).0, InvoiceState::Issued);

    let memory = killed_before_the_last_look().await;
    memory.with(|world| world.drafts[0].1.status = RemoteStatus::Unknown("odd".to_owned()));
    assert_eq!(run_at(&memory, LATER, "run-2").await.failed(), 1);
}

#[tokio::test]
async fn one_tenants_failure_leaves_the_others_billed() {
    let mut world = world(json!({}));
    world.tenants.insert("zeta".to_owned(), tenant("zeta", json!({"effective_from": "2027-01"})));
    add_month(&mut world, "zeta", october(), &[("AWS Lambda", 100)]);
    let memory = Memory::new(world);
    let outcome = run_event(&memory, NOW, "run-1", &InvoicerEvent::default()).await.expect("an answer");
    assert_eq!(outcome.answer.failed(), 1);
    assert_eq!(done(&outcome.answer).0, InvoiceState::Draft);
    assert!(outcome.metrics.contains(&Metric::new(ERRORS, 1)));
    assert!(outcome.metrics.contains(&Metric::new(INVOICES_DRAFTED, 1)));
}

#[tokio::test]
async fn events_are_checked() {
    let memory = Memory::new(world(json!({})));
    let wrong = InvoicerEvent { action: Some("delete".to_owned()), ..InvoicerEvent::default() };
    assert!(run_event(&memory, NOW, "run-1", &wrong).await.is_err());
    let nobody = InvoicerEvent { tenant: Some("nobody".to_owned()), ..InvoicerEvent::default() };
    assert!(run_event(&memory, NOW, "run-1", &nobody).await.is_err());
    let read: InvoicerEvent =
        crate::handler::event(json!({"action": ACTION, "period": "2026-10", "tenant": "mmp-toledo"}))
            .expect("an event");
    let answer = run_event(&memory, NOW, "run-1", &read).await.expect("an answer").answer;
    let shown = serde_json::to_value(&answer).expect("JSON");
    assert_eq!(shown["period"], "2026-10");
    assert_eq!(
        shown["invoices"][0],
        json!({"tenant": "mmp-toledo", "result": "done", "state": "draft", "total": "125.50 USD",
               "stripe_invoice": "in_0", "new": true})
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
    assert_eq!(memory.with(|world| world.drafts.len()), 1);

    // A tag of its own is another cost.
    memory.with(|world| {
        let renamed = world.tenants.get_mut("renamed").expect("a tenant");
        renamed.tags.insert(TAG.to_owned(), "other".to_owned());
    });
    assert!(done(&run_at(&memory, LATER, "fourth").await).2);
    assert_eq!(memory.with(|world| world.drafts.len()), 2);
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
        (InvoiceState::Draft, "5.00 USD".parse().expect("money"), true)
    );
}
