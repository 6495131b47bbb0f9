//! A new price that is not yet kept: what it charges, how often, and in which steps.

use serde_json::{Value, json};

use crate::currency;
use crate::objects::metadata;
use crate::state::State;
use crate::wire::blank::blank;
use crate::wire::error::ApiError;
use crate::wire::object::{Object, assign, fields, group, integer, required, set, text};

use super::amount::unit_amount;
use super::tier;

/// A new price that is not yet kept; also for `default_price_data` of a product and `price_data` of an item.
pub(crate) fn draft(state: &mut State, params: &Object) -> Result<Object, ApiError> {
    let money = required(params, "currency")?;
    currency::check(money, "currency")?;
    let recurring = group(params, "recurring").map(recurring).transpose()?;
    let kind = if recurring.is_some() { "recurring" } else { "one_time" };
    let mut price = blank("price");
    price.extend(fields(json!({
        "id": state.ids.next("price"), "active": true, "created": state.now(), "currency": money,
        "billing_scheme": text(params, "billing_scheme").unwrap_or("per_unit"), "metadata": metadata::fresh(params)?,
        "product": null, "recurring": recurring, "tiers": null, "type": kind,
        "tax_behavior": text(params, "tax_behavior").unwrap_or("unspecified"),
    })));
    set_amounts(&mut price, params)?;
    assign(&mut price, params, &["active", "nickname", "product", "transform_quantity"]);
    check_transform(&price)?;
    Ok(price)
}

fn recurring(given: &Object) -> Result<Value, ApiError> {
    let interval = text(given, "interval").unwrap_or_default();
    let count = integer(given, "interval_count").unwrap_or(1);
    let most = match interval {
        "day" => 1095,
        "week" => 156,
        "month" => 36,
        _ => 3,
    };
    if !(1..=most).contains(&count) {
        let message = format!(
            "Invalid interval count: {count}; a price recurs at least every three years ({most} times a {interval})."
        );
        return Err(ApiError::bad_integer("recurring[interval_count]", message));
    }
    if let Some(meter) = text(given, "meter") {
        return Err(ApiError::missing("billing meter", meter).in_param("recurring[meter]"));
    }
    if text(given, "usage_type") == Some("metered") {
        let message = "Metered prices must be backed by a meter: set `recurring[meter]`.";
        return Err(ApiError::invalid(message).with_param("recurring[usage_type]"));
    }
    Ok(json!({
        "interval": interval, "interval_count": count, "meter": null, "trial_period_days": null, "usage_type": "licensed",
    }))
}

/// Exactly one way to say how much: an amount, a decimal amount, or tiers.
fn set_amounts(price: &mut Object, params: &Object) -> Result<(), ApiError> {
    const WAYS: [&str; 2] = ["unit_amount", "unit_amount_decimal"];
    let given: Vec<&str> = WAYS.into_iter().filter(|way| params.contains_key(*way)).collect();
    if let [first, second, ..] = given[..] {
        return Err(ApiError::exclusive(first, second));
    }
    if text(price, "billing_scheme") == Some("tiered") {
        if let Some(way) = given.first() {
            let message = format!("`{way}` cannot be used with `billing_scheme=tiered`.");
            return Err(ApiError::invalid(message).with_param(*way));
        }
        return tier::set(price, params);
    }
    for name in ["tiers", "tiers_mode"] {
        if params.contains_key(name) {
            let message = format!("`{name}` can only be used with `billing_scheme=tiered`.");
            return Err(ApiError::invalid(message).with_param(name));
        }
    }
    match given.first() {
        Some(_) => {
            let (amount, exact) = unit_amount(params, "", text(price, "currency").unwrap_or_default())?;
            set(price, "unit_amount", amount);
            set(price, "unit_amount_decimal", exact);
            Ok(())
        }
        None => Err(ApiError::invalid(
            "Prices require an `unit_amount`, `unit_amount_decimal` or `custom_unit_amount` parameter to be set.",
        )
        .with_code("parameter_missing")
        .with_param("unit_amount")),
    }
}

fn check_transform(price: &Object) -> Result<(), ApiError> {
    let divisor = group(price, "transform_quantity").and_then(|given| integer(given, "divide_by"));
    match divisor {
        Some(divisor) if divisor < 1 => Err(ApiError::bad_integer(
            "transform_quantity[divide_by]",
            "This value must be greater than or equal to 1.",
        )),
        _ => Ok(()),
    }
}
