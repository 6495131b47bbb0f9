//! Dated facts: whose a day's cost is, which terms and rate hold, and what cannot be billed.

use oracle::attribution::{Attribution, SHARED};
use oracle::facts::{Facts, Rate, RecordPolicy, RecordType, Scope, Tags, Terms, Unallocated, undated_edit_holds_from};
use oracle::line::Rule;
use oracle::owed::{NotOwed, owed};

use crate::scene::{KEY, acme, at, day, exact, figure, id, money, month, october, rate, spend, tag, tenant, total};

#[test]
fn days_are_the_tenants_by_the_value_it_had_that_day() {
    let mut facts = acme("USD", Terms::default());
    spend(&mut facts, "ACME", "2026-10-05", "Lambda", "70.00");
    spend(&mut facts, "NEW", "2026-10-20", "Lambda", "30.00");
    spend(&mut facts, "NEW", "2026-10-14", "Lambda", "5.00");
    assert_eq!(total(&facts), 7_000);
    facts.tenants.get_mut(&id("acme")).expect("acme").tags.push((day("2026-10-15"), tag("NEW")));
    assert_eq!(total(&facts), 10_000, "the old value's days stay, the new one's begin with their day");
}

#[test]
fn a_tenant_is_all_its_pairs_together() {
    let mut facts = acme("USD", Terms::default());
    let both = Tags::from([(KEY.to_owned(), "ACME".to_owned()), ("Environment".to_owned(), "prod".to_owned())]);
    facts.tenants.get_mut(&id("acme")).expect("acme").tags = vec![(day("2026-01-01"), both.clone())];
    spend(&mut facts, "ACME", "2026-10-05", "Lambda", "70.00");
    assert_eq!(total(&facts), 0);
    facts.record(day("2026-10-05"), &both, "Lambda", RecordType::Usage, figure("12.00", "2026-10-06"));
    assert_eq!(total(&facts), 1_200);
    facts.tenants.get_mut(&id("acme")).expect("acme").tags = vec![(day("2026-01-01"), Tags::new())];
    assert_eq!(total(&facts), 0, "no pairs own nothing");
}

#[test]
fn a_mended_tag_moves_cost_and_what_is_not_known_yet_is_not_billed() {
    let mut facts = acme("USD", Terms::default());
    spend(&mut facts, "ACNE", "2026-10-05", "Lambda", "29.00");
    facts.record(day("2026-10-05"), &tag("ACNE"), "Lambda", RecordType::Usage, figure("0", "2026-11-10"));
    facts.record(day("2026-10-05"), &tag("ACME"), "Lambda", RecordType::Usage, figure("29.00", "2026-11-10"));
    let owed_at = |known| owed(&facts, &id("acme"), month("2026-10"), at(known)).expect("owed").total;
    assert_eq!((owed_at("2026-11-09"), owed_at("2026-11-10")), (0, 2_900));
}

#[test]
fn terms_and_currency_hold_from_their_month() {
    let mut facts = acme("USD", Terms { base_fee: money("20.00 USD"), ..Terms::default() });
    let acme = facts.tenants.get_mut(&id("acme")).expect("acme");
    acme.terms.push((month("2026-11"), Terms { base_fee: money("24.00 EUR"), ..Terms::default() }));
    acme.currency.push((month("2026-11"), "EUR".to_owned()));
    facts.rates = vec![rate("2026-11-30", "EUR", "0.9")];
    let of = |text| owed(&facts, &id("acme"), month(text), at("2027-01-01")).map(|owed| owed.currency.show(owed.total));
    assert_eq!(of("2026-10"), Ok("20.00 USD".to_owned()));
    assert_eq!(of("2026-11"), Ok("24.00 EUR".to_owned()));
    assert_eq!(of("2026-12"), Err(NotOwed::NoRate), "the rate of November is not one near December's end");
    assert_eq!(undated_edit_holds_from(at("2026-12-05")), month("2026-12"), "November closes under its own");
}

/// From 15 days before a month's last day to 31 after it; the days up to it come first.
#[test]
fn the_latest_rate_up_to_the_months_end_counts_else_the_first_after_it() {
    let mut facts = acme("EUR", Terms::default());
    spend(&mut facts, "ACME", "2026-10-05", "Lambda", "100.00");
    let with = |rates: &[(&str, &str)]| {
        let mut facts = facts.clone();
        facts.rates = rates.iter().map(|(date, per_dollar)| rate(date, "EUR", per_dollar)).collect();
        october(&facts).map(|owed| owed.total)
    };
    assert_eq!(with(&[("2026-10-30", "0.90"), ("2026-10-20", "0.50")]), Ok(9_000));
    assert_eq!(with(&[("2026-11-01", "0.80"), ("2026-10-17", "0.90")]), Ok(9_000), "a day before comes first");
    assert_eq!(with(&[("2026-11-30", "0.80"), ("2026-11-02", "0.90")]), Ok(9_000), "the first of a later day");
    assert_eq!(with(&[("2026-10-16", "0.90")]), Ok(9_000));
    assert_eq!(with(&[("2026-12-01", "0.90")]), Ok(9_000));
    assert_eq!(with(&[("2026-10-15", "0.90"), ("2026-12-02", "0.90")]), Err(NotOwed::NoRate));
    assert_eq!(with(&[]), Err(NotOwed::NoRate));
}

/// A rate that is stated again for its day is an edit: no month that is over is billed otherwise because of it.
#[test]
fn a_rate_that_is_edited_holds_from_the_month_of_the_edit() {
    let mut facts = acme("EUR", Terms::default());
    spend(&mut facts, "ACME", "2026-10-05", "Lambda", "100.00");
    let edit = |stated: &str| Rate { stated: day(stated), ..rate("2026-10-30", "EUR", "0.80") };
    let mut edited_on = |stated: &str| {
        facts.rates = vec![rate("2026-10-30", "EUR", "0.90"), edit(stated)];
        october(&facts).map(|owed| owed.total)
    };
    assert_eq!(edited_on("2026-10-31"), Ok(8_000));
    assert_eq!(edited_on("2026-11-01"), Ok(9_000));
}

/// What was said before there was a record is no history: the last of it is the first fact.
#[test]
fn a_rate_that_was_edited_before_the_first_record_is_the_first() {
    let mut facts = acme("EUR", Terms::default());
    spend(&mut facts, "ACME", "2026-10-05", "Lambda", "100.00");
    let edit = Rate { stated: day("2026-11-20"), ..rate("2026-10-30", "EUR", "0.80") };
    facts.rates = vec![rate("2026-10-30", "EUR", "0.90"), edit];
    let mut recorded = |on| {
        facts.tenants.get_mut(&id("acme")).expect("acme").recorded = on;
        october(&facts).map(|owed| owed.total)
    };
    assert_eq!(recorded(Some(day("2026-11-19"))), Ok(9_000));
    assert_eq!(recorded(Some(day("2026-11-20"))), Ok(8_000));
}

/// Shared out among those that are recorded, and to them belongs nothing of a company that is not.
#[test]
fn before_its_first_record_the_cost_of_a_company_is_no_tenants() {
    let mut facts = acme("USD", Terms::default());
    facts.policy.unallocated = Unallocated::Even;
    facts.tenants.insert(id("heir"), tenant("heir", "USD", Terms::default()));
    spend(&mut facts, "HEIR", "2026-10-05", "Lambda", "30.00");
    assert_eq!(total(&facts), 0);
    facts.tenants.get_mut(&id("heir")).expect("heir").recorded = None;
    assert_eq!(total(&facts), 3_000);
}

#[test]
fn what_cannot_be_billed_says_why() {
    let of = |facts: &Facts, text| owed(facts, &id("acme"), month(text), at("2027-01-01")).map(|owed| owed.total);
    let mut facts = acme("USD", Terms::default());
    assert_eq!(of(&facts, "2025-12"), Err(NotOwed::NotAMember));
    facts.tenants.get_mut(&id("acme")).expect("acme").last_period = Some(month("2026-10"));
    assert_eq!((of(&facts, "2026-10"), of(&facts, "2026-11")), (Ok(0), Err(NotOwed::NotAMember)));
    facts.tenants.get_mut(&id("acme")).expect("acme").terms.clear();
    assert_eq!(of(&facts, "2026-10"), Err(NotOwed::NoTerms));
    let terms = Terms { minimum: money("5.00 USD"), ..Terms::default() };
    assert_eq!(of(&acme("EUR", terms), "2026-10"), Err(NotOwed::TermsOfAnotherCurrency("USD".to_owned())));
    assert_eq!(of(&acme("ABC", Terms::default()), "2026-10"), Err(NotOwed::NoSuchCurrency("ABC".to_owned())));
    assert_eq!(of(&Facts::default(), "2026-10"), Err(NotOwed::Unknown));
}

#[test]
fn an_id_that_comes_back_is_another_tenant() {
    let mut facts = acme("USD", Terms::default());
    facts.tenants.get_mut(&id("acme")).expect("acme").last_period = Some(month("2026-10"));
    let mut second = tenant("acme", "USD", Terms::default());
    second.first_period = month("2026-11");
    second.tags = vec![(day("2026-11-01"), tag("OTHER"))];
    facts.tenants.insert(id("acme").next_life(), second);
    spend(&mut facts, "ACME", "2026-11-05", "Lambda", "9.00");
    spend(&mut facts, "OTHER", "2026-11-05", "Lambda", "4.00");
    let of = |tenant| owed(&facts, &tenant, month("2026-11"), at("2027-01-01")).map(|owed| owed.total);
    assert_eq!(of(id("acme").next_life()), Ok(400));
    assert_eq!(of(id("acme")), Err(NotOwed::NotAMember));
}

/// Two tenants with 10.00 and 20.00, and 1.00 without a tag.
fn shared(way: Unallocated) -> Facts {
    let mut facts = acme("USD", Terms::default());
    facts.tenants.insert(id("beta"), tenant("beta", "USD", Terms::default()));
    facts.policy.unallocated = way;
    spend(&mut facts, "ACME", "2026-10-05", "Lambda", "10.00");
    spend(&mut facts, "BETA", "2026-10-05", "Lambda", "20.00");
    facts.record(day("2026-10-05"), &Tags::new(), "Support", RecordType::Fee, figure("1.00", "2026-10-06"));
    facts
}

#[test]
fn unallocated_cost_is_the_operators_or_shared_to_the_cent() {
    let totals = |facts: &Facts| {
        let of = |name| owed(facts, &id(name), month("2026-10"), at("2026-11-20")).expect("owed").total;
        (of("acme"), of("beta"))
    };
    assert_eq!(totals(&shared(Unallocated::Operator)), (1_000, 2_000));
    assert_eq!(totals(&shared(Unallocated::Proportional)), (1_033, 2_067));
    assert_eq!(totals(&shared(Unallocated::Even)), (1_050, 2_050));
    let mut facts = shared(Unallocated::Even);
    facts.record(day("2026-10-06"), &Tags::new(), "Support", RecordType::Fee, figure("0.01", "2026-10-07"));
    assert_eq!(totals(&facts), (1_051, 2_050), "ties by id");
    let lines = october(&facts).expect("owed").lines;
    assert_eq!(lines[1].rule, Rule::Cost(SHARED.to_owned()));
}

#[test]
fn record_types_follow_their_policy_and_scope_leaves_out_what_is_not_ours() {
    let mut facts = shared(Unallocated::Operator);
    facts.record(day("2026-10-07"), &tag("ACME"), "Lambda", RecordType::Credit, figure("-4.00", "2026-10-08"));
    assert_eq!(total(&facts), 600, "a tagged credit is its tenant's");
    facts.policy.records.insert(RecordType::Credit, RecordPolicy::Shared(Unallocated::Operator));
    assert_eq!(total(&facts), 1_000, "or the operator's");
    facts.policy.records.insert(RecordType::Credit, RecordPolicy::Shared(Unallocated::Even));
    assert_eq!(total(&facts), 800, "or everybody's");
    let bill = Attribution::of(&facts, month("2026-10"), at("2026-11-20"));
    assert_eq!((bill.of_operator(), bill.bill), (exact("1.00"), exact("27.00")));

    facts.policy.scope = Some(Scope { key: KEY.to_owned(), value: "ACME".to_owned() });
    let bill = Attribution::of(&facts, month("2026-10"), at("2026-11-20"));
    assert_eq!(bill.bill, exact("6.00"), "10.00 and the credit");
}
