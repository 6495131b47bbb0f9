//! A tenant who left, and whose cost changes after the final invoice: one more invoice, or a credit note.

use super::restated::{assert_balanced, bill_november, issued_then, owed};
use super::*;
use crate::run::{CREDIT_NOTES_ISSUED, CREDITS_STRANDED};

/// October is issued at 100.00 and was the last month; then its cost is read as `cents`.
async fn left_then(cents: i64) -> Memory {
    let memory = issued_then(10_000).await;
    memory.with(|world| {
        let tenant = world.tenants.get_mut("mmp-toledo").expect("a tenant");
        (tenant.first_period, tenant.last_period) = (Some(october()), Some(october()));
    });
    restate(&memory, cents, "2026-11-25T06:00:00Z");
    memory
}

/// The totals of Stripe's invoices.
fn totals(memory: &Memory) -> Vec<i64> {
    memory.with(|world| world.stripe.invoices.iter().map(|invoice| invoice.remote.total.0).collect())
}

fn sum(memory: &Memory) -> Money {
    memory.with(|world| world.balances["mmp-toledo"].sum())
}

/// One more invoice carries it, once the next month is over, and what comes after that goes onto another one.
#[tokio::test]
async fn what_is_restated_after_a_leavers_final_invoice_is_invoiced_once_more() {
    let memory = left_then(13_100).await;
    run_at(&memory, "2026-11-25T08:00:00Z", "run-3").await;
    assert_eq!(totals(&memory), [10_000], "November is not over");
    assert_eq!(sum(&memory), money("31.00 USD"));
    for run in ["run-4", "run-5"] {
        run_at(&memory, "2026-12-02T08:00:00Z", run).await;
    }
    memory.with(|world| {
        assert_eq!(world.stripe.invoices.len(), 2);
        let last = &world.stripe.invoices[1];
        let lines: Vec<_> = last.lines.iter().map(|(_, line)| line.description.as_str()).collect();
        assert_eq!((lines, last.remote.total), (vec!["2026-10 restated: 100.00 -> 131.00"], MinorUnits(3_100)));
        assert_eq!(last.remote.metadata["billform_period"], "2026-11");
        assert!(world.balances["mmp-toledo"].open.is_empty());
    });
    assert_eq!(owed(&memory), Decimal::new(13_100, 2));
    assert_balanced(&memory);

    // While it is a draft it takes up what comes, a credit too; nothing is charged twice.
    restate(&memory, 12_000, "2026-12-05T06:00:00Z");
    run_at(&memory, "2026-12-05T08:00:00Z", "run-6").await;
    assert_eq!((totals(&memory), owed(&memory)), (vec![10_000, 2_000], Decimal::new(12_000, 2)));
    memory.with(|world| world.stripe.invoices[1].remote.status = RemoteStatus::Open);
    restate(&memory, 12_500, "2027-01-05T06:00:00Z");
    for run in ["run-7", "run-8"] {
        run_at(&memory, "2027-01-05T08:00:00Z", run).await;
    }
    assert_eq!((totals(&memory), owed(&memory)), (vec![10_000, 2_000, 500], Decimal::new(12_500, 2)));
    assert_balanced(&memory);
}

/// Automatic approval compares a month with the months before; a closing month has no cost of its own.
#[tokio::test]
async fn a_closing_invoice_is_issued_by_the_limit_alone() {
    let memory = left_then(13_100).await;
    run_at(&memory, "2026-11-25T08:00:00Z", "run-3").await;
    let issued_by = |limit: &str, deviation: &str| Policy {
        automatic: Some(AutomaticApproval { limit: Some(money(limit)), deviation: deviation.parse().ok() }),
        ..policy()
    };
    let event = InvoicerEvent::default();
    let result = |answer: &InvoicerAnswer| answer.invoices.last().expect("November").result.clone();
    let held = run_by(&memory, "2026-12-02T08:00:00Z", "run-4", &event, &issued_by("30.00 USD", "20%")).await;
    let held = result(&held.expect("an answer").answer);
    assert!(matches!(&held, MonthResult::Held { reason, .. } if reason.contains("above the limit")), "{held:?}");
    let issued = run_by(&memory, "2026-12-02T09:00:00Z", "run-5", &event, &issued_by("31.00 USD", "20%")).await;
    let issued = result(&issued.expect("an answer").answer);
    assert!(matches!(issued, MonthResult::Done { state: InvoiceState::Open, .. }), "{issued:?}");
}

/// Forty cents are named, with their end, and go onto an invoice with what comes later.
#[tokio::test]
async fn what_stripe_would_not_charge_waits_by_name() {
    let memory = left_then(10_040).await;
    let waits = |answer: &InvoicerAnswer| match &answer.invoices[0].result {
        MonthResult::Done { waits, .. } => waits.clone(),
        other => panic!("not done: {other:?}"),
    };
    let answer = run_at(&memory, "2026-12-02T08:00:00Z", "run-3").await;
    let reason = waits(&answer).expect("a reason");
    assert!(reason.starts_with("0.40 USD more is owed, below 0.50 USD") && reason.contains("2027-02-01"), "{reason}");
    assert_eq!((totals(&memory), sum(&memory)), (vec![10_000], money("0.40 USD")));

    restate(&memory, 10_060, "2026-12-05T06:00:00Z");
    let answer = run_at(&memory, "2026-12-05T08:00:00Z", "run-4").await;
    assert_eq!((totals(&memory), waits(&answer)), (vec![10_000, 60], None));
    // Too little again: the draft goes, and what it had taken up waits.
    restate(&memory, 10_020, "2026-12-06T06:00:00Z");
    for run in ["run-5", "run-6"] {
        let answer = run_at(&memory, "2026-12-06T08:00:00Z", run).await;
        assert!(waits(&answer).is_some_and(|reason| reason.starts_with("0.20 USD")), "{answer:?}");
        assert_eq!((totals(&memory), sum(&memory)), (vec![10_000], money("0.20 USD")));
        assert_balanced(&memory);
    }
    // The same closing month takes up what comes then.
    restate(&memory, 13_100, "2026-12-07T06:00:00Z");
    run_at(&memory, "2026-12-07T08:00:00Z", "run-7").await;
    assert_eq!((totals(&memory), owed(&memory)), (vec![10_000, 3_100], Decimal::new(13_100, 2)));
    memory.with(|world| assert_eq!(world.stripe.invoices[1].remote.metadata["billform_period"], "2026-11"));
    assert_balanced(&memory);
}

/// Killed, or with a lost answer, at any call: one more invoice.
#[tokio::test]
async fn invoicing_once_more_can_be_disturbed_anywhere() {
    let restated = || async {
        let memory = left_then(13_100).await;
        run_at(&memory, "2026-11-25T08:00:00Z", "run-3").await;
        memory
    };
    let probe = restated().await;
    probe.fail(usize::MAX, Fault::Before);
    run_at(&probe, "2026-12-02T08:00:00Z", "probe").await;
    let calls = probe.calls();
    assert!(calls > 10, "{calls}");
    for call in 0..calls {
        for fault in [Fault::Before, Fault::After, Fault::Killed] {
            let memory = restated().await;
            memory.fail(call, fault);
            let _ = run_event(&memory, "2026-12-02T08:00:00Z", "run-4", &InvoicerEvent::default()).await;
            memory.revive();
            run_at(&memory, "2026-12-02T10:00:00Z", "run-5").await;
            assert_eq!(totals(&memory), [10_000, 3_100], "call {call}, {fault:?}");
            assert_eq!(owed(&memory), Decimal::new(13_100, 2), "call {call}, {fault:?}");
            assert_balanced(&memory);
        }
    }
}

/// The amounts of Stripe's credit notes, invoice by invoice.
fn notes(memory: &Memory) -> Vec<Vec<i64>> {
    let of = |invoice: &crate::ports::memory::stripe::Invoice| {
        invoice.credit_notes.iter().map(|note| note.amount.0).collect()
    };
    memory.with(|world| world.stripe.invoices.iter().map(of).collect())
}

/// October's invoice is paid.
fn pay(memory: &Memory) {
    memory.with(|world| {
        let remote = &mut world.stripe.invoices[0].remote;
        (remote.status, remote.paid) = (RemoteStatus::Paid, remote.total);
    });
}

fn counted(outcome: &Outcome<InvoicerAnswer>, name: &str) -> u64 {
    outcome.metrics.iter().find(|metric| metric.name == name).expect("a metric").count
}

async fn run_counted(memory: &Memory, now: &str, holder: &str) -> Outcome<InvoicerAnswer> {
    run_event(memory, now, holder, &InvoicerEvent::default()).await.expect("an answer")
}

/// Off what is to pay of an open invoice; of a paid one it goes to the customer's balance.
#[tokio::test]
async fn what_is_owed_to_a_leaver_is_given_back_by_a_credit_note_once() {
    for is_paid in [false, true] {
        let memory = left_then(7_321).await;
        if is_paid {
            pay(&memory);
        }
        let outcome = run_counted(&memory, "2026-11-25T08:00:00Z", "run-3").await;
        assert_eq!((counted(&outcome, CREDIT_NOTES_ISSUED), outcome.answer.failed()), (1, 0), "{outcome:?}");
        for (at, run) in [("2026-11-25T09:00:00Z", "run-4"), ("2026-12-02T08:00:00Z", "run-5")] {
            let outcome = run_counted(&memory, at, run).await;
            assert_eq!((counted(&outcome, CREDIT_NOTES_ISSUED), outcome.answer.failed()), (0, 0), "{outcome:?}");
        }
        assert_eq!((notes(&memory), totals(&memory)), (vec![vec![2_679]], vec![10_000]), "paid: {is_paid}");
        assert_eq!((owed(&memory), sum(&memory)), (Decimal::new(7_321, 2), money("0.00 USD")));
        assert_balanced(&memory);
        let record = record(&memory);
        let [note] = record.credit_notes.as_slice() else { panic!("one: {:?}", record.credit_notes) };
        assert_eq!((note.amount, note.to_balance), (money("26.79 USD"), is_paid.then(|| money("26.79 USD"))));
        memory.with(|world| {
            let invoice = &world.stripe.invoices[0];
            let issued = &invoice.credit_notes[0];
            assert_eq!(note.stripe_credit_note.as_ref(), Some(&issued.id));
            let metadata = |key: &str| issued.metadata[key].as_str();
            assert_eq!(
                ["billform_tenant", "billform_period", "billform_revision"].map(metadata),
                ["mmp-toledo", "2026-10", "1"]
            );
            assert_eq!(["billform_credit_note", "billform_cause"].map(metadata), ["1", "2026-10.1.1"]);
            let (request, _) = world.stripe.credit_keys.values().next().expect("a request");
            assert_eq!(request.memo, "2026-10 restated: 100.00 -> 73.21");
            assert_eq!(
                request.idempotency_key,
                format!("billform-cus_mmp-toledo-mmp-toledo-2026-10-r1-credit-1-{}", if is_paid { 2_679 } else { 0 })
            );
        });
    }
}

/// Killed, or with a lost answer, at any call, and with the keys forgotten by the next run: one credit note.
#[tokio::test]
async fn giving_back_can_be_disturbed_anywhere() {
    for is_paid in [false, true] {
        let restated = || async {
            let memory = left_then(7_321).await;
            if is_paid {
                pay(&memory);
            }
            memory
        };
        let probe = restated().await;
        probe.fail(usize::MAX, Fault::Before);
        run_at(&probe, "2026-11-25T08:00:00Z", "probe").await;
        let calls = probe.calls();
        assert!(calls > 12, "{calls}");
        for call in 0..calls {
            for fault in [Fault::Before, Fault::After, Fault::Killed] {
                for keys_forgotten in [false, true] {
                    let case = format!("call {call}, {fault:?}, keys forgotten: {keys_forgotten}, paid: {is_paid}");
                    let memory = restated().await;
                    memory.fail(call, fault);
                    let _ = run_event(&memory, "2026-11-25T08:00:00Z", "run-3", &InvoicerEvent::default()).await;
                    memory.revive();
                    if keys_forgotten {
                        memory.with(|world| world.stripe.credit_keys.clear());
                    }
                    let answer = run_at(&memory, "2026-11-25T10:00:00Z", "run-4").await;
                    assert_eq!(answer.failed(), 0, "{case}: {answer:?}");
                    assert_eq!(notes(&memory), [[2_679]], "{case}");
                    assert_eq!((owed(&memory), sum(&memory).amount), (Decimal::new(7_321, 2), Decimal::ZERO), "{case}");
                    assert_eq!(record(&memory).last_error, None, "{case}");
                    assert_balanced(&memory);
                }
            }
        }
    }
}

/// It was noted, the answer was lost before Stripe had it, and then the invoice was paid: another request, under another
/// key.
#[tokio::test]
async fn a_note_that_was_not_issued_before_its_invoice_was_paid_is_issued_after_it() {
    let memory = left_then(7_321).await;
    memory.fail_at("issue a credit note", Fault::Before);
    let answer = run_at(&memory, "2026-11-25T08:00:00Z", "run-3").await;
    assert_eq!((answer.failed(), notes(&memory)), (1, vec![vec![]]));
    assert_eq!(sum(&memory), money("0.00 USD"), "nothing else takes it up meanwhile");
    memory.revive();
    pay(&memory);
    // What changed meanwhile is another note's.
    restate(&memory, 7_000, "2026-11-26T06:00:00Z");
    run_at(&memory, "2026-11-26T08:00:00Z", "run-4").await;
    assert_eq!((notes(&memory), owed(&memory)), (vec![vec![2_679, 321]], Decimal::new(7_000, 2)));
    assert_eq!(record(&memory).credit_notes[0].to_balance, Some(money("26.79 USD")));
    assert_balanced(&memory);
}

/// A bank is being asked about October's payment, or has refused it.
fn debit(memory: &Memory, status: AttemptStatus) {
    memory.with(|world| {
        let remote = &mut world.stripe.invoices[0].remote;
        remote.attempted = true;
        world.stripe.payments.insert(remote.id.clone(), vec![attempt(status, 10_000)]);
    });
}

/// Stripe takes no credit note while a direct debit is under way: nothing leaves the balance for it, and it is neither an
/// error nor stranded.
#[tokio::test]
async fn what_is_owed_to_a_leaver_waits_while_a_payment_is_under_way() {
    for is_noted in [false, true] {
        let memory = left_then(7_321).await;
        if is_noted {
            memory.fail_at("issue a credit note", Fault::Before);
            run_at(&memory, "2026-11-25T08:00:00Z", "run-3").await;
            memory.revive();
        }
        debit(&memory, AttemptStatus::Processing);
        for (at, run) in [("2026-11-25T09:00:00Z", "run-4"), ("2026-11-26T08:00:00Z", "run-5")] {
            let outcome = run_counted(&memory, at, run).await;
            assert_eq!((counted(&outcome, CREDITS_STRANDED), outcome.answer.failed()), (0, 0), "{outcome:?}");
            let waits = format!("{:?}", outcome.answer.invoices);
            assert!(waits.contains("is under way: it takes a credit note once that has come in or failed"), "{waits}");
            assert_eq!((notes(&memory), sum(&memory)), (vec![vec![]], money("-26.79 USD")), "noted: {is_noted}");
            assert_balanced(&memory);
        }
        debit(&memory, AttemptStatus::Failed);
        let outcome = run_counted(&memory, "2026-12-02T08:00:00Z", "run-6").await;
        assert_eq!((counted(&outcome, CREDIT_NOTES_ISSUED), outcome.answer.failed()), (1, 0), "{outcome:?}");
        assert_eq!((notes(&memory), owed(&memory)), (vec![vec![2_679]], Decimal::new(7_321, 2)));
        assert_balanced(&memory);
    }
}

/// What even the invoice that is being paid could not take is named at once.
#[tokio::test]
async fn what_is_beyond_a_payment_under_way_is_stranded_by_name() {
    let memory = left_then(-900).await;
    debit(&memory, AttemptStatus::Processing);
    let outcome = run_counted(&memory, "2026-11-25T08:00:00Z", "run-3").await;
    assert_eq!(counted(&outcome, CREDITS_STRANDED), 1, "{outcome:?}");
    let reason = failed(&outcome.answer);
    assert!(reason.starts_with("9.00 USD is owed to the tenant, who left, and no invoice can take it"), "{reason}");
    assert_eq!((notes(&memory), sum(&memory)), (vec![vec![]], money("-109.00 USD")));
}

/// 120.00 of two invoices of 50.00 and 100.00: the newest first, none beyond what it is for.
#[tokio::test]
async fn a_credit_is_spread_over_the_newest_invoices() {
    let memory = issued_then(10_000).await;
    let november = october().next().expect("a month");
    memory.with(|world| {
        let tenant = world.tenants.get_mut("mmp-toledo").expect("a tenant");
        (tenant.first_period, tenant.last_period) = (Some(october()), Some(november));
    });
    bill_november(&memory, 5_000).await;
    memory.with(|world| world.stripe.invoices[1].remote.status = RemoteStatus::Open);
    restate(&memory, -2_000, "2026-12-20T06:00:00Z");
    for run in ["run-4", "run-5"] {
        let answer = run_at(&memory, "2026-12-20T08:00:00Z", run).await;
        assert_eq!(answer.failed(), 0, "{answer:?}");
    }
    assert_eq!((notes(&memory), owed(&memory)), (vec![vec![7_000], vec![5_000]], Decimal::new(3_000, 2)));
    assert_balanced(&memory);
}

/// Given back whole, invoiced once more, given back again, and beyond all invoices: what is left then is named.
#[tokio::test]
async fn what_no_invoice_can_take_is_an_error_by_name_until_it_is_gone() {
    let memory = left_then(0).await;
    run_at(&memory, "2026-11-25T08:00:00Z", "run-3").await;
    assert_eq!(notes(&memory), [[10_000]]);
    memory.with(|world| assert_eq!(world.stripe.invoices[0].remote.status, RemoteStatus::Paid));
    restate(&memory, 3_100, "2026-12-02T06:00:00Z");
    run_at(&memory, "2026-12-02T08:00:00Z", "run-4").await;
    assert_eq!(totals(&memory), [10_000, 3_100]);
    memory.with(|world| world.stripe.invoices[1].remote.status = RemoteStatus::Open);
    restate(&memory, -900, "2026-12-05T06:00:00Z");
    for run in ["run-5", "run-6"] {
        let outcome = run_counted(&memory, "2026-12-05T08:00:00Z", run).await;
        assert_eq!((counted(&outcome, CREDITS_STRANDED), counted(&outcome, ERRORS)), (1, 1), "{outcome:?}");
        let reason = failed(&outcome.answer);
        assert!(reason.starts_with("9.00 USD is owed to the tenant, who left, and no invoice can take it"), "{reason}");
        assert_eq!(record(&memory).last_error.map(|error| error.step), Some("credit".to_owned()));
    }
    assert_eq!((notes(&memory), owed(&memory)), (vec![vec![10_000], vec![3_100]], Decimal::new(-900, 2)));
    assert_eq!(sum(&memory), money("-9.00 USD"));
    assert_balanced(&memory);
    restate(&memory, 0, "2026-12-06T06:00:00Z");
    let outcome = run_counted(&memory, "2026-12-06T08:00:00Z", "run-7").await;
    assert_eq!((counted(&outcome, CREDITS_STRANDED), outcome.answer.failed()), (0, 0), "{outcome:?}");
    assert_eq!(record(&memory).last_error, None);
}

/// An invoice that was given up takes no credit note, also where one was noted on it.
#[tokio::test]
async fn a_note_that_its_invoice_cannot_take_any_more_goes_back_to_the_balance() {
    let memory = left_then(7_321).await;
    memory.fail_at("issue a credit note", Fault::Killed);
    let _ = run_event(&memory, "2026-11-25T08:00:00Z", "run-3", &InvoicerEvent::default()).await;
    memory.revive();
    memory.with(|world| world.stripe.invoices[0].remote.status = RemoteStatus::Uncollectible);
    let outcome = run_counted(&memory, "2026-11-26T08:00:00Z", "run-4").await;
    assert_eq!(counted(&outcome, CREDITS_STRANDED), 1, "{outcome:?}");
    assert_eq!((notes(&memory), sum(&memory)), (vec![vec![]], money("-26.79 USD")));
    assert_balanced(&memory);
    // It is expected to be paid after all.
    memory.with(|world| world.stripe.invoices[0].remote.status = RemoteStatus::Paid);
    run_at(&memory, "2026-11-27T08:00:00Z", "run-5").await;
    assert_eq!((notes(&memory), owed(&memory)), (vec![vec![2_679]], Decimal::new(7_321, 2)));
    assert_balanced(&memory);
}

/// The voided invoice's credit note counts no more: the new revision bills the month with its credit.
#[tokio::test]
async fn an_invoice_that_is_voided_after_its_credit_note_is_billed_again() {
    let memory = left_then(7_321).await;
    run_at(&memory, "2026-11-25T08:00:00Z", "run-3").await;
    memory.with(|world| world.stripe.invoices[0].remote.status = RemoteStatus::Void);
    for run in ["run-4", "run-5"] {
        run_at(&memory, "2026-11-26T08:00:00Z", run).await;
        assert_eq!(owed(&memory), Decimal::new(7_321, 2));
        assert_balanced(&memory);
    }
    memory.with(|world| assert_eq!(world.stripe.invoices[1].remote.total, MinorUnits(7_321)));
}

#[tokio::test]
async fn a_credit_note_that_a_person_voided_is_named() {
    let memory = left_then(7_321).await;
    run_at(&memory, "2026-11-25T08:00:00Z", "run-3").await;
    memory.with(|world| world.stripe.invoices[0].remote.credited_unpaid = MinorUnits(0));
    let reason = failed(&run_at(&memory, "2026-11-26T08:00:00Z", "run-4").await);
    assert!(reason.contains("less in credit notes than the 26.79 USD"), "{reason}");
    assert_eq!(record(&memory).last_error.map(|error| error.message), Some(reason));
    memory.with(|world| world.stripe.invoices[0].remote.credited_unpaid = MinorUnits(2_679));
    let answer = run_at(&memory, "2026-11-27T08:00:00Z", "run-5").await;
    assert_eq!((answer.failed(), record(&memory).last_error), (0, None));
}

/// A dry run names the closing month, and does nothing.
#[tokio::test]
async fn a_rehearsal_shows_what_would_be_invoiced_once_more() {
    let memory = left_then(13_100).await;
    run_at(&memory, "2026-11-25T08:00:00Z", "run-3").await;
    let rehearsal = InvoicerEvent { dry_run: true, ..InvoicerEvent::default() };
    let answer = run_event(&memory, "2026-12-02T08:00:00Z", "run-4", &rehearsal).await.expect("an answer").answer;
    let [_, november] = answer.invoices.as_slice() else { panic!("two months: {answer:?}") };
    assert_eq!(november.result, MonthResult::Rehearsed { total: money("31.00 USD"), waits: None });
    assert_eq!(totals(&memory), [10_000]);
}

/// A dry run gives nothing back.
#[tokio::test]
async fn a_rehearsal_issues_no_credit_note() {
    let memory = left_then(7_321).await;
    memory.fail_at("issue a credit note", Fault::Killed);
    let _ = run_event(&memory, "2026-11-25T08:00:00Z", "run-3", &InvoicerEvent::default()).await;
    memory.revive();
    let rehearsal = InvoicerEvent { dry_run: true, ..InvoicerEvent::default() };
    run_event(&memory, "2026-11-25T09:00:00Z", "run-4", &rehearsal).await.expect("an answer");
    assert_eq!(notes(&memory), [[0_i64; 0]]);
}
