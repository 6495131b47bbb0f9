//! What Stripe sells: products, prices, meters.

use super::references::refer;
use super::values::not_negative;
use super::{Checker, steps};
use crate::manifest::model::Price;
use crate::manifest::node::Step;

/// The largest amount of a Stripe price: eight digits, in the smallest coin.
const LARGEST_PRICE: i64 = 99_999_999;

pub(super) fn check(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    let without = manifest.stripe.is_none();
    for (section, used) in [("products", !manifest.products.is_empty()), ("meters", !manifest.meters.is_empty())] {
        if used && without && checker.whole.get("stripe").is_none() {
            let hint = "add `stripe: {secret_key: stripe}`, or leave them out".to_owned();
            checker.at_key(
                &steps![section],
                format!("`{section}` live in Stripe, which the manifest does not name"),
                hint,
            );
        }
    }
    for (name, product) in &manifest.products {
        for (price, settings) in &product.prices {
            let steps = steps!["products", name, "prices", price];
            amount(checker, &steps, settings);
            metered(checker, &steps, settings);
        }
    }
}

fn amount(checker: &mut Checker<'_>, path: &[Step], price: &Price) {
    let steps: Vec<Step> = path.iter().cloned().chain(steps!["amount"]).collect();
    not_negative(checker, &steps, price.amount);
    // Stripe counts whole minor units; only metered prices may be finer, and those are checked by Stripe.
    if price.meter.is_none() && price.amount.rounded() != price.amount {
        let hint = format!("write it with at most {} decimals", price.amount.currency.billed_decimals());
        checker.at(&steps, format!("`{}` has a fraction of the smallest coin", price.amount), hint);
    }
    if price.amount.minor_units().map_or(true, |units| units.0 > LARGEST_PRICE) {
        let hint = "Stripe takes at most eight digits, in the smallest coin".to_owned();
        checker.at(&steps, format!("`{}` is more than a Stripe price can be", price.amount), hint);
    }
}

fn metered(checker: &mut Checker<'_>, path: &[Step], price: &Price) {
    let Some(meter) = &price.meter else { return };
    let steps: Vec<Step> = path.iter().cloned().chain(steps!["meter"]).collect();
    refer(checker, &steps, meter, "meters");
    if price.every.is_none() {
        checker.at(&steps, "a metered price is charged by a period", "add `every: month`".to_owned());
    }
}
