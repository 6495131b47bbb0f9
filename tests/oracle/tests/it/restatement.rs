//! Restated months and carried balance on the next invoice.

use std::collections::BTreeMap;

use oracle::balance::{Entry, EntryKind, balance};
use oracle::facts::{Fee, RecordType, Terms, Tier};
use oracle::line::{Line, Rule};
use oracle::restatement::{Restated, next_invoice, restated};

use crate::scene::{acme, at, day, figure, id, money, month, percent, spend, tag};

#[test]
fn a_restated_month_is_a_line_of_the_next_invoice() {
    let mut facts = acme("USD", Terms::default());
    spend(&mut facts, "ACME", "2026-10-05", "Lambda", "100.00");
    spend(&mut facts, "ACME", "2026-11-05", "Lambda", "50.00");
    facts.record(day("2026-10-05"), &tag("ACME"), "Lambda", RecordType::Usage, figure("131.00", "2026-11-20"));
    let of = |known| restated(&facts, &id("acme"), month("2026-10"), 10_000, at(known)).expect("assessed");
    assert_eq!(of("2026-11-19").delta(), 0);
    assert_eq!((of("2026-11-20").delta(), of("2027-01-31").delta()), (3_100, 3_100));
    assert_eq!(of("2027-02-01"), Restated { before: 10_000, after: 10_000 }, "three months, no more");

    let billed = BTreeMap::from([(month("2026-10"), 10_000)]);
    let next = next_invoice(&facts, &id("acme"), month("2026-11"), at("2026-12-15"), &billed, 0).expect("billed");
    let lines = [
        Line { rule: Rule::Cost("Lambda".to_owned()), amount: 5_000 },
        Line { rule: Rule::Restated(month("2026-10")), amount: 3_100 },
    ];
    assert_eq!((next.lines.as_slice(), next.total, next.carried), (&lines[..], 8_100, 0));
}

#[test]
fn a_month_is_assessed_again_under_all_its_rules() {
    let tiers = vec![
        Tier { below: money("120.00 USD"), flat: money("5.00 USD"), percent: None },
        Tier { flat: money("10.00 USD"), ..Tier::default() },
    ];
    let terms = Terms { fee: Some(Fee::Tiers(tiers)), minimum: money("80.00 USD"), ..Terms::default() };
    let mut facts = acme("USD", Terms { tax: percent("10"), ..terms });
    spend(&mut facts, "ACME", "2026-10-05", "Lambda", "100.00");
    facts.record(day("2026-10-05"), &tag("ACME"), "Lambda", RecordType::Usage, figure("131.00", "2026-11-20"));
    facts.record(day("2026-10-05"), &tag("ACME"), "Lambda", RecordType::Usage, figure("73.21", "2026-11-25"));
    let after = |known| restated(&facts, &id("acme"), month("2026-10"), 11_550, at(known)).expect("assessed").after;
    // (100 + 5) x 1.1; (131 + 10) x 1.1; 73.21 + 5 is below the minimum, 80 x 1.1.
    assert_eq!((after("2026-11-19"), after("2026-11-20"), after("2026-11-25")), (11_550, 15_510, 8_800));
}

#[test]
fn no_invoice_is_below_zero_and_credit_lasts_for_months() {
    let mut facts = acme("USD", Terms::default());
    facts.record(day("2026-01-05"), &tag("ACME"), "Lambda", RecordType::Refund, figure("-40.00", "2026-01-06"));
    for (on, usd) in [("2026-02-05", "15.00"), ("2026-03-05", "15.00"), ("2026-04-05", "15.00")] {
        spend(&mut facts, "ACME", on, "Lambda", usd);
    }
    let mut carried = 0;
    let mut totals = Vec::new();
    for text in ["2026-01", "2026-02", "2026-03", "2026-04"] {
        let known_at = month(text).plus(2).close();
        let next = next_invoice(&facts, &id("acme"), month(text), known_at, &BTreeMap::new(), carried).expect("billed");
        carried = next.carried;
        totals.push((next.total, carried));
    }
    assert_eq!(totals, [(0, -4_000), (0, -2_500), (0, -1_000), (500, 0)]);
}

#[test]
fn carried_debt_is_taken_too() {
    let mut facts = acme("USD", Terms::default());
    spend(&mut facts, "ACME", "2026-10-05", "Lambda", "10.00");
    let next = |balance| {
        let next = next_invoice(&facts, &id("acme"), month("2026-10"), at("2026-11-15"), &BTreeMap::new(), balance);
        let next = next.expect("billed");
        (next.total, next.carried)
    };
    assert_eq!((next(250), next(-250), next(-1_000), next(-1_001)), ((1_250, 0), (750, 0), (0, 0), (0, -1)));
}

#[test]
fn a_balance_is_a_sum_over_ids() {
    let entry = |id: &str, currency: &str, amount| Entry {
        id: id.to_owned(),
        currency: currency.to_owned(),
        month: month("2026-10"),
        revision: 1,
        amount,
        kind: EntryKind::Carried,
    };
    let entries = [entry("a", "USD", -40), entry("b", "EUR", 7), entry("a", "USD", -40), entry("c", "USD", 15)];
    assert_eq!(balance(&entries), BTreeMap::from([("EUR", 7), ("USD", -25)]));
}
