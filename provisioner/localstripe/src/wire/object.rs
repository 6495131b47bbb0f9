//! Reading and writing the fields of an object or of validated parameters.

use serde_json::{Map, Value, json};

use super::error::ApiError;

/// The fields of an object, or validated and typed parameters: texts, integers, booleans, lists, objects.
pub(crate) type Object = Map<String, Value>;

/// A text field; none when absent, null or empty (an empty text clears).
pub(crate) fn text<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// An integer field.
pub(crate) fn integer(object: &Object, name: &str) -> Option<i64> {
    object.get(name).and_then(Value::as_i64)
}

/// A boolean field.
pub(crate) fn flag(object: &Object, name: &str) -> Option<bool> {
    object.get(name).and_then(Value::as_bool)
}

/// A field that is a group of fields.
pub(crate) fn group<'a>(object: &'a Object, name: &str) -> Option<&'a Object> {
    object.get(name).and_then(Value::as_object)
}

/// A field that is a list.
pub(crate) fn rows<'a>(object: &'a Object, name: &str) -> &'a [Value] {
    object.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A required parameter that Stripe's table marks optional because it depends on others.
pub(crate) fn required<'a>(params: &'a Object, name: &str) -> Result<&'a str, ApiError> {
    text(params, name).ok_or_else(|| ApiError::parameter_missing(name))
}

/// Copies the named parameters that were given; an empty text becomes null.
pub(crate) fn assign(target: &mut Object, params: &Object, names: &[&str]) {
    for name in names {
        if let Some(value) = params.get(*name) {
            target.insert((*name).to_owned(), cleared(value));
        }
    }
}

/// Writes a field.
pub(crate) fn set(object: &mut Object, name: &str, value: impl Into<Value>) {
    object.insert(name.to_owned(), value.into());
}

/// The value as it is kept: an empty text is null, also inside groups.
pub(crate) fn cleared(value: &Value) -> Value {
    match value {
        Value::String(text) if text.is_empty() => Value::Null,
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), cleared(value))).collect())
        }
        other => other.clone(),
    }
}

/// The group with every one of `names`, null where it was not given: Stripe answers whole groups.
pub(crate) fn filled(group: &Object, names: &[&str]) -> Value {
    let mut whole = Object::new();
    for name in names {
        whole.insert((*name).to_owned(), group.get(*name).map_or(Value::Null, cleared));
    }
    Value::Object(whole)
}

/// An address with all its lines.
pub(crate) fn address(value: &Value) -> Value {
    const LINES: [&str; 6] = ["city", "country", "line1", "line2", "postal_code", "state"];
    value.as_object().map_or(Value::Null, |given| filled(given, &LINES))
}

/// A shipping address with name and phone.
pub(crate) fn shipping(value: &Value) -> Value {
    match value.as_object() {
        Some(given) => json!({
            "address": given.get("address").map_or(Value::Null, address),
            "carrier": null,
            "name": given.get("name").map_or(Value::Null, cleared),
            "phone": given.get("phone").map_or(Value::Null, cleared),
            "tracking_number": null,
        }),
        None => Value::Null,
    }
}

/// The JSON object inside a value built with `json!`.
pub(crate) fn fields(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}
