//! Amounts of prices: their range, their decimals, and both spellings of one.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::currency;
use crate::wire::error::ApiError;
use crate::wire::object::{Object, integer, text};

/// Eight digits, as for a single charge.
const MAX_AMOUNT: i64 = 99_999_999;
const MAX_DECIMALS: u32 = 12;

/// `unit_amount` (null when it is not whole) and `unit_amount_decimal`, from either; `at` goes before their names.
pub(crate) fn unit_amount(params: &Object, at: &str, money: &str) -> Result<(Value, Value), ApiError> {
    let named = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}[{name}]") };
    if let Some(amount) = integer(params, "unit_amount") {
        check_range(amount, &named("unit_amount"))?;
        currency::check_amount(amount, money, &named("unit_amount"))?;
        return Ok((json!(amount), json!(amount.to_string())));
    }
    let Some(exact) = text(params, "unit_amount_decimal") else {
        return Err(ApiError::parameter_missing(&named("unit_amount")));
    };
    let param = named("unit_amount_decimal");
    let decimal = decimal(exact, &param)?;
    if decimal.is_sign_negative() || decimal > Decimal::from(MAX_AMOUNT) {
        return Err(ApiError::invalid(format!("Invalid decimal: {exact} is out of range.")).with_param(param));
    }
    let whole = if decimal.fract().is_zero() { i64::try_from(decimal).ok() } else { None };
    if let Some(whole) = whole {
        currency::check_amount(whole, money, &param)?;
    }
    Ok((json!(whole), json!(decimal.normalize().to_string())))
}

/// A decimal with at most twelve places.
pub(crate) fn decimal(text: &str, param: &str) -> Result<Decimal, ApiError> {
    match text.parse::<Decimal>() {
        Ok(decimal) if decimal.scale() <= MAX_DECIMALS => Ok(decimal),
        _ => {
            let message = format!("Invalid decimal: {text}; it can have at most {MAX_DECIMALS} decimal places.");
            Err(ApiError::invalid(message).with_param(param))
        }
    }
}

/// An amount that Stripe takes for one unit.
pub(crate) fn check_range(amount: i64, param: &str) -> Result<(), ApiError> {
    let message = match amount {
        0..=MAX_AMOUNT => return Ok(()),
        ..0 => "This value must be greater than or equal to 0.".to_owned(),
        _ => format!("This value must be less than or equal to {MAX_AMOUNT}."),
    };
    Err(ApiError::bad_integer(param, message))
}
