use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::date;

use super::*;
use crate::balance::{Balance, EntryKind, Position, PositionId};
use crate::invoice::{Collection, Composed, MonthTerms, PriceInput};
use crate::ledger::CostAmount;
use crate::tenant::TenantRecord;

fn october() -> Month {
    Month::of(date(2026, 10, 1))
}

fn money(text: &str) -> Money {
    text.parse().expect("money")
}

fn day(cost: &str) -> CostDay {
    let amount = CostAmount { cost: cost.parse().expect("a decimal"), usage: Decimal::ONE };
    let services = [("AWS Lambda".to_owned(), amount)].into();
    CostDay { services, ..CostDay::nothing(date(2026, 10, 5), Timestamp::UNIX_EPOCH) }
}

/// A month of 100.00 dollars under a markup and a tiered fee, with a credit of 5.00 taken up.
fn invoiced() -> (InvoiceRecord, Vec<CostDay>) {
    let terms: Terms = serde_json::from_str(
        r#"{"markup":"10%","fee":{"tiers":[{"below":"50.00 USD","flat":"5.00 USD"},{"flat":"1.00 USD","percent":"2%"}]}}"#,
    )
    .expect("terms");
    let tenant = TenantRecord {
        id: "acme".to_owned(),
        name: "Acme".to_owned(),
        email: "billing@example.com".to_owned(),
        locale: "en-US".to_owned(),
        currency: Currency::USD,
        tags: BTreeMap::new(),
        terms: vec![terms],
        rates: Vec::new(),
        stripe_customer: Some("cus_1".to_owned()),
        first_period: None,
        last_period: None,
        days_until_due: 30,
        link_version: 1,
        budget: None,
    };
    let days = vec![day("100.00")];
    let terms = MonthTerms::of(&tenant, october()).expect("terms");
    let services = crate::ledger::cost_by_service(&days);
    let input = PriceInput { tenant: &tenant, month: october(), terms: &terms, services: &services, shared: None };
    let own = crate::invoice::price(&input).expect("an invoice");
    let mut balance = Balance::nothing(Currency::USD);
    balance.add(&Position {
        id: PositionId { month: october().previous().expect("September"), revision: 1, number: 0 },
        kind: EntryKind::Credit,
        text: "Credit from 2026-09".to_owned(),
        amount: money("-5.00 USD"),
    });
    let composed: Composed = crate::invoice::compose(own, &balance);
    (InvoiceRecord::claimed(&tenant, terms, Collection::SendInvoice, composed), days)
}

/// What an older version stored.
fn without_derivation(record: &InvoiceRecord) -> InvoiceRecord {
    let mut old = record.clone();
    old.invoice.steps.iter_mut().for_each(|step| step.derivation = None);
    old
}

fn unused() -> Result<Invoice, PriceError> {
    Err(PriceError::NoTerms { tenant: "acme".to_owned(), month: october() })
}

fn packed(record: &InvoiceRecord, days: &[CostDay]) -> Files {
    let mut files = compose(record, days, &unused()).expect("evidence");
    let manifest = manifest(record, &files).expect("a manifest");
    files.insert(MANIFEST.to_owned(), manifest);
    files
}

/// The files with another text in one of them, and a manifest that says so.
fn edited(files: &Files, record: &InvoiceRecord, name: &str, from: &str, to: &str) -> Files {
    let mut files = files.clone();
    files.remove(MANIFEST);
    let text = String::from_utf8(files[name].clone()).expect("text");
    assert!(text.contains(from), "{name} has no {from}: {text}");
    files.insert(name.to_owned(), text.replacen(from, to, 1).into());
    let manifest = manifest(record, &files).expect("a manifest");
    files.insert(MANIFEST.to_owned(), manifest);
    files
}

#[test]
fn every_step_says_what_it_was_calculated_from() {
    let (record, _) = invoiced();
    let steps = serde_json::to_value(&record.invoice.steps).expect("JSON");
    let derivations: Vec<&serde_json::Value> =
        steps.as_array().expect("steps").iter().map(|step| &step["derivation"]).collect();
    assert_eq!(
        serde_json::json!(derivations),
        serde_json::json!([
            { "formula": "cost", "services": { "AWS Lambda": "100.00" }, "rate": "1" },
            { "formula": "share", "percent": "10%", "base": "100.00 USD" },
            { "formula": "tier", "number": 2, "flat": "1.00 USD", "rate": "1", "percent": "2%", "base": "100.00 USD" },
            { "formula": "carried", "from": "2026-09.1.0" },
        ])
    );
    let text = serde_json::to_string(&record.invoice).expect("JSON");
    assert_eq!(serde_json::from_str::<Invoice>(&text).expect("an invoice"), record.invoice);
}

#[test]
fn evidence_says_the_same_for_the_same_invoice_and_holds() {
    let (record, days) = invoiced();
    let files = packed(&record, &days);
    assert_eq!(files, packed(&record.clone(), &days));
    let manifest = check(&files).expect("it holds");
    assert_eq!((manifest.total, manifest.files.len()), (money("108.00 USD"), 7));
    // When a day was read, and what only the next run needs, is no part of it.
    let read_later = CostDay { synced_at: "2026-12-01T00:00:00Z".parse().expect("a time"), ..days[0].clone() };
    let written_later = InvoiceRecord { version: 9, ..record };
    assert_eq!(packed(&written_later, &[read_later]), files);
}

#[test]
fn a_figure_that_does_not_follow_is_named() {
    let (record, days) = invoiced();
    let files = packed(&record, &days);
    for (name, from, to, told) in [
        (COSTS, "\"100.00\"", "\"100.01\"", "AWS Lambda: the days"),
        (TERMS, "\"10%\"", "\"11%\"", "the step `markup` is 10.00 USD (sum 110.00 USD), and comes to 11.00 USD"),
        (DERIVATION, "\"percent\": \"2%\"", "\"percent\": \"3%\"", "what the step `service fee` was calculated from"),
        (DERIVATION, "\"cost_usd\": \"100.00\"", "\"cost_usd\": \"99.00\"", "the cost is 99"),
        (DOCUMENT, "\"10.00 USD\"", "\"9.00 USD\"", "the list of lines"),
        (DOCUMENT, "\"total\": \"108.00 USD\"", "\"total\": \"1.00 USD\"", "the document's total is 1.00 USD"),
        (DOCUMENT, "\"amount\": \"-5.00 USD\"", "\"amount\": \"-6.00 USD\"", "the list of lines"),
    ] {
        let refused = check(&edited(&files, &record, name, from, to)).expect_err(name).to_string();
        assert!(refused.contains(told), "{name}, {from}: {refused}");
    }
}

#[test]
fn a_file_that_is_changed_missing_or_added_is_named() {
    let (record, days) = invoiced();
    let files = packed(&record, &days);
    let refused = |change: &dyn Fn(&mut Files)| {
        let mut files = files.clone();
        change(&mut files);
        check(&files).expect_err("it does not hold").to_string()
    };
    let changed = refused(&|files| files.get_mut(PAYMENTS).expect("it is there").push(b' '));
    assert!(changed.starts_with("payments.json is not as it was packed"), "{changed}");
    assert_eq!(refused(&|files| drop(files.remove("README.md"))), "README.md is missing");
    assert!(refused(&|files| drop(files.insert("more".to_owned(), Vec::new()))).contains("more is not among"));
    assert_eq!(refused(&|files| drop(files.remove(MANIFEST))), "manifest.json is missing");
    let other = refused(&|files| {
        let text = String::from_utf8(files[MANIFEST].clone()).expect("text").replace(FORMAT, "billform-evidence/2");
        files.insert(MANIFEST.to_owned(), text.into());
    });
    assert!(other.contains("billform-evidence/2"), "{other}");
}

/// AWS restated the month after its invoice: the difference is stated, and the invoice still follows.
#[test]
fn days_that_changed_since_are_stated_beside_what_was_priced() {
    let (record, _) = invoiced();
    let files = packed(&record, &[day("90.50"), day("12.00")]);
    let text = String::from_utf8(files[COSTS].clone()).expect("text");
    let costs: Costs = serde_json::from_str(&text).expect("costs");
    assert_eq!(costs.changed_since, [("AWS Lambda".to_owned(), Decimal::new(250, 2))].into());
    assert_eq!(check(&files).expect("it holds").total, money("108.00 USD"));
}

#[test]
fn an_invoice_of_an_older_version_is_derived_while_its_cost_is_as_it_was() {
    let (record, days) = invoiced();
    let old = without_derivation(&record);
    assert!(old.invoice.is_drawn_as(&record.invoice) && old.invoice != record.invoice);
    let mut own = record.invoice.clone();
    own.without_carried();
    assert_eq!(compose(&old, &days, &Ok(own.clone())), compose(&record, &days, &unused()));
    let mut changed = own;
    changed.total = money("114.00 USD");
    let refused = compose(&old, &days, &Ok(changed)).expect_err("it cannot be derived").to_string();
    assert!(refused.contains("it comes to 109.00 USD, the invoice to 108.00 USD"), "{refused}");
    assert_eq!(compose(&old, &days, &unused()), Err(NoEvidence::Unpriced(unused().expect_err("unpriced"))));
}
