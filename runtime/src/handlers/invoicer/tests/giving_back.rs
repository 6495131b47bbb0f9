//! Refunds and credit notes that a person asks for.

use billing::invoice::CreditNoteState;

use super::*;

fn asks(action: Action, amount: &str, reason: &str) -> InvoicerEvent {
    InvoicerEvent {
        action,
        tenant: Some("mmp-toledo".to_owned()),
        period: Some(october()),
        amount: Some(money(amount)),
        reason: Some(reason.to_owned()),
        ..InvoicerEvent::default()
    }
}

async fn asked(memory: &Memory, event: &InvoicerEvent) -> MonthAnswer {
    let mut answer = run_event(memory, LATER, "asked", event).await.expect("an answer").answer;
    answer.invoices.pop().expect("a month")
}

/// October's invoice of 125.50 USD, issued; and paid by a card.
async fn issued(paid: bool) -> Memory {
    let memory = Memory::new(world(json!({})));
    run_at(&memory, NOW, "run-1").await;
    let approve = InvoicerEvent {
        action: Action::Approve,
        tenant: Some("mmp-toledo".to_owned()),
        period: Some(october()),
        total: Some(money("125.50 USD")),
        by: Some("Ada".to_owned()),
        ..InvoicerEvent::default()
    };
    run_event(&memory, NOW, "approve", &approve).await.expect("an answer");
    if paid {
        memory.with(|world| {
            let remote = &mut world.stripe.invoices[0].remote;
            (remote.status, remote.paid, remote.attempted) = (RemoteStatus::Paid, remote.total, true);
            let id = world.stripe.invoices[0].remote.id.clone();
            world.stripe.payments.insert(id, vec![attempt(AttemptStatus::Succeeded, 12_550)]);
        });
    }
    memory
}

#[tokio::test]
async fn a_refund_is_noted_made_once_and_read_back() {
    let memory = issued(true).await;
    let event = asks(Action::Refund, "25.50 USD", "charged twice by mistake");
    for _ in 0..2 {
        let answer = asked(&memory, &event).await;
        assert!(matches!(answer.result, MonthResult::Done { .. }), "{answer:?}");
    }
    let [refund] = record(&memory).refunds.try_into().expect("one refund");
    assert_eq!((refund.payment.as_str(), refund.stripe_refund.as_deref()), ("pi_1", Some("re_1")));
    memory.with(|world| {
        let [request] = world.stripe.side.refunds.as_slice() else { panic!("one refund") };
        assert_eq!(request.amount, MinorUnits(2_550));
        assert!(request.idempotency_key.ends_with("-r1-refund-1"), "{}", request.idempotency_key);
    });
}

#[tokio::test]
async fn what_cannot_be_refunded_or_credited_is_refused_and_nothing_is_noted() {
    let unpaid = issued(false).await;
    let paid = issued(true).await;
    for (memory, action, amount, says) in [
        (&unpaid, Action::Refund, "1.00 USD", "at most 0.00 USD of one payment is left"),
        (&paid, Action::Refund, "125.51 USD", "at most 125.50 USD"),
        (&paid, Action::Refund, "1.00 EUR", "1.00 EUR is not an amount above zero in USD"),
        (&paid, Action::Credit, "-1.00 USD", "is not an amount above zero in USD"),
        (&unpaid, Action::Credit, "125.51 USD", "125.50 USD of the invoice is left"),
    ] {
        let before = record(memory);
        let answer = asked(memory, &asks(action, amount, "goodwill")).await;
        let MonthResult::Failed { reason, .. } = &answer.result else { panic!("{answer:?}") };
        assert!(reason.contains(says), "{reason}");
        let after = record(memory);
        assert_eq!(
            (&after.refunds, &after.credit_notes, &after.last_error),
            (&before.refunds, &before.credit_notes, &None)
        );
    }
}

#[tokio::test]
async fn a_credit_is_granted_once_and_changes_no_balance() {
    for paid in [false, true] {
        let memory = issued(paid).await;
        for _ in 0..2 {
            let answer = asked(&memory, &asks(Action::Credit, "20.00 USD", "goodwill")).await;
            assert!(matches!(answer.result, MonthResult::Done { .. }), "{answer:?}");
        }
        let [note] = record(&memory).credit_notes.try_into().expect("one note");
        let to_balance = paid.then(|| money("20.00 USD"));
        assert_eq!(
            (note.state, note.amount, note.to_balance),
            (CreditNoteState::Issued, money("20.00 USD"), to_balance)
        );
        memory.with(|world| {
            let [issued] = world.stripe.invoices[0].credit_notes.as_slice() else { panic!("one note") };
            assert_eq!((issued.amount, issued.metadata["billform_cause"].as_str()), (MinorUnits(2_000), "goodwill"));
            assert!(world.entries.is_empty(), "{:?}", world.entries);
        });
        // The daily run restates nothing for it.
        run_at(&memory, LATER, "daily").await;
        assert_eq!(record(&memory).restated, None);
    }
}

#[tokio::test]
async fn giving_back_can_be_disturbed_anywhere() {
    for action in [Action::Refund, Action::Credit] {
        let event = asks(action, "20.00 USD", "goodwill");
        let probe = issued(true).await;
        probe.fail(usize::MAX, Fault::Before);
        asked(&probe, &event).await;
        let calls = probe.calls();
        for call in 0..calls {
            for fault in [Fault::Before, Fault::After, Fault::Killed] {
                let memory = issued(true).await;
                memory.fail(call, fault);
                let _ = run_event(&memory, LATER, "asked", &event).await;
                memory.revive();
                // What was noted is finished by the daily run, what was not by the same command again.
                let noted = record(&memory).is_giving_back();
                if noted {
                    run_at(&memory, "2026-11-21T10:00:00Z", "daily").await;
                    assert!(!record(&memory).is_giving_back(), "{action:?}, call {call}, {fault:?}");
                }
                let answer = asked(&memory, &event).await;
                assert!(matches!(answer.result, MonthResult::Done { .. }), "{action:?}, {call}, {fault:?}: {answer:?}");
                memory.with(|world| {
                    let given = world.stripe.side.refunds.len() + world.stripe.invoices[0].credit_notes.len();
                    assert_eq!(given, 1, "{action:?}, call {call}, {fault:?}");
                });
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_credited_while_a_payment_is_under_way() {
    let memory = issued(false).await;
    let debit = |status| {
        memory.with(|world| {
            let id = world.stripe.invoices[0].remote.id.clone();
            world.stripe.payments.insert(id, vec![attempt(status, 12_550)]);
        });
    };
    debit(AttemptStatus::Processing);
    let answer = asked(&memory, &asks(Action::Credit, "5.00 USD", "late delivery")).await;
    assert!(format!("{:?}", answer.result).contains("is under way"), "{answer:?}");
    assert!(record(&memory).credit_notes.is_empty(), "nothing is noted");
    debit(AttemptStatus::Failed);
    let answer = asked(&memory, &asks(Action::Credit, "5.00 USD", "late delivery")).await;
    assert!(matches!(answer.result, MonthResult::Done { .. }), "{answer:?}");
    assert_eq!(record(&memory).credited(), money("5.00 USD"));
}

#[tokio::test]
async fn an_amount_without_a_reason_is_refused() {
    let memory = issued(true).await;
    for event in
        [asks(Action::Refund, "1.00 USD", " "), InvoicerEvent { amount: None, ..asks(Action::Credit, "1.00 USD", "x") }]
    {
        let refused = run_event(&memory, LATER, "asked", &event).await.expect_err("refused").to_string();
        assert!(refused.contains("the `reason` why"), "{refused}");
    }
    let stray = InvoicerEvent { action: Action::Void, ..asks(Action::Refund, "1.00 USD", "x") };
    let refused = run_event(&memory, LATER, "asked", &stray).await.expect_err("refused").to_string();
    assert!(refused.contains("belong to the actions"), "{refused}");
}

/// A dispute has the money: Stripe says no, nothing is made later unasked, and the month goes on.
#[tokio::test]
async fn a_refund_that_stripe_refuses_is_given_up() {
    let memory = issued(true).await;
    let event = asks(Action::Refund, "20.00 USD", "goodwill");
    memory.fail_at("refund", Fault::Refused);
    let answer = asked(&memory, &event).await;
    assert!(
        format!("{:?}", answer.result).contains("refused to refund 20.00 USD, and it is not tried again"),
        "{answer:?}"
    );
    memory.revive();
    let after = record(&memory);
    assert!(after.noted_refund().is_none() && after.refunds[0].refused.is_some(), "{:?}", after.refunds);
    let answer = run_at(&memory, NOW, "run-2").await;
    assert_eq!(answer.failed(), 0, "{answer:?}");
    memory.with(|world| assert!(world.stripe.side.refunds.is_empty(), "nobody asked again"));
    // Asked for again, it is another one.
    let answer = asked(&memory, &event).await;
    assert!(matches!(answer.result, MonthResult::Done { .. }), "{answer:?}");
    assert_eq!(record(&memory).refunds.iter().filter(|refund| refund.stripe_refund.is_some()).count(), 1);
}

/// A lost answer is no refusal: the next run finishes it, and is refused then.
#[tokio::test]
async fn a_noted_refund_that_is_refused_later_holds_no_month_up() {
    let memory = issued(true).await;
    memory.fail_at("refund", Fault::Before);
    asked(&memory, &asks(Action::Refund, "20.00 USD", "goodwill")).await;
    memory.revive();
    assert!(record(&memory).noted_refund().is_some());
    memory.fail_at("refund", Fault::Refused);
    let answer = run_at(&memory, NOW, "run-2").await;
    assert_eq!(answer.failed(), 0, "{answer:?}");
    assert!(record(&memory).noted_refund().is_none());
}

#[tokio::test]
async fn what_is_finer_than_a_cent_is_refused() {
    for action in [Action::Refund, Action::Credit] {
        let memory = issued(true).await;
        let answer = asked(&memory, &asks(action, "10.005 USD", "goodwill")).await;
        assert!(format!("{:?}", answer.result).contains("10.005 USD is finer than"), "{answer:?}");
        let record = record(&memory);
        assert!(record.refunds.is_empty() && record.credit_notes.is_empty());
    }
}
