use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;
use crate::balance::{Balance, EntryKind, Position, PositionId};
use crate::ledger::{CostAmount, CostClaim, CostDay, SyncMark, cost_by_service};
use crate::money::{MinorUnits, round};
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
    try_price(tenant, october(), &services).expect("an invoice")
}

fn try_price(tenant: &TenantRecord, month: Month, services: &BTreeMap<String, Decimal>) -> Result<Invoice, PriceError> {
    let terms = MonthTerms::of(tenant, month)?;
    price(&PriceInput { tenant, month, terms: &terms, services })
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
    euros.exchange = None;
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

const RULES: DraftRules = DraftRules { day: 1, settle_days: 14 };

fn october_mark(synced_at: &str) -> SyncMark {
    let synced_at = synced_at.parse().expect("a time");
    SyncMark { month: october(), through: date(2026, 10, 31), estimated: false, complete: true, synced_at }
}

#[test]
fn a_month_is_drafted_when_it_is_known_and_complete_when_it_is_settled_and_final() {
    let today = date(2026, 11, 15);
    let tenant = tenant(vec![Terms::default()]);
    let mark = october_mark("2026-11-15T00:00:00Z");
    let check =
        |tenant: &TenantRecord, mark: Option<&SyncMark>, today: Date| ready(tenant, october(), mark, RULES, today);
    assert_eq!(check(&tenant, Some(&mark), today), Ok(Ready::Complete));
    let unsettled = NotReady::NotSettled { month: october(), until: today };
    assert_eq!(check(&tenant, Some(&mark), date(2026, 11, 14)), Ok(Ready::Provisional(unsettled)));
    assert!(matches!(check(&tenant, Some(&mark), date(2026, 10, 31)), Err(NotReady::NotClosed { .. })));
    assert_eq!(check(&tenant, None, today), Err(NotReady::NotSynced(october())));
    let estimated = SyncMark { estimated: true, ..mark.clone() };
    let provisional = Ready::Provisional(NotReady::Estimated(october()));
    assert_eq!(check(&tenant, Some(&estimated), today), Ok(provisional));
    let torn = SyncMark { complete: false, ..mark.clone() };
    let short = SyncMark { through: date(2026, 10, 30), ..mark.clone() };
    for partial in [torn, short] {
        assert!(matches!(check(&tenant, Some(&partial), today), Err(NotReady::Incomplete { .. })));
    }
    let later = TenantRecord { first_period: october().next().ok(), ..tenant };
    assert!(matches!(check(&later, Some(&mark), today), Err(NotReady::BeforeFirst { .. })));
}

#[test]
fn a_month_is_drafted_from_the_day_of_the_manifest_on() {
    let tenant = tenant(vec![Terms::default()]);
    let mark = october_mark("2026-11-02T00:00:00Z");
    let check = |day, today| ready(&tenant, october(), Some(&mark), DraftRules { day, ..RULES }, today);
    let from = date(2026, 11, 5);
    assert_eq!(check(5, date(2026, 11, 4)), Err(NotReady::NotDrafted { month: october(), from }));
    assert!(matches!(check(5, from), Ok(Ready::Provisional(_))) && check(1, date(2026, 11, 1)).is_ok());
}

/// Read before the settling day and never since: AWS may have restated it.
#[test]
fn a_month_read_before_its_settling_day_is_provisional_by_name() {
    let tenant = tenant(vec![Terms::default()]);
    let check = |synced_at: &str, settle_days| {
        let rules = DraftRules { settle_days, ..RULES };
        ready(&tenant, october(), Some(&october_mark(synced_at)), rules, date(2026, 11, 27)).expect("it is known")
    };
    let Ready::Provisional(waits) = check("2026-11-14T23:59:59Z", 14) else { panic!("it was read too early") };
    let read_at = "2026-11-14T23:59:59Z".parse().expect("a time");
    assert_eq!(waits, NotReady::ReadTooEarly { month: october(), settled: date(2026, 11, 15), read_at });
    let told = waits.to_string();
    assert!(told.contains("since 2026-11-15") && told.contains("2026-11-14T23:59:59Z"), "{told}");
    assert_eq!(check("2026-11-15T00:00:00Z", 14), Ready::Complete);
    assert_ne!(check("2026-10-31T23:59:59Z", 0), Ready::Complete);
    assert_eq!(check("2026-11-01T00:00:00Z", 0), Ready::Complete);
}

#[test]
fn a_month_is_late_three_days_after_it_should_have_settled() {
    let settled = date(2026, 11, 15);
    assert_eq!(overdue_since(october(), 14, date(2026, 11, 18)), None);
    assert_eq!(overdue_since(october(), 14, date(2026, 11, 19)), Some(settled));
}

fn facts<'a>(tenant: &'a TenantRecord, mark: Option<&'a SyncMark>, days: &'a [CostDay]) -> MonthFacts<'a> {
    MonthFacts { tenant, month: october(), mark, days, balance: None, claim: None, record: None }
}

fn record_of(tenant: &TenantRecord, invoice: Invoice, state: InvoiceState) -> InvoiceRecord {
    let terms = MonthTerms::of(tenant, invoice.month).expect("terms");
    let composed = Composed { invoice, drawn: Vec::new() };
    InvoiceRecord { state, ..InvoiceRecord::claimed(tenant, terms, Collection::SendInvoice, composed) }
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
    let standing = |facts: &MonthFacts| assess(facts, RULES, today).standing;
    assert_eq!(standing(&whole), Standing::Complete);
    assert_eq!(assess(&whole, RULES, today).own.map(|invoice| invoice.total), Ok(money("40.20 USD")));
    let mut balance = Balance::nothing(Currency::USD);
    balance.add(&left(october().previous().expect("a month"), EntryKind::Credit, "-50.20 USD"));
    let credited = assess(&MonthFacts { balance: Some(&balance), ..whole }, RULES, today).composed.expect("priced");
    assert_eq!(credited.invoice.settlement(), Settlement::Nothing);
    assert_eq!(credited.drawn[0].amount, money("-40.20 USD"));

    // It is priced while it waits, too.
    let unsynced = assess(&facts(&tenant, None, &days), RULES, today);
    assert_eq!(unsynced.standing, Standing::Waiting(NotReady::NotSynced(october())));
    assert!(unsynced.own.is_ok());
    assert!(matches!(
        assess(&whole, RULES, date(2026, 11, 10)).standing,
        Standing::Provisional(NotReady::NotSettled { .. })
    ));

    let unpriced = TenantRecord { terms: Vec::new(), ..tenant.clone() };
    assert!(matches!(standing(&facts(&unpriced, Some(&mark), &days)), Standing::Unpriced(_)));

    let other = CostClaim { tag: "t=v".to_owned(), month: october(), tenant: "other".to_owned() };
    let claimed = MonthFacts { claim: Some(&other), ..whole };
    assert_eq!(standing(&claimed), Standing::Claimed { holder: "other".to_owned() });
    let own = CostClaim { tenant: tenant.id.clone(), ..other.clone() };
    assert_eq!(standing(&MonthFacts { claim: Some(&own), ..whole }), Standing::Complete);
    // With nothing due, nothing is claimed.
    assert_eq!(standing(&MonthFacts { days: &[], ..claimed }), Standing::Complete);
}

/// A price of today does not reprice a month that was claimed, and its own draw is not drawn twice.
#[test]
fn a_claimed_month_is_assessed_under_its_own_terms_and_without_its_own_draw() {
    let (today, mark, days) = (date(2026, 11, 27), october_mark("2026-11-20T06:00:00Z"), [day_of(4020)]);
    let before = tenant(vec![terms(r#"{"markup":"10%"}"#)]);
    let own = try_price(&before, october(), &cost_by_service(&days)).expect("an invoice");
    let mut balance = Balance::nothing(Currency::USD);
    balance.add(&left(october().previous().expect("a month"), EntryKind::Credit, "-10.00 USD"));
    let composed = compose(own, &balance);
    composed.drawn.iter().for_each(|drawn| balance.take(drawn));
    let terms_then = MonthTerms::of(&before, october()).expect("terms");
    let record = InvoiceRecord::claimed(&before, terms_then, Collection::SendInvoice, composed.clone());
    assert_eq!((record.own(), record.accounted()), (money("44.22 USD"), money("44.22 USD")));

    let dearer = tenant(vec![terms(r#"{"markup":"50%"}"#)]);
    let facts = MonthFacts { record: Some(&record), balance: Some(&balance), ..facts(&dearer, Some(&mark), &days) };
    assert_eq!(assess(&facts, RULES, today).composed, Ok(composed));
}

#[test]
fn every_month_that_is_not_settled_stays_open_and_settled_ones_are_looked_back_at() {
    let month = |text: &str| text.parse::<Month>().expect("a month");
    let tenant = TenantRecord { first_period: Some(month("2026-05")), ..tenant(vec![Terms::default()]) };
    let settled = |of: &str| {
        let invoice = try_price(&tenant, month(of), &services(PORTAL)).expect("an invoice");
        let payment = Payment { status: PaymentStatus::Paid, ..Payment::default() };
        InvoiceRecord { payment, ..record_of(&tenant, invoice, InvoiceState::Open) }
    };
    let open = |records: &[InvoiceRecord]| -> Vec<String> {
        open_months(&tenant, &[], records, date(2026, 11, 27)).iter().map(ToString::to_string).collect()
    };
    assert_eq!(open(&[]), ["2026-05", "2026-06", "2026-07", "2026-08", "2026-09", "2026-10"]);
    let records = [settled("2026-05"), settled("2026-06"), settled("2026-07"), settled("2026-08")];
    assert_eq!(open(&records), ["2026-07", "2026-08", "2026-09", "2026-10"]);
    let unpaid = InvoiceRecord { payment: Payment::default(), ..settled("2026-05") };
    assert_eq!(open(&[unpaid])[0], "2026-05");
}

#[test]
fn a_draft_says_what_it_carries_and_an_edit_shows() {
    let tenant = tenant(vec![Terms::default()]);
    let record = InvoiceRecord { drawing: 2, ..record_of(&tenant, priced(&tenant, PORTAL), InvoiceState::Complete) };
    let remote = |metadata: &[(String, String)], cents, has_lines| Remote {
        id: "in_1".to_owned(),
        status: RemoteStatus::Draft,
        total: MinorUnits(cents),
        currency: "USD".to_owned(),
        livemode: false,
        has_lines,
        paid: MinorUnits(0),
        by_balance: MinorUnits(0),
        attempted: false,
        metadata: record.metadata().into_iter().chain(metadata.to_vec()).collect(),
    };
    let stated = record.drawing_metadata();
    assert!(record.is_of(&remote(&stated, 12_550, true)));
    let whole = Carries::Drawing { drawing: 2, finality: Finality::Provisional };
    assert_eq!(record.carried_by(&remote(&stated, 12_550, true)), whole);
    assert_eq!(record.carried_by(&remote(&stated, 12_551, true)), Carries::Edited);
    assert_eq!(record.carried_by(&remote(&stated, 0, false)), Carries::Edited);
    assert_eq!(record.carried_by(&remote(&[], 0, false)), Carries::Nothing);
    assert_eq!(record.carried_by(&remote(&[], 100, true)), Carries::Edited);
    let redrawing = [("billform_state".to_owned(), REDRAWING.to_owned())];
    assert_eq!(record.carried_by(&remote(&redrawing, 0, false)), Carries::Nothing);
    assert_eq!(record.carried_by(&remote(&redrawing, 500, true)), Carries::Edited);
}

#[test]
fn automatic_approval_has_its_limits() {
    let tenant = tenant(vec![Terms::default()]);
    let september = october().previous().expect("a month");
    let before = try_price(&tenant, september, &services(&[("AWS Lambda", "100.00")])).expect("an invoice");
    let records = [record_of(&tenant, before, InvoiceState::Open)];
    let rules =
        AutomaticApproval { limit: Some(money("140.00 USD")), deviation: Some("50%".parse().expect("a share")) };
    let allows = |total: &str| rules.allows(money(total), money(total), october(), &records);
    assert_eq!((allows("140.00 USD"), allows("50.00 USD")), (Ok(()), Ok(())));
    assert!(matches!(allows("140.01 USD"), Err(Held::AboveLimit { .. })));
    assert!(matches!(allows("49.99 USD"), Err(Held::Unusual { .. })));
    assert!(matches!(allows("50.00 EUR"), Err(Held::OtherCurrency { .. })));
    assert_eq!(
        rules.allows(money("1.00 USD"), money("1.00 USD"), september, &records),
        Ok(()),
        "a first month has no mean"
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
            tenant.exchange = None;
        } else if let Some(exchange) = &mut tenant.exchange {
            exchange.to = currency;
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
