//! When a month may be provisional and complete, and by when it must be.

use jiff::Timestamp;
use oracle::facts::{Figure, RecordType, Terms};
use oracle::finality::{Blocked, Stage, due_by, ended_months, looked_at_until, settles_at, stage};

use crate::scene::{acme, at, day, exact, id, month, tag};

#[test]
fn a_month_is_closed_then_provisional_then_complete() {
    let mut facts = acme("USD", Terms::default());
    let october = month("2026-10");
    let of = |read: Option<&str>, now: &str| stage(&facts, october, read.map(at), at(now));
    assert_eq!(of(None, "2026-10-31"), Stage::Closed(Blocked::Running));
    assert_eq!(of(None, "2026-11-01"), Stage::Closed(Blocked::Unread));
    assert_eq!(of(Some("2026-10-31"), "2026-11-01"), Stage::Closed(Blocked::Unread));
    assert_eq!(of(Some("2026-11-01"), "2026-11-01"), Stage::Provisional(Blocked::Unsettled));
    assert_eq!(of(Some("2026-11-14"), "2026-11-20"), Stage::Provisional(Blocked::Unsettled), "read too early");
    assert_eq!(of(Some("2026-11-15"), "2026-11-15"), Stage::Complete);
    assert_eq!(
        of(Some("2026-11-15"), "2026-11-14"),
        Stage::Closed(Blocked::Unread),
        "a read is not known before it is made"
    );
    facts.policy.draft_day = 5;
    let of = |read: &str, now: &str| stage(&facts, october, Some(at(read)), at(now));
    assert_eq!(of("2026-11-04", "2026-11-04"), Stage::Closed(Blocked::BeforeDraftDay));
    assert_eq!(of("2026-11-04", "2026-11-05"), Stage::Provisional(Blocked::Unsettled));
}

#[test]
fn an_estimate_keeps_a_month_provisional() {
    let mut facts = acme("USD", Terms::default());
    let estimate = |known: &str, estimated| Figure { known_at: at(known), usd: exact("1"), estimated };
    facts.record(day("2026-10-31"), &tag("ACME"), "Lambda", RecordType::Usage, estimate("2026-11-16", false));
    facts.record(day("2026-10-31"), &tag("ACME"), "Lambda", RecordType::Usage, estimate("2026-11-01", true));
    let of = |read: &str| stage(&facts, month("2026-10"), Some(at(read)), at("2026-11-20"));
    assert_eq!(of("2026-11-15"), Stage::Provisional(Blocked::Estimated));
    assert_eq!(of("2026-11-16"), Stage::Complete);
}

#[test]
fn moments_of_a_month() {
    let mut facts = acme("USD", Terms::default());
    let october = month("2026-10");
    assert_eq!(settles_at(&facts.policy, october), at("2026-11-15"));
    assert_eq!(due_by(&facts.policy, october), at("2026-11-18"));
    assert_eq!(looked_at_until(&facts.policy, october), at("2027-02-01"));
    let ended = |facts: &_, now: Timestamp| ended_months(facts, &id("acme"), now).len();
    assert_eq!(ended(&facts, at("2026-10-31")), 9);
    assert_eq!(ended(&facts, at("2026-11-01")), 10);
    facts.tenants.get_mut(&id("acme")).expect("acme").last_period = Some(month("2026-03"));
    assert_eq!(ended(&facts, at("2026-11-01")), 3);
}
