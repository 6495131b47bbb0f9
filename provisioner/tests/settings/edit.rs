//! Changes to a manifest as a document: a setting is put in or taken out, with whatever it needs around it.

use serde_json::{Map, Value, json};

use super::leaves::{Step, alternatives, choices, name_of};
use super::samples;

/// One step to a setting of one document.
#[derive(Debug, Clone, PartialEq)]
pub enum At {
    /// To a key; `exclusive` as in [`Step::Key`].
    Key { key: String, exclusive: bool },
    /// To an element of a list; one past the end appends.
    Index(usize),
}

/// Every place of a document that a path leads to. Missing keys are followed; an empty map gets the key `sample`, a
/// list an element more.
pub fn places(document: &Value, path: &[Step]) -> Vec<Vec<At>> {
    let mut found: Vec<(Vec<At>, Option<&Value>)> = vec![(Vec::new(), Some(document))];
    for step in path {
        found = found.into_iter().flat_map(|(at, node)| below(at, node, step)).collect();
    }
    found.into_iter().map(|(at, _)| at).collect()
}

fn below<'a>(at: Vec<At>, node: Option<&'a Value>, step: &Step) -> Vec<(Vec<At>, Option<&'a Value>)> {
    let to = |last: At, child: Option<&'a Value>| (at.iter().cloned().chain([last]).collect(), child);
    let key = |key: &str, exclusive| At::Key { key: key.to_owned(), exclusive };
    match step {
        Step::Key { key: name, exclusive } => vec![to(key(name, *exclusive), node.and_then(|node| node.get(name)))],
        Step::EachKey => match node.and_then(Value::as_object).filter(|map| !map.is_empty()) {
            Some(map) => map.iter().map(|(name, child)| to(key(name, false), Some(child))).collect(),
            None => vec![to(key("sample", false), None)],
        },
        Step::EachItem => {
            let items = node.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let there = items.iter().enumerate().map(|(index, child)| to(At::Index(index), Some(child)));
            there.chain([to(At::Index(items.len()), None)]).collect()
        }
    }
}

/// The keys that lead somewhere: `tenants.tags.Customer`.
pub fn dotted(at: &[At]) -> String {
    let keys = at.iter().filter_map(|step| match step {
        At::Key { key, .. } => Some(key.as_str()),
        At::Index(_) => None,
    });
    keys.collect::<Vec<_>>().join(".")
}

/// What stands at a place.
pub fn get<'a>(document: &'a Value, at: &[At]) -> Option<&'a Value> {
    at.iter().try_fold(document, |node, step| match step {
        At::Key { key, .. } => node.get(key),
        At::Index(index) => node.get(index),
    })
}

/// The document with a value at a place, or with none. What must stand around it is made up from samples.
pub fn put(root: &Value, document: &Value, at: &[At], value: Option<&Value>) -> Value {
    let mut changed = document.clone();
    put_under(root, root, &mut changed, &mut Vec::new(), at, value);
    changed
}

fn put_under(root: &Value, schema: &Value, node: &mut Value, path: &mut Vec<Step>, at: &[At], value: Option<&Value>) {
    let Some((step, rest)) = at.split_first() else {
        *node = value.cloned().unwrap_or(Value::Null);
        return;
    };
    match step {
        At::Key { key, exclusive } => {
            let (object, child, step) = keyed(root, schema, key, *exclusive);
            if !node.is_object() {
                *node = made_up(root, object, path);
            }
            let map = node.as_object_mut().expect("an object was put here");
            if *exclusive {
                map.retain(|other, _| other == key);
            }
            if rest.is_empty() && value.is_none() {
                map.remove(key);
                return;
            }
            path.push(step);
            put_under(root, child, map.entry(key).or_insert(Value::Null), path, rest, value);
        }
        At::Index(index) => {
            let child = alternatives(root, schema).into_iter().find(|one| one["items"].is_object());
            if !node.is_array() {
                *node = json!([]);
            }
            let items = node.as_array_mut().expect("a list was put here");
            if rest.is_empty() && value.is_none() {
                if *index < items.len() {
                    items.remove(*index);
                }
                return;
            }
            if *index == items.len() {
                items.push(Value::Null);
            }
            path.push(Step::EachItem);
            put_under(root, &child.expect("a list's schema")["items"], &mut items[*index], path, rest, value);
        }
    }
}

/// The alternative of a schema that has a key, the key's schema, and the step to it.
fn keyed<'a>(root: &'a Value, schema: &'a Value, key: &str, exclusive: bool) -> (&'a Value, &'a Value, Step) {
    let all = alternatives(root, schema);
    if let Some(object) = all.iter().find(|one| one["properties"].get(key).is_some()) {
        return (object, &object["properties"][key], Step::Key { key: key.to_owned(), exclusive });
    }
    let map = all.iter().find(|one| one["additionalProperties"].is_object()).expect("the key has a schema");
    (map, &map["additionalProperties"], Step::EachKey)
}

/// A value of a schema: the least that it asks for.
fn made_up(root: &Value, schema: &Value, path: &[Step]) -> Value {
    let one = alternatives(root, schema)[0];
    if let Some(choices) = choices(one) {
        let taken = choices.iter().find(|choice| choice.mark.is_none()).unwrap_or(&choices[0]);
        return json!(taken.value);
    }
    let below = |step: Step, schema: &Value| {
        let path: Vec<Step> = path.iter().cloned().chain([step]).collect();
        made_up(root, schema, &path)
    };
    match &one["properties"] {
        Value::Object(properties) => {
            let required = one["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let made = required.map(|key| {
                let step = Step::Key { key: key.to_owned(), exclusive: false };
                (key.to_owned(), below(step, &properties[key]))
            });
            Value::Object(made.collect::<Map<_, _>>())
        }
        _ if one["additionalProperties"].is_object() => json!({}),
        _ if one["items"].is_object() => json!([below(Step::EachItem, &one["items"])]),
        _ => samples::first(&name_of(path), one),
    }
}

/// The document with a merge patch applied (RFC 7396).
pub fn merge(document: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *document = patch.clone();
        return;
    };
    if !document.is_object() {
        *document = json!({});
    }
    let map = document.as_object_mut().expect("an object was put here");
    for (key, value) in patch {
        if value.is_null() {
            map.remove(key);
        } else {
            merge(map.entry(key).or_insert(Value::Null), value);
        }
    }
}
