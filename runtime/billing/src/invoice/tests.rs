use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;
use crate::ledger::{CostAmount, CostClaim, CostDay, SyncMark};
use crate::money::round;
use crate::pricing::Terms;
use crate::tenant::TenantRecord;

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
        exchange: None,
        stripe_customer: Some("cus_1".to_owned()),
        first_period: None,
        days_until_due: 30,
        link_version: 1,
    }
}

fn in_euros(mut tenant: TenantRecord, rate: &str) -> TenantRecord {
    tenant.currency = Currency::EUR;
    tenant.exchange = Some(ExchangeRate {
        from: Currency::USD,
        to: Currency::EUR,
        rate: decimal(rate),
        source: "ECB".to_owned(),
        date: date(2026, 10, 31),
    });
    tenant
}

fn services(costs: &[(&str, &str)]) -> BTreeMap<String, Decimal> {
    costs.iter().map(|(name, cost)| ((*name).to_owned(), decimal(cost))).collect()
}

fn priced(tenant: &TenantRecord, costs: &[(&str, &str)]) -> Invoice {
    let services = services(costs);
    let input = PriceInput { tenant, month: october(), services: &services, credit: None };
    price(&input).expect("an invoice")
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

    let services = services(PORTAL);
    let next = price(&PriceInput {
        tenant: &tenant,
        month: october().next().expect("a month"),
        services: &services,
        credit: Some(credit),
    });
    assert_eq!(next.expect("an invoice").total, money("113.50 USD"));
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
    let services = services(PORTAL);
    let input = PriceInput { tenant: &tenant(vec![late]), month: october(), services: &services, credit: None };
    assert!(matches!(price(&input), Err(PriceError::NoTerms { .. })));
}

#[test]
fn currencies_never_mix_without_a_rate() {
    let mut euros = in_euros(tenant(vec![Terms::default()]), "0.9");
    euros.exchange = None;
    let services = services(PORTAL);
    let input = |tenant| PriceInput { tenant, month: october(), services: &services, credit: None };
    assert!(matches!(price(&input(&euros)), Err(PriceError::NoRate { .. })));
    let fee = tenant(vec![terms(r#"{"base_fee":"20.00 EUR"}"#)]);
    assert!(matches!(price(&input(&fee)), Err(PriceError::NoRate { .. })));
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

#[test]
fn a_month_is_billed_when_it_is_closed_settled_synced_and_final() {
    let today = date(2026, 11, 15);
    let tenant = tenant(vec![Terms::default()]);
    let mark = SyncMark {
        month: october(),
        through: date(2026, 10, 31),
        estimated: false,
        complete: true,
        synced_at: "2026-11-15T00:00:00Z".parse().expect("a time"),
    };
    let check = |tenant: &TenantRecord, mark: Option<&SyncMark>, today: Date| ready(tenant, october(), mark, 14, today);
    assert_eq!(check(&tenant, Some(&mark), today), Ok(()));
    assert_eq!(
        check(&tenant, Some(&mark), date(2026, 11, 14)),
        Err(NotReady::NotSettled { month: october(), until: today })
    );
    assert!(matches!(check(&tenant, Some(&mark), date(2026, 10, 31)), Err(NotReady::NotClosed { .. })));
    assert_eq!(check(&tenant, None, today), Err(NotReady::NotSynced(october())));
    let estimated = SyncMark { estimated: true, ..mark.clone() };
    assert_eq!(check(&tenant, Some(&estimated), today), Err(NotReady::Estimated(october())));
    let torn = SyncMark { complete: false, ..mark.clone() };
    let short = SyncMark { through: date(2026, 10, 30), ..mark.clone() };
    for partial in [torn, short] {
        assert!(matches!(check(&tenant, Some(&partial), today), Err(NotReady::Incomplete { .. })));
    }
    let later = TenantRecord { first_period: october().next().ok(), ..tenant };
    assert!(matches!(check(&later, Some(&mark), today), Err(NotReady::BeforeFirst { .. })));
}

fn october_mark(synced_at: &str) -> SyncMark {
    let synced_at = synced_at.parse().expect("a time");
    SyncMark { month: october(), through: date(2026, 10, 31), estimated: false, complete: true, synced_at }
}

/// Read before the settling day and never since: AWS may have restated it.
#[test]
fn a_month_read_before_its_settling_day_waits_by_name() {
    let tenant = tenant(vec![Terms::default()]);
    let check = |synced_at: &str, settle_days| {
        ready(&tenant, october(), Some(&october_mark(synced_at)), settle_days, date(2026, 11, 27))
    };
    let waits = check("2026-11-14T23:59:59Z", 14).expect_err("it was read too early");
    let read_at = "2026-11-14T23:59:59Z".parse().expect("a time");
    assert_eq!(waits, NotReady::ReadTooEarly { month: october(), settled: date(2026, 11, 15), read_at });
    let told = waits.to_string();
    assert!(told.contains("since 2026-11-15") && told.contains("2026-11-14T23:59:59Z"), "{told}");
    assert_eq!(check("2026-11-15T00:00:00Z", 14), Ok(()));
    assert!(check("2026-10-31T23:59:59Z", 0).is_err() && check("2026-11-01T00:00:00Z", 0).is_ok());
}

fn facts<'a>(tenant: &'a TenantRecord, mark: Option<&'a SyncMark>, days: &'a [CostDay]) -> MonthFacts<'a> {
    MonthFacts { tenant, month: october(), mark, days, balance: None, claim: None, record: None }
}

fn record_of(invoice: Invoice, state: InvoiceState) -> InvoiceRecord {
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

fn day_of(cents: i64) -> CostDay {
    let amount = CostAmount { cost: Decimal::new(cents, 2), usage: Decimal::ONE };
    let nothing = CostDay::nothing(date(2026, 10, 5), Timestamp::UNIX_EPOCH);
    CostDay { services: [("AWS Lambda".to_owned(), amount)].into(), ..nothing }
}

#[test]
fn a_months_standing_follows_from_its_facts() {
    let (today, mark, days) = (date(2026, 11, 27), october_mark("2026-11-20T06:00:00Z"), [day_of(4020)]);
    let tenant = tenant(vec![Terms::default()]);
    let whole = facts(&tenant, Some(&mark), &days);
    let standing = |facts: &MonthFacts| assess(facts, 14, today).standing;
    assert_eq!(standing(&whole), Standing::Due(Settlement::Charge(money("40.20 USD"))));
    assert_eq!(assess(&whole, 14, today).invoice.map(|invoice| invoice.total), Ok(money("40.20 USD")));
    let paid = MonthFacts { balance: Some(money("50.20 USD")), ..whole };
    assert_eq!(standing(&paid), Standing::Due(Settlement::Credit(money("10.00 USD"))));

    // It is priced while it waits, too.
    let unsynced = assess(&facts(&tenant, None, &days), 14, today);
    assert_eq!(unsynced.standing, Standing::Waiting(NotReady::NotSynced(october())));
    assert!(unsynced.invoice.is_ok());

    let unpriced = TenantRecord { terms: Vec::new(), ..tenant.clone() };
    assert!(matches!(standing(&facts(&unpriced, Some(&mark), &days)), Standing::Unpriced(_)));

    let other = CostClaim { tag: "t=v".to_owned(), month: october(), tenant: "other".to_owned() };
    let claimed = MonthFacts { claim: Some(&other), ..whole };
    assert_eq!(standing(&claimed), Standing::Claimed { holder: "other".to_owned() });
    let own = CostClaim { tenant: tenant.id.clone(), ..other.clone() };
    assert!(matches!(standing(&MonthFacts { claim: Some(&own), ..whole }), Standing::Due(_)));
    // With nothing due, nothing is claimed.
    let nothing = MonthFacts { days: &[], ..claimed };
    assert_eq!(standing(&nothing), Standing::Due(Settlement::Nothing));
}

#[test]
fn a_month_with_an_invoice_is_begun_or_done_and_one_of_nothing_opens_when_cost_is_found() {
    use InvoiceState::{Claimed, Credit, Draft, Drafting, Issued, NothingDue};
    let (today, mark, days) = (date(2026, 11, 27), october_mark("2026-11-20T06:00:00Z"), [day_of(4020)]);
    let tenant = tenant(vec![Terms::default()]);
    let standing = |state, days: &[CostDay]| {
        let record = record_of(priced(&tenant, PORTAL), state);
        let facts = MonthFacts { record: Some(&record), ..facts(&tenant, Some(&mark), days) };
        assess(&facts, 14, today).standing
    };
    for state in [Claimed, Drafting] {
        assert_eq!(standing(state, &days), Standing::Begun);
    }
    for state in [Draft, Issued, Credit] {
        assert_eq!(standing(state, &days), Standing::Done);
    }
    assert_eq!(standing(NothingDue, &days), Standing::Due(Settlement::Charge(money("40.20 USD"))));
    assert_eq!(standing(NothingDue, &[]), Standing::Done);
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
        let input = PriceInput { tenant: &tenant, month: october(), services: &services, credit: None };
        let invoice = price(&input).expect("an invoice");

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
            tenant.exchange = None;
        } else if let Some(exchange) = &mut tenant.exchange {
            exchange.to = currency;
        }
        let services: BTreeMap<String, Decimal> =
            costs.into_iter().map(|(name, units)| (name, Decimal::new(units, 6))).collect();
        let input = PriceInput { tenant: &tenant, month: october(), services: &services, credit: None };
        let invoice = price(&input).expect("an invoice");
        let units = |money: Money| money.minor_units().expect("it fits").0;
        for line in &invoice.lines {
            prop_assert_eq!(units(line.amount) % currency.stripe_step(), 0);
            prop_assert_eq!(line.amount.rounded(), line.amount);
        }
        let sum: i64 = invoice.lines.iter().map(|line| units(line.amount)).sum();
        prop_assert_eq!(sum, units(invoice.total));
    }
}
