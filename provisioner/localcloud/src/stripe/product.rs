//! Products. One with prices is archived, never deleted.

use serde_json::{Value, json};

use super::error::ApiError;
use super::list::{in_range, same};
use super::metadata;
use super::object::{self, assign, fields, flag, group, integer, required, rows, set, text};
use super::params::Object;
use super::price;
use super::request::Request;
use super::state::State;

/// Fields that are taken over as they come.
const PLAIN: [&str; 8] = [
    "active",
    "description",
    "name",
    "package_dimensions",
    "shippable",
    "statement_descriptor",
    "tax_code",
    "unit_label",
];

/// `POST /v1/products`
pub(crate) fn create(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    let mut product = draft(state, params)?;
    let id = text(&product, "id").unwrap_or_default().to_owned();
    let Some(given) = group(params, "default_price_data") else {
        state.products.insert(&id, product.clone());
        return Ok(Value::Object(product));
    };
    let mut given = given.clone();
    set(&mut given, "product", id.as_str());
    // The price is checked before the product exists, so that a refusal leaves neither.
    let mut price = price::draft(state, &given)?;
    set(&mut price, "product", id.as_str());
    let price_id = text(&price, "id").unwrap_or_default().to_owned();
    set(&mut product, "default_price", price_id.as_str());
    state.products.insert(&id, product.clone());
    state.prices.insert(&price_id, price);
    Ok(Value::Object(product))
}

/// A new product that is not yet kept; also for `product_data` of a price.
pub(crate) fn draft(state: &mut State, params: &Object) -> Result<Object, ApiError> {
    let id = match text(params, "id") {
        Some(id) => free_id(state, id)?,
        None => state.ids.next("prod"),
    };
    required(params, "name")?;
    let now = state.now();
    let mut product = fields(json!({
        "id": id, "object": "product", "active": true, "attributes": [], "created": now, "default_price": null,
        "description": null, "images": [], "livemode": false, "marketing_features": [], "metadata": {}, "name": null,
        "package_dimensions": null, "shippable": null, "statement_descriptor": null, "tax_code": null,
        "tax_details": null, "type": "service", "unit_label": null, "updated": now, "url": null,
    }));
    apply(&mut product, params)?;
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
    apply(&mut product, params)?;
    set(&mut product, "updated", state.now());
    *state.products.find_mut(id)? = product.clone();
    Ok(Value::Object(product))
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
    state.products.delete(id)?;
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

fn apply(product: &mut Object, params: &Object) -> Result<(), ApiError> {
    check(params)?;
    assign(product, params, &PLAIN);
    if let Some(url) = params.get("url") {
        set(product, "url", object::cleared(url));
    }
    for name in ["images", "marketing_features"] {
        if params.contains_key(name) {
            set(product, name, rows(params, name));
        }
    }
    if let Some(details) = group(params, "tax_details") {
        set(product, "tax_details", object::filled(details, &["performance_location", "tax_code"]));
    }
    let metadata = metadata::merged(product.get("metadata"), params, "metadata")?;
    set(product, "metadata", metadata);
    Ok(())
}

fn check(params: &Object) -> Result<(), ApiError> {
    if let Some(url) = text(params, "url")
        && !(url.starts_with("https://") || url.starts_with("http://"))
    {
        return Err(ApiError::invalid("Not a valid URL").with_code("url_invalid").with_param("url"));
    }
    for (name, most) in [("images", 8), ("marketing_features", 15)] {
        if rows(params, name).len() > most {
            return Err(ApiError::invalid(format!("A product can have at most {most} {name}.")).with_param(name));
        }
    }
    if let Some(text) = text(params, "statement_descriptor") {
        check_descriptor(text, "statement_descriptor")?;
    }
    Ok(())
}

/// What appears on a card statement: no `<>\'"*`, and at least one letter.
pub(crate) fn check_descriptor(text: &str, param: &str) -> Result<(), ApiError> {
    let forbidden = text.contains(['<', '>', '\\', '\'', '"', '*']);
    if forbidden || !text.chars().any(char::is_alphabetic) || !text.is_ascii() {
        let message = r#"A statement descriptor must have a letter, be ASCII and have none of < > \ ' " *"#;
        return Err(ApiError::invalid(message).with_param(param));
    }
    Ok(())
}

fn free_id(state: &State, id: &str) -> Result<String, ApiError> {
    if state.products.contains(id) || state.products.was_deleted(id) {
        let message = format!("Product already exists with ID: {id}");
        return Err(ApiError::invalid(message).with_code("resource_already_exists").with_param("id"));
    }
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    if !plain {
        let message = format!("Invalid id: {id}; a product's id has letters, digits, `-`, `_` and `.` only.");
        return Err(ApiError::invalid(message).with_param("id"));
    }
    Ok(id.to_owned())
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
