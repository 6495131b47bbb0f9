//! Realistic cost reports from a seed, in every layout and format, and what they add up to: the sums are made from the
//! generator's own integers, apart from anything the reader does.
//!
//! Tenants are skewed as customers are, 5 % of rows carry no tenant, costs have ten decimal places; there are credits,
//! refunds, tax, reservations and savings plans.
#![allow(dead_code, missing_docs)]

pub mod csv;
pub mod lines;
pub mod parquet;

use std::collections::BTreeMap;

use lines::{Line, Lines};
use rust_decimal::Decimal;

/// The layouts that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Legacy,
    Cur2,
    Focus,
}

/// What a row is worth in each basis: unblended, net unblended, amortised, net amortised.
pub fn costs(line: &Line, shape: Shape) -> [i64; 4] {
    if shape == Shape::Focus {
        return [line.cost, line.cost, line.effective, line.effective];
    }
    let net = |cost: i64| cost - cost / 10;
    let amortised = match line.kind() {
        "SavingsPlanCoveredUsage" => (line.effective, net(line.effective)),
        "SavingsPlanRecurringFee" => (line.committed - line.used, line.committed - line.used),
        "SavingsPlanNegation" => (0, 0),
        "DiscountedUsage" => (line.effective, net(line.effective)),
        "RIFee" => (line.committed + line.used, net(line.committed) + net(line.used)),
        "Fee" if line.is_reservation => (0, 0),
        _ => (line.cost, net(line.cost)),
    };
    [line.cost, net(line.cost), amortised.0, amortised.1]
}

/// What a row says of a dimension.
pub fn value(lines: &Lines, line: &Line, dimension: &str, shape: Shape) -> String {
    match dimension {
        "tenant" => lines.tenant(line).unwrap_or_default(),
        "project" => line.project().unwrap_or_default().to_owned(),
        "service" => line.service().to_owned(),
        "account" => line.account(),
        "day" => line.day(),
        "month" => line.day()[..7].to_owned(),
        "line-type" if shape == Shape::Focus => line.category().to_owned(),
        "line-type" => line.kind().to_owned(),
        "invoice" => line.invoice().unwrap_or_default().to_owned(),
        "tag:env" => line.env().unwrap_or_default().to_owned(),
        other => panic!("no dimension {other}"),
    }
}

/// Cost and usage by group.
pub type Sums = BTreeMap<Vec<String>, (Decimal, Decimal, u64)>;

/// What the rows add up to.
pub fn expected(lines: &Lines, shape: Shape, basis: usize, by: &[&str]) -> Sums {
    let mut sums = Sums::new();
    for row in 0..lines.rows {
        let line = lines.line(row);
        let group = by.iter().map(|dimension| value(lines, &line, dimension, shape)).collect();
        let sum = sums.entry(group).or_default();
        sum.0 += Decimal::new(costs(&line, shape)[basis], 10);
        sum.1 += Decimal::new(line.usage, 6);
        sum.2 += 1;
    }
    sums
}
