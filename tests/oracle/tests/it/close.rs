//! Tenants + unallocated = the bill.

use oracle::close::{Close, close};
use oracle::facts::{RecordType, Tags, Terms};

use crate::scene::{acme, at, day, figure, month, spend};

#[test]
fn the_demos_month_closes() {
    let mut facts = acme("USD", Terms::default());
    spend(&mut facts, "ACME", "2026-11-05", "AWS Lambda", "125.50");
    spend(&mut facts, "MMP-Toldeo", "2026-11-05", "AWS Lambda", "10.00");
    facts.record(day("2026-11-30"), &Tags::new(), "Tax", RecordType::Tax, figure("6.85", "2026-12-02"));
    let of = |known| close(&facts, month("2026-11"), at(known));
    assert_eq!(of("2026-12-16"), Close { tenants: 12_550, unallocated: 1_685, bill: 14_235, holds: true });
    assert_eq!(of("2026-12-01"), Close { tenants: 12_550, unallocated: 1_000, bill: 13_550, holds: true });
}
