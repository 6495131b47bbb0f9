use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;
use crate::balance::{Balance, EntryKind, Position, PositionId};
use crate::ledger::{CostAmount, CostClaim, CostDay, SyncMark, cost_by_service};
use crate::money::{MinorUnits, round};
use crate::pricing::Terms;
use crate::tenant::{HeldRate, TenantRecord};

mod shared;
mod standing;

fn october() -> Month {
    Month::of(date(2026, 10, 1))
}

fn decimal(text: &str) -> Decimal {
    Decimal::from_str_exact(text).expect("a decimal")
}

fn money(text: &str) -> Money {
    text.parse().expect("money")
}

/// Terms as a manifest writes them.
fn terms(json: &str) -> Terms {
    serde_json::from_str(json).expect("terms")
}

fn tenant(terms: Vec<Terms>) -> TenantRecord {
    TenantRecord {
        id: "mmp-toledo".to_owned(),
        name: "Minute Man Press Toledo".to_owned(),
        email: "billing@example.com".to_owned(),
        locale: "en-US".to_owned(),
        currency: Currency::USD,
        tags: BTreeMap::new(),
        terms,
        rates: Vec::new(),
        stripe_customer: Some("cus_1".to_owned()),
        first_period: None,
        last_period: None,
        days_until_due: 30,
        link_version: 1,
        budget: None,
    }
}

fn in_euros(mut tenant: TenantRecord, rate: &str) -> TenantRecord {
    tenant.currency = Currency::EUR;
    tenant.rates = vec![HeldRate::plain(ExchangeRate {
        from: Currency::USD,
        to: Currency::EUR,
        rate: decimal(rate),
        source: "ECB".to_owned(),
        date: date(2026, 10, 31),
    })];
    tenant
}

fn services(costs: &[(&str, &str)]) -> BTreeMap<String, Decimal> {
    costs.iter().map(|(name, cost)| ((*name).to_owned(), decimal(cost))).collect()
}

fn priced(tenant: &TenantRecord, costs: &[(&str, &str)]) -> Invoice {
    let services = services(costs);
    try_price(tenant, october(), &services).expect("an invoice")
}

fn try_price(tenant: &TenantRecord, month: Month, services: &BTreeMap<String, Decimal>) -> Result<Invoice, PriceError> {
    let terms = MonthTerms::of(tenant, month)?;
    price(&PriceInput { tenant, month, terms: &terms, services, shared: None })
}

/// The total of a one-tenant month of this cost under these terms.
fn total(json: &str, cost: &str) -> Money {
    priced(&tenant(vec![terms(json)]), &[("AWS Lambda", cost)]).total
}

const PORTAL: &[(&str, &str)] = &[("Amazon S3", "85.30"), ("AWS Lambda", "40.20")];
const PORTAL_TIERS: &str = r#"{"fee":{"tiers":[
    {"below":"50.00 USD","flat":"5.00 USD"},
    {"below":"200.00 USD","flat":"10.00 USD"},
    {"percent":"5%"}]}}"#;
const HONIGWABE: &[(&str, &str)] = &[("a", "5.23"), ("b", "2.15"), ("c", "8.47"), ("d", "1.89")];

#[test]
fn portal_at_cost_bills_one_line_for_each_service() {
    let invoice = priced(&tenant(vec![Terms::default()]), PORTAL);
    assert_eq!(invoice.total, money("125.50 USD"));
    let lines: Vec<_> = invoice.lines.iter().map(|line| (line.description.as_str(), line.amount)).collect();
    assert_eq!(lines, [("AWS Lambda", money("40.20 USD")), ("Amazon S3", money("85.30 USD"))]);
}

#[test]
fn portal_with_a_flat_fee_a_markup_and_tiers() {
    assert_eq!(total(r#"{"fee":{"flat":"10.00 USD"}}"#, "125.50"), money("135.50 USD"));
    assert_eq!(total(r#"{"markup":"10%"}"#, "125.50"), money("138.05 USD"));
    assert_eq!(total(PORTAL_TIERS, "125.50"), money("135.50 USD"));
}

#[test]
fn portal_tiers_at_their_edges() {
    for (cost, fee) in [
        ("0.01", "5.00"),
        ("49.99", "5.00"),
        ("50.00", "10.00"),
        ("199.99", "10.00"),
        ("200.00", "10.00"),
        ("300.00", "15.00"),
    ] {
        let owed = total(PORTAL_TIERS, cost).amount - decimal(cost);
        assert_eq!(owed, decimal(fee), "at {cost}");
    }
}

#[test]
fn portal_passes_the_card_fee_on_or_absorbs_it() {
    let passed_on = r#"{"card_fee":{"percent":"2.9%","fixed":"0.30 USD"}}"#;
    assert_eq!(total(passed_on, "100.00"), money("103.20 USD"));
    assert_eq!(total("{}", "100.00"), money("100.00 USD"));
    assert_eq!(total(passed_on, "0.00"), money("0.00 USD"));
}

#[test]
fn a_payment_fee_that_is_passed_on_is_a_line_of_its_own() {
    let fee = |mode: &str| format!(r#"{{"payment_fee":{{"mode":"{mode}","percent":"2.9%","fixed":"0.30 USD"}}}}"#);
    let invoice = priced(&tenant(vec![terms(&fee("pass-through"))]), &[("AWS Lambda", "100.00")]);
    let line = invoice.lines.last().expect("a line");
    assert_eq!((line.rule, line.amount), (Rule::CardFee, money("3.20 USD")));
    assert_eq!(total(&fee("absorb"), "100.00"), money("100.00 USD"));
}

#[test]
fn honigwabe_adds_a_base_fee_to_costs_converted_as_a_total() {
    let base = || vec![terms(r#"{"base_fee":"20.00 EUR"}"#)];
    let at_par = priced(&in_euros(tenant(base()), "1"), HONIGWABE);
    assert_eq!(at_par.total, money("37.74 EUR"));

    let converted = priced(&in_euros(tenant(base()), "0.90"), HONIGWABE);
    assert_eq!(converted.total, money("35.97 EUR"));
    let cost: Decimal = converted.lines[1..].iter().map(|l| l.amount.amount).sum();
    assert_eq!(cost, decimal("15.97"));
    let note = converted.exchange_note().expect("a note");
    assert_eq!(note, "AWS cost of 17.74 USD converted at 0.9 EUR per USD (ECB, 2026-10-31).");
}

#[test]
fn included_usage_covers_marked_up_cost_and_no_fee() {
    let pro = r#"{"base_fee":"29.00 USD","markup":"100%","allowance":"10.00 USD"}"#;
    assert_eq!(total(pro, "7.50"), money("34.00 USD"));
    assert_eq!(total(pro, "4.00"), money("29.00 USD"));
}

#[test]
fn a_discount_is_taken_off_the_lines_as_shown() {
    let costs = [("vcpu", "312.625"), ("egress", "4.068"), ("other", "51.277")];
    let invoice = priced(&tenant(vec![terms(r#"{"discount":"10%"}"#)]), &costs);
    assert_eq!(invoice.total, money("331.17 USD"));
}

#[test]
fn the_minimum_lifts_and_tax_comes_last() {
    let both = r#"{"minimum":"5.00 USD","tax":"19%"}"#;
    assert_eq!(total(both, "1.00"), money("5.95 USD"));
    assert_eq!(total(both, "10.00"), money("11.90 USD"));
}

#[test]
fn refunds_beyond_the_cost_become_credit_and_are_carried() {
    let tenant = tenant(vec![terms(r#"{"minimum":"5.00 USD"}"#)]);
    let refunded = priced(&tenant, &[("AWS Lambda", "-12.00")]);
    let Settlement::Credit(credit) = refunded.settlement() else {
        panic!("owed to the tenant: {:?}", refunded.total);
    };
    assert_eq!(credit, money("12.00 USD"));

    let mut balance = Balance::nothing(Currency::USD);
    balance.add(&left(october(), EntryKind::Credit, "-12.00 USD"));
    let next = try_price(&tenant, october().next().expect("a month"), &services(PORTAL)).expect("an invoice");
    let composed = compose(next, &balance);
    assert_eq!(composed.invoice.total, money("113.50 USD"));
    assert_eq!(composed.invoice.lines.last().map(|line| line.rule), Some(Rule::Credit));
    assert_eq!(composed.invoice.steps.last().map(|step| step.running), Some(composed.invoice.total));
    assert_eq!(composed.drawn, balance.open);
}

fn left(month: Month, kind: EntryKind, amount: &str) -> Position {
    let id = PositionId { month, revision: 1, number: 0 };
    Position { id, kind, text: format!("left by {month}"), amount: money(amount) }
}

/// Stripe takes 250 lines of all kinds: the smallest services fold into one, and the total stays.
#[test]
fn a_month_of_more_services_than_stripe_takes_folds_the_smallest() {
    let costs: BTreeMap<String, Decimal> =
        (1..=260_i64).map(|n| (format!("service {n:03}"), Decimal::new(n, 2))).collect();
    let tenant = tenant(vec![terms(r#"{"base_fee":"20.00 USD","markup":"10%"}"#)]);
    let own = try_price(&tenant, october(), &costs).expect("an invoice");
    let total = own.total;
    let invoice = compose(own, &Balance::nothing(Currency::USD)).invoice;
    assert_eq!((invoice.lines.len(), invoice.total), (LINES_AT_MOST, total));
    let sum: Decimal = invoice.lines.iter().map(|line| line.amount.amount).sum();
    assert_eq!(sum, total.amount);
    let other = invoice.lines.iter().find(|line| line.description == "Other services").expect("a folded line");
    // 247 of 260 services keep a line of their own.
    assert_eq!(other.amount, Money::new(Decimal::new((1..=13).sum(), 2), Currency::USD));
    assert_eq!(invoice.lines.last().map(|line| line.rule), Some(Rule::Markup));
}

#[test]
fn a_month_of_nothing_settles_nothing() {
    let invoice = priced(&tenant(vec![Terms::default()]), &[("tiny", "0.0049")]);
    assert_eq!(invoice.settlement(), Settlement::Nothing);
    assert!(invoice.lines.is_empty());
}

#[test]
fn dated_terms_hold_from_their_month_on() {
    let early = terms(r#"{"markup":"10%"}"#);
    let late = terms(r#"{"markup":"20%","effective_from":"2026-11"}"#);
    let both = tenant(vec![early, late.clone()]);
    assert_eq!(priced(&both, PORTAL).total, money("138.05 USD"));
    let unpriced = try_price(&tenant(vec![late]), october(), &services(PORTAL));
    assert!(matches!(unpriced, Err(PriceError::NoTerms { .. })));
}

#[test]
fn currencies_never_mix_without_a_rate() {
    let mut euros = in_euros(tenant(vec![Terms::default()]), "0.9");
    euros.rates = Vec::new();
    let services = services(PORTAL);
    let price = |tenant| try_price(tenant, october(), &services);
    assert!(matches!(price(&euros), Err(PriceError::NoRate { .. })));
    let fee = tenant(vec![terms(r#"{"base_fee":"20.00 EUR"}"#)]);
    assert!(matches!(price(&fee), Err(PriceError::NoRate { .. })));
}

#[test]
fn a_charge_below_stripes_minimum_is_told_and_no_credit_is() {
    let tenant = tenant(vec![Terms::default()]);
    let least = |cost| priced(&tenant, &[("AWS Lambda", cost)]).below_minimum_charge();
    assert_eq!(least("0.49"), Some(money("0.50 USD")));
    assert_eq!((least("0.50"), least("0.00"), least("-0.10")), (None, None, None));
}

#[test]
fn an_invoice_explains_itself() {
    let invoice = priced(&tenant(vec![terms(r#"{"markup":"10%"}"#)]), PORTAL);
    assert_eq!(
        invoice.explain(),
        [
            "AWS cost: 2 services at cost -> 125.50 USD, sum 125.50 USD",
            "markup: 10% of 125.50 USD -> 12.55 USD, sum 138.05 USD",
            "total: 138.05 USD",
        ]
    );
}

fn any_terms() -> impl Strategy<Value = Terms> {
    let percent = || proptest::option::of((0_i64..3000).prop_map(|p| crate::Percent::new(Decimal::new(p, 2))));
    let amount = || proptest::option::of((0_i64..10_000).prop_map(|c| Money::new(Decimal::new(c, 2), Currency::EUR)));
    (amount(), percent(), amount(), percent(), amount(), percent()).prop_map(
        |(base_fee, markup, allowance, discount, minimum, tax)| Terms {
            base_fee,
            markup,
            allowance,
            discount,
            minimum,
            tax,
            ..Terms::default()
        },
    )
}

proptest! {
    #[test]
    fn lines_sum_to_the_total_and_each_cost_line_is_within_a_cent_of_its_share(
        terms in any_terms(),
        costs in proptest::collection::btree_map("[a-z]{1,6}", -1_000_000_i64..100_000_000, 0..20),
        rate in 1_i64..20_000,
    ) {
        let rate = Decimal::new(rate, 4);
        let tenant = in_euros(tenant(vec![terms]), &rate.to_string());
        let services: BTreeMap<String, Decimal> =
            costs.into_iter().map(|(name, units)| (name, Decimal::new(units, 6))).collect();
        let invoice = try_price(&tenant, october(), &services).expect("an invoice");

        let sum: Decimal = invoice.lines.iter().map(|line| line.amount.amount).sum();
        prop_assert_eq!(sum, invoice.total.amount);
        prop_assert_eq!(round(sum, 2), sum);
        let lines: BTreeMap<&str, Decimal> = invoice.lines.iter()
            .filter(|line| line.rule == Rule::Cost)
            .map(|line| (line.description.as_str(), line.amount.amount))
            .collect();
        for (service, cost) in &services {
            let billed = lines.get(service.as_str()).copied().unwrap_or_default();
            prop_assert!((billed - cost * rate).abs() < Decimal::new(1, 2));
        }
        let billed: Decimal = lines.values().sum();
        prop_assert_eq!(billed, round(services.values().sum::<Decimal>() * rate, 2));
        // Each step starts where the one before it ended.
        let steps: Decimal = invoice.steps.iter().map(|step| step.amount.amount).sum();
        prop_assert_eq!(steps, invoice.total.amount);
    }
}

proptest! {
    /// In every shape of currency Stripe takes each line, and the lines as sent sum to the total as sent.
    #[test]
    fn every_line_is_a_step_of_its_currency_and_the_lines_sum(
        code in proptest::sample::select(vec!["USD", "JPY", "KWD", "ISK", "UGX", "MGA", "HUF"]),
        markup in 0_i64..3000,
        tax in 0_i64..3000,
        costs in proptest::collection::btree_map("[a-z]{1,6}", -1_000_000_i64..100_000_000, 0..12),
        rate in 1_i64..50_000_000,
    ) {
        let currency: Currency = code.parse().expect("a currency");
        let percent = |hundredths| Some(crate::Percent::new(Decimal::new(hundredths, 2)));
        let terms = Terms { markup: percent(markup), tax: percent(tax), ..Terms::default() };
        let mut tenant = in_euros(tenant(vec![terms]), &Decimal::new(rate, 4).to_string());
        tenant.currency = currency;
        if currency == Currency::USD {
            tenant.rates = Vec::new();
        } else {
            tenant.rates[0].rate.to = currency;
        }
        let services: BTreeMap<String, Decimal> =
            costs.into_iter().map(|(name, units)| (name, Decimal::new(units, 6))).collect();
        let invoice = try_price(&tenant, october(), &services).expect("an invoice");
        let units = |money: Money| money.minor_units().expect("it fits").0;
        for line in &invoice.lines {
            prop_assert_eq!(units(line.amount) % currency.stripe_step(), 0);
            prop_assert_eq!(line.amount.rounded(), line.amount);
        }
        let sum: i64 = invoice.lines.iter().map(|line| units(line.amount)).sum();
        prop_assert_eq!(sum, units(invoice.total));
    }
}
