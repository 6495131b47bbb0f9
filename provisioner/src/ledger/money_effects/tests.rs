use billing::ledger::{CostAmount, MemoryLedger, Record, Stored};
use futures::executor::block_on;
use jiff::civil::date;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::*;

const TODAY: Date = date(2026, 11, 20);

/// A tenant who pays so much more than their cost since September, with a change.
fn tenant(id: &str, change: &Value) -> TenantRecord {
    let mut record = json!({
        "id": id, "name": id, "email": "a@example.com", "locale": "en-US", "currency": "USD", "tags": {"Client": id},
        "terms": [{"markup": "10%"}], "days_until_due": 30, "link_version": 1, "first_period": "2026-09",
    });
    for (key, value) in change.as_object().expect("fields") {
        record[key] = value.clone();
    }
    serde_json::from_value(record).expect("a tenant")
}

fn put<T: Record>(ledger: &MemoryLedger, id: &str, record: &T) {
    ledger.set(Stored::of(id, record).expect("an item"));
}

/// Each tenant's 100.00 of each month from August on, and 20.00 of `Print` and 5.00 of no value that are no tenant's.
fn ledger(tenants: &[TenantRecord]) -> MemoryLedger {
    let ledger = MemoryLedger::default();
    let synced_at = "2026-11-15T06:00:00Z".parse().expect("an instant");
    let amount = |dollars: i64| CostAmount { cost: dollars.into(), usage: Decimal::ONE };
    for month in closed(Month::of(TODAY)) {
        let (first, through) = (month.period().start(), month.period().last_day());
        let mark = SyncMark { month, through, estimated: false, complete: true, synced_at };
        let mut day = CostDay::nothing(first, synced_at);
        day.services.insert("AWS Lambda".to_owned(), amount(100));
        for tenant in tenants {
            put(&ledger, &tenant.id, &mark);
            put(&ledger, &tenant.id, &day);
        }
        day.services.insert("AWS Lambda".to_owned(), amount(25));
        day.values = [("Print".to_owned(), amount(20)), (String::new(), amount(5))].into();
        put(&ledger, UNALLOCATED, &mark);
        put(&ledger, UNALLOCATED, &day);
    }
    tenants.iter().for_each(|tenant| put(&ledger, &tenant.id, tenant));
    ledger
}

fn effects(deployed: &[TenantRecord], wanted: &[TenantRecord]) -> MoneyEffects {
    let reader = LedgerReader::over(ledger(deployed), "memory");
    block_on(MoneyEffects::load(&reader, wanted, "Client", TODAY)).expect("effects")
}

/// `acme 2026-09 110.00 USD -> 112.00 USD (terms)`.
fn told(effects: &MoneyEffects) -> Vec<String> {
    let shown = |money: Option<Money>| money.map_or_else(|| "none".to_owned(), |money| money.to_string());
    let one = |effect: &MonthEffect| {
        let MonthEffect { tenant, period, before, after, reason } = effect;
        format!("{tenant} {period} {} -> {} ({reason})", shown(*before), shown(*after))
    };
    effects.months.iter().map(one).collect()
}

#[test]
fn a_price_is_told_for_the_closed_months_that_are_billed() {
    let (acme, beta) = (tenant("acme", &json!({})), tenant("beta", &json!({})));
    let dearer = tenant("acme", &json!({"terms": [{"markup": "12%"}]}));
    let both = ["acme 2026-09 110.00 USD -> 112.00 USD (terms)", "acme 2026-10 110.00 USD -> 112.00 USD (terms)"];
    let found = effects(&[acme.clone(), beta.clone()], &[dearer, beta.clone()]);
    assert_eq!((told(&found), found.notes.len()), (both.map(str::to_owned).to_vec(), 0));
    assert_eq!(found.months[0].delta(), Some("2.00 USD".parse().expect("money")));
    // What is dated later would have been told, too: it is what comes.
    let terms = json!({"terms": [{"markup": "10%"}, {"markup": "12%", "effective_from": "2027-01"}]});
    assert_eq!(told(&effects(&[acme.clone(), beta.clone()], &[tenant("acme", &terms)])), both);
    let renamed = tenant("acme", &json!({"name": "Acme Ltd", "link_version": 2}));
    assert_eq!(
        effects(std::slice::from_ref(&acme), &[renamed, acme.clone()]),
        MoneyEffects::default(),
        "it decides no amount"
    );
}

#[test]
fn a_month_that_is_billed_no_more_or_for_the_first_time_is_told() {
    let acme = tenant("acme", &json!({}));
    let found = effects(std::slice::from_ref(&acme), &[tenant("acme", &json!({"first_period": "2026-08"}))]);
    assert_eq!(told(&found), ["acme 2026-08 0.00 USD -> 110.00 USD (first month)"]);
    let found = effects(std::slice::from_ref(&acme), &[tenant("acme", &json!({"last_period": "2026-09"}))]);
    assert_eq!(told(&found), ["acme 2026-10 110.00 USD -> 0.00 USD (last month)"]);
    let young = tenant("acme", &json!({"first_period": "2026-11"}));
    let found = effects(&[young], &[tenant("acme", &json!({"first_period": "2026-11", "terms": [{}]}))]);
    assert_eq!(found.notes, ["acme: no month that is billed is over, so no effect on amounts can be told."]);
}

#[test]
fn other_tag_values_bring_what_the_ledger_has_of_them() {
    let acme = tenant("acme", &json!({}));
    let values = |values: Value| tenant("acme", &json!({"first_period": "2026-10", "tags": {"Client": values}}));
    let deployed = tenant("acme", &json!({"first_period": "2026-10"}));
    let added = effects(std::slice::from_ref(&deployed), &[values(json!([{"value": "acme"}, {"value": "Print"}]))]);
    assert_eq!(told(&added), ["acme 2026-10 110.00 USD -> 132.00 USD (tag values)"]);
    let replaced = effects(std::slice::from_ref(&deployed), &[values(json!("Print"))]);
    assert_eq!(told(&replaced), ["acme 2026-10 110.00 USD -> 22.00 USD (tag values)"]);
    let mistyped = effects(std::slice::from_ref(&deployed), &[values(json!("acmee"))]);
    assert_eq!(told(&mistyped), ["acme 2026-10 110.00 USD -> 0.00 USD (tag values)"]);
    // Part of what the tenant has cannot be told from the rest.
    let beta = tenant("beta", &json!({}));
    let taken = effects(&[deployed, beta], &[values(json!([{"value": "acme"}, {"value": "beta"}]))]);
    assert_eq!(told(&taken), [""; 0]);
    assert!(taken.untold[0].starts_with("acme: what cost other tag values bring is known"), "{:?}", taken.untold);
    assert_eq!(told(&effects(std::slice::from_ref(&acme), std::slice::from_ref(&acme))), [""; 0]);
}

/// Cost of no tenant is 25.00; and after its last month the leaver's 100.00 are no tenant's either.
#[test]
fn a_tenant_whose_share_changes_by_anothers_edit_is_told() {
    let even = json!([{"markup": "10%", "sharing": {"unallocated": "even"}}]);
    let both = ["acme", "beta"].map(|id| tenant(id, &json!({"terms": even, "first_period": "2026-10"})));
    let leaves = tenant("beta", &json!({"terms": even, "first_period": "2026-10", "last_period": "2026-09"}));
    let found = effects(&both, &[leaves]);
    assert_eq!(
        told(&found),
        ["acme 2026-10 123.75 USD -> 247.50 USD (shared cost)", "beta 2026-10 123.75 USD -> 0.00 USD (last month)",]
    );
}

#[test]
fn what_was_not_read_whole_and_who_is_new_are_noted() {
    let acme = tenant("acme", &json!({}));
    let ledger = ledger(&[acme]);
    let october: Month = "2026-10".parse().expect("a month");
    ledger.remove(&billing::ledger::Key::new("acme", billing::ledger::sync_key(october)));
    let reader = LedgerReader::over(ledger, "memory");
    let wanted = [tenant("acme", &json!({"terms": [{}]})), tenant("beta", &json!({"first_period": "2026-10"}))];
    let found = block_on(MoneyEffects::load(&reader, &wanted, "Client", TODAY)).expect("effects");
    assert_eq!(told(&found), ["acme 2026-09 110.00 USD -> 100.00 USD (terms)"]);
    let is_new =
        "beta is new and billed from 2026-10 on: what its closed months come to is known after the next cost sync.";
    assert_eq!(found.untold, [is_new]);
    assert_eq!(found.notes, ["2026-10: the cost of acme was not read whole, so no effect on it can be told."]);
}
