use serde_json::{Value, json};

use super::*;

fn month(text: &str) -> Month {
    text.parse().expect("a month")
}

/// A tenant of euros from September on, with a change.
fn tenant(change: &Value) -> TenantRecord {
    let mut record = json!({
        "id": "press", "name": "Press", "email": "press@example.com", "locale": "en-US", "currency": "EUR",
        "tags": {"Client": "P2"}, "terms": [{"markup": "10%"}], "days_until_due": 30, "link_version": 2,
        "rates": [
            {"rate": {"from": "USD", "to": "EUR", "rate": "0.90", "source": "ECB", "date": "2026-09-30"}},
            {"rate": {"from": "USD", "to": "EUR", "rate": "0.91", "source": "ECB", "date": "2026-10-30"}},
        ],
        "first_period": "2026-09",
    });
    for (key, value) in change.as_object().expect("fields") {
        record[key] = value.clone();
    }
    serde_json::from_value(record).expect("a tenant")
}

/// The edit made in November.
fn edit(change: &Value) -> Edit {
    let (deployed, month) = (tenant(&json!({})), month("2026-11"));
    Edit { written: tenant(change).following(&deployed, month), deployed, month }
}

fn invoice(of: &str, state: &str) -> InvoiceRecord {
    let stored = json!({
        "state": state, "revision": 1, "version": 1, "days_until_due": 30, "terms": {}, "stripe_items": [],
        "invoice": {
            "tenant": "press", "month": of, "currency": "EUR", "lines": [], "total": "1.00 EUR", "cost_usd": "1",
            "steps": [],
        },
    });
    billing::ledger::decode(&stored.to_string()).expect("an invoice of the first version")
}

#[test]
fn an_undated_edit_says_from_when_it_holds_and_reaches_nothing() {
    let edit = edit(&json!({"terms": [{"markup": "20%"}], "tags": {"Client": "P3"}}));
    assert_eq!(
        edit.notes(),
        ["terms change from 2026-11: `effective_from` gives them another month", "tag values change from 2026-11"]
    );
    assert_eq!(edit.described(&[]), None);
}

#[test]
fn an_edit_into_the_past_is_guarded_but_for_invoiced_months() {
    let dated = json!({"terms": [{"markup": "10%"}, {"markup": "20%", "effective_from": "2026-01"}]});
    let edit = edit(&dated);
    assert_eq!(edit.notes(), ["terms change from 2026-01"]);
    let both = "months that are over and not invoiced, which this bills otherwise: 2026-09 (terms), 2026-10 (terms)";
    assert_eq!(edit.described(&[]).as_deref(), Some(both));
    let one = "a month that is over and not invoiced, which this bills otherwise: 2026-10 (terms)";
    assert_eq!(edit.described(&[invoice("2026-09", "draft")]).as_deref(), Some(one));
    assert_eq!(edit.described(&[invoice("2026-09", "draft"), invoice("2026-10", "issued")]), None);
}

#[test]
fn a_link_version_never_goes_back() {
    assert!(edit(&json!({"link_version": 2})).refuse_older_links().is_ok());
    let refused = edit(&json!({"link_version": 1})).refuse_older_links().expect_err("it is older").message;
    assert!(refused.contains("press") && refused.contains("link_version 1, and 2 is deployed"), "{refused}");
}

#[test]
fn a_currency_that_was_invoiced_stays() {
    let edit = edit(&json!({"currency": "USD"}));
    assert!(edit.refuse_another_currency(&[]).is_ok(), "nothing was billed yet");
    let refused = edit.refuse_another_currency(&[invoice("2026-09", "draft")]).expect_err("it was billed").message;
    assert!(refused.contains("press is to pay in USD, and was billed in EUR for 2026-09"), "{refused}");
}

#[test]
fn another_first_or_last_month_is_guarded_where_it_reaches_a_month_that_is_over() {
    let one = |month: &str, what: &str| {
        Some(format!("a month that is over and not invoiced, which this bills otherwise: {month} ({what})"))
    };
    let earlier = edit(&json!({"first_period": "2026-08"}));
    assert_eq!(earlier.described(&[]), one("2026-08", "first month"));
    let later = edit(&json!({"first_period": "2026-10"}));
    assert_eq!(later.described(&[]), one("2026-09", "first month"));
    assert_eq!(
        later.described(&[invoice("2026-09", "draft")]),
        one("2026-09", "first month"),
        "its draft is forgotten"
    );
    assert_eq!(later.described(&[invoice("2026-09", "issued")]), None);
    let left = edit(&json!({"last_period": "2026-09"}));
    assert_eq!(left.described(&[]), one("2026-10", "last month"));
    assert_eq!(edit(&json!({"last_period": "2026-10"})).described(&[]), None, "nothing that is over is lost");
}

#[test]
fn another_currency_is_guarded_for_months_that_are_over() {
    let both =
        "months that are over and not invoiced, which this bills otherwise: 2026-09 (currency), 2026-10 (currency)";
    assert_eq!(edit(&json!({"currency": "USD"})).described(&[]).as_deref(), Some(both));
}
