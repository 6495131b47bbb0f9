//! The tiers of a price: ascending bounds, the last one open.

use serde_json::{Value, json};

use crate::currency;
use crate::wire::error::ApiError;
use crate::wire::object::{self, Object, integer, rows, text};

use super::amount::{check_range, decimal};

/// Checks and sets `tiers` and `tiers_mode` of a tiered price.
pub(crate) fn set(price: &mut Object, params: &Object) -> Result<(), ApiError> {
    if price.get("recurring").is_none_or(Value::is_null) {
        let message = "Tiered prices must recur: set `recurring`.";
        return Err(ApiError::invalid(message).with_param("billing_scheme"));
    }
    let mode = object::required(params, "tiers_mode")?;
    let given = rows(params, "tiers");
    let Some((last, bounded)) = given.split_last() else {
        return Err(ApiError::parameter_missing("tiers"));
    };
    if last["up_to"] != "inf" {
        let message = "The last tier must be open: set its `up_to` to `inf`.";
        return Err(ApiError::invalid(message).with_param("tiers"));
    }
    check_bounds(bounded)?;
    let money = text(price, "currency").unwrap_or_default();
    let tiers = given.iter().enumerate().map(|(at, tier)| tier_of(at, tier, money)).collect::<Result<Vec<_>, _>>()?;
    object::set(price, "tiers", tiers);
    object::set(price, "tiers_mode", mode);
    Ok(())
}

fn check_bounds(bounded: &[Value]) -> Result<(), ApiError> {
    let mut below = 0;
    for (at, tier) in bounded.iter().enumerate() {
        match tier["up_to"].as_i64() {
            Some(bound) if bound > below => below = bound,
            _ => {
                let message = "Tiers must be in ascending order of `up_to`, and only the last may be `inf`.";
                return Err(ApiError::invalid(message).with_param(format!("tiers[{at}][up_to]")));
            }
        }
    }
    Ok(())
}

fn tier_of(at: usize, tier: &Value, money: &str) -> Result<Value, ApiError> {
    let given = tier.as_object().cloned().unwrap_or_default();
    let (flat, flat_exact) = amount(&given, at, money, ("flat_amount", "flat_amount_decimal"))?;
    let (unit, unit_exact) = amount(&given, at, money, ("unit_amount", "unit_amount_decimal"))?;
    if flat_exact.is_null() && unit_exact.is_null() {
        return Err(ApiError::parameter_missing(&format!("tiers[{at}][unit_amount]")));
    }
    Ok(json!({
        "flat_amount": flat, "flat_amount_decimal": flat_exact, "unit_amount": unit, "unit_amount_decimal": unit_exact,
        "up_to": tier["up_to"].as_i64(),
    }))
}

/// An amount of a tier, from either of its two spellings.
fn amount(given: &Object, at: usize, money: &str, names: (&str, &str)) -> Result<(Value, Value), ApiError> {
    let (whole, exact) = names;
    match (integer(given, whole), text(given, exact)) {
        (Some(_), Some(_)) => Err(ApiError::exclusive(whole, exact)),
        (Some(amount), None) => {
            check_range(amount, &format!("tiers[{at}][{whole}]"))?;
            currency::check_amount(amount, money, &format!("tiers[{at}][{whole}]"))?;
            Ok((json!(amount), json!(amount.to_string())))
        }
        (None, Some(amount)) => {
            let amount = decimal(amount, &format!("tiers[{at}][{exact}]"))?;
            let minor = if amount.fract().is_zero() { i64::try_from(amount).ok() } else { None };
            Ok((json!(minor), json!(amount.normalize().to_string())))
        }
        (None, None) => Ok((Value::Null, Value::Null)),
    }
}
