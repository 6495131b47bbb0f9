//! `invoice list` for thirteen tenants under three plans, in two currencies, with tax.

use std::collections::BTreeMap;

use billing::Currency;
use jiff::civil::date;
use provisioner::ledger::bills::{Bill, Bills, Parts};
use provisioner::ledger::near_misses::NearMiss;
use provisioner::ledger::unclaimed::Unclaimed;
use provisioner::ui::views::bills;
use rust_decimal::Decimal;

use crate::golden::golden;

const NAMES: [&str; 13] = [
    "acme", "bluefin", "cobalt", "dune", "ember", "fjord", "granite", "harbor", "iris", "juniper", "kelp", "lumen",
    "mistral",
];

fn amount(text: &str) -> Decimal {
    text.parse().expect("an amount")
}

/// The n-th tenant: at cost, with a markup and a discount, or in euros with a base fee and tax.
fn bill(n: usize) -> Bill {
    let aws = Decimal::from(n) * amount("41.503");
    let cost = aws.round_dp(2);
    let (currency, parts) = match n % 3 {
        0 => (Currency::USD, Parts { cost, total: cost, ..Parts::nothing(Currency::USD) }),
        1 => {
            let (markup, discount) = ((cost * amount("0.10")).round_dp(2), amount("-1.25"));
            let total = cost + markup + discount;
            (Currency::USD, Parts { cost, markup, discount, total, ..Parts::nothing(Currency::USD) })
        }
        _ => {
            let eur: Currency = "EUR".parse().expect("a currency");
            let (cost, fees) = ((cost * amount("0.90")).round_dp(2), amount("29.00"));
            let (tax, earlier) = (((cost + fees) * amount("0.19")).round_dp(2), amount("-3.10"));
            (eur, Parts { cost, fees, tax, earlier, total: cost + fees + tax + earlier, ..Parts::nothing(eur) })
        }
    };
    Bill {
        tenant: NAMES[n].to_owned(),
        name: format!("Client {n}, \"{}\"", currency.code()),
        aws_usd: Some(aws),
        parts: Some(parts),
        state: if n.is_multiple_of(2) { "open" } else { "provisional" },
        reason: None,
        stripe_invoice: Some(format!("in_1Q{n:02}ExampleOfAnId")),
        due: n.is_multiple_of(2).then(|| date(2026, 12, 15)),
    }
}

fn thirteen() -> Bills {
    let month: billing::Month = "2026-11".parse().expect("a month");
    let mut rows: Vec<Bill> = (0..NAMES.len()).map(bill).collect();
    rows[12] = Bill {
        aws_usd: None,
        parts: None,
        state: "waiting",
        reason: Some("no exchange rate from USD to EUR is near the end of 2026-11".to_owned()),
        stripe_invoice: None,
        due: None,
        ..rows[12].clone()
    };
    let values = [("Acme-Print", "12.75"), ("", "3.10")].map(|(value, cost)| (value.to_owned(), amount(cost)));
    let near = vec![NearMiss {
        value: "Acme-Print".to_owned(),
        cost: amount("12.75"),
        tenant: "acme".to_owned(),
        theirs: "Acme".to_owned(),
    }];
    let unclaimed = Unclaimed {
        month,
        cost: amount("15.85"),
        values: BTreeMap::from(values),
        moved: BTreeMap::new(),
        shared: Decimal::ZERO,
        near,
    };
    Bills { month, rows, unclaimed: Some(unclaimed) }
}

#[test]
fn a_row_for_each_tenant_and_a_sum_for_each_currency() {
    golden("bills", |width| bills::render(&thirteen(), width));
    golden("bills-none", |width| bills::render(&Bills { rows: Vec::new(), ..thirteen() }, width));
}

#[test]
fn every_row_adds_up_in_csv_and_the_sums_in_json() {
    let bills = thirteen();
    let csv = bills::csv(&bills);
    let mut lines = csv.lines();
    assert!(lines.next().is_some_and(|head| head.starts_with("period,tenant,name,aws_usd,currency,cost,")));
    assert_eq!(lines.clone().count(), bills.rows.len());
    assert!(lines.next().is_some_and(|line| line.contains("\"Client 0, \"\"USD\"\"\"")), "{csv}");
    for bill in &bills.rows {
        let Some(parts) = bill.parts else { continue };
        let sum = parts.cost + parts.markup + parts.fees + parts.discount + parts.tax + parts.earlier;
        assert_eq!(sum, parts.total, "{}", bill.tenant);
    }
    let document = bills::json(&bills);
    assert_eq!(document["without_cost"], serde_json::json!(["acme"]));
    assert_eq!(document["sums"].as_array().map(Vec::len), Some(2));
    assert_eq!(document["near_misses"][0]["tenant"], "acme");
    let euros = bills.rows.iter().filter_map(|bill| bill.parts).filter(|parts| parts.currency.code() == "EUR");
    let euros: Decimal = euros.map(|parts| parts.total).sum();
    assert_eq!(document["sums"][0]["parts"]["total"], format!("{euros} EUR"));
}
