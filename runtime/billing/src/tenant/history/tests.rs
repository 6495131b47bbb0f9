use jiff::civil::date;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::*;
use crate::Percent;

const TAG: &str = "ClientOrganization";

fn month(text: &str) -> Month {
    text.parse().expect("a month")
}

/// A tenant in euros at cost, tagged `P2`.
fn tenant(change: Value) -> TenantRecord {
    let mut record = json!({
        "id": "press", "name": "Press", "email": "press@example.com", "locale": "en-US", "currency": "EUR",
        "tags": {TAG: "P2"}, "terms": [{}], "days_until_due": 30, "link_version": 1,
        "rates": [rate("0.90", "2026-10-20")],
    });
    for (key, value) in change.as_object().expect("fields") {
        record[key] = value.clone();
    }
    serde_json::from_value(record).expect("a tenant")
}

fn rate(rate: &str, date: &str) -> Value {
    json!({"rate": {"from": "USD", "to": "EUR", "rate": rate, "source": "ECB", "date": date}})
}

fn markup(tenant: &TenantRecord, of: &str) -> Option<String> {
    tenant.terms_for(month(of)).map(|terms| terms.markup.unwrap_or(Percent::new(Decimal::ZERO)).to_string())
}

fn rate_of(tenant: &TenantRecord, of: &str) -> Option<String> {
    tenant.rate_for(month(of)).ok().flatten().map(|rate| rate.rate.to_string())
}

fn spans(tenant: &TenantRecord) -> Vec<String> {
    let day = |day: Option<Date>| day.map_or_else(String::new, |day| day.to_string());
    let spans = tenant.tag_spans(TAG).map(|span| format!("{} {}..{}", span.value, day(span.from), day(span.until)));
    spans.collect()
}

#[test]
fn a_price_that_is_edited_without_a_date_holds_from_this_month_on() {
    let old = tenant(json!({"terms": [{"markup": "10%"}]}));
    let new = tenant(json!({"terms": [{"markup": "20%"}]})).following(&old, month("2026-11"));
    let of = |month| markup(&new, month).expect("terms");
    assert_eq!([of("2020-01"), of("2026-10"), of("2026-11"), of("2027-03")], ["10%", "10%", "20%", "20%"]);
    assert_eq!(new.changes_from(&old), [(Fact::Terms, month("2026-11"))]);
    assert_eq!(new.changes_in(month("2026-10"), &old), []);
    // Back within the month: as if nothing had been.
    assert_eq!(old.clone().following(&new, month("2026-11")), old);
    let back = old.clone().following(&new, month("2026-12"));
    assert_eq!(["2026-10", "2026-11", "2026-12"].map(|of| markup(&back, of).expect("terms")), ["10%", "20%", "10%"]);
}

#[test]
fn a_price_that_is_dated_into_the_past_reaches_the_months_since() {
    let old = tenant(json!({"terms": [{"markup": "10%"}]}));
    let dated = json!({"terms": [{"markup": "10%"}, {"markup": "20%", "effective_from": "2026-09"}]});
    let new = tenant(dated).following(&old, month("2026-11"));
    assert_eq!(new.changes_from(&old), [(Fact::Terms, month("2026-09"))]);
    assert_eq!(new.changes_in(month("2026-08"), &old), []);
    assert_eq!(new.changes_in(month("2026-10"), &old), [Fact::Terms]);
    // Lacking terms are supplied.
    let none = tenant(json!({"terms": []}));
    assert_eq!(new.changes_in(month("2026-10"), &none), []);
}

#[test]
fn terms_that_begin_later_let_the_deployed_ones_go_on() {
    let old = tenant(json!({"terms": [{"markup": "10%"}]}));
    let later = json!({"terms": [{"markup": "20%", "effective_from": "2027-01"}]});
    let new = tenant(later.clone()).following(&old, month("2026-11"));
    assert_eq!(["2026-12", "2027-01"].map(|of| markup(&new, of).expect("terms")), ["10%", "20%"]);
    // Announced, then put off: what never held is gone.
    let off = old.clone().following(&new, month("2026-12"));
    assert_eq!(off.terms, old.terms);
}

#[test]
fn a_rate_that_is_edited_reprices_no_month_that_is_over() {
    let old = tenant(json!({}));
    // The short form with another day: October keeps the rate of its own day.
    let moved = tenant(json!({"rates": [rate("0.92", "2026-11-20")]})).following(&old, month("2026-11"));
    assert_eq!(["2026-10", "2026-11"].map(|of| rate_of(&moved, of).expect("a rate")), ["0.90", "0.92"]);
    assert_eq!(moved.changes_in(month("2026-10"), &old), []);
    // The rate alone, its day kept: it holds from this month on, where it is near enough.
    let edited = tenant(json!({"rates": [rate("0.92", "2026-10-20")]})).following(&old, month("2026-11"));
    assert_eq!(rate_of(&edited, "2026-10").as_deref(), Some("0.90"));
    assert_eq!(rate_of(&edited, "2026-11"), None);
    let in_october = tenant(json!({"rates": [rate("0.92", "2026-10-20")]})).following(&old, month("2026-10"));
    assert_eq!(rate_of(&in_october, "2026-10").as_deref(), Some("0.92"));
    assert_eq!(old.clone().following(&edited, month("2026-11")), old);
    // A rate of a day nearer to the month's end, stated afterwards, reaches it.
    let nearer = tenant(json!({"rates": [rate("0.90", "2026-10-20"), rate("0.95", "2026-10-30")]}));
    assert_eq!(nearer.following(&old, month("2026-11")).changes_in(month("2026-10"), &old), [Fact::Rate]);
}

#[test]
fn a_rate_is_of_a_day_near_the_months_end() {
    let with = |days: &[&str]| {
        let rates: Vec<Value> = days.iter().zip(1..).map(|(day, n)| rate(&format!("0.{n}"), day)).collect();
        tenant(json!({"rates": rates}))
    };
    for (days, taken) in [
        (&["2026-10-16"][..], Some("0.1")),
        (&["2026-10-15"], None),
        (&["2026-12-01"], Some("0.1")),
        (&["2026-12-02"], None),
        (&["2026-10-20", "2026-10-31", "2026-11-01"], Some("0.2")),
        (&["2026-11-20", "2026-11-03"], Some("0.2")),
    ] {
        assert_eq!(rate_of(&with(days), "2026-10").as_deref(), taken, "{days:?}");
    }
    let refused = with(&["2026-08-31"]).rate_for(month("2026-10")).expect_err("it is too old").to_string();
    for part in ["press", "EUR", "2026-10", "from 2026-10-16 to 2026-12-01", "the nearest is of 2026-08-31"] {
        assert!(refused.contains(part), "{refused}");
    }
    let dollars = tenant(json!({"currency": "USD", "rates": []}));
    assert_eq!(dollars.rate_for(month("2026-10")), Ok(None));
}

/// 70.00 went to nobody: the cost of the days on which the old value was the tenant's.
#[test]
fn a_tag_value_that_was_replaced_stays_the_tenants_for_its_days() {
    let old = tenant(json!({}));
    let new = tenant(json!({"tags": {TAG: "P2new"}})).following(&old, month("2026-11"));
    assert_eq!(spans(&new), ["P2 ..2026-12-01", "P2new 2026-11-01.."]);
    assert_eq!(new.changes_from(&old), [(Fact::Tags, month("2026-11"))]);
    assert_eq!(new.changes_in(month("2026-10"), &old), []);
    // Dated, it ends on its day.
    let dated =
        json!({"tags": {TAG: [{"value": "P2", "until": "2026-12-01"}, {"value": "P2new", "from": "2026-12-01"}]}});
    let dated = tenant(dated).following(&old, month("2026-11"));
    assert_eq!(spans(&dated), ["P2 ..2026-12-01", "P2new 2026-12-01.."]);
    // Into the past: it reaches October.
    let past =
        json!({"tags": {TAG: [{"value": "P2", "until": "2026-10-15"}, {"value": "P2new", "from": "2026-10-15"}]}});
    assert_eq!(tenant(past).following(&old, month("2026-11")).changes_in(month("2026-10"), &old), [Fact::Tags]);
    // Another tag tells cost apart from now on.
    let other = tenant(json!({"tags": {"Client": "P2"}})).following(&old, month("2026-11"));
    assert_eq!(spans(&other), ["P2 ..2026-11-01"]);
    assert_eq!(other.tag_on("Client", date(2026, 10, 31)), None);
    assert_eq!(other.tag_on("Client", date(2026, 11, 1)), Some("P2"));
}

#[test]
fn a_tenant_who_left_has_no_tag_value_afterwards() {
    let left = tenant(json!({"last_period": "2026-11", "first_period": "2026-10"}));
    assert_eq!(spans(&left), ["P2 ..2026-12-01"]);
    assert_eq!(left.changes_from(&tenant(json!({}))), [(Fact::Tags, month("2026-12"))]);
    assert_eq!(
        ["2026-09", "2026-10", "2026-11", "2026-12"].map(|of| left.bills(month(of))),
        [false, true, true, false]
    );
}

#[test]
fn another_currency_keeps_no_history() {
    let (old, new) = (tenant(json!({})), tenant(json!({"currency": "USD", "rates": [], "terms": [{"markup": "5%"}]})));
    assert_eq!(new.clone().following(&old, month("2026-11")), new);
}

/// Facts as a manifest may have them: an undated entry and dated ones.
fn facts() -> impl Strategy<Value = TenantRecord> {
    let month = |n: u32| format!("2026-{n:02}");
    let terms = proptest::collection::btree_map(0_u32..13, 1_u32..4, 0..4).prop_map(move |starts| {
        let dated = |(n, share): (u32, u32)| match n {
            0 => json!({"markup": format!("{share}%")}),
            n => json!({"markup": format!("{share}%"), "effective_from": month(n)}),
        };
        starts.into_iter().map(dated).collect::<Vec<_>>()
    });
    let tags = proptest::collection::btree_map(0_i8..13, "[AB]", 1..4).prop_map(|starts| {
        let starts: Vec<(i8, String)> = starts.into_iter().collect();
        let day = |n: i8| if n == 0 { Value::Null } else { json!(date(2026, n, 15)) };
        let span = |(at, (n, value)): (usize, &(i8, String))| {
            let until = starts.get(at + 1).map_or(Value::Null, |(next, _)| day(*next));
            json!({"value": value, "from": day(*n), "until": until})
        };
        starts.iter().enumerate().map(span).collect::<Vec<_>>()
    });
    let rates = proptest::collection::btree_map(1_i8..13, 1_u32..4, 0..4).prop_map(|days| {
        let rates = days.into_iter().map(|(n, cents)| rate(&format!("0.{cents}"), &date(2026, n, 20).to_string()));
        rates.collect::<Vec<_>>()
    });
    (terms, tags, rates)
        .prop_map(|(terms, tags, rates)| tenant(json!({"terms": terms, "tags": {TAG: tags}, "rates": rates})))
}

/// Undated facts: what no edit of may reach a month that is over.
fn undated() -> impl Strategy<Value = TenantRecord> {
    ((1_u32..4), "[AB]", (1_u32..4)).prop_map(|(share, value, cents)| {
        let terms = json!([{"markup": format!("{share}%")}]);
        tenant(json!({"terms": terms, "tags": {TAG: value}, "rates": [rate(&format!("0.{cents}"), "2026-06-20")]}))
    })
}

proptest! {
    /// Written again, in the same month or in later ones, a record stays as it is.
    #[test]
    fn following_again_changes_nothing(
        deployed in proptest::collection::vec((facts(), 1_u32..13), 1..4),
        wanted in facts(),
        at in 1_u32..13,
        later in 0_u32..12,
    ) {
        let of = |n: u32| month(&format!("2026-{n:02}"));
        let mut steps = deployed;
        steps.sort_by_key(|(_, at)| *at);
        let mut stored = steps[0].0.clone();
        for (facts, at) in &steps[1..] {
            stored = facts.clone().following(&stored, of(*at));
        }
        let at = at.max(steps.last().map_or(1, |(_, at)| *at));
        let written = wanted.clone().following(&stored, of(at));
        prop_assert_eq!(&wanted.clone().following(&written, of(at)), &written);
        prop_assert_eq!(&wanted.following(&written, of((at + later).min(12))), &written);
    }

    /// Edits without a date never change what a month that is over is billed by.
    #[test]
    fn no_edit_without_a_date_reaches_a_month_that_is_over(
        edits in proptest::collection::vec((undated(), 1_u32..13), 1..6),
        first in undated(),
    ) {
        let mut edits = edits;
        edits.sort_by_key(|(_, at)| *at);
        let mut stored = first;
        for (facts, at) in edits {
            let now = month(&format!("2026-{at:02}"));
            let next = facts.clone().following(&stored, now);
            for n in 1..at {
                prop_assert_eq!(next.changes_in(month(&format!("2026-{n:02}")), &stored), vec![]);
            }
            prop_assert_eq!(markup(&next, &now.to_string()), markup(&facts, &now.to_string()));
            prop_assert_eq!(next.tag_on(TAG, now.period().last_day()), facts.tag_on(TAG, now.period().last_day()));
            stored = next;
        }
    }
}
