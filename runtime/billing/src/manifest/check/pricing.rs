//! Terms: ranges, tiers in order, one currency each.

use rust_decimal::Decimal;

use super::values::{month, not_negative, share};
use super::{Checker, steps};
use crate::Money;
use crate::manifest::node::Step;
use crate::pricing::{Fee, FeeMode, PaymentFee, Terms, Tier};

pub(super) fn check(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    for (name, terms) in &manifest.pricing {
        shares(checker, name, terms);
        amounts(checker, name, terms);
        if let Some(Fee::Tiers(tiers)) = &terms.fee {
            self::tiers(checker, name, tiers);
        }
        fees(checker, name, terms);
        if checker.is_written(&steps!["pricing", name, "sharing"]) {
            let hint = "write `costs.unallocated`: it holds for every tenant".to_owned();
            checker.at_key(&steps!["pricing", name, "sharing"], "terms do not say how cost is shared", hint);
        }
        if let Some(from) = terms.effective_from {
            month(checker, &steps!["pricing", name, "effective_from"], from);
        }
    }
}

/// The payment fee of terms, in one of its two spellings.
fn fees(checker: &mut Checker<'_>, name: &String, terms: &Terms) {
    if let Some(fee) = &terms.card_fee {
        share(checker, &steps!["pricing", name, "card_fee", "percent"], fee.percent, 100);
        not_negative(checker, &steps!["pricing", name, "card_fee", "fixed"], fee.fixed);
    }
    let Some(fee) = &terms.payment_fee else { return };
    payment_fee(checker, &steps!["pricing", name, "payment_fee"], fee, checker.manifest.invoicing.payment_fee.as_ref());
    if terms.card_fee.is_some() {
        let message = format!("the terms `{name}` have both `card_fee` and `payment_fee`, which are one setting");
        let hint = "keep `payment_fee`, and take `card_fee` out: it is the older spelling".to_owned();
        checker.at_key(&steps!["pricing", name, "card_fee"], message, hint);
    }
}

/// A payment fee whose missing parts `default` may give.
pub(super) fn payment_fee(checker: &mut Checker<'_>, path: &[Step], fee: &PaymentFee, default: Option<&PaymentFee>) {
    let at = |key: &str| -> Vec<Step> { path.iter().cloned().chain([Step::from(key)]).collect() };
    if let Some(percent) = fee.percent {
        share(checker, &at("percent"), percent, 100);
    }
    if let Some(fixed) = fee.fixed {
        not_negative(checker, &at("fixed"), fixed);
    }
    let whole = fee.clone().completed_by(default);
    if whole.mode == FeeMode::Absorb {
        return;
    }
    let parts = [("percent", whole.percent.is_some(), "\"2.9%\""), ("fixed", whole.fixed.is_some(), "\"0.30 USD\"")];
    for (key, is_given, example) in parts {
        if !is_given && !checker.is_reported(&at(key)) {
            let message = format!("the fee is passed on, and its `{key}` is not given");
            checker.at(&at(key), message, format!("write `{key}: {example}`, as the payment provider charges it"));
        }
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
