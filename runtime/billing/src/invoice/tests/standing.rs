//! How a month stands: ready, open, assessed, carried by its draft, approved.

use super::*;

pub(super) const RULES: DraftRules = DraftRules { day: 1, settle_days: 14 };

pub(super) fn october_mark(synced_at: &str) -> SyncMark {
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
    // With no settling time of one's own AWS still needs its days.
    let billed = date(2026, 11, 11);
    assert_eq!(overdue_since(october(), 0, date(2026, 11, 14)), None);
    assert_eq!(overdue_since(october(), 0, date(2026, 11, 15)), Some(billed));
}

pub(super) fn facts<'a>(tenant: &'a TenantRecord, mark: Option<&'a SyncMark>, days: &'a [CostDay]) -> MonthFacts<'a> {
    MonthFacts { tenant, month: october(), mark, days, shared: None, balance: None, claim: None, record: None }
}

fn record_of(tenant: &TenantRecord, invoice: Invoice, state: InvoiceState) -> InvoiceRecord {
    let terms = MonthTerms::of(tenant, invoice.month).expect("terms");
    let composed = Composed { invoice, drawn: Vec::new() };
    InvoiceRecord { state, ..InvoiceRecord::claimed(tenant, terms, Collection::SendInvoice, composed) }
}

pub(super) fn day_of(cents: i64) -> CostDay {
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
    assert_eq!(open(&records), ["2026-08", "2026-09", "2026-10"]);
    let unpaid = InvoiceRecord { payment: Payment::default(), ..settled("2026-05") };
    assert_eq!(open(&[unpaid])[0], "2026-05");
}

/// Three months after its end: October's cost is compared with its invoice until the end of January.
#[test]
fn a_month_is_looked_at_for_three_months_after_its_end() {
    let october = Month::of(date(2026, 10, 1));
    let on = |today: Date| is_looked_at(october, today);
    assert!(on(date(2026, 11, 1)) && on(date(2027, 1, 31)));
    assert!(!on(date(2027, 2, 1)) && !on(date(2027, 12, 1)));
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
        remaining: MinorUnits(cents),
        credited_unpaid: MinorUnits(0),
        credited_paid: MinorUnits(0),
        off_stripe: MinorUnits(0),
        overpaid: MinorUnits(0),
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
