//! Prices. What a customer pays never changes: only name, metadata, lookup key, state and tax behaviour do.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::currency;
use super::error::ApiError;
use super::list::{in_range, same};
use super::metadata;
use super::object::{assign, fields, flag, group, integer, required, rows, set, text};
use super::params::Object;
use super::product;
use super::request::Request;
use super::state::State;
use super::tier;

/// Eight digits, as for a single charge.
const MAX_AMOUNT: i64 = 99_999_999;
const MAX_DECIMALS: u32 = 12;

/// `POST /v1/prices`
pub(crate) fn create(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    let new_product = match (text(params, "product"), group(params, "product_data")) {
        (Some(_), Some(_)) => return Err(ApiError::exclusive("product", "product_data")),
        (None, None) => {
            let message = "You must specify either `product` or `product_data` when creating a price.";
            return Err(ApiError::invalid(message).with_code("parameter_missing").with_param("product"));
        }
        (Some(id), None) => {
            state.products.find(id).map_err(|error| error.in_param("product"))?;
            None
        }
        (None, Some(data)) => Some(product::draft(state, data)?),
    };
    let mut price = draft(state, params)?;
    take_lookup_key(state, &mut price, params)?;
    if let Some(product) = new_product {
        let id = text(&product, "id").unwrap_or_default().to_owned();
        set(&mut price, "product", id.as_str());
        state.products.insert(&id, product);
    }
    let id = text(&price, "id").unwrap_or_default().to_owned();
    state.prices.insert(&id, price.clone());
    Ok(Value::Object(price))
}

/// A new price that is not yet kept; also for `default_price_data` of a product and `price_data` of an item.
pub(crate) fn draft(state: &mut State, params: &Object) -> Result<Object, ApiError> {
    let money = required(params, "currency")?;
    currency::check(money, "currency")?;
    let recurring = group(params, "recurring").map(recurring).transpose()?;
    let kind = if recurring.is_some() { "recurring" } else { "one_time" };
    let mut price = fields(json!({
        "id": state.ids.next("price"), "object": "price", "active": true,
        "billing_scheme": text(params, "billing_scheme").unwrap_or("per_unit"), "created": state.now(), "currency": money,
        "custom_unit_amount": null, "livemode": false, "lookup_key": null, "metadata": metadata::fresh(params)?,
        "nickname": null, "product": null, "recurring": recurring,
        "tax_behavior": text(params, "tax_behavior").unwrap_or("unspecified"), "tiers": null, "tiers_mode": null,
        "transform_quantity": null, "type": kind, "unit_amount": null, "unit_amount_decimal": null,
    }));
    set_amounts(&mut price, params)?;
    set_currency_options(&mut price, params)?;
    assign(&mut price, params, &["active", "nickname", "product", "transform_quantity"]);
    check_transform(&price)?;
    Ok(price)
}

/// `GET /v1/prices/{price}`
pub(crate) fn retrieve(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    state.prices.find(request.id(0)).cloned().map(Value::Object)
}

/// `POST /v1/prices/{price}`
pub(crate) fn update(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let (id, params) = (request.id(0), &request.params);
    let mut price = state.prices.find(id)?.clone();
    if flag(params, "active") == Some(false) && is_default(state, &price) {
        return Err(ApiError::invalid("This price cannot be archived because it is the default price of its product.")
            .with_param("active"));
    }
    set_tax_behavior(&mut price, params)?;
    assign(&mut price, params, &["active", "nickname"]);
    set_currency_options(&mut price, params)?;
    let metadata = metadata::merged(price.get("metadata"), params, "metadata")?;
    set(&mut price, "metadata", metadata);
    take_lookup_key(state, &mut price, params)?;
    *state.prices.find_mut(id)? = price.clone();
    Ok(Value::Object(price))
}

/// `GET /v1/prices`
pub(crate) fn list(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    let keys = rows(params, "lookup_keys");
    if keys.len() > 10 {
        return Err(ApiError::invalid("`lookup_keys` can hold at most 10 keys.").with_param("lookup_keys"));
    }
    let found = state
        .prices
        .newest_first()
        .filter(|price| ["active", "currency", "product", "type"].iter().all(|name| same(price, params, name)))
        .filter(|price| keys.is_empty() || price.get("lookup_key").is_some_and(|key| keys.contains(key)))
        .filter(|price| recurs_as(price, params))
        .filter(|price| in_range(integer(price, "created"), params.get("created")));
    request.newest_first(&state.prices, found, "/v1/prices", |price| Value::Object(price.clone()))
}

fn recurs_as(price: &Object, params: &Object) -> bool {
    let Some(wanted) = group(params, "recurring") else {
        return true;
    };
    group(price, "recurring")
        .is_some_and(|has| ["interval", "meter", "usage_type"].iter().all(|name| same(has, wanted, name)))
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

/// Exactly one way to say how much: an amount, a decimal amount, what the customer chooses, or tiers.
fn set_amounts(price: &mut Object, params: &Object) -> Result<(), ApiError> {
    const WAYS: [&str; 3] = ["unit_amount", "unit_amount_decimal", "custom_unit_amount"];
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
        Some(&"custom_unit_amount") => set_custom(price, params),
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

fn set_custom(price: &mut Object, params: &Object) -> Result<(), ApiError> {
    let given = group(params, "custom_unit_amount").cloned().unwrap_or_default();
    if flag(&given, "enabled") != Some(true) {
        let message = "`custom_unit_amount[enabled]` must be true when it is given.";
        return Err(ApiError::invalid(message).with_param("custom_unit_amount[enabled]"));
    }
    if price.get("recurring").is_some_and(|recurring| !recurring.is_null()) {
        let message = "`custom_unit_amount` cannot be used with `recurring`.";
        return Err(ApiError::invalid(message).with_param("custom_unit_amount"));
    }
    let mut custom = Object::new();
    for name in ["maximum", "minimum", "preset"] {
        if let Some(amount) = integer(&given, name) {
            check_range(amount, &format!("custom_unit_amount[{name}]"))?;
        }
        set(&mut custom, name, given.get(name).cloned().unwrap_or(Value::Null));
    }
    set(price, "custom_unit_amount", custom);
    Ok(())
}

/// The price in other currencies; its own is always among them.
fn set_currency_options(price: &mut Object, params: &Object) -> Result<(), ApiError> {
    let own = text(price, "currency").unwrap_or_default().to_owned();
    let mut options = group(price, "currency_options").cloned().unwrap_or_default();
    let own_option = json!({
        "custom_unit_amount": price["custom_unit_amount"], "tax_behavior": price["tax_behavior"],
        "unit_amount": price["unit_amount"], "unit_amount_decimal": price["unit_amount_decimal"],
    });
    options.insert(own.clone(), own_option);
    for (money, option) in group(params, "currency_options").into_iter().flatten() {
        let at = format!("currency_options[{money}]");
        currency::check(money, &at)?;
        if *money == own {
            return Err(ApiError::invalid(format!("`{at}` repeats the price's own currency.")).with_param(at));
        }
        options.insert(money.clone(), currency_option(option, &at, money)?);
    }
    set(price, "currency_options", options);
    Ok(())
}

fn currency_option(option: &Value, at: &str, money: &str) -> Result<Value, ApiError> {
    let given = option.as_object().cloned().unwrap_or_default();
    for name in ["custom_unit_amount", "tiers"] {
        if given.contains_key(name) {
            return Err(ApiError::not_modelled(&format!("`{at}[{name}]`")).with_param(format!("{at}[{name}]")));
        }
    }
    let (amount, exact) = unit_amount(&given, at, money)?;
    Ok(json!({
        "custom_unit_amount": null, "tax_behavior": text(&given, "tax_behavior").unwrap_or("unspecified"),
        "unit_amount": amount, "unit_amount_decimal": exact,
    }))
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

fn set_tax_behavior(price: &mut Object, params: &Object) -> Result<(), ApiError> {
    let Some(wanted) = text(params, "tax_behavior") else {
        return Ok(());
    };
    let has = text(price, "tax_behavior").unwrap_or("unspecified");
    if has != "unspecified" && has != wanted {
        let message = format!("The `tax_behavior` of a price cannot be changed once it is set (it is `{has}`).");
        return Err(ApiError::invalid(message).with_param("tax_behavior"));
    }
    set(price, "tax_behavior", wanted);
    Ok(())
}

/// Gives the price the lookup key asked for, taking it from another price only when told to.
fn take_lookup_key(state: &mut State, price: &mut Object, params: &Object) -> Result<(), ApiError> {
    let Some(key) = text(params, "lookup_key") else {
        return Ok(());
    };
    let holder = state
        .prices
        .newest_first()
        .find(|other| text(other, "lookup_key") == Some(key) && other.get("id") != price.get("id"))
        .and_then(|other| text(other, "id").map(str::to_owned));
    if let Some(holder) = holder {
        if flag(params, "transfer_lookup_key") != Some(true) {
            let message = format!("A price (`{holder}`) already uses that lookup key.");
            return Err(ApiError::invalid(message).with_param("lookup_key"));
        }
        set(state.prices.find_mut(&holder)?, "lookup_key", Value::Null);
    }
    set(price, "lookup_key", key);
    Ok(())
}

fn is_default(state: &State, price: &Object) -> bool {
    let product = text(price, "product").and_then(|id| state.products.find(id).ok());
    product.is_some_and(|product| product.get("default_price") == price.get("id"))
}
