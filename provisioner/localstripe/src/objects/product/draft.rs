//! A product before it is kept: checked, with its parameters taken over.

use serde_json::json;

use crate::objects::metadata;
use crate::state::State;
use crate::wire::blank::blank;
use crate::wire::error::ApiError;
use crate::wire::object::{self, Object, assign, fields, group, required, rows, set, text};

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

/// A new product that is not yet kept; also for `product_data` of a price.
pub(crate) fn draft(state: &mut State, params: &Object) -> Result<Object, ApiError> {
    let id = match text(params, "id") {
        Some(id) => free_id(state, id)?,
        None => state.ids.next("prod"),
    };
    required(params, "name")?;
    let now = state.now();
    let mut product = blank("product");
    // The last three are the newer API version's.
    product.extend(fields(json!({
        "id": id, "active": true, "created": now, "updated": now, "attributes": [], "tax_details": null,
        "type": "service",
    })));
    apply(&mut product, params)?;
    Ok(product)
}

/// Checks the parameters and takes them over.
pub(crate) fn apply(product: &mut Object, params: &Object) -> Result<(), ApiError> {
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
