//! Prices. What a customer pays never changes: only name, metadata, lookup key, state and tax behaviour do.

pub(crate) mod amount;
pub(crate) mod draft;
mod tier;

use serde_json::Value;

use crate::events::catalogue;
use crate::objects::metadata;
use crate::objects::product::draft as product_draft;
use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::list::{in_range, same};
use crate::wire::object::{Object, assign, flag, group, integer, rows, set, text};

/// The operations served here.
pub(crate) const ROUTES: &[Route] = &[
    route("POST /v1/prices", create),
    route("GET /v1/prices", list),
    route("GET /v1/prices/{price}", retrieve),
    route("POST /v1/prices/{price}", update),
];

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
        (None, Some(data)) => Some(product_draft::draft(state, data)?),
    };
    let mut price = draft::draft(state, params)?;
    take_lookup_key(state, &mut price, params)?;
    if let Some(product) = new_product {
        let id = text(&product, "id").unwrap_or_default().to_owned();
        set(&mut price, "product", id.as_str());
        state.products.insert(&id, product.clone());
        state.emit(catalogue::PRODUCT_CREATED, &Value::Object(product));
    }
    let id = text(&price, "id").unwrap_or_default().to_owned();
    state.prices.insert(&id, price.clone());
    let price = Value::Object(price);
    state.emit(catalogue::PRICE_CREATED, &price);
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
    let metadata = metadata::merged(price.get("metadata"), params, "metadata")?;
    set(&mut price, "metadata", metadata);
    take_lookup_key(state, &mut price, params)?;
    let before = Value::Object(std::mem::replace(state.prices.find_mut(id)?, price.clone()));
    let price = Value::Object(price);
    state.emit_update(catalogue::PRICE_UPDATED, &before, &price);
    Ok(price)
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
        let former = state.prices.find_mut(&holder)?;
        let before = Value::Object(former.clone());
        set(former, "lookup_key", Value::Null);
        let after = Value::Object(former.clone());
        state.emit_update(catalogue::PRICE_UPDATED, &before, &after);
    }
    set(price, "lookup_key", key);
    Ok(())
}

fn is_default(state: &State, price: &Object) -> bool {
    let product = text(price, "product").and_then(|id| state.products.find(id).ok());
    product.is_some_and(|product| product.get("default_price") == price.get("id"))
}
