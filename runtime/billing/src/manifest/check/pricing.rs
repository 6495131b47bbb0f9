//! Terms: ranges, tiers in order, one currency each.

use rust_decimal::Decimal;

use super::{Checker, steps};
use crate::manifest::node::Step;
use crate::period::EARLIEST;
use crate::pricing::{Fee, Terms, Tier};
use crate::{Money, Month, Percent};

pub(super) fn check(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    for (name, terms) in &manifest.pricing {
        shares(checker, name, terms);
        amounts(checker, name, terms);
        if let Some(Fee::Tiers(tiers)) = &terms.fee {
            self::tiers(checker, name, tiers);
        }
        if let Some(month) = terms.effective_from {
            self::month(checker, &steps!["pricing", name, "effective_from"], month);
        }
    }
    for (index, tenant) in manifest.tenants.iter().enumerate() {
        if let Some(month) = tenant.first_period {
            self::month(checker, &steps!["tenants", index, "first_period"], month);
        }
        successive(checker, index, tenant.pricing.names());
    }
    if let Some(month) = manifest.invoicing.first_period {
        self::month(checker, &steps!["invoicing", "first_period"], month);
    }
    if let Some(fee) = &manifest.invoicing.payment_fee {
        share(checker, &steps!["invoicing", "payment_fee", "percent"], fee.percent, 100);
        not_negative(checker, &steps!["invoicing", "payment_fee", "fixed"], fee.fixed);
    }
    for (name, product) in &manifest.products {
        for (price, settings) in &product.prices {
            let steps = steps!["products", name, "prices", price, "amount"];
            not_negative(checker, &steps, settings.amount);
            // Stripe counts whole minor units; only metered prices may be finer, and those are checked by Stripe.
            if settings.meter.is_none() && settings.amount.rounded() != settings.amount {
                let hint = format!("write it with at most {} decimals", settings.amount.currency.decimals());
                checker.at(&steps, format!("`{}` has a fraction of the smallest coin", settings.amount), hint);
            }
            if settings.amount.minor_units().map_or(true, |units| units.0 > LARGEST_PRICE) {
                let hint = "Stripe takes at most eight digits, in the smallest coin".to_owned();
                checker.at(&steps, format!("`{}` is more than a Stripe price can be", settings.amount), hint);
            }
        }
    }
}

/// The largest amount of a Stripe price: eight digits, in the smallest coin.
const LARGEST_PRICE: i64 = 99_999_999;

/// Months before AWS began are typing mistakes.
fn month(checker: &mut Checker<'_>, path: &[Step], month: Month) {
    if month < Month::of(EARLIEST) {
        let hint = "write the first month to bill, such as 2026-11".to_owned();
        checker.at(path, format!("{month} lies before AWS had a bill"), hint);
    }
}

/// Several terms of a tenant must say which holds when.
fn successive(checker: &mut Checker<'_>, index: usize, names: &[String]) {
    let mut seen: Vec<(Option<Month>, &str)> = Vec::new();
    for (i, name) in names.iter().enumerate() {
        let Some(terms) = checker.manifest.pricing.get(name) else { continue };
        if checker.is_reported(&steps!["pricing", name])
            || checker.is_reported(&steps!["pricing", name, "effective_from"])
        {
            continue;
        }
        if let Some((_, other)) = seen.iter().find(|(from, _)| *from == terms.effective_from) {
            let message = format!("the terms `{other}` and `{name}` begin in the same month");
            let hint = "give each of them another `effective_from`".to_owned();
            checker.at(&steps!["tenants", index, "pricing", i], message, hint);
        }
        seen.push((terms.effective_from, name));
    }
}

fn shares(checker: &mut Checker<'_>, name: &String, terms: &Terms) {
    let shares = [("markup", terms.markup, 1000), ("discount", terms.discount, 100), ("tax", terms.tax, 100)];
    for (key, percent, most) in shares {
        if let Some(percent) = percent {
            share(checker, &steps!["pricing", name, key], percent, most);
        }
    }
}

fn share(checker: &mut Checker<'_>, path: &[Step], percent: Percent, most: u32) {
    if percent.value() < Decimal::ZERO || percent.value() > Decimal::from(most) {
        checker.at(path, format!("`{percent}` is out of range"), format!("write a percentage from 0% to {most}%"));
    }
}

fn not_negative(checker: &mut Checker<'_>, path: &[Step], money: Money) {
    if money.amount < Decimal::ZERO {
        checker.at(path, format!("`{money}` is negative"), "write an amount of zero or more".to_owned());
    }
}

/// All amounts of terms, with their steps below `pricing.NAME`.
fn amounts_of(terms: &Terms) -> Vec<(Vec<Step>, Money)> {
    let plain = [("base_fee", terms.base_fee), ("allowance", terms.allowance), ("minimum", terms.minimum)];
    let plain = plain.into_iter().filter_map(|(key, money)| Some((vec![Step::from(key)], money?)));
    let mut all: Vec<_> = plain.collect();
    match &terms.fee {
        Some(Fee::Flat(money)) => all.push((steps!["fee", "flat"].to_vec(), *money)),
        Some(Fee::Tiers(tiers)) => {
            for (i, tier) in tiers.iter().enumerate() {
                let pairs = [("below", tier.below), ("flat", tier.flat)];
                let written = pairs.into_iter().filter_map(|(key, money)| Some((key, money?)));
                all.extend(written.map(|(key, money)| (steps!["fee", "tiers", i, key].to_vec(), money)));
            }
        }
        None => {}
    }
    all
}

fn amounts(checker: &mut Checker<'_>, name: &String, terms: &Terms) {
    let all = amounts_of(terms);
    for (steps, money) in &all {
        let steps: Vec<Step> = steps!["pricing", name].into_iter().chain(steps.iter().cloned()).collect();
        not_negative(checker, &steps, *money);
        if let Some((_, first)) = all.first().filter(|(_, first)| first.currency != money.currency) {
            let message = format!("`{money}` and `{first}` stand in one set of terms");
            checker.at(&steps, message, "an invoice has one currency; write all amounts in it".to_owned());
        }
    }
}

/// The currency that terms are written in, if they hold any amount.
pub(super) fn currency_of(terms: &Terms) -> Option<crate::Currency> {
    amounts_of(terms).first().map(|(_, money)| money.currency)
}

fn tiers(checker: &mut Checker<'_>, name: &String, tiers: &[Tier]) {
    let at = |i: usize, key: &str| steps!["pricing", name, "fee", "tiers", i, key];
    if tiers.is_empty() {
        let hint = "write at least one, or leave the fee out".to_owned();
        checker.at(&steps!["pricing", name, "fee", "tiers"], "a fee by tiers without a tier", hint);
    }
    let mut floor = Decimal::ZERO;
    for (i, tier) in tiers.iter().enumerate() {
        let last = i + 1 == tiers.len();
        match (tier.flat, tier.percent) {
            (Some(_), Some(_)) => {
                let hint = "write either `flat` or `percent`".to_owned();
                checker.at(&at(i, "percent"), "this tier has both `flat` and `percent`", hint);
            }
            (None, None) if checker.is_reported(&at(i, "flat")) || checker.is_reported(&at(i, "percent")) => {}
            (None, None) => {
                let hint = "write `flat: \"5.00 USD\"` or `percent: \"5%\"`".to_owned();
                checker.at(&at(i, "flat"), "this tier has neither `flat` nor `percent`", hint);
            }
            (None, Some(percent)) => share(checker, &at(i, "percent"), percent, 100),
            (Some(_), None) => {}
        }
        match tier.below {
            Some(below) if last => {
                let hint = format!("add a tier without `below` for costs from {below} on");
                checker.at(&at(i, "below"), "the last tier ends", hint);
            }
            Some(below) if below.amount <= floor => {
                let hint = "write tiers from the lowest to the highest".to_owned();
                checker.at(&at(i, "below"), format!("`{below}` is not above the tier before it"), hint);
            }
            Some(below) => floor = below.amount,
            None if checker.is_reported(&at(i, "below")) => {}
            None if !last => {
                let hint = "say where it ends with `below`; only the last tier is open".to_owned();
                checker.at(&at(i, "below"), "this tier has no end, so the next one never holds", hint);
            }
            None => {}
        }
    }
}
