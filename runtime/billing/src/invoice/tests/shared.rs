//! Cost of no tenant that is shared out: a line of its own, and when it is known.

use super::standing::{RULES, day_of, facts, october_mark};
use super::*;
use crate::names::UNALLOCATED;
use crate::sharing::{RecordPolicy, RecordType, Sharing, Unallocated};

const READ: &str = "2026-11-20T06:00:00Z";

fn tagged(cost: &str, records: &[(RecordType, &str)]) -> Tagged {
    let records = records.iter().map(|(kind, cost)| (*kind, decimal(cost))).collect();
    Tagged { cost: decimal(cost), records }
}

/// A month in which `mmp-toledo` and two others have this cost of their own, and 16.85 is no tenant's.
fn costs(own: [&str; 3], marks: &[(&str, Option<SyncMark>)]) -> MonthCosts {
    let ids = ["mmp-toledo", "shop", "studio"];
    MonthCosts {
        month: october(),
        tenants: ids.into_iter().zip(own).map(|(id, own)| (id.to_owned(), tagged(own, &[]))).collect(),
        unallocated: tagged("16.85", &[]),
        marks: marks.iter().map(|(id, mark)| ((*id).to_owned(), mark.clone())).collect(),
    }
}

fn shared(way: &str) -> TenantRecord {
    tenant(vec![terms(&format!(r#"{{"markup":"10%","sharing":{{"unallocated":"{way}"}}}}"#))])
}

fn assessed(tenant: &TenantRecord, costs: Option<&MonthCosts>) -> Assessment {
    let (mark, days) = (october_mark(READ), [day_of(4020)]);
    let facts = MonthFacts { shared: costs, ..facts(tenant, Some(&mark), &days) };
    assess(&facts, RULES, date(2026, 11, 27))
}

fn told(invoice: &Invoice) -> Vec<String> {
    invoice.lines.iter().map(|line| format!("{} {}", line.description, line.amount)).collect()
}

#[test]
fn a_part_of_shared_cost_is_a_line_of_its_own_that_the_terms_treat_as_cost() {
    let known = costs(["40.20", "80.40", "0"], &[(UNALLOCATED, Some(october_mark(READ)))]);
    let even = assessed(&shared("even"), Some(&known));
    let invoice = even.own.expect("priced");
    assert_eq!(
        told(&invoice),
        ["AWS Lambda 40.20 USD", "Shared cost 5.62 USD", "Service markup 10% on AWS cost 4.58 USD"]
    );
    assert_eq!((invoice.total, invoice.cost_usd), (money("50.40 USD"), decimal("45.82")));
    let explained = invoice.explain().concat();
    let text = "5.62 USD of it Shared cost: an even part of 16.85 USD that no tenant's tags claim, among 3 tenants";
    assert!(explained.contains(text), "{explained}");
    assert_eq!(even.standing, Standing::Complete);

    let weighed = assessed(&shared("proportional"), Some(&known)).own.expect("priced");
    assert_eq!(told(&weighed)[1], "Shared cost 5.62 USD", "a third of what is no tenant's");
    assert_eq!(told(&assessed(&shared("operator"), Some(&known)).own.expect("priced")).len(), 2);
    // Nobody has cost of their own: the operator bears it.
    let idle = costs(["0", "0", "0"], &[(UNALLOCATED, Some(october_mark(READ)))]);
    assert_eq!(told(&assessed(&shared("proportional"), Some(&idle)).own.expect("priced")).len(), 2);
}

#[test]
fn every_part_together_is_what_is_no_tenants() {
    let known = costs(["40.20", "7.77", "0.01"], &[]);
    for way in ["even", "proportional"] {
        let sharing = shared(way).terms[0].sharing.clone();
        let parts = known.parts(&sharing);
        assert_eq!(parts.values().sum::<Decimal>(), decimal("16.85"), "{way}: {parts:?}");
        assert_eq!(known.part_of("shop", &sharing).map(|part| part.amount), parts.get("shop").copied());
        assert_eq!(known.part_of("elsewhere", &sharing), None, "the month is not theirs");
    }
}

#[test]
fn shared_cost_waits_for_what_it_is_made_of() {
    let tenant = shared("proportional");
    let waits = |costs: Option<&MonthCosts>| assessed(&tenant, costs).standing;
    let read = || Some(october_mark(READ));
    assert!(matches!(waits(None), Standing::Waiting(NotReady::SharedIncomplete { .. })));
    let complete = costs(["1", "2", "3"], &[(UNALLOCATED, read()), ("shop", read())]);
    assert_eq!(waits(Some(&complete)), Standing::Complete);
    let torn = costs(["1", "2", "3"], &[(UNALLOCATED, read()), ("shop", None)]);
    let reason = NotReady::SharedIncomplete { month: october(), tenant: "cost of shop".to_owned() };
    assert_eq!(waits(Some(&torn)), Standing::Waiting(reason));
    let early = costs(["1", "2", "3"], &[(UNALLOCATED, Some(october_mark("2026-11-02T06:00:00Z"))), ("shop", read())]);
    let reason = NotReady::SharedNotFinal { month: october(), tenant: "cost of no tenant".to_owned() };
    assert_eq!(waits(Some(&early)), Standing::Provisional(reason));
    // Nothing is shared: it does not matter.
    assert_eq!(assessed(&shared("operator"), None).standing, Standing::Complete);
}

/// What was claimed is priced on as it was, whatever is shared by now.
#[test]
fn a_claimed_month_shares_as_it_did() {
    let known = costs(["40.20", "80.40", "0"], &[(UNALLOCATED, Some(october_mark(READ)))]);
    let before = shared("even");
    let composed = assessed(&before, Some(&known)).composed.expect("priced");
    let terms = MonthTerms::of(&before, october()).expect("terms");
    let record = InvoiceRecord::claimed(&before, terms, Collection::SendInvoice, composed.clone());
    let (mark, days, now) = (october_mark(READ), [day_of(4020)], shared("operator"));
    let facts = MonthFacts { shared: Some(&known), record: Some(&record), ..facts(&now, Some(&mark), &days) };
    assert_eq!(assess(&facts, RULES, date(2026, 11, 27)).composed, Ok(composed));
}

/// 100.00 of usage and a credit of 30.00 carry the press's tags, 40.00 the shop's, and 9.00 of tax carry none.
fn with_records() -> MonthCosts {
    let tenants = [
        ("mmp-toledo".to_owned(), tagged("70", &[(RecordType::Credit, "-30")])),
        ("shop".to_owned(), tagged("40", &[])),
    ];
    let unallocated = tagged("9", &[(RecordType::Tax, "9")]);
    MonthCosts { month: october(), tenants: tenants.into(), unallocated, marks: BTreeMap::new() }
}

#[test]
fn record_types_are_borne_as_their_policies_say_and_nothing_is_lost() {
    use RecordPolicy::{AsTagged, Even, Operator, Proportional};
    let known = with_records();
    let bill = decimal("119");
    for (unallocated, credit, tax, expected) in [
        (Unallocated::Operator, AsTagged, AsTagged, ["70", "40", "9"]),
        (Unallocated::Even, AsTagged, AsTagged, ["74.5", "44.5", "0"]),
        // The operator keeps the credit, and the tax.
        (Unallocated::Even, Operator, Operator, ["100", "40", "-21"]),
        (Unallocated::Operator, Even, Operator, ["85", "25", "9"]),
        // 9.00 by 100 to 40.
        (Unallocated::Operator, Operator, Proportional, ["106.43", "42.57", "-30"]),
        // The credit by 100 to 40, the tax evenly.
        (Unallocated::Operator, Proportional, Even, ["83.07", "35.93", "0"]),
    ] {
        let sharing = Sharing::new(unallocated, [(RecordType::Credit, credit), (RecordType::Tax, tax)]);
        let parts = known.parts(&sharing);
        let borne = |id: &str| known.tenants[id].as_tagged(&sharing) + parts.get(id).copied().unwrap_or_default();
        let operators = known.unclaimed(&sharing) - parts.values().sum::<Decimal>();
        let found = [borne("mmp-toledo"), borne("shop"), operators];
        assert_eq!(found, expected.map(decimal), "{sharing:?}");
        assert_eq!(found.iter().sum::<Decimal>(), bill);
        let part = known.part_of("shop", &sharing).map(|part| part.amount);
        assert_eq!(part, parts.get("shop").copied(), "one path");
    }
}

#[test]
fn an_invoice_leaves_out_what_is_not_borne_as_tagged_and_says_what_is_shared() {
    let mut day = day_of(10_000);
    let credit = CostAmount { cost: decimal("-30"), usage: Decimal::ZERO };
    day.services.insert("Credit".to_owned(), credit);
    day.records.insert(RecordType::Credit, credit);
    let known = with_records();
    let assessed = |sharing: &str| {
        let tenant = tenant(vec![terms(&format!(r#"{{"sharing":{sharing}}}"#))]);
        let (mark, days) = (october_mark(READ), [day.clone()]);
        let facts = MonthFacts { shared: Some(&known), ..facts(&tenant, Some(&mark), &days) };
        assess(&facts, RULES, date(2026, 11, 27)).own.expect("priced")
    };
    assert_eq!(told(&assessed("{}")), ["AWS Lambda 100.00 USD", "Credit -30.00 USD"]);
    assert_eq!(told(&assessed(r#"{"records":{"credit":"operator"}}"#)), ["AWS Lambda 100.00 USD"]);
    let even = assessed(r#"{"records":{"credit":"even","tax":"operator"}}"#);
    assert_eq!(told(&even), ["AWS Lambda 100.00 USD", "Shared cost -15.00 USD"]);
    let explained = even.explain().concat();
    assert!(explained.contains("an even part of -30.00 USD of credit, among 2 tenants"), "{explained}");
}
