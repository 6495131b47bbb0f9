//! Who is billed in which currency, and whether a rate is stated for it.

use std::collections::BTreeMap;

use super::pricing::currency_of;
use super::{Checker, steps};
use crate::Currency;
use crate::manifest::model::{DayRates, Fx, Rates, Tenant};
use crate::manifest::node::Step;
use crate::manifest::text::{Day, Rate};
use crate::period::EARLIEST;

pub(super) fn check(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    rates(checker);
    // That was reported: the rate is there.
    let lacks_day = manifest.fx.as_ref().is_some_and(|fx| fx.date.is_none() && matches!(fx.rates, Rates::OneDay(_)));
    let mut reported = false;
    for (index, tenant) in manifest.tenants.iter().enumerate() {
        if checker.is_reported(&steps!["currency"]) || checker.is_reported(&steps!["tenants", index, "currency"]) {
            continue;
        }
        let currency = manifest.currency_of(tenant);
        let is_stated = currency == Currency::USD || !manifest.rates_of(tenant).is_empty() || lacks_day;
        if !is_stated && !checker.is_reported(&steps!["fx"]) {
            let hint = rate_hint(currency, manifest.currency);
            let message = format!("AWS bills in USD and no rate says what that is in {currency}");
            match tenant.currency {
                Some(_) => checker.at(&steps!["tenants", index, "currency"], message, hint),
                // The manifest's own currency is reported once, not for each tenant.
                None if !reported => {
                    reported = true;
                    checker.at(&steps!["currency"], message, hint);
                }
                None => {}
            }
        }
        fee_currency(checker, index, tenant);
        for name in tenant.pricing.names() {
            let Some(written) = manifest.pricing.get(name).and_then(currency_of) else { continue };
            if written != currency {
                let message =
                    format!("the terms `{name}` are in {written}, and the tenant `{}` pays {currency}", tenant.id);
                let hint = format!("refer to terms in {currency}, or bill the tenant in {written}");
                checker.at(&steps!["tenants", index, "pricing"], message, hint);
            }
        }
    }
    if manifest.tenants.is_empty() && manifest.currency != Currency::USD && manifest.fx.is_none() {
        let message = format!("AWS bills in USD and no rate says what that is in {}", manifest.currency);
        checker.at(&steps!["currency"], message, rate_hint(manifest.currency, manifest.currency));
    }
}

/// The fixed part of a payment fee is converted from US dollars, and from no other currency.
fn fee_currency(checker: &mut Checker<'_>, index: usize, tenant: &Tenant) {
    let currency = checker.manifest.currency_of(tenant);
    let fixed = checker.manifest.terms_of(tenant).into_iter().filter_map(|terms| terms.passed_on_fee());
    let other = fixed.map(|fee| fee.fixed.currency).find(|other| ![Currency::USD, currency].contains(other));
    let Some(other) = other else { return };
    let of_terms = |name: &String| {
        let terms = checker.manifest.pricing.get(name)?;
        let own = terms.payment_fee.as_ref().and_then(|fee| fee.fixed).or(terms.card_fee.as_ref().map(|fee| fee.fixed));
        own.filter(|fixed| fixed.currency == other)
    };
    let is_own = tenant.pricing.names().iter().any(|name| of_terms(name).is_some());
    let message =
        format!("the fixed part of the payment fee is in {other}, and the tenant `{}` pays {currency}", tenant.id);
    let hint = match currency == Currency::USD {
        true => "write it in USD".to_owned(),
        false => format!("write it in {currency} or USD"),
    };
    match is_own {
        true => checker.at(&steps!["tenants", index, "pricing"], message, hint),
        false => checker.at(&steps!["invoicing", "payment_fee", "fixed"], message, hint),
    }
}

fn rate_hint(currency: Currency, own: Currency) -> String {
    let rate = match currency == own {
        true => "rate: \"0.90\"".to_owned(),
        false => format!("rates: {{{currency}: \"0.90\"}}"),
    };
    format!("state a rate: `fx: {{source: ECB, date: 2026-11-20, {rate}}}`")
}

fn rates(checker: &mut Checker<'_>) {
    let Some(fx) = &checker.manifest.fx else { return };
    if fx.rate.is_some() && checker.manifest.currency == Currency::USD {
        let hint = "leave it out, or write it under `rates` with its currency".to_owned();
        checker.at(&steps!["fx", "rate"], "the manifest's currency is USD, which needs no rate", hint);
    }
    match &fx.rates {
        Rates::OneDay(rates) => {
            one_day(checker, fx);
            codes(checker, &steps!["fx", "rates"], rates);
        }
        Rates::Days(days) => by_day(checker, fx, days),
    }
}

/// Rates of one day say which, and who states them.
fn one_day(checker: &mut Checker<'_>, fx: &Fx) {
    early(checker, &steps!["fx", "date"], fx.date);
    let lacking = [("date", fx.date.is_none(), "2026-11-20"), ("source", fx.source.is_none(), "ECB")];
    for (key, is_lacking, example) in lacking {
        if is_lacking && !checker.is_reported(&steps!["fx"]) && !checker.is_reported(&steps!["fx", key]) {
            checker.at(&steps!["fx", key], format!("`fx` lacks the key `{key}`"), format!("add `{key}: {example}`"));
        }
    }
}

/// Rates by day: each day once, with a rate and who states it.
fn by_day(checker: &mut Checker<'_>, fx: &Fx, days: &[DayRates]) {
    for (key, is_written) in [("date", fx.date.is_some()), ("rate", fx.rate.is_some())] {
        if is_written && !checker.is_reported(&steps!["fx", "rates"]) {
            let hint = "leave it out: each day of the list `rates` has its own".to_owned();
            checker.at(&steps!["fx", key], format!("`{key}` stands beside a list of days"), hint);
        }
    }
    for (index, day) in days.iter().enumerate() {
        let at = |key: &str| steps!["fx", "rates", index, key];
        early(checker, &at("date"), Some(day.date));
        if let Some(first) = days[..index].iter().position(|other| other.date == day.date) {
            let first = checker.place_text(&steps!["fx", "rates", first, "date"]);
            let hint = format!("the first is at {first}; write all rates of a day together");
            checker.at(&at("date"), format!("the day {} is taken", day.date.value()), hint);
        }
        if day.source.is_none() && fx.source.is_none() && !checker.is_reported(&at("source")) {
            let hint = "add `source: ECB`, here or beside `rates`".to_owned();
            checker.at(&at("source"), format!("nothing says who states the rates of {}", day.date.value()), hint);
        }
        let is_whole = !day.rates.is_empty() || checker.is_reported(&steps!["fx", "rates", index]);
        if !is_whole {
            let hint = "add one, such as `EUR: \"0.9137\"`".to_owned();
            checker.at(&steps!["fx", "rates", index], format!("{} has no rate", day.date.value()), hint);
        }
        codes(checker, &steps!["fx", "rates", index], &day.rates);
    }
}

fn early(checker: &mut Checker<'_>, path: &[Step], date: Option<Day>) {
    if date.is_some_and(|date| date.value() < EARLIEST) {
        checker.at(path, "the rate's day lies before AWS had a bill", None);
    }
}

fn codes(checker: &mut Checker<'_>, path: &[Step], rates: &BTreeMap<String, Rate>) {
    for code in rates.keys() {
        let at: Vec<Step> = path.iter().cloned().chain(steps![code]).collect();
        match code.parse::<Currency>() {
            Ok(Currency::USD) => checker.at_key(&at, "USD needs no rate", "leave it out".to_owned()),
            Ok(currency) if currency.code() != code => {
                checker.at_key(&at, format!("`{code}` is not in upper case"), format!("write it as {currency}"));
            }
            Ok(_) => {}
            Err(unknown) => checker.at_key(&at, unknown.to_string(), None),
        }
    }
}
