//! What happens to an invoice after it is drafted: redrawn, edited, deleted, voided, approved, issued, paid.

use super::*;

fn approve(total: &str) -> InvoicerEvent {
    InvoicerEvent {
        action: Action::Approve,
        tenant: Some("mmp-toledo".to_owned()),
        period: Some(october()),
        total: Some(money(total)),
        by: Some("Ada".to_owned()),
        ..InvoicerEvent::default()
    }
}

fn of_october(action: Action) -> InvoicerEvent {
    InvoicerEvent { action, tenant: Some("mmp-toledo".to_owned()), period: Some(october()), ..InvoicerEvent::default() }
}

async fn asked(memory: &Memory, now: &str, event: InvoicerEvent) -> InvoicerAnswer {
    run_event(memory, now, "asked", &event).await.expect("an answer").answer
}

/// The totals of Stripe's invoices that are neither void nor deleted.
pub(super) fn totals(memory: &Memory) -> Vec<i64> {
    memory.with(|world| {
        let standing = world.stripe.invoices.iter().filter(|invoice| invoice.remote.status != RemoteStatus::Void);
        standing.map(|invoice| invoice.remote.total.0).collect()
    })
}

#[tokio::test]
async fn a_month_is_drafted_provisionally_redrawn_with_its_cost_and_completed_when_it_settles() {
    let memory = Memory::new(world(json!({"markup": "10%"})));
    restate(&memory, 10_000, "2026-11-01T06:00:00Z");
    let first = run_at(&memory, "2026-11-01T08:00:00Z", "run-1").await;
    assert_eq!(done(&first), (InvoiceState::Provisional, money("110.00 USD"), true));
    restate(&memory, 12_000, "2026-11-02T06:00:00Z");
    let second = run_at(&memory, "2026-11-02T08:00:00Z", "run-2").await;
    assert_eq!(done(&second), (InvoiceState::Provisional, money("132.00 USD"), true));
    // The same figures, read after the month settled: the draft only says so.
    restate(&memory, 12_000, "2026-11-15T06:00:00Z");
    memory.count_stripe();
    let third = run_at(&memory, "2026-11-15T08:00:00Z", "run-3").await;
    assert_eq!(done(&third), (InvoiceState::Complete, money("132.00 USD"), true));
    assert_eq!(memory.count_stripe(), 2, "a look and an update");
    memory.with(|world| {
        let [invoice] = world.stripe.invoices.as_slice() else { panic!("one draft: {:?}", world.stripe.invoices) };
        assert_eq!(invoice.remote.metadata["billform_state"], "complete");
        assert_eq!(invoice.remote.metadata["billform_total"], "13200");
        assert_eq!(invoice.lines.len(), 2);
    });
}

/// Killed at any call of a redraw: never a draft with both sets of lines, never one without any that calls itself whole.
#[tokio::test]
async fn redrawing_can_be_disturbed_anywhere() {
    let drafted = || async {
        let memory = Memory::new(world(json!({})));
        restate(&memory, 10_000, "2026-11-01T06:00:00Z");
        run_at(&memory, "2026-11-01T08:00:00Z", "run-1").await;
        restate(&memory, 12_000, "2026-11-15T06:00:00Z");
        memory
    };
    let probe = drafted().await;
    probe.fail(usize::MAX, Fault::Before);
    run_at(&probe, "2026-11-15T08:00:00Z", "probe").await;
    let calls = probe.calls();
    assert!(calls > 10, "{calls}");
    for call in 0..calls {
        for fault in [Fault::Before, Fault::After, Fault::Killed] {
            let memory = drafted().await;
            memory.fail(call, fault);
            let _ = run_event(&memory, "2026-11-15T08:00:00Z", "run-2", &InvoicerEvent::default()).await;
            memory.revive();
            memory.with(|world| {
                let invoice = &world.stripe.invoices[0];
                let stated: i64 = invoice.remote.metadata["billform_total"].parse().expect("a number");
                let whole = invoice.remote.metadata["billform_state"] != "redrawing";
                assert_eq!(invoice.remote.total.0, if whole { stated } else { 0 }, "call {call}, {fault:?}");
            });
            let answer = run_at(&memory, "2026-11-15T10:00:00Z", "run-3").await;
            assert_eq!(done(&answer).0, InvoiceState::Complete, "call {call}, {fault:?}: {answer:?}");
            assert_eq!(totals(&memory), [12_000], "call {call}, {fault:?}");
        }
    }
}

/// Finished, and then deleted or voided in Stripe: a new revision, once.
#[tokio::test]
async fn a_draft_that_is_deleted_is_drawn_up_again_as_a_new_revision() {
    let memory = Memory::new(world(json!({})));
    run_at(&memory, NOW, "run-1").await;
    memory.with(|world| world.stripe.invoices.clear());
    assert_eq!(done(&run_at(&memory, LATER, "run-2").await), (InvoiceState::Complete, money("125.50 USD"), true));
    assert_eq!(done(&run_at(&memory, LATER, "run-3").await), (InvoiceState::Complete, money("125.50 USD"), false));
    assert_eq!(totals(&memory), [12_550]);
    let record = record(&memory);
    assert_eq!((record.revision, record.past.len()), (2, 1));
    assert_eq!(record.past[0].state, InvoiceState::Deleted);
}

#[tokio::test]
async fn a_half_made_draft_that_is_deleted_is_drawn_up_again() {
    let memory = Memory::new(world(json!({})));
    memory.fail_at("add lines", Fault::Killed);
    run_at(&memory, NOW, "run-1").await;
    memory.revive();
    memory.with(|world| world.stripe.invoices.clear());
    assert_eq!(done(&run_at(&memory, LATER, "run-2").await).0, InvoiceState::Complete);
    assert_eq!((totals(&memory), record(&memory).revision), (vec![12_550], 2));
}

/// A run that was killed right after the claim leaves a total that may be old when the next one goes on.
#[tokio::test]
async fn what_a_killed_run_claimed_is_drawn_up_from_the_latest_cost() {
    let memory = Memory::new(world(json!({})));
    memory.fail_at("create a draft", Fault::Killed);
    run_at(&memory, NOW, "run-1").await;
    memory.revive();
    restate(&memory, 13_000, "2026-11-21T06:00:00Z");
    let (state, total, _) = done(&run_at(&memory, LATER, "run-2").await);
    assert_eq!((state, total), (InvoiceState::Complete, money("130.00 USD")));
    assert_eq!(totals(&memory), [13_000]);
}

#[tokio::test]
async fn an_invoice_that_is_voided_is_billed_again() {
    let memory = Memory::new(world(json!({})));
    run_at(&memory, NOW, "run-1").await;
    asked(&memory, NOW, approve("125.50 USD")).await;
    memory.with(|world| world.stripe.invoices[0].remote.status = RemoteStatus::Void);
    assert_eq!(done(&run_at(&memory, LATER, "run-2").await), (InvoiceState::Complete, money("125.50 USD"), true));
    assert_eq!((totals(&memory), record(&memory).past[0].state), (vec![12_550], InvoiceState::Void));
}

/// Nothing that billform did not put there is taken away, and nothing edited is ever finalised.
#[tokio::test]
async fn a_draft_that_somebody_edited_is_an_error_by_name_and_stays() {
    let memory = Memory::new(world(json!({})));
    run_at(&memory, NOW, "run-1").await;
    memory.with(|world| world.stripe.invoices[0].remote.total.0 += 1);
    let edited = memory.with(|world| world.stripe.clone());
    let reason = failed(&run_at(&memory, LATER, "run-2").await);
    assert!(reason.contains("somebody edited it") && reason.contains("125.51 USD"), "{reason}");
    assert_eq!(record(&memory).last_error.map(|error| error.message), Some(reason));
    assert_eq!(asked(&memory, LATER, approve("125.50 USD")).await.failed(), 1);
    memory.with(|world| assert_eq!(world.stripe, edited));
    // Undone, it goes on.
    memory.with(|world| world.stripe.invoices[0].remote.total.0 -= 1);
    assert_eq!(done(&run_at(&memory, LATER, "run-3").await).0, InvoiceState::Complete);
    assert_eq!(record(&memory).state, InvoiceState::Complete);
}

#[tokio::test]
async fn an_invoice_finalised_and_paid_by_hand_moves_forward() {
    let memory = Memory::new(world(json!({})));
    run_at(&memory, NOW, "run-1").await;
    memory.with(|world| {
        let remote = &mut world.stripe.invoices[0].remote;
        (remote.status, remote.paid) = (RemoteStatus::Paid, remote.total);
    });
    let answer = run_at(&memory, LATER, "run-2").await;
    assert_eq!(done(&answer), (InvoiceState::Open, money("125.50 USD"), true));
    let record = record(&memory);
    assert_eq!((record.payment.paid, record.payment.without_cash, record.is_settled()), (12_550, 0, true));
    memory.with(|world| assert_eq!(world.stripe.invoices[0].sent, 0, "who finalised it sends it"));

    // Below the minimum charge Stripe calls it paid, and no cash came.
    memory.with(|world| world.stripe.invoices[0].remote.paid = MinorUnits(0));
    run_at(&memory, LATER, "run-3").await;
    assert_eq!(self::record(&memory).payment.without_cash, 12_550);
}

#[tokio::test]
async fn an_unknown_status_is_never_taken_for_success() {
    let memory = Memory::new(world(json!({})));
    run_at(&memory, NOW, "run-1").await;
    memory.with(|world| world.stripe.invoices[0].remote.status = RemoteStatus::Unknown("odd".to_owned()));
    assert!(failed(&run_at(&memory, LATER, "run-2").await).contains("is odd"));
}

#[tokio::test]
async fn an_approval_finalises_exactly_what_was_shown_and_sends_it_once() {
    let memory = Memory::new(world(json!({})));
    run_at(&memory, NOW, "run-1").await;
    let other = asked(&memory, NOW, approve("125.49 USD")).await;
    assert!(failed(&other).contains("comes to 125.50 USD now, and 125.49 USD was approved"), "{other:?}");
    memory.count_stripe();
    let answer = asked(&memory, NOW, approve("125.50 USD")).await;
    assert_eq!(done(&answer), (InvoiceState::Open, money("125.50 USD"), true));
    assert_eq!(memory.count_stripe(), 3, "a look, finalise, send");
    assert_eq!(
        done(&asked(&memory, LATER, approve("125.50 USD")).await),
        (InvoiceState::Open, money("125.50 USD"), false)
    );
    run_at(&memory, LATER, "run-2").await;
    memory.with(|world| assert_eq!(world.stripe.invoices[0].sent, 1));
    assert_eq!(record(&memory).approval.expect("kept").by, "Ada");
}

#[tokio::test]
async fn a_provisional_draft_cannot_be_approved() {
    let memory = Memory::new(world(json!({})));
    restate(&memory, 10_000, "2026-11-01T06:00:00Z");
    let reason = failed(&asked(&memory, "2026-11-02T08:00:00Z", approve("100.00 USD")).await);
    assert!(reason.contains("not final") && reason.contains("settles until 2026-11-15"), "{reason}");
    memory.with(|world| assert_eq!(world.stripe.invoices[0].remote.status, RemoteStatus::Draft));
}

/// Killed at any call between approval and the e-mail: finalised once, sent once.
#[tokio::test]
async fn issuing_can_be_disturbed_anywhere() {
    let complete = || async {
        let memory = Memory::new(world(json!({})));
        run_at(&memory, NOW, "run-1").await;
        memory
    };
    let probe = complete().await;
    probe.fail(usize::MAX, Fault::Before);
    asked(&probe, NOW, approve("125.50 USD")).await;
    let calls = probe.calls();
    assert!(calls > 8, "{calls}");
    for call in 0..calls {
        for fault in [Fault::Before, Fault::After, Fault::Killed] {
            let memory = complete().await;
            memory.fail(call, fault);
            let _ = run_event(&memory, NOW, "run-2", &approve("125.50 USD")).await;
            memory.revive();
            run_at(&memory, LATER, "run-3").await;
            asked(&memory, LATER, approve("125.50 USD")).await;
            let what = format!("call {call}, {fault:?}");
            assert_eq!((totals(&memory), record(&memory).state), (vec![12_550], InvoiceState::Open), "{what}");
            memory.with(|world| assert_eq!(world.stripe.invoices[0].sent, 1, "{what}"));
        }
    }
}

#[tokio::test]
async fn automatic_approval_issues_what_is_complete_and_holds_what_is_unusual() {
    let rules =
        AutomaticApproval { limit: Some(money("200.00 USD")), deviation: Some("50%".parse().expect("a share")) };
    let policy = Policy { automatic: Some(rules), ..policy() };
    let memory = Memory::new(world(json!({})));
    restate(&memory, 10_000, "2026-11-01T06:00:00Z");
    let event = InvoicerEvent::default();
    let run = |now: &'static str| run_by(&memory, now, "run", &event, &policy);
    let answer = run("2026-11-02T08:00:00Z").await.expect("an answer").answer;
    assert_eq!(done(&answer).0, InvoiceState::Provisional, "not before it is final");
    restate(&memory, 10_000, "2026-11-15T06:00:00Z");
    assert_eq!(done(&run("2026-11-15T08:00:00Z").await.expect("an answer").answer).0, InvoiceState::Open);

    // November comes to twice as much.
    let november = october().next().expect("a month");
    memory.with(|world| {
        add_month(world, "mmp-toledo", november, &[("AWS Lambda", 19_000)]);
        let mark = world.marks.get_mut(&("mmp-toledo".to_owned(), november)).expect("a mark");
        mark.synced_at = "2026-12-15T06:00:00Z".parse().expect("a time");
    });
    let outcome = run("2026-12-15T08:00:00Z").await.expect("an answer");
    let held = outcome.answer.invoices.iter().find(|answer| answer.period == Some(november)).expect("November");
    let MonthResult::Held { reason, total, .. } = &held.result else { panic!("not held: {held:?}") };
    assert!(reason.contains("more than 50% off 100.00 USD"), "{reason}");
    assert_eq!(*total, money("190.00 USD"));
    assert!(outcome.metrics.contains(&Metric::new(crate::run::INVOICES_HELD, 1)));

    // A person looks at it and approves it.
    let approval = InvoicerEvent { period: Some(november), ..approve("190.00 USD") };
    let approved = run_by(&memory, "2026-12-15T09:00:00Z", "ada", &approval, &policy).await.expect("an answer").answer;
    assert_eq!(done(&approved).0, InvoiceState::Open, "{approved:?}");
    assert_eq!(totals(&memory), [10_000, 19_000]);
}

#[tokio::test]
async fn charging_needs_a_payment_method_and_falls_back_to_sending() {
    let policy = Policy { collection: Collection::ChargeAutomatically, ..policy() };
    for (has_card, status, sent) in [(true, RemoteStatus::Paid, 0), (false, RemoteStatus::Open, 1)] {
        let memory = Memory::new(world(json!({})));
        if has_card {
            memory.with(|world| world.stripe.chargeable.push("cus_mmp-toledo".to_owned()));
        }
        let event = InvoicerEvent::default();
        run_by(&memory, NOW, "run-1", &event, &policy).await.expect("an answer");
        run_by(&memory, NOW, "run-2", &approve("125.50 USD"), &policy).await.expect("an answer");
        memory.with(|world| {
            let invoice = &world.stripe.invoices[0];
            assert_eq!((&invoice.remote.status, invoice.sent), (&status, sent), "card: {has_card}");
        });
    }
}

/// Without a method to charge it is sent, also by the run that goes on after one that died when it was issued.
#[tokio::test]
async fn the_fallback_to_sending_outlives_a_run() {
    let policy = Policy { collection: Collection::ChargeAutomatically, ..policy() };
    let (event, approval) = (InvoicerEvent::default(), approve("125.50 USD"));
    let drafted = || async {
        let memory = Memory::new(world(json!({})));
        run_by(&memory, NOW, "run-1", &event, &policy).await.expect("an answer");
        memory
    };
    let probe = drafted().await;
    probe.fail(usize::MAX, Fault::Before);
    run_by(&probe, NOW, "run-2", &approval, &policy).await.expect("an answer");
    for call in 0..probe.calls() {
        for fault in [Fault::Before, Fault::After, Fault::Killed] {
            let memory = drafted().await;
            memory.fail(call, fault);
            let _ = run_by(&memory, NOW, "run-2", &approval, &policy).await;
            memory.revive();
            run_by(&memory, LATER, "run-3", &event, &policy).await.expect("an answer");
            let _ = run_by(&memory, LATER, "run-4", &approval, &policy).await;
            memory.with(|world| {
                let invoice = &world.stripe.invoices[0];
                let what = format!("call {call}, {fault:?}");
                assert_eq!((&invoice.remote.status, invoice.sent), (&RemoteStatus::Open, 1), "{what}");
            });
        }
    }
}

/// Stripe voids nothing that is paid, or being paid: it is not noted, and the month goes on.
#[tokio::test]
async fn an_invoice_that_is_paid_or_being_paid_is_not_taken_back() {
    for (status, payment, says) in [
        (RemoteStatus::Paid, AttemptStatus::Succeeded, "it is paid"),
        (RemoteStatus::Open, AttemptStatus::Processing, "a payment of it is under way"),
    ] {
        let memory = Memory::new(world(json!({})));
        run_at(&memory, NOW, "run-1").await;
        asked(&memory, NOW, approve("125.50 USD")).await;
        memory.with(|world| {
            let remote = &mut world.stripe.invoices[0].remote;
            (remote.status, remote.attempted) = (status, true);
            world.stripe.payments.insert(remote.id.clone(), vec![attempt(payment, 12_550)]);
        });
        let answer = asked(&memory, NOW, of_october(Action::Void)).await;
        assert!(failed(&answer).contains(says), "{answer:?}");
        assert!(!record(&memory).written_off);
        assert_eq!(run_at(&memory, LATER, "run-2").await.failed(), 0);
    }
}

#[tokio::test]
async fn what_is_written_off_is_not_billed_again() {
    for is_issued in [false, true] {
        let memory = Memory::new(world(json!({})));
        run_at(&memory, NOW, "run-1").await;
        if is_issued {
            asked(&memory, NOW, approve("125.50 USD")).await;
        }
        let state = if is_issued { InvoiceState::Void } else { InvoiceState::Deleted };
        assert_eq!(done(&asked(&memory, NOW, of_october(Action::Void)).await).0, state);
        let again = run_at(&memory, LATER, "run-2").await;
        assert!(again.invoices.is_empty() || done(&again) == (state, money("125.50 USD"), false), "{again:?}");
        assert_eq!(totals(&memory), [0_i64; 0]);
    }
}

#[tokio::test]
async fn writing_off_can_be_disturbed_anywhere() {
    for call in 0..8 {
        for fault in [Fault::After, Fault::Killed] {
            let memory = Memory::new(world(json!({})));
            run_at(&memory, NOW, "run-1").await;
            memory.fail(call, fault);
            let _ = run_event(&memory, NOW, "run-2", &of_october(Action::Void)).await;
            memory.revive();
            run_at(&memory, LATER, "run-3").await;
            let _ = run_event(&memory, LATER, "run-4", &of_october(Action::Void)).await;
            assert_eq!(totals(&memory), [0_i64; 0], "call {call}, {fault:?}");
        }
    }
}

/// An edit of the terms never reprices a month that was claimed, until a person asks for it.
#[tokio::test]
async fn new_terms_reprice_a_draft_only_on_request() {
    let memory = Memory::new(world(json!({})));
    run_at(&memory, NOW, "run-1").await;
    let dearer = tenant("mmp-toledo", json!({"markup": "50%"}));
    memory.with(|world| world.tenants.insert("mmp-toledo".to_owned(), dearer));
    assert_eq!(done(&run_at(&memory, LATER, "run-2").await).1, money("125.50 USD"));
    assert_eq!(done(&asked(&memory, LATER, of_october(Action::Reset)).await).1, money("188.25 USD"));
    assert_eq!(totals(&memory), [18_825]);
}

#[tokio::test]
async fn a_rehearsal_says_what_would_be_drafted_and_does_nothing() {
    let memory = Memory::new(world(json!({})));
    let event = InvoicerEvent { dry_run: true, ..InvoicerEvent::default() };
    let before = memory.with(|world| world.clone());
    let answer = run_event(&memory, NOW, "run-1", &event).await.expect("an answer").answer;
    let rehearsed = MonthResult::Rehearsed { total: money("125.50 USD"), waits: None };
    assert_eq!(answer.invoices[0].result, rehearsed);
    memory.with(|world| assert_eq!(*world, before));
}

/// A trial in test mode, then live: the other mode knows no such invoice, and nothing is taken for deleted.
#[tokio::test]
async fn the_other_mode_stops() {
    let memory = Memory::new(world(json!({})));
    run_at(&memory, NOW, "run-1").await;
    memory.with(|world| world.stripe.invoices[0].remote.livemode = true);
    let reason = failed(&run_at(&memory, LATER, "run-2").await);
    assert!(reason.contains("is of test mode, and the Stripe key is of live mode"), "{reason}");
}

#[tokio::test]
async fn two_hundred_and_sixty_services_fit_onto_one_invoice() {
    let mut world = world(json!({}));
    let names: Vec<String> = (1..=260).map(|n| format!("service {n:03}")).collect();
    let costs: Vec<(&str, i64)> = names.iter().zip(1..).map(|(name, cents)| (name.as_str(), cents)).collect();
    add_month(&mut world, "mmp-toledo", october(), &costs);
    let memory = Memory::new(world);
    assert_eq!(done(&run_at(&memory, NOW, "run-1").await), (InvoiceState::Complete, money("339.30 USD"), true));
    memory.with(|world| assert_eq!(world.stripe.invoices[0].lines.len(), 250));
}
