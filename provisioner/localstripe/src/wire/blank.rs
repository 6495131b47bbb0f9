//! Blank objects from the published specification: every field that an object of that name always has, with nothing in
//! it. What the specification cannot know (states, enumerations, references) the object sets itself.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};

use super::object::{Object, set};
use super::schema::Table;

/// How deep groups nest at most; the specification's own depth is four.
const MAX_DEPTH: usize = 8;

/// The blank object of that name. Nullable fields are null, required amounts 0, required lists empty; optional fields
/// that are never null are left out, as are required choices and references.
pub(crate) fn blank(name: &str) -> Object {
    static MADE: Mutex<BTreeMap<String, Object>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = made.get(name) {
        return known.clone();
    }
    made.entry(name.to_owned()).or_insert(fresh(name)).clone()
}

fn fresh(name: &str) -> Object {
    let mut object = group(Table::embedded().answers(), name, 0);
    // Stripe writes these two first.
    let mut whole = Object::new();
    for first in ["id", "object"] {
        if let Some(value) = object.shift_remove(first) {
            set(&mut whole, first, value);
        }
    }
    whole.extend(object);
    whole
}

fn group(answers: &Value, name: &str, depth: usize) -> Object {
    let fields = answers["objects"][name]["fields"].as_object();
    let mut object = Object::new();
    for (field, kind) in fields.into_iter().flat_map(Map::iter) {
        let (plain, required) = (field.trim_end_matches('!'), field.ends_with('!'));
        if let Some(value) = value(answers, kind, required, depth) {
            set(&mut object, plain, value);
        }
    }
    object
}

/// The value of a field in a blank object; none where it is left out.
fn value(answers: &Value, kind: &Value, required: bool, depth: usize) -> Option<Value> {
    if let Some(letter) = kind.as_str() {
        return required.then(|| scalar(letter));
    }
    let (key, inner) = kind.as_object()?.iter().next()?;
    match key.as_str() {
        "n" => Some(Value::Null),
        "f" => {
            let at = usize::try_from(inner.as_u64()?).ok()?;
            value(answers, &answers["defs"][at], required, depth)
        }
        _ if !required => None,
        "a" => Some(json!([])),
        "m" | "l" => Some(json!({})),
        "list" => Some(json!({"object": "list", "data": [], "has_more": false, "url": ""})),
        "r" if depth < MAX_DEPTH => Some(Value::Object(group(answers, inner.as_str()?, depth + 1))),
        "e" => match inner.as_array().map(Vec::as_slice) {
            Some([only]) => Some(only.clone()),
            _ => None,
        },
        _ => None,
    }
}

fn scalar(letter: &str) -> Value {
    match letter {
        "i" | "t" | "n" => json!(0),
        "b" => json!(false),
        _ => json!(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_invoice_has_its_published_fields() {
        let invoice = blank("invoice");
        assert_eq!(invoice.keys().next().map(String::as_str), Some("id"));
        assert_eq!(invoice["object"], "invoice");
        assert_eq!(invoice["number"], Value::Null);
        assert_eq!(invoice["amount_due"], 0);
        assert_eq!(invoice["discounts"], json!([]));
        assert_eq!(invoice["status_transitions"]["paid_at"], Value::Null);
        assert_eq!(invoice["automatic_tax"]["enabled"], false);
        assert!(!invoice.contains_key("collection_method"), "a choice that only the object can make");
        assert!(!invoice.contains_key("threshold_reason"), "left out unless there is one");
    }

    #[test]
    fn every_object_of_the_specification_has_a_blank() {
        let names = Table::embedded().answers()["objects"].as_object().unwrap();
        assert!(names.len() > 600, "{}", names.len());
        for (name, published) in names {
            // The others are unions of objects.
            let Some(required) = published["fields"].as_object() else { continue };
            let blank = blank(name);
            for field in blank.keys() {
                assert!(required.contains_key(field) || required.contains_key(&format!("{field}!")), "{name}.{field}");
            }
        }
    }
}
