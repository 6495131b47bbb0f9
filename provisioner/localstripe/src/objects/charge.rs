//! How much an invoice item charges: an amount, or a unit price times a quantity.

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use crate::currency;
use crate::objects::price::amount::decimal;
use crate::objects::price::draft as price_draft;
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::object::{Object, fields, flag, group, integer, text};

/// Twelve digits: what an invoice item can hold.
const MAX_AMOUNT: i64 = 999_999_999_999;

/// The parameters that say how much; they exclude each other.
const WAYS: [&str; 4] = ["amount", "pricing", "price_data", "unit_amount_decimal"];

/// What an item charges, checked.
#[derive(Debug)]
pub(crate) struct Charge {
    pub(crate) amount: i64,
    pub(crate) currency: String,
    quantity: Decimal,
    pricing: Value,
    /// The inactive price that `price_data` makes.
    new_price: Option<Object>,
}

/// The unit price before the quantity is applied.
struct Unit {
    exact: Decimal,
    currency: String,
    details: Value,
    new_price: Option<Object>,
}

impl Charge {
    /// Whether the parameters say anything about how much.
    pub(crate) fn is_in(params: &Object) -> bool {
        WAYS.iter().chain(&["quantity", "quantity_decimal"]).any(|name| params.contains_key(*name))
    }

    /// The charge of a new item. `expected` is the currency of its invoice; without one, `currency` must be given.
    pub(crate) fn of(state: &mut State, params: &Object, expected: Option<&str>) -> Result<Charge, ApiError> {
        let given: Vec<&str> = WAYS.into_iter().filter(|way| params.contains_key(*way)).collect();
        if let [first, second, ..] = given[..] {
            return Err(ApiError::exclusive(first, second));
        }
        let unit = match given.first() {
            Some(&"amount") => flat(params, own_currency(params, expected)?)?,
            Some(&"pricing") => listed(state, params)?,
            Some(&"price_data") => inline(state, params)?,
            Some(_) => exact(params, own_currency(params, expected)?)?,
            None => {
                let message = "You must say how much: `amount`, `pricing`, `price_data` or `unit_amount_decimal`.";
                return Err(ApiError::invalid(message).with_code("parameter_missing").with_param("amount"));
            }
        };
        check_currency(params, &unit.currency, expected)?;
        times(unit, params)
    }

    /// The charge of an item after an update that may change only its quantity.
    pub(crate) fn changed(state: &mut State, item: &Object, params: &Object) -> Result<Charge, ApiError> {
        let currency = text(item, "currency").unwrap_or_default();
        if WAYS.iter().any(|way| params.contains_key(*way)) {
            let mut params = params.clone();
            let quantity_given = params.contains_key("quantity") || params.contains_key("quantity_decimal");
            if !params.contains_key("amount") && !quantity_given {
                // A new unit price keeps the quantity.
                let kept = item.get("quantity_decimal").cloned().unwrap_or_else(|| json!("1"));
                params.insert("quantity_decimal".to_owned(), kept);
            }
            return Charge::of(state, &params, Some(currency));
        }
        let pricing = group(item, "pricing").cloned().unwrap_or_default();
        let unit = Unit {
            exact: decimal(text(&pricing, "unit_amount_decimal").unwrap_or("0"), "quantity")?,
            currency: currency.to_owned(),
            details: pricing.get("price_details").cloned().unwrap_or(Value::Null),
            new_price: None,
        };
        times(unit, params)
    }

    /// Writes the charge into an item, and keeps the price it made.
    pub(crate) fn write(self, state: &mut State, item: &mut Object) {
        let whole = i64::try_from(self.quantity.trunc()).unwrap_or(i64::MAX);
        for (name, value) in [
            ("amount", json!(self.amount)),
            ("net_amount", json!(self.amount)),
            ("currency", json!(self.currency)),
            ("quantity", json!(whole)),
            ("quantity_decimal", json!(self.quantity.normalize().to_string())),
            ("pricing", self.pricing),
        ] {
            item.insert(name.to_owned(), value);
        }
        if let Some(price) = self.new_price {
            let id = text(&price, "id").unwrap_or_default().to_owned();
            state.prices.insert(&id, price);
        }
    }
}

fn own_currency(params: &Object, expected: Option<&str>) -> Result<String, ApiError> {
    match (text(params, "currency"), expected) {
        (Some(given), _) => {
            currency::check(given, "currency")?;
            Ok(given.to_owned())
        }
        (None, Some(expected)) => Ok(expected.to_owned()),
        (None, None) => Err(ApiError::parameter_missing("currency")),
    }
}

fn check_currency(params: &Object, charged: &str, expected: Option<&str>) -> Result<(), ApiError> {
    if let Some(given) = text(params, "currency")
        && given != charged
    {
        let message = format!("The currency of the price ({charged}) is not the `currency` given ({given}).");
        return Err(ApiError::invalid(message).with_param("currency"));
    }
    match expected {
        Some(expected) if expected != charged => {
            let message = format!(
                "The currency of the invoice item ({charged}) must match the currency of the invoice ({expected})."
            );
            Err(ApiError::invalid(message).with_param("currency"))
        }
        _ => Ok(()),
    }
}

fn flat(params: &Object, money: String) -> Result<Unit, ApiError> {
    for name in ["quantity", "quantity_decimal"] {
        if params.contains_key(name) {
            return Err(ApiError::exclusive("amount", name));
        }
    }
    let amount = integer(params, "amount").unwrap_or_default();
    currency::check_amount(amount, &money, "amount")?;
    Ok(Unit { exact: Decimal::from(amount), currency: money, details: Value::Null, new_price: None })
}

fn exact(params: &Object, money: String) -> Result<Unit, ApiError> {
    let param = "unit_amount_decimal";
    let exact = decimal(text(params, param).unwrap_or_default(), param)?;
    Ok(Unit { exact, currency: money, details: Value::Null, new_price: None })
}

fn listed(state: &State, params: &Object) -> Result<Unit, ApiError> {
    let param = "pricing[price]";
    let id = group(params, "pricing").and_then(|pricing| text(pricing, "price"));
    let id = id.ok_or_else(|| ApiError::parameter_missing(param))?;
    let found = state.prices.find(id).map_err(|error| error.in_param(param))?;
    if flag(found, "active") != Some(true) {
        let message = "The price specified is inactive. This field only accepts active prices.";
        return Err(ApiError::invalid(message).with_param(param));
    }
    if text(found, "type") != Some("one_time") {
        let message =
            "The price specified is set to `type=recurring` but this field only accepts prices with `type=one_time`.";
        return Err(ApiError::invalid(message).with_param(param));
    }
    let Some(exact) = text(found, "unit_amount_decimal") else {
        let message = "The price specified has no unit amount.";
        return Err(ApiError::invalid(message).with_param(param));
    };
    Ok(Unit {
        exact: decimal(exact, param)?,
        currency: text(found, "currency").unwrap_or_default().to_owned(),
        details: details(found),
        new_price: None,
    })
}

/// Stripe makes a price of `price_data`; it is inactive, so that nothing else uses it.
fn inline(state: &mut State, params: &Object) -> Result<Unit, ApiError> {
    let data = group(params, "price_data").cloned().unwrap_or_default();
    let product = text(&data, "product").ok_or_else(|| ApiError::parameter_missing("price_data[product]"))?;
    state.products.find(product).map_err(|error| error.in_param("price_data[product]"))?;
    let mut made = price_draft::draft(state, &data)?;
    made.insert("active".to_owned(), json!(false));
    Ok(Unit {
        exact: decimal(text(&made, "unit_amount_decimal").unwrap_or("0"), "price_data")?,
        currency: text(&made, "currency").unwrap_or_default().to_owned(),
        details: details(&made),
        new_price: Some(made),
    })
}

fn details(price: &Object) -> Value {
    json!({"price": price["id"], "product": price["product"]})
}

/// Unit price times quantity, rounded once to the minor unit, half away from zero.
fn times(unit: Unit, params: &Object) -> Result<Charge, ApiError> {
    let quantity = quantity(params)?;
    let product = unit.exact.checked_mul(quantity);
    let rounded = product.map(|product| product.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero));
    let amount = rounded.and_then(|amount| i64::try_from(amount).ok()).filter(|amount| amount.abs() <= MAX_AMOUNT);
    let Some(amount) = amount else {
        let message = format!("The amount must be at most {MAX_AMOUNT} minor units.");
        return Err(ApiError::invalid(message).with_code("amount_too_large").with_param("amount"));
    };
    currency::check_amount(amount, &unit.currency, "amount")?;
    let mut pricing = fields(json!({
        "type": "price_details", "unit_amount_decimal": unit.exact.normalize().to_string(),
    }));
    // Left out, not null, where there is no price.
    if !unit.details.is_null() {
        pricing.insert("price_details".to_owned(), unit.details);
    }
    Ok(Charge { amount, currency: unit.currency, quantity, pricing: Value::Object(pricing), new_price: unit.new_price })
}

fn quantity(params: &Object) -> Result<Decimal, ApiError> {
    match (integer(params, "quantity"), text(params, "quantity_decimal")) {
        (Some(_), Some(_)) => Err(ApiError::exclusive("quantity", "quantity_decimal")),
        (Some(whole), None) if whole < 0 => {
            Err(ApiError::bad_integer("quantity", "This value must be greater than or equal to 0."))
        }
        (Some(whole), None) => Ok(Decimal::from(whole)),
        (None, Some(exact)) => {
            let exact = decimal(exact, "quantity_decimal")?;
            if exact.is_sign_negative() {
                return Err(ApiError::invalid("A quantity cannot be negative.").with_param("quantity_decimal"));
            }
            Ok(exact)
        }
        (None, None) => Ok(Decimal::ONE),
    }
}
