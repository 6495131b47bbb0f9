//! `expand[]`: an id becomes the object it names. A path is checked against the published answers before anything is
//! executed, so that a refused expansion leaves no effect.

use serde_json::{Map, Value};

use super::error::ApiError;
use super::object::{Object, rows, text};
use super::schema::Table;

const MAX_DEPTH: usize = 4;

/// Fields that are only there when asked for.
const HIDDEN: [(&str, &str); 4] =
    [("customer", "cash_balance"), ("invoice", "confirmation_secret"), ("invoice", "payments"), ("price", "tiers")];

/// Refuses paths that the operation's answer cannot expand.
pub(crate) fn check(table: &Table, operation: &str, params: &Object) -> Result<(), ApiError> {
    for path in paths(params) {
        if path.len() > MAX_DEPTH {
            let message = format!("You cannot expand more than {MAX_DEPTH} levels of a property ({}).", path.join("."));
            return Err(ApiError::invalid(message).with_param("expand"));
        }
        if !expandable(table.answers(), operation, &path) {
            let message = format!("This property cannot be expanded ({}).", path.join("."));
            return Err(ApiError::invalid(message).with_param("expand"));
        }
    }
    Ok(())
}

/// What the paths of an expansion lead to.
pub(crate) trait Source {
    /// The object that an id names, as the API would answer it.
    fn find(&self, id: &str) -> Option<Value>;

    /// A field of an object that is only there when asked for, and is kept elsewhere.
    fn field(&self, object: &Object, name: &str) -> Option<Value>;
}

/// Shapes an answer: expands what was asked for and leaves out what was not.
pub(crate) fn apply(source: &impl Source, answer: &mut Value, params: &Object) {
    let paths = paths(params);
    let paths: Vec<&[&str]> = paths.iter().map(Vec::as_slice).collect();
    shape(source, answer, &paths);
}

fn paths(params: &Object) -> Vec<Vec<&str>> {
    rows(params, "expand").iter().filter_map(Value::as_str).map(|path| path.split('.').collect()).collect()
}

fn shape(source: &impl Source, value: &mut Value, paths: &[&[&str]]) {
    match value {
        Value::Array(rows) => rows.iter_mut().for_each(|row| shape(source, row, paths)),
        Value::Object(object) => {
            let kind = text(object, "object").unwrap_or_default().to_owned();
            object.retain(|name, _| {
                !hidden(&kind, name) || paths.iter().any(|path| path.first() == Some(&name.as_str()))
            });
            for name in paths.iter().filter_map(|path| path.first()).filter(|name| hidden(&kind, name)) {
                if let Some(value) = source.field(object, name) {
                    object.insert((*name).to_owned(), value);
                }
            }
            for (name, field) in object.iter_mut() {
                let rests: Vec<&[&str]> = paths
                    .iter()
                    .filter_map(|path| path.split_first())
                    .filter(|(head, _)| *head == name)
                    .map(|(_, rest)| rest)
                    .collect();
                if !rests.is_empty() {
                    expand(source, field);
                }
                shape(source, field, &rests);
            }
        }
        _ => {}
    }
}

fn hidden(kind: &str, name: &str) -> bool {
    HIDDEN.contains(&(kind, name))
}

/// Replaces an id by its object; other values stay.
fn expand(source: &impl Source, field: &mut Value) {
    if let Some(object) = field.as_str().and_then(|id| source.find(id)) {
        *field = object;
    }
}

fn expandable(answers: &Value, operation: &str, path: &[&str]) -> bool {
    let mut kind = &answers["ops"][operation]["returns"];
    let mut last = None;
    for segment in path {
        let Some((owner, next)) = step(answers, kind, segment) else {
            return false;
        };
        last = Some((owner, *segment));
        kind = next;
    }
    let points = !inner(answers, kind)["x"].is_null();
    points || last.is_some_and(|(owner, segment)| hidden(owner, segment))
}

/// The type of a field of the type, and the object that owns it.
fn step<'a>(answers: &'a Value, kind: &'a Value, segment: &str) -> Option<(&'a str, &'a Value)> {
    let kind = inner(answers, kind);
    if let Some(rows) = kind.get("list") {
        return (segment == "data").then_some(("list", rows));
    }
    let target = kind.get("r").or_else(|| kind.get("x"))?;
    let owner = target.as_str().or_else(|| target.get(0).and_then(Value::as_str))?;
    let fields = answers["objects"][owner]["fields"].as_object()?;
    field(fields, segment).map(|next| (owner, next))
}

fn field<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.get(name).or_else(|| fields.get(&format!("{name}!")))
}

/// The type behind "nullable", "array of", fragments, and the first of several (a deleted object has nothing to expand).
fn inner<'a>(answers: &'a Value, kind: &'a Value) -> &'a Value {
    if let Some(kind) = kind.get("n").or_else(|| kind.get("a")).or_else(|| kind.get("u")?.get(0)) {
        return inner(answers, kind);
    }
    match kind.get("f").and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok()) {
        Some(at) => inner(answers, &answers["defs"][at]),
        None => kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::object::fields;
    use serde_json::json;

    fn allowed(operation: &str, path: &str) -> bool {
        let params = fields(json!({"expand": [path]}));
        check(Table::embedded(), operation, &params).is_ok()
    }

    #[test]
    fn only_what_points_elsewhere_expands() {
        assert!(allowed("GET /v1/invoices/{invoice}", "customer"));
        assert!(allowed("GET /v1/invoices", "data.customer"));
        assert!(allowed("GET /v1/customers/{customer}", "test_clock"));
        assert!(allowed("POST /v1/prices", "product"));
        assert!(allowed("POST /v1/prices", "tiers"));
        assert!(allowed("GET /v1/prices", "data.tiers"));
        // The local Stripe keeps no prices in other currencies.
        assert!(!allowed("GET /v1/prices", "data.currency_options"));
        assert!(allowed("GET /v1/products", "data.default_price.tiers"));
        assert!(allowed("GET /v1/invoices/{invoice}", "payments.data.payment.payment_intent"));
        assert!(!allowed("GET /v1/invoices/{invoice}", "lines"));
        assert!(!allowed("GET /v1/invoices", "customer"));
        assert!(!allowed("GET /v1/invoices/{invoice}", "custmer"));
        assert!(!allowed("GET /v1/invoices/{invoice}", "total"));
        assert!(!allowed("GET /v1/customers/{customer}", "default_source.a.b.c.d"));
        assert!(!allowed("GET /v1/account", "settings"));
    }
}
