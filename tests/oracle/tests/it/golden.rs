//! The figures of seed-contract.md ("Pricing rules"), each from the inputs that it names.

use oracle::currency::Currency;
use oracle::exact::Exact;
use oracle::facts::{Facts, Fee, PaymentFee, Terms, Tier};
use oracle::line::{Line, Rule};

use crate::scene::{acme, exact, money, october, percent, rate, spend, total};

/// The portal's month: 125.50 in four services.
fn portal(terms: Terms) -> Facts {
    let mut facts = acme("USD", terms);
    let services = [("AWS Lambda", "25.00"), ("Amazon CloudFront", "39.50"), ("Amazon DynamoDB", "16.00")];
    for (service, usd) in services {
        spend(&mut facts, "ACME", "2026-10-05", service, usd);
    }
    spend(&mut facts, "ACME", "2026-10-31", "Amazon Simple Storage Service", "45.00");
    facts
}

fn cost(usd: &str, terms: Terms) -> Facts {
    let mut facts = acme("USD", terms);
    spend(&mut facts, "ACME", "2026-10-05", "AWS Lambda", usd);
    facts
}

fn line(rule: Rule, amount: i128) -> Line {
    Line { rule, amount }
}

fn service(name: &str, amount: i128) -> Line {
    line(Rule::Cost(name.to_owned()), amount)
}

fn by_tier() -> Terms {
    let tier = |below, flat| Tier { below: money(below), flat: money(flat), percent: None };
    let tiers = vec![
        tier("50.00 USD", "5.00 USD"),
        tier("200.00 USD", "10.00 USD"),
        Tier { percent: percent("5"), ..Tier::default() },
    ];
    Terms { fee: Some(Fee::Tiers(tiers)), ..Terms::default() }
}

#[test]
fn portal_at_cost_is_125_50() {
    let owed = october(&portal(Terms::default())).expect("owed");
    let lines = [
        service("AWS Lambda", 2_500),
        service("Amazon CloudFront", 3_950),
        service("Amazon DynamoDB", 1_600),
        service("Amazon Simple Storage Service", 4_500),
    ];
    assert_eq!((owed.lines.as_slice(), owed.total), (&lines[..], 12_550));
    assert_eq!(owed.currency.show(owed.total), "125.50 USD");
}

#[test]
fn portal_with_a_flat_fee_is_135_50() {
    let fee = money("10.00 USD").map(Fee::Flat);
    let owed = october(&portal(Terms { fee, ..Terms::default() })).expect("owed");
    assert_eq!((owed.lines[4].clone(), owed.total), (line(Rule::Fee, 1_000), 13_550));
}

#[test]
fn portal_with_ten_percent_is_138_05() {
    let owed = october(&portal(Terms { markup: percent("10"), ..Terms::default() })).expect("owed");
    assert_eq!((owed.lines[4].clone(), owed.total), (line(Rule::Markup, 1_255), 13_805));
}

#[test]
fn portal_by_tier_is_135_50_and_tiers_end_exclusively() {
    assert_eq!(total(&portal(by_tier())), 13_550);
    assert_eq!(total(&cost("49.99", by_tier())), 4_999 + 500);
    assert_eq!(total(&cost("50.00", by_tier())), 5_000 + 1_000);
    assert_eq!(total(&cost("199.99", by_tier())), 19_999 + 1_000);
    assert_eq!(total(&cost("200.00", by_tier())), 20_000 + 1_000);
    assert_eq!(total(&cost("200.20", by_tier())), 20_020 + 1_001);
}

#[test]
fn a_payment_fee_on_100_is_3_20() {
    let fixed = money("0.30 USD").expect("money");
    let payment_fee = percent("2.9").map(|percent| PaymentFee { percent, fixed });
    let owed = october(&cost("100.00", Terms { payment_fee: payment_fee.clone(), ..Terms::default() })).expect("owed");
    assert_eq!((owed.lines[1].clone(), owed.total), (line(Rule::PaymentFee, 320), 10_320));
    // Nothing charged, nothing taken.
    assert_eq!(total(&cost("0.00", Terms { payment_fee, ..Terms::default() })), 0);
}

fn honigwabe(facts: &mut Facts) {
    for (service, usd) in [("A", "5.23"), ("B", "2.15"), ("C", "8.47"), ("D", "1.89")] {
        spend(facts, "ACME", "2026-10-05", service, usd);
    }
}

#[test]
fn honigwabe_is_37_74_at_a_rate_of_one_and_35_97_at_0_90() {
    let terms = Terms { base_fee: money("20.00 EUR"), ..Terms::default() };
    let mut facts = acme("EUR", terms);
    honigwabe(&mut facts);
    facts.rates = vec![rate("2026-10-30", "EUR", "1")];
    assert_eq!(total(&facts), 3_774);
    facts.rates = vec![rate("2026-10-30", "EUR", "0.90")];
    let owed = october(&facts).expect("owed");
    // 17.74 x 0.90 = 15.966, rounded once to 15.97. Floors 4.70 + 1.93 + 7.62 + 1.70 leave two cents, for the largest
    // remainders: 4.707 and 7.623 and 1.935 and 1.701, so A and B.
    let lines =
        [line(Rule::BaseFee, 2_000), service("A", 471), service("B", 194), service("C", 762), service("D", 170)];
    assert_eq!((owed.lines.as_slice(), owed.total), (&lines[..], 3_597));
}

#[test]
fn leadmagnet_is_34_00() {
    let terms = |usage| {
        let terms = Terms { base_fee: money("29.00 USD"), markup: percent("100"), ..Terms::default() };
        cost(usage, Terms { allowance: money("10.00 USD"), ..terms })
    };
    let owed = october(&terms("7.50")).expect("owed");
    let rest = [line(Rule::Markup, 750), line(Rule::Allowance, -1_000)];
    assert_eq!((&owed.lines[2..], owed.total), (&rest[..], 3_400));
    assert_eq!(total(&terms("3.00")), 2_900, "what is not used of the allowance is not given back");
}

#[test]
fn daylily_is_367_97_and_with_its_discount_331_17() {
    let priced = |quantity: &str, price: &str| {
        let cents = (&exact(quantity) * &exact(price)).over(&exact("0.01")).expect("a cent is not zero");
        cents.round_to(1)
    };
    let per_thousand = exact("0.005").over(&Exact::whole(1_000)).expect("a thousand is not zero");
    let requests = (&Exact::whole(125_000) * &per_thousand).over(&exact("0.01")).expect("a cent is not zero");
    let cents = [priced("1250.5", "0.25"), priced("45.2", "0.09"), requests.round_to(1), priced("500", "0.09"), 564];
    assert_eq!(cents, [31_263, 407, 63, 4_500, 564]);
    let month = |discount| {
        let mut facts = acme("USD", Terms { discount, ..Terms::default() });
        for (service, cents) in ["vCPU", "transfer", "requests", "FSx", "storage"].into_iter().zip(cents) {
            spend(&mut facts, "ACME", "2026-10-05", service, &format!("{}.{:02}", cents / 100, cents % 100));
        }
        total(&facts)
    };
    assert_eq!((month(None), month(percent("10"))), (36_797, 33_117));
}

#[test]
fn the_order_of_all_rules_is_fixed() {
    let fixed = money("0.30 USD").expect("money");
    let terms = Terms {
        base_fee: money("20.00 USD"),
        markup: percent("10"),
        fee: money("5.00 USD").map(Fee::Flat),
        allowance: money("30.00 USD"),
        discount: percent("50"),
        minimum: money("60.00 USD"),
        payment_fee: percent("2.9").map(|percent| PaymentFee { percent, fixed }),
        tax: percent("19"),
    };
    let owed = october(&cost("100.00", terms)).expect("owed");
    // 20 + 100 + 10 + 5 - 30 = 105; half off is 52.50; 7.50 to the minimum; 2.9 % of 60 + 0.30 = 2.04; 19 % of 62.04 =
    // 11.79.
    let lines = [
        line(Rule::BaseFee, 2_000),
        service("AWS Lambda", 10_000),
        line(Rule::Markup, 1_000),
        line(Rule::Fee, 500),
        line(Rule::Allowance, -3_000),
        line(Rule::Discount, -5_250),
        line(Rule::Minimum, 750),
        line(Rule::PaymentFee, 204),
        line(Rule::Tax, 1_179),
    ];
    assert_eq!((owed.lines.as_slice(), owed.total), (&lines[..], 7_383));
}

#[test]
fn every_kind_of_currency_is_rounded_to_what_stripe_can_charge() {
    let charged = |currency: &str, per_dollar: &str| {
        let mut facts = acme(currency, Terms { markup: percent("10"), ..Terms::default() });
        spend(&mut facts, "ACME", "2026-10-05", "AWS Lambda", "10.00");
        facts.rates = vec![rate("2026-10-31", currency, per_dollar)];
        let owed = october(&facts).expect("owed");
        (owed.total, owed.currency.show(owed.total))
    };
    let shown = |amount, text: &str| (amount, text.to_owned());
    assert_eq!(charged("JPY", "151.25"), shown(1_664, "1664 JPY"), "1513 + 151");
    assert_eq!(charged("UGX", "3712.55"), shown(4_083_900, "40839.00 UGX"), "37126 + 3713");
    assert_eq!(charged("ISK", "137.45"), shown(151_200, "1512.00 ISK"), "1375 + 137: a tenth of 1374.5, not of 1375");
    assert_eq!(charged("KWD", "0.30745"), shown(3_380, "3.380 KWD"), "3.070 + 0.310");
    assert_eq!(Currency::find("XYZ"), None);
    assert_eq!(Currency::find("usd"), None);
}
