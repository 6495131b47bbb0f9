//! Products. One with prices is archived, never deleted.

pub(crate) mod draft;

use serde_json::{Value, json};

use crate::events::catalogue;
use crate::objects::price::draft as price_draft;
use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::list::{in_range, same};
use crate::wire::object::{flag, group, integer, rows, set, text};

/// The operations served here.
pub(crate) const ROUTES: &[Route] = &[
    route("POST /v1/products", create),
    route("GET /v1/products", list),
    route("GET /v1/products/{id}", retrieve),
    route("POST /v1/products/{id}", update),
    route("DELETE /v1/products/{id}", delete),
];

/// `POST /v1/products`
pub(crate) fn create(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    let mut product = draft::draft(state, params)?;
    let id = text(&product, "id").unwrap_or_default().to_owned();
    let Some(given) = group(params, "default_price_data") else {
        state.products.insert(&id, product.clone());
        let product = Value::Object(product);
        state.emit(catalogue::PRODUCT_CREATED, &product);
        return Ok(product);
    };
    let mut given = given.clone();
    set(&mut given, "product", id.as_str());
    // The price is checked before the product exists, so that a refusal leaves neither.
    let mut price = price_draft::draft(state, &given)?;
    set(&mut price, "product", id.as_str());
    let price_id = text(&price, "id").unwrap_or_default().to_owned();
    set(&mut product, "default_price", price_id.as_str());
    state.products.insert(&id, product.clone());
    state.prices.insert(&price_id, price.clone());
    let product = Value::Object(product);
    state.emit(catalogue::PRODUCT_CREATED, &product);
    state.emit(catalogue::PRICE_CREATED, &Value::Object(price));
    Ok(product)
}

/// `GET /v1/products/{id}`
pub(crate) fn retrieve(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    state.products.find(request.id(0)).cloned().map(Value::Object)
}

/// `POST /v1/products/{id}`
pub(crate) fn update(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let (id, params) = (request.id(0), &request.params);
    let mut product = state.products.find(id)?.clone();
    if let Some(price) = text(params, "default_price") {
        check_default_price(state, id, price)?;
        set(&mut product, "default_price", price);
    }
    draft::apply(&mut product, params)?;
    set(&mut product, "updated", state.now());
    let before = Value::Object(std::mem::replace(state.products.find_mut(id)?, product.clone()));
    let product = Value::Object(product);
    state.emit_update(catalogue::PRODUCT_UPDATED, &before, &product);
    Ok(product)
}

/// `DELETE /v1/products/{id}`
pub(crate) fn delete(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    state.products.find(id)?;
    if state.prices.newest_first().any(|price| text(price, "product") == Some(id)) {
        return Err(ApiError::invalid(
            "This product cannot be deleted because it has one or more user-created prices.",
        ));
    }
    let product = state.products.delete(id)?;
    state.emit(catalogue::PRODUCT_DELETED, &Value::Object(product));
    Ok(json!({"id": id, "object": "product", "deleted": true}))
}

/// `GET /v1/products`
pub(crate) fn list(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    let ids = rows(params, "ids");
    if !ids.is_empty() && (params.contains_key("starting_after") || params.contains_key("ending_before")) {
        return Err(
            ApiError::invalid("`ids` cannot be used with `starting_after` or `ending_before`.").with_param("ids")
        );
    }
    let found = state
        .products
        .newest_first()
        .filter(|product| ["active", "shippable", "url"].iter().all(|name| same(product, params, name)))
        .filter(|product| ids.is_empty() || product.get("id").is_some_and(|id| ids.contains(id)))
        .filter(|product| in_range(integer(product, "created"), params.get("created")));
    request.newest_first(&state.products, found, "/v1/products", |product| Value::Object(product.clone()))
}

fn check_default_price(state: &State, product: &str, price: &str) -> Result<(), ApiError> {
    let found = state.prices.find(price).map_err(|error| error.in_param("default_price"))?;
    if text(found, "product") != Some(product) {
        let message = format!("The price `{price}` does not belong to the product `{product}`.");
        return Err(ApiError::invalid(message).with_param("default_price"));
    }
    if flag(found, "active") != Some(true) {
        let message = format!("The price `{price}` is inactive; a default price must be active.");
        return Err(ApiError::invalid(message).with_param("default_price"));
    }
    Ok(())
}
