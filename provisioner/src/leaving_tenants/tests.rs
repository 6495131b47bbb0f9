use std::collections::BTreeMap;

use billing::invoice::Invoice;
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
        tags: BTreeMap::from([("ClientOrganization".to_owned(), "Press".to_owned())]),
        terms: vec![Terms::default()],
        exchange: None,
        stripe_customer: None,
        first_period: first.map(month),
        days_until_due: 30,
        link_version: 1,
    }
}

fn invoice(of: &str, state: InvoiceState) -> InvoiceRecord {
    let none = BTreeMap::new();
    let tenant = tenant("press", None);
    let input = PriceInput { tenant: &tenant, month: month(of), services: &none, credit: None };
    let invoice: Invoice = price(&input).expect("an invoice");
    InvoiceRecord {
        state,
        revision: 1,
        version: 1,
        lease: None,
        customer: None,
        stripe_invoice: None,
        stripe_items: Vec::new(),
        days_until_due: 30,
        terms: Terms::default(),
        invoice,
    }
}

fn mark(of: &str) -> SyncMark {
    let month = month(of);
    let through = month.period().last_day();
    SyncMark { month, through, estimated: false, complete: true, synced_at: Timestamp::UNIX_EPOCH }
}

#[test]
fn months_are_open_until_their_invoice_is_done() {
    use InvoiceState::{Claimed, Draft, Drafting, NothingDue};
    let marks = ["2026-07", "2026-08", "2026-09", "2026-10", "2026-11"].map(mark);
    let invoices = [
        invoice("2026-08", NothingDue),
        invoice("2026-09", Draft),
        invoice("2026-10", Drafting),
        invoice("2026-11", Claimed),
    ];
    let open = |first| open_months(&tenant("press", first), &marks, &invoices);
    assert_eq!(open(None), ["2026-07", "2026-10", "2026-11"].map(month));
    assert_eq!(open(Some("2026-08")), ["2026-10", "2026-11"].map(month), "earlier ones are not ours to bill");
}

#[test]
fn an_heir_must_begin_after_the_last_invoice() {
    let invoices = [invoice("2026-09", InvoiceState::Draft), invoice("2026-10", InvoiceState::Drafting)];
    // Of a month with nothing due nothing can come twice.
    let invoices = [&invoices[..], &[invoice("2026-11", InvoiceState::NothingDue)]].concat();
    let account = Account { last_billed: last_billed(&invoices), unbilled: Vec::new() };
    let check = |first| refuse_billing_twice(&tenant("old", None), &tenant("new", first), &account);
    for first in [None, Some("2026-09"), Some("2026-10")] {
        let failure = check(first).expect_err("would be billed twice");
        assert!(failure.message.contains("`old` was invoiced up to 2026-10"), "{failure:?}");
        assert!(format!("{failure:?}").contains("first_period: 2026-11"), "{failure:?}");
    }
    assert!(check(Some("2026-11")).is_ok());
    let nothing = Account::default();
    assert!(refuse_billing_twice(&tenant("old", None), &tenant("new", None), &nothing).is_ok(), "never billed");
}

#[test]
fn what_the_heir_is_billed_for_is_not_lost() {
    let due = |of: &str, cents| (month(of), Some(Money::new(rust_decimal::Decimal::new(cents, 2), Currency::USD)));
    let account = Account { last_billed: None, unbilled: vec![due("2026-10", 12_550), (month("2026-11"), None)] };
    let all = "months that nobody was invoiced for: 2026-10 (125.50 USD), 2026-11";
    assert_eq!(described(&account, None).as_deref(), Some(all));
    assert_eq!(described(&account, Some(&tenant("new", None))), None);
    let heir = tenant("new", Some("2026-11"));
    let rest = "a month that nobody was invoiced for: 2026-10 (125.50 USD)";
    assert_eq!(described(&account, Some(&heir)).as_deref(), Some(rest));
    assert_eq!(described(&Account::default(), None), None);
}
