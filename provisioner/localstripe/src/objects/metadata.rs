//! Stripe's rules for metadata: 50 keys, 40 characters a key, 500 a value; an empty value removes its key, an empty
//! metadata all of them.

use serde_json::{Value, json};

use crate::wire::error::ApiError;
use crate::wire::object::{Object, fields};

const MAX_KEYS: usize = 50;
const MAX_KEY_CHARS: usize = 40;
const MAX_VALUE_CHARS: usize = 500;

/// The metadata an object has after `params` are applied to what it had.
pub(crate) fn merged(before: Option<&Value>, params: &Object, param: &str) -> Result<Value, ApiError> {
    let mut metadata = before.and_then(Value::as_object).cloned().unwrap_or_default();
    match params.get(param) {
        None => {}
        Some(Value::Object(changes)) => {
            for (key, value) in changes {
                change(&mut metadata, key, value, param)?;
            }
        }
        Some(_) => metadata.clear(),
    }
    if metadata.len() > MAX_KEYS {
        let message =
            format!("Metadata can hold at most {MAX_KEYS} keys; this request would make it {}.", metadata.len());
        return Err(ApiError::invalid(message).with_param(param));
    }
    Ok(Value::Object(metadata))
}

fn change(metadata: &mut Object, key: &str, value: &Value, param: &str) -> Result<(), ApiError> {
    let place = format!("{param}[{key}]");
    if key.chars().count() > MAX_KEY_CHARS {
        let message = format!("Metadata keys can be at most {MAX_KEY_CHARS} characters long.");
        return Err(ApiError::invalid(message).with_param(place));
    }
    let text = value.as_str().unwrap_or_default();
    if text.is_empty() {
        metadata.shift_remove(key);
        return Ok(());
    }
    if text.chars().count() > MAX_VALUE_CHARS {
        let message = format!("Metadata values can be at most {MAX_VALUE_CHARS} characters long.");
        return Err(ApiError::invalid(message).with_param(place));
    }
    metadata.insert(key.to_owned(), json!(text));
    Ok(())
}

/// Metadata from a group that is created whole.
pub(crate) fn fresh(params: &Object) -> Result<Value, ApiError> {
    merged(Some(&Value::Object(fields(json!({})))), params, "metadata")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(metadata: Value) -> Object {
        fields(json!({ "metadata": metadata }))
    }

    #[test]
    fn keys_are_set_kept_and_removed() {
        let before = json!({"a": "1", "b": "2"});
        let after = merged(Some(&before), &params(json!({"b": "", "c": "3"})), "metadata").unwrap();
        assert_eq!(after, json!({"a": "1", "c": "3"}));
        assert_eq!(merged(Some(&before), &Object::new(), "metadata").unwrap(), before);
        assert_eq!(merged(Some(&before), &params(json!("")), "metadata").unwrap(), json!({}));
    }

    #[test]
    fn sizes_are_limited() {
        let many: Object = (0..51).map(|n| (format!("k{n}"), json!("v"))).collect();
        assert!(fresh(&params(Value::Object(many))).is_err());
        let fifty: Object = (0..50).map(|n| (format!("k{n}"), json!("v"))).collect();
        assert!(fresh(&params(Value::Object(fifty))).is_ok());
        let error = fresh(&params(json!({"k".repeat(41): "v"}))).unwrap_err();
        assert_eq!(error.param, Some(format!("metadata[{}]", "k".repeat(41))));
        assert!(fresh(&params(json!({"k": "v".repeat(501)}))).is_err());
        assert!(fresh(&params(json!({"k": "v".repeat(500)}))).is_ok());
    }
}
