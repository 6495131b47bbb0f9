use billing::attribution::{QueriedDay, QueriedRow};
use billing::ledger::CostAmount;
use jiff::civil::date;
use serde_json::json;

use super::*;
use crate::ports::memory::{Fault, FixedClock, Memory, World};
use billing::ledger::CostDay;

const TAG: &str = "ClientOrganization";

fn tenant(id: &str, value: &str) -> billing::tenant::TenantRecord {
    serde_json::from_value(json!({
        "id": id, "name": id, "email": "billing@example.com", "locale": "en-US", "currency": "USD",
        "tags": {TAG: value}, "terms": [{}], "days_until_due": 30, "link_version": 1,
    }))
    .expect("a tenant")
}

fn queried(on: Date, rows: &[(&str, &str, i64)]) -> QueriedDay {
    let row = |(tenant, part, cents): &(&str, &str, i64)| QueriedRow {
        tenant_value: (*tenant).to_owned(),
        part: (*part).to_owned(),
        amount: CostAmount { cost: Decimal::new(*cents, 2), usage: Decimal::ONE },
    };
    QueriedDay { date: on, estimated: on >= date(2026, 11, 1), rows: rows.iter().map(row).collect() }
}

fn world() -> World {
    let mut world = World::default();
    for (id, value) in [("a", "A"), ("b", "B")] {
        world.tenants.insert(id.to_owned(), tenant(id, value));
    }
    let (october, november) = (date(2026, 10, 30), date(2026, 11, 3));
    world.by_service = vec![
        queried(october, &[("A", "S3", 8530), ("B", "S3", 100), ("", "Tax", 250)]),
        queried(november, &[("A", "AWS Lambda", 4020), ("Gone", "S3", 75)]),
    ];
    world.by_project = vec![
        queried(october, &[("A", "one", 8530), ("B", "", 100), ("", "", 250)]),
        queried(november, &[("A", "two", 4020), ("Gone", "", 75)]),
    ];
    world
}

async fn sync(memory: &Memory, event: &CostSyncEvent) -> Result<CostSyncAnswer, RunError> {
    let clock = FixedClock::at("2026-11-21T06:00:00Z");
    let sync = CostSync {
        ledger: Arc::new(memory.clone()),
        source: Arc::new(memory.clone()),
        clock: Arc::new(clock),
        tenant_tag: TAG.to_owned(),
        with_projects: true,
        with_records: memory.with(|world| !world.by_record.is_empty()),
        settle_days: 0,
    };
    let outcome = sync.sync(event).await?;
    // A run with a failed tenant fails at its end, with its answer in the error.
    match outcome.failures.failed {
        0 => Ok(outcome.answer),
        failed => {
            let summary = serde_json::to_string(&outcome.answer).expect("JSON");
            Err(RunError::Partial { failed, all: outcome.failures.all, summary })
        }
    }
}

async fn daily(memory: &Memory) -> Result<CostSyncAnswer, RunError> {
    sync(memory, &CostSyncEvent::default()).await
}

#[tokio::test]
async fn tenants_and_unallocated_are_the_bill() {
    let memory = Memory::new(world());
    let answer = daily(&memory).await.expect("a sync");
    assert_eq!((answer.start, answer.end), (Some(date(2026, 10, 1)), Some(date(2026, 11, 20))));
    assert_eq!(answer.total, ExactNumber(Decimal::new(12_975, 2)));
    assert_eq!(answer.unallocated, ExactNumber(Decimal::new(325, 2)));
    memory.with(|world| {
        let stored: Decimal = world.days.values().map(CostDay::cost).sum();
        assert_eq!(stored, Decimal::new(12_975, 2));
        let october = &world.marks[&("b".to_owned(), Month::of(date(2026, 10, 1)))];
        assert!(october.whole_month() && !october.estimated);
        let november = &world.marks[&("b".to_owned(), Month::of(date(2026, 11, 1)))];
        assert_eq!((november.through, november.estimated), (date(2026, 11, 20), true));
    });
}

#[tokio::test]
async fn record_types_that_are_told_apart_are_part_of_the_bill() {
    let mut world = world();
    world.by_record = vec![queried(date(2026, 10, 30), &[("A", "Credit", -1_000), ("", "Tax", 400)])];
    let memory = Memory::new(world);
    let answer = daily(&memory).await.expect("a sync");
    assert_eq!(answer.total, ExactNumber(Decimal::new(12_375, 2)));
    assert_eq!(answer.unallocated, ExactNumber(Decimal::new(725, 2)));
    memory.with(|world| {
        let day = &world.days[&("a".to_owned(), date(2026, 10, 30))];
        assert_eq!(
            (day.cost(), day.records[&RecordType::Credit].cost),
            (Decimal::new(7_530, 2), Decimal::new(-1_000, 2))
        );
        let unclaimed = &world.days[&(UNALLOCATED.to_owned(), date(2026, 10, 30))];
        assert_eq!(unclaimed.records[&RecordType::Tax].cost, Decimal::new(400, 2));
        assert_eq!(unclaimed.values[""].cost, unclaimed.cost());
    });
    assert_eq!(daily(&memory).await.expect("a sync").days_written, 0);
}

#[tokio::test]
async fn a_second_run_asks_again_and_writes_nothing_new() {
    let memory = Memory::new(world());
    daily(&memory).await.expect("a sync");
    let again = daily(&memory).await.expect("a sync");
    assert_eq!(again.days_written, 0);
    assert_eq!(again.start, Some(date(2026, 10, 1)), "October is final, and still compared with its invoice");
}

#[tokio::test]
async fn a_restated_day_is_replaced_whole() {
    let memory = Memory::new(world());
    daily(&memory).await.expect("a sync");
    memory.with(|world| {
        world.by_service[1] = queried(date(2026, 11, 3), &[("A", "S3", 10)]);
        world.by_project[1] = queried(date(2026, 11, 3), &[("A", "one", 10)]);
    });
    let again = daily(&memory).await.expect("a sync");
    assert_eq!(again.days_written, 2, "the tenant's day and the unallocated one");
    memory.with(|world| {
        let day = &world.days[&("a".to_owned(), date(2026, 11, 3))];
        assert_eq!(day.cost(), Decimal::new(10, 2));
        assert!(!day.services.contains_key("AWS Lambda"));
    });
}

#[tokio::test]
async fn a_failing_page_writes_nothing() {
    for nth_query in 0..2 {
        let memory = Memory::new(world());
        // Tenants and three marks are read first.
        memory.fail(4 + nth_query, Fault::Before);
        assert!(daily(&memory).await.is_err());
        memory.with(|world| assert!(world.days.is_empty() && world.marks.is_empty()));
    }
}

#[tokio::test]
async fn queries_that_disagree_write_nothing() {
    let memory = Memory::new(world());
    memory.with(|world| world.by_project[0] = queried(date(2026, 10, 30), &[("A", "one", 1)]));
    assert!(matches!(daily(&memory).await, Err(RunError::Attribution(_))));
    memory.with(|world| assert!(world.days.is_empty() && world.marks.is_empty()));
}

#[tokio::test]
async fn after_any_fault_a_second_run_ends_in_the_same_state() {
    let undisturbed = Memory::new(world());
    undisturbed.fail(usize::MAX, Fault::Before);
    daily(&undisturbed).await.expect("a sync");
    let calls = undisturbed.calls();
    let expected = undisturbed.with(|world| world.clone());
    assert!(calls > 15, "{calls} calls are too few to be the sync");

    for nth in 0..calls {
        for fault in [Fault::Before, Fault::After] {
            let memory = Memory::new(world());
            memory.fail(nth, fault);
            assert!(daily(&memory).await.is_err(), "{fault:?} call {nth}");
            daily(&memory).await.expect("a sync");
            memory.with(|world| assert_eq!(*world, expected, "{fault:?} call {nth}"));
        }
    }
}

#[tokio::test]
async fn a_sync_that_dies_while_writing_leaves_a_month_that_is_not_billed() {
    let memory = Memory::new(world());
    memory.with(|world| {
        world.tenants.remove("b");
    });
    daily(&memory).await.expect("a sync");
    memory.with(|world| world.by_service[1] = queried(date(2026, 11, 3), &[("A", "AWS Lambda", 1)]));
    memory.with(|world| world.by_project[1] = queried(date(2026, 11, 3), &[("A", "two", 1)]));
    let mut torn = 0;
    for nth in 0..20 {
        let trial = Memory::new(memory.with(|world| world.clone()));
        trial.fail(nth, Fault::After);
        if daily(&trial).await.is_ok() {
            continue;
        }
        trial.with(|world| {
            let day = &world.days[&("a".to_owned(), date(2026, 11, 3))];
            let mark = &world.marks[&("a".to_owned(), Month::of(date(2026, 11, 3)))];
            let restated = day.cost() == Decimal::new(1, 2);
            if restated && mark.synced_at == day.synced_at && !mark.complete {
                torn += 1;
            }
        });
    }
    assert!(torn > 0, "some fault leaves the month marked as being written");
}

#[tokio::test]
async fn days_may_be_named() {
    let memory = Memory::new(world());
    let event = |start: &str, end: &str| CostSyncEvent { start: Some(start.to_owned()), end: Some(end.to_owned()) };
    let answer = sync(&memory, &event("2026-10-15", "2026-10-20")).await.expect("a sync");
    assert_eq!((answer.start, answer.end), (Some(date(2026, 10, 1)), Some(date(2026, 10, 31))));
    assert!(matches!(sync(&memory, &event("2026-10", "2026-10-20")).await, Err(RunError::Window(_))));
    let no_start = CostSyncEvent { start: None, end: Some("2026-10-20".to_owned()) };
    assert!(matches!(sync(&memory, &no_start).await, Err(RunError::Event(_))));
}

/// Of one tenant a day has more projects than an item holds, and of another more than a transaction takes.
#[tokio::test]
async fn a_day_of_any_size_is_stored_and_a_tenant_that_cannot_be_stops_no_other() {
    let projects = |count: usize| -> Vec<QueriedRow> {
        let amount = CostAmount { cost: Decimal::ONE, usage: Decimal::ONE };
        let row = |number: usize| QueriedRow {
            tenant_value: String::new(),
            part: format!("{number:08}-{}", "x".repeat(192)),
            amount,
        };
        (0..count).map(row).collect()
    };
    let of = |tenant: &str, rows: &[QueriedRow]| -> Vec<QueriedRow> {
        rows.iter().map(|row| QueriedRow { tenant_value: tenant.to_owned(), ..row.clone() }).collect()
    };
    let sized = |large: usize, huge: usize| {
        let memory = Memory::new(world());
        memory.with(|world| {
            let november = date(2026, 11, 3);
            let (a, b) = (of("A", &projects(large)), of("B", &projects(huge)));
            let services = |tenant, count: usize| (tenant, "S3", i64::try_from(count).expect("a number") * 100);
            world.by_service = vec![queried(november, &[services("A", large), services("B", huge), ("", "Tax", 100)])];
            let rest = queried(november, &[("", "", 100)]).rows;
            world.by_project = vec![QueriedDay { rows: [a, b, rest].concat(), ..queried(november, &[]) }];
        });
        memory
    };

    // 2,000 projects of 200 letters are about 480 KB.
    let memory = sized(2_000, 1);
    daily(&memory).await.expect("a sync");
    let days_of = |memory: &Memory, tenant: &str| {
        memory.with(|world| world.days.get(&(tenant.to_owned(), date(2026, 11, 3))).map(|day| day.projects.len()))
    };
    assert_eq!(days_of(&memory, "a"), Some(2_000));
    assert_eq!(daily(&memory).await.expect("a sync").days_written, 0, "it is read back whole");
    // Restated to less: what is left of the longer text is passed over.
    memory.with(|world| {
        world.by_service = vec![queried(date(2026, 11, 3), &[("A", "S3", 100)])];
        world.by_project = vec![queried(date(2026, 11, 3), &[("A", "one", 100)])];
    });
    daily(&memory).await.expect("a sync");
    assert_eq!(days_of(&memory, "a"), Some(1));

    let memory = sized(1, 20_000);
    let Err(RunError::Partial { failed, all, summary }) = daily(&memory).await else { panic!("it fails visibly") };
    assert_eq!((failed, all), (1, 3));
    assert!(summary.contains(r#""tenant":"b""#) && summary.contains("at most"), "{summary}");
    assert_eq!((days_of(&memory, "a"), days_of(&memory, "b")), (Some(1), None));
    assert_eq!(days_of(&memory, UNALLOCATED), Some(1));
    memory.with(|world| {
        let mark = |tenant: &str| world.marks.get(&(tenant.to_owned(), Month::of(date(2026, 11, 3)))).cloned();
        assert!(mark("a").is_some_and(|mark| mark.complete));
        assert!(mark("b").is_some_and(|mark| !mark.complete), "it is not billed meanwhile");
    });
}

#[tokio::test]
async fn failed_tenants_are_counted_and_named() {
    let memory = Memory::new(world());
    let clock = Arc::new(FixedClock::at("2026-11-21T06:00:00Z"));
    let sync = CostSync {
        ledger: Arc::new(memory.clone()),
        source: Arc::new(memory.clone()),
        clock,
        tenant_tag: TAG.to_owned(),
        with_projects: true,
        with_records: memory.with(|world| !world.by_record.is_empty()),
        settle_days: 0,
    };
    // Tenants, those who left, three marks and October's two answers come first; then the first tenant's days are read.
    memory.fail(7, Fault::Before);
    let outcome = sync.sync(&CostSyncEvent::default()).await.expect("an answer");
    assert!(outcome.metrics.contains(&Metric::new(ERRORS, 1)), "{:?}", outcome.metrics);
    assert_eq!((outcome.failures.failed, outcome.failures.all), (1, 3));
    let [failed] = &outcome.answer.failed[..] else { panic!("one tenant failed: {:?}", outcome.answer.failed) };
    assert_eq!(failed.tenant, "a");
    assert!(failed.reason.contains("refused by the test"), "{}", failed.reason);
}

/// A month that no sync read between its settling and the next month's end is read again, and not only last month.
#[tokio::test]
async fn a_month_that_was_read_too_early_is_read_again_however_old() {
    let memory = Memory::new(world());
    daily(&memory).await.expect("a sync");
    memory.with(|world| {
        let early = "2026-10-15T06:00:00Z".parse().expect("a time");
        let september = Month::of(date(2026, 9, 1));
        let through = september.period().last_day();
        let mark = SyncMark { month: september, through, estimated: false, complete: true, synced_at: early };
        // Settled by the rule of 20 days only on October 21.
        world.marks.insert(("a".to_owned(), september), mark);
    });
    let clock = Arc::new(FixedClock::at("2026-11-21T06:00:00Z"));
    let sync = CostSync {
        ledger: Arc::new(memory.clone()),
        source: Arc::new(memory.clone()),
        clock,
        tenant_tag: TAG.to_owned(),
        with_projects: true,
        with_records: memory.with(|world| !world.by_record.is_empty()),
        settle_days: 20,
    };
    let answer = sync.sync(&CostSyncEvent::default()).await.expect("an answer").answer;
    assert_eq!(answer.start, Some(date(2026, 9, 1)));
}

/// Months after a tenant's last one are never billed. Until their record went, cost with their tag was theirs.
#[tokio::test]
async fn a_tenant_who_left_has_no_marks_beyond_the_last_month_and_no_later_cost() {
    let ledger = Arc::new(billing::ledger::MemoryLedger::default());
    let stays = tenant("a", "A");
    let mut leaves = tenant("b", "B");
    ledger.set(billing::ledger::Stored::of("a", &stays).expect("an item"));
    let sync = CostSync {
        ledger: ledger.clone(),
        source: Arc::new(Memory::new(world())),
        clock: Arc::new(FixedClock::at("2026-11-21T06:00:00Z")),
        tenant_tag: TAG.to_owned(),
        with_projects: true,
        with_records: false,
        settle_days: 0,
    };
    ledger.set(billing::ledger::Stored::of("b", &leaves).expect("an item"));
    sync.sync(&CostSyncEvent::default()).await.expect("a sync");
    let marks = |ledger: Arc<billing::ledger::MemoryLedger>| async move {
        let marks = ledger::costs::all_marks(&*ledger, "b").await.expect("marks");
        marks.iter().map(|mark| mark.month.to_string()).collect::<Vec<String>>()
    };
    assert_eq!(marks(ledger.clone()).await, ["2026-10", "2026-11"]);

    for sort in ["2026-10", "2026-11"] {
        ledger.remove(&billing::ledger::Key::new("b", format!("{}{sort}", billing::ledger::SYNC_PREFIX)));
    }
    leaves.last_period = "2026-09".parse().ok();
    let left = billing::ledger::LeftTenant::of(&leaves).expect("a last month");
    ledger.set(billing::ledger::Stored::of("b", &left).expect("an item"));
    ledger.remove(&billing::ledger::Key::new("b", billing::names::TENANT_ITEM));
    sync.sync(&CostSyncEvent::default()).await.expect("a sync");
    assert!(marks(ledger.clone()).await.is_empty(), "no month that is synced now is theirs");
    let october = Month::of(date(2026, 10, 1)).period();
    let days = ledger::costs::days(&*ledger, "b", &october).await.expect("days");
    assert!(days.iter().all(|day| day.cost().is_zero()), "their October is unallocated: {days:?}");
}

mod tags;
