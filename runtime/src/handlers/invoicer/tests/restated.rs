//! Cost that changes after its invoice was issued, credit, and months billed in any order.

use super::*;

fn months(count: usize) -> Vec<Month> {
    std::iter::successors(Some(Month::of(date(2026, 8, 1))), |month| month.next().ok()).take(count).collect()
}

/// What Stripe's invoices come to without their credit notes, with what is open in the balance: what the tenant owes for
/// all of it.
pub(super) fn owed(memory: &Memory) -> Decimal {
    memory.with(|world| {
        let left = |remote: &Remote| remote.total.0 - remote.credited_unpaid.0 - remote.credited_paid.0;
        let standing = world.stripe.invoices.iter().filter(|invoice| invoice.remote.status != RemoteStatus::Void);
        let invoiced: i64 = standing.map(|invoice| left(&invoice.remote)).sum();
        let open = world.balances.get("mmp-toledo").map(Balance::sum).map(|sum| sum.amount).unwrap_or_default();
        Decimal::new(invoiced, 2) + open
    })
}

/// The entries and the open balance say the same.
pub(super) fn assert_balanced(memory: &Memory) {
    memory.with(|world| {
        let entries: Vec<_> = world.entries.values().cloned().collect();
        let open: std::collections::BTreeMap<_, _> = world
            .balances
            .get("mmp-toledo")
            .map(|balance| balance.open.iter().map(|position| (position.id, position.amount.amount)).collect())
            .unwrap_or_default();
        assert_eq!(Balance::sums(&entries), open);
    });
}

/// October is issued at 100.00; then its cost is read as `cents`.
pub(super) async fn issued_then(cents: i64) -> Memory {
    let memory = Memory::new(world(json!({})));
    restate(&memory, 10_000, "2026-11-15T06:00:00Z");
    run_at(&memory, "2026-11-15T08:00:00Z", "run-1").await;
    memory.with(|world| world.stripe.invoices[0].remote.status = RemoteStatus::Open);
    restate(&memory, cents, "2026-11-20T06:00:00Z");
    run_at(&memory, "2026-11-20T08:00:00Z", "run-2").await;
    memory
}

pub(super) async fn bill_november(memory: &Memory, cents: i64) {
    let november = october().next().expect("a month");
    memory.with(|world| {
        add_month(world, "mmp-toledo", november, &[("AWS Lambda", cents)]);
        let mark = world.marks.get_mut(&("mmp-toledo".to_owned(), november)).expect("a mark");
        mark.synced_at = "2026-12-15T06:00:00Z".parse().expect("a time");
    });
    run_at(memory, "2026-12-15T08:00:00Z", "run-3").await;
}

#[tokio::test]
async fn cost_found_after_issuing_goes_onto_the_next_invoice() {
    for (cents, line, amount) in
        [(13_100, "2026-10 restated: 100.00 -> 131.00", 3100), (7321, "2026-10 restated: 100.00 -> 73.21", -2679)]
    {
        let memory = issued_then(cents).await;
        assert_eq!(owed(&memory), Decimal::new(cents, 2));
        bill_november(&memory, 5000).await;
        memory.with(|world| {
            assert_eq!(world.stripe.invoices[0].remote.total, MinorUnits(10_000), "an issued invoice never changes");
            let next = &world.stripe.invoices[1];
            let last = &next.lines.last().expect("a line").1;
            assert_eq!((last.description.as_str(), last.amount), (line, MinorUnits(amount)));
            assert_eq!(next.remote.total.0, 5000 + amount);
        });
        assert_eq!(owed(&memory), Decimal::new(cents + 5000, 2));
        assert_balanced(&memory);
    }
}

/// Restated again and again: only differences go on.
#[tokio::test]
async fn each_restatement_is_the_difference_to_the_last() {
    let memory = issued_then(13_100).await;
    restate(&memory, 12_000, "2026-11-25T06:00:00Z");
    for run in ["run-3", "run-4"] {
        run_at(&memory, "2026-11-25T08:00:00Z", run).await;
    }
    memory.with(|world| {
        let texts: Vec<&str> = world.balances["mmp-toledo"].open.iter().map(|open| open.text.as_str()).collect();
        assert_eq!(texts, ["2026-10 restated: 100.00 -> 131.00", "2026-10 restated: 131.00 -> 120.00"]);
    });
    assert_eq!(owed(&memory), Decimal::new(12_000, 2));
}

/// The invoicer was down when the time ended in which a month is looked at: what was read by then still counts, once.
#[tokio::test]
async fn what_was_read_while_a_month_was_looked_at_counts_after_an_outage() {
    let memory = issued_then(10_000).await;
    memory.with(|world| world.stripe.invoices[0].remote.status = RemoteStatus::Paid);
    restate(&memory, 13_100, "2027-01-31T06:00:00Z");
    for run in ["run-3", "run-4"] {
        run_at(&memory, "2027-02-20T08:00:00Z", run).await;
        assert_eq!(owed(&memory), Decimal::new(13_100, 2));
    }
    let compared = record(&memory);
    // What is read later is not compared any more, and costs no look.
    restate(&memory, 20_000, "2027-02-25T06:00:00Z");
    run_at(&memory, "2027-02-25T08:00:00Z", "run-5").await;
    assert_eq!(owed(&memory), Decimal::new(13_100, 2));
    assert_eq!(record(&memory), compared);
    assert_balanced(&memory);
}

/// Restated, taken up by the next invoice, and then voided: the new revision bills the whole month, and what was restated
/// is given back.
#[tokio::test]
async fn a_restated_month_that_is_voided_is_billed_once() {
    let memory = issued_then(13_100).await;
    bill_november(&memory, 5000).await;
    assert_eq!(owed(&memory), Decimal::new(18_100, 2));
    memory.with(|world| world.stripe.invoices[0].remote.status = RemoteStatus::Void);
    run_at(&memory, "2026-12-16T08:00:00Z", "run-4").await;
    let standing = memory.with(|world| {
        let standing = world.stripe.invoices.iter().filter(|invoice| invoice.remote.status != RemoteStatus::Void);
        standing.map(|invoice| invoice.remote.total.0).sum::<i64>()
    });
    let open = memory.with(|world| world.balances["mmp-toledo"].sum().amount);
    assert_eq!(Decimal::new(standing, 2) + open, Decimal::new(18_100, 2));
    assert_balanced(&memory);
}

#[tokio::test]
async fn restating_can_be_disturbed_anywhere() {
    let restated = || async {
        let memory = Memory::new(world(json!({})));
        restate(&memory, 10_000, "2026-11-15T06:00:00Z");
        run_at(&memory, "2026-11-15T08:00:00Z", "run-1").await;
        memory.with(|world| world.stripe.invoices[0].remote.status = RemoteStatus::Open);
        run_at(&memory, "2026-11-16T08:00:00Z", "run-2").await;
        restate(&memory, 13_100, "2026-11-20T06:00:00Z");
        memory
    };
    let probe = restated().await;
    probe.fail(usize::MAX, Fault::Before);
    run_at(&probe, "2026-11-20T08:00:00Z", "probe").await;
    for call in 0..probe.calls() {
        for fault in [Fault::Before, Fault::After, Fault::Killed] {
            let memory = restated().await;
            memory.fail(call, fault);
            let _ = run_event(&memory, "2026-11-20T08:00:00Z", "run-3", &InvoicerEvent::default()).await;
            memory.revive();
            run_at(&memory, "2026-11-20T10:00:00Z", "run-4").await;
            assert_eq!(owed(&memory), Decimal::new(13_100, 2), "call {call}, {fault:?}");
            assert_balanced(&memory);
        }
    }
}

/// Forty days without a sync or a run; then every month is billed, with no human step.
#[tokio::test]
async fn every_month_that_was_missed_is_billed() {
    let mut missed = world(json!({}));
    missed.days.clear();
    missed.marks.clear();
    missed.tenants.get_mut("mmp-toledo").expect("a tenant").first_period = months(1).first().copied();
    let memory = Memory::new(missed);
    memory.with(|world| {
        for (month, cents) in months(3).into_iter().zip([1000, 2000, 3000]) {
            add_month(world, "mmp-toledo", month, &[("AWS Lambda", cents)]);
        }
    });
    run_at(&memory, NOW, "run-1").await;
    memory.with(|world| {
        let totals: Vec<i64> = world.stripe.invoices.iter().map(|invoice| invoice.remote.total.0).collect();
        assert_eq!(totals, [1000, 2000, 3000], "oldest first");
    });
}

/// A credit of 40.00 in the second of three months: whatever the order they are billed in, the sum is the same.
#[tokio::test]
async fn months_billed_in_any_order_end_in_the_same_sum() {
    let three = months(3);
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut world = world(json!({}));
        for (month, cents) in three.iter().zip([3000, -4000, 5000]) {
            add_month(&mut world, "mmp-toledo", *month, &[("AWS Lambda", cents)]);
        }
        let memory = Memory::new(world);
        for at in order {
            let event = InvoicerEvent { period: Some(three[at]), ..InvoicerEvent::default() };
            let answer = run_event(&memory, NOW, "run", &event).await.expect("an answer").answer;
            assert_eq!(answer.failed(), 0, "{order:?}: {answer:?}");
        }
        assert_eq!(owed(&memory), Decimal::new(4000, 2), "{order:?}");
        memory.with(|world| {
            assert!(world.stripe.invoices.iter().all(|invoice| invoice.remote.total.0 > 0), "{order:?}");
        });
        assert_balanced(&memory);
    }
}

/// A credit of 100.00 is used up over the next months: 30 + 30 + 30 + 10.
#[tokio::test]
async fn a_credit_lasts_over_as_many_months_as_it_takes() {
    let mut world = world(json!({}));
    let six = std::iter::successors(Some(Month::of(date(2026, 5, 1))), |month| month.next().ok()).take(6);
    for (month, cents) in six.zip([-10_000, 3000, 3000, 3000, 3000, 3000]) {
        add_month(&mut world, "mmp-toledo", month, &[("AWS Lambda", cents)]);
    }
    let memory = Memory::new(world);
    run_at(&memory, NOW, "run-1").await;
    memory.with(|world| {
        let totals: Vec<i64> = world.stripe.invoices.iter().map(|invoice| invoice.remote.total.0).collect();
        assert_eq!(totals, [2000, 3000], "three months are covered, the fourth in part");
        let record = &world.invoices[&("mmp-toledo".to_owned(), Month::of(date(2026, 6, 1)))];
        assert_eq!(record.state, InvoiceState::NothingDue);
        assert_eq!(world.balances["mmp-toledo"].open, []);
    });
    assert_eq!(owed(&memory), Decimal::new(5000, 2));
    assert_balanced(&memory);
}

/// October comes to `cents` while its figures are not final, then to 85.36: that is drawn up at once, on its own invoice.
async fn provisional_then(cents: i64, credit: i64) -> Memory {
    let memory = Memory::new(world(json!({})));
    memory.with(|world| {
        let september = months(2)[1];
        add_month(world, "mmp-toledo", september, &[("AWS Lambda", credit)]);
        world.tenants.get_mut("mmp-toledo").expect("a tenant").first_period = Some(september);
    });
    restate(&memory, cents, "2026-11-02T06:00:00Z");
    run_at(&memory, "2026-11-02T08:00:00Z", "run-1").await;
    restate(&memory, 8536, "2026-11-05T06:00:00Z");
    run_at(&memory, "2026-11-05T08:00:00Z", "run-2").await;
    memory
}

/// A month that credit paid for in full, or that came to a credit itself, was taken for settled before its figures were
/// final: cost that was found since had to wait for another month's invoice.
#[tokio::test]
async fn a_month_without_an_invoice_gets_one_when_its_cost_is_found() {
    for (cents, credit, drafted) in [(153, -1000, 7536), (-500, -1000, 7536), (-500, 0, 8536), (0, 0, 8536)] {
        let memory = provisional_then(cents, credit).await;
        let record = record(&memory);
        assert_eq!(record.state, InvoiceState::Provisional, "{cents}, {credit}: {record:?}");
        let totals =
            memory.with(|world| world.stripe.invoices.iter().map(|invoice| invoice.remote.total.0).collect::<Vec<_>>());
        assert_eq!(totals, [drafted], "{cents}, {credit}");
        assert_eq!(owed(&memory), Decimal::new(8536 + credit, 2), "{cents}, {credit}");
        assert_balanced(&memory);
        run_at(&memory, "2026-11-05T09:00:00Z", "run-3").await;
        assert_eq!(owed(&memory), Decimal::new(8536 + credit, 2), "{cents}, {credit}");
    }
}

/// A provisional credit changes while its figures do, and a later one takes the place of the one before.
#[tokio::test]
async fn a_provisional_credit_follows_the_cost() {
    let memory = Memory::new(world(json!({})));
    for (day, cents) in [(2, -500), (3, -800), (4, 0), (5, -300)] {
        restate(&memory, cents, &format!("2026-11-{day:02}T06:00:00Z"));
        for hour in [8, 9] {
            run_at(&memory, &format!("2026-11-{day:02}T{hour:02}:00:00Z"), &format!("run-{day}-{hour}")).await;
            assert_eq!(owed(&memory), Decimal::new(cents, 2), "on day {day}");
            assert_balanced(&memory);
        }
    }
}

/// An id that was another company's until October: the credit and the restatement that it left stay with it, whatever the
/// new company is invoiced, and the ledger still adds up.
#[tokio::test]
async fn a_reused_id_does_not_take_up_what_the_earlier_company_left() {
    for (cents, left) in [(7_321, "-26.79 USD"), (13_100, "31.00 USD")] {
        let memory = issued_then(cents).await;
        let november = october().next().expect("a month");
        memory.with(|world| {
            let before = world.tenants["mmp-toledo"].clone();
            assert_eq!(world.balances["mmp-toledo"].sum(), money(left));
            let other =
                TenantRecord { first_period: Some(november), stripe_customer: Some("cus_new".into()), ..before };
            world.tenants.insert("mmp-toledo".to_owned(), other);
        });
        bill_november(&memory, 5_000).await;
        memory.with(|world| {
            let theirs = world.stripe.invoices.iter().find(|invoice| invoice.request.customer == "cus_new");
            let theirs = theirs.expect("the new company's invoice");
            assert_eq!(theirs.remote.total, MinorUnits(5_000), "none of the earlier company's {left}");
            assert_eq!(world.balances["mmp-toledo"].sum(), money(left), "it stays with the one before");
            assert_eq!(world.invoices[&("mmp-toledo".to_owned(), october())].invoice.total, money("100.00 USD"));
        });
        assert_balanced(&memory);
        // What the new company leaves is its own, beside it.
        let december = november.next().expect("a month");
        memory.with(|world| {
            add_month(world, "mmp-toledo", november, &[("AWS Lambda", 4_000)]);
            add_month(world, "mmp-toledo", december, &[("AWS Lambda", 2_000)]);
            for month in [november, december] {
                let mark = world.marks.get_mut(&("mmp-toledo".to_owned(), month)).expect("a mark");
                mark.synced_at = "2027-01-20T06:00:00Z".parse().expect("a time");
            }
            for invoice in &mut world.stripe.invoices {
                invoice.remote.status = RemoteStatus::Open;
            }
        });
        run_at(&memory, "2027-01-20T08:00:00Z", "run-9").await;
        memory.with(|world| {
            let last = world.stripe.invoices.last().expect("an invoice");
            assert_eq!((last.request.customer.as_str(), last.remote.total), ("cus_new", MinorUnits(1_000)));
            assert_eq!(world.balances["mmp-toledo"].sum(), money(left));
        });
        assert_balanced(&memory);
    }
}

/// October was restated onto November's invoice; voided for good, it leaves no part of itself there.
#[tokio::test]
async fn voiding_a_month_takes_back_what_it_was_restated_by() {
    for (cents, left) in [(7_321, "26.79 USD"), (13_100, "-31.00 USD")] {
        let memory = issued_then(cents).await;
        bill_november(&memory, 5_000).await;
        let void = InvoicerEvent {
            action: Action::Void,
            tenant: Some("mmp-toledo".to_owned()),
            period: Some(october()),
            ..InvoicerEvent::default()
        };
        run_event(&memory, "2026-12-16T08:00:00Z", "void", &void).await.expect("an answer");
        assert_eq!(memory.with(|world| world.balances["mmp-toledo"].sum()), money(left));
        assert_eq!(owed(&memory), Decimal::new(5_000, 2), "November is all that is owed");
        assert_balanced(&memory);
        // Doing it again changes nothing.
        let _ = run_event(&memory, "2026-12-16T09:00:00Z", "void-2", &void).await;
        assert_eq!(memory.with(|world| world.balances["mmp-toledo"].sum()), money(left));
    }
}
