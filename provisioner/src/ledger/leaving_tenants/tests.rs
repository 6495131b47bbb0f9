use std::collections::BTreeMap;

use billing::balance::{EntryKind, PositionId};
use billing::invoice::{Collection, Composed, InvoiceState, MonthTerms, PriceInput, price};
use billing::pricing::Terms;
use billing::{Currency, Money};
use jiff::Timestamp;

use super::*;

fn month(text: &str) -> Month {
    text.parse().expect("a month")
}

fn tenant(id: &str, first: Option<&str>) -> TenantRecord {
    TenantRecord {
        id: id.to_owned(),
        name: "Press".to_owned(),
        email: "press@example.com".to_owned(),
        locale: "en-US".to_owned(),
        currency: Currency::USD,
        tags: BTreeMap::from([("ClientOrganization".to_owned(), "Press".into())]),
        terms: vec![Terms::default()],
        rates: Vec::new(),
        stripe_customer: None,
        first_period: first.map(month),
        last_period: None,
        days_until_due: 30,
        link_version: 1,
        budget: None,
    }
}

fn invoice(of: &str, state: InvoiceState) -> InvoiceRecord {
    let none = BTreeMap::new();
    let tenant = tenant("press", None);
    let terms = MonthTerms::of(&tenant, month(of)).expect("terms");
    let input = PriceInput { tenant: &tenant, month: month(of), terms: &terms, services: &none, shared: None };
    let composed = Composed { invoice: price(&input).expect("an invoice"), drawn: Vec::new() };
    InvoiceRecord { state, ..InvoiceRecord::claimed(&tenant, terms, Collection::SendInvoice, composed) }
}

fn mark(of: &str) -> SyncMark {
    let month = month(of);
    let through = month.period().last_day();
    SyncMark { month, through, estimated: false, complete: true, synced_at: Timestamp::UNIX_EPOCH }
}

#[test]
fn months_are_open_until_their_invoice_is_done() {
    use InvoiceState::{Claimed, Complete, Credit, NothingDue, Open, Provisional};
    let marks = ["2026-05", "2026-06", "2026-07", "2026-08", "2026-09", "2026-10", "2026-11"].map(mark);
    let invoices = [
        invoice("2026-06", Credit),
        invoice("2026-07", Open),
        invoice("2026-08", NothingDue),
        invoice("2026-09", Complete),
        invoice("2026-10", Provisional),
        invoice("2026-11", Claimed),
    ];
    let open = |first| open_months(&tenant("press", first), &marks, &invoices);
    assert_eq!(
        open(None),
        ["2026-05", "2026-08", "2026-09", "2026-10", "2026-11"].map(month),
        "late cost may have come"
    );
    assert_eq!(
        open(Some("2026-08")),
        ["2026-08", "2026-09", "2026-10", "2026-11"].map(month),
        "earlier ones are not ours to bill"
    );
}

fn due(of: &str, cents: i64) -> Open {
    let total = Money::new(rust_decimal::Decimal::new(cents, 2), Currency::USD);
    Open { month: month(of), total: Some(total), begun: false }
}

#[test]
fn what_the_heir_is_billed_for_is_not_lost() {
    let unpriced = Open { total: None, ..due("2026-11", 0) };
    let account = Account { open: vec![due("2026-10", 12_550), unpriced], ..Account::default() };
    let all = "months that nobody was invoiced for: 2026-10 (125.50 USD), 2026-11";
    assert_eq!(described(&account, None).as_deref(), Some(all));
    assert_eq!(described(&account, Some(&tenant("new", None))), None);
    let heir = tenant("new", Some("2026-11"));
    let rest = "a month that nobody was invoiced for: 2026-10 (125.50 USD)";
    assert_eq!(described(&account, Some(&heir)).as_deref(), Some(rest));
    assert_eq!(described(&Account::default(), None), None);
}

#[test]
fn what_was_begun_for_one_and_what_one_is_owed_goes_to_no_heir() {
    let begun = Open { begun: true, ..due("2026-10", 12_550) };
    let left = |of: &str, cents| Position {
        id: PositionId { month: month(of), revision: 1, number: 0 },
        kind: EntryKind::Credit,
        text: String::new(),
        amount: Money::new(rust_decimal::Decimal::new(cents, 2), Currency::USD),
    };
    let positions = vec![left("2026-08", 3_100), left("2026-09", -5_000)];
    let told = described(&Account { open: vec![begun], positions, frees: None }, Some(&tenant("new", None)));
    assert_eq!(
        told.as_deref(),
        Some(
            "a month that nobody was invoiced for: 2026-10 (125.50 USD); \
             31.00 USD of 2026-08, restated, that no invoice took; \
             a credit of 50.00 USD from 2026-09 that no invoice took"
        )
    );
}

/// Its cost and invoices stay, and another company could be given the id.
#[test]
fn an_id_that_has_data_is_not_freed_without_a_word() {
    let press = tenant("press", None);
    let invoices = [invoice("2026-09", InvoiceState::Open)];
    assert_eq!(frees(&press, &[mark("2026-10"), mark("2026-08")], &invoices), Some(month("2026-10")));
    assert_eq!(frees(&press, &[], &invoices), Some(month("2026-09")));
    assert_eq!(frees(&press, &[], &[]), None, "an id that was never used");
    let leaver = TenantRecord { last_period: Some(month("2026-10")), ..press };
    assert_eq!(frees(&leaver, &[mark("2026-10")], &invoices), None, "what stays of it holds the id");

    let account = Account { frees: Some(month("2026-10")), ..Account::default() };
    let told = "cost and invoices, up to 2026-10, of an id that is free then: `last_period` would keep it";
    assert_eq!(described(&account, None).as_deref(), Some(told));
    assert_eq!(described(&account, Some(&tenant("new", None))), None, "an heir holds what it was");
}
