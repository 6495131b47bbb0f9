//! Who is billed in which currency, and whether a rate is stated for it.

use super::pricing::currency_of;
use super::{Checker, steps};
use crate::Currency;
use crate::period::EARLIEST;

pub(super) fn check(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    rates(checker);
    let mut reported = false;
    for (index, tenant) in manifest.tenants.iter().enumerate() {
        if checker.is_reported(&steps!["currency"]) || checker.is_reported(&steps!["tenants", index, "currency"]) {
            continue;
        }
        let currency = manifest.currency_of(tenant);
        if currency != Currency::USD && manifest.exchange_of(tenant).is_none() && !checker.is_reported(&steps!["fx"]) {
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

fn rate_hint(currency: Currency, own: Currency) -> String {
    let rate = match currency == own {
        true => "rate: \"0.90\"".to_owned(),
        false => format!("rates: {{{currency}: \"0.90\"}}"),
    };
    format!("state a rate: `fx: {{source: ECB, date: 2026-11-20, {rate}}}`")
}

fn rates(checker: &mut Checker<'_>) {
    let Some(fx) = &checker.manifest.fx else { return };
    if fx.date.value() < EARLIEST {
        checker.at(&steps!["fx", "date"], "the rate's day lies before AWS had a bill", None);
    }
    if fx.rate.is_some() && checker.manifest.currency == Currency::USD {
        let hint = "leave it out, or write it under `rates` with its currency".to_owned();
        checker.at(&steps!["fx", "rate"], "the manifest's currency is USD, which needs no rate", hint);
    }
    for code in fx.rates.keys() {
        match code.parse::<Currency>() {
            Ok(Currency::USD) => {
                checker.at_key(&steps!["fx", "rates", code], "USD needs no rate", "leave it out".to_owned());
            }
            Ok(currency) if currency.code() != code => {
                let hint = format!("write it as {currency}");
                checker.at_key(&steps!["fx", "rates", code], format!("`{code}` is not in upper case"), hint);
            }
            Ok(_) => {}
            Err(unknown) => checker.at_key(&steps!["fx", "rates", code], unknown.to_string(), None),
        }
    }
}
