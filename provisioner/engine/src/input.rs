//! Typed cross references: a field is a known value, or an output of another resource.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Address;

/// A value that is known now, or comes out of another resource when that exists.
///
/// Serialised, a known value is itself; a reference is `{"$output":{"of":"kind.name","name":"arn"}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input<T> {
    /// The value itself.
    Known(T),
    /// What the resource at `of` gives out under `name`.
    Output(OutputRef),
}

/// A reference to an output of another resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputRef {
    /// Which resource.
    pub of: Address,
    /// Which of its outputs.
    pub name: String,
}

const MARKER: &str = "$output";

impl<T> Input<T> {
    /// A reference to an output of another resource.
    pub fn output(of: Address, name: &str) -> Self {
        Input::Output(OutputRef { of, name: name.to_owned() })
    }

    /// The value, once resolved.
    pub fn known(&self) -> Option<&T> {
        match self {
            Input::Known(value) => Some(value),
            Input::Output(_) => None,
        }
    }
}

impl<T> From<T> for Input<T> {
    fn from(value: T) -> Self {
        Input::Known(value)
    }
}

impl<T: Serialize> Serialize for Input<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Input::Known(value) => value.serialize(serializer),
            Input::Output(reference) => serializer.collect_map([(MARKER, reference)]),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Input<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let value = Value::deserialize(deserializer)?;
        match as_reference(&value) {
            Some(reference) => Ok(Input::Output(reference)),
            None => serde_json::from_value(value).map(Input::Known).map_err(D::Error::custom),
        }
    }
}

/// The reference a value stands for, if it is one.
pub fn as_reference(value: &Value) -> Option<OutputRef> {
    let object = value.as_object()?;
    if object.len() != 1 {
        return None;
    }
    serde_json::from_value(object.get(MARKER)?.clone()).ok()
}

/// Every reference in a desired value, in the order they stand.
pub fn references(value: &Value) -> Vec<OutputRef> {
    let mut found = Vec::new();
    collect(value, &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<OutputRef>) {
    if let Some(reference) = as_reference(value) {
        found.push(reference);
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, found)),
        _ => {}
    }
}

/// The value with every reference that `lookup` knows replaced; the others stay as they are.
pub fn resolve(value: &Value, lookup: &dyn Fn(&OutputRef) -> Option<Value>) -> Value {
    if let Some(reference) = as_reference(value) {
        return lookup(&reference).unwrap_or_else(|| value.clone());
    }
    match value {
        Value::Array(items) => items.iter().map(|item| resolve(item, lookup)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, field)| (name.clone(), resolve(field, lookup)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_reference_survives_its_text_and_resolves() {
        let api: Input<String> = Input::output(Address::new("http_api", "main"), "id");
        let value = serde_json::to_value(&api).expect("serialises");
        assert_eq!(value, json!({"$output": {"of": "http_api.main", "name": "id"}}));
        assert_eq!(serde_json::from_value::<Input<String>>(value.clone()).expect("parses"), api);
        let nested = json!({"url": [value], "n": 1});
        assert_eq!(references(&nested).len(), 1);
        assert_eq!(resolve(&nested, &|_| Some(json!("abc"))), json!({"url": ["abc"], "n": 1}));
    }
}
