//! Stripe's answers, kept until they are parsed, and a description of the field that stands in the way.
//!
//! async-stripe parses with miniserde, which says only that something failed. A Stripe API version or a proxy that drops
//! a field is found in a minute when the field has a name.

use std::sync::OnceLock;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use stripe::{Client, CustomizedStripeRequest, StripeError};
use stripe_client_core::StripeClient;

/// A client for one call, which keeps the answer in case it does not parse.
pub struct Keeping<'a> {
    client: &'a Client,
    body: OnceLock<Bytes>,
}

impl<'a> Keeping<'a> {
    /// Sends through this client.
    pub fn new(client: &'a Client) -> Keeping<'a> {
        Keeping { client, body: OnceLock::new() }
    }

    /// The answer's text; none of an error, or of what is no text.
    pub fn answer(&self) -> Option<String> {
        String::from_utf8(self.body.get()?.to_vec()).ok()
    }
}

impl StripeClient for Keeping<'_> {
    type Err = StripeError;

    async fn execute(&self, request: CustomizedStripeRequest) -> Result<Bytes, StripeError> {
        let body = self.client.execute(request).await?;
        Ok(self.body.get_or_init(|| body).clone())
    }
}

/// Describes what keeps an answer from being a `T`: the first field that is missing or of another type.
pub fn obstacle<T: miniserde::Deserialize>(text: &str) -> String {
    described_obstacle(text, &|text| miniserde::json::from_str::<T>(text).is_ok())
}

/// The fields that Stripe always sends of the objects we read, each with a value that parses.
/// Source: <https://docs.stripe.com/api>, the attributes that are not nullable; a test parses exactly these.
fn always(object: &str) -> Value {
    match object {
        "list" => json!({ "data": [], "has_more": false, "url": "/v1" }),
        "customer" => json!({ "id": "cus_1", "created": 0, "livemode": false }),
        "product" => json!({
            "id": "prod_1", "active": true, "created": 0, "images": [], "livemode": false, "marketing_features": [],
            "metadata": {}, "name": "", "type": "service", "updated": 0,
        }),
        "price" => json!({
            "id": "price_1", "active": true, "billing_scheme": "per_unit", "created": 0, "currency": "usd",
            "livemode": false, "metadata": {}, "product": "prod_1", "type": "one_time",
        }),
        _ => Value::Null,
    }
}

/// Describes what keeps `parses` from taking the text.
fn described_obstacle(text: &str, parses: &dyn Fn(&str) -> bool) -> String {
    let Ok(answer) = serde_json::from_str::<Value>(text) else { return "it is not JSON".to_owned() };
    let mut objects = Vec::new();
    find_objects(&answer, String::new(), &mut objects);
    let missing = objects.iter().find_map(|(pointer, object)| {
        let name = required(object).into_iter().find_map(|(name, _)| (!object.contains_key(&name)).then_some(name))?;
        Some(format!("{} has no `{name}`", described(pointer, object)))
    });
    let mistyped = || {
        objects.iter().find_map(|(pointer, object)| {
            let name = required(object).into_iter().find_map(|(name, value)| {
                let mut repaired = answer.clone();
                *repaired.pointer_mut(&format!("{pointer}/{name}"))? = value;
                parses(&repaired.to_string()).then_some(name)
            })?;
            Some(format!("`{name}` of {} has another type than Stripe documents", described(pointer, object)))
        })
    };
    missing.or_else(mistyped).unwrap_or_else(|| "it does not have the shape that Stripe documents".to_owned())
}

fn required(object: &Map<String, Value>) -> Map<String, Value> {
    match always(object.get("object").and_then(Value::as_str).unwrap_or_default()) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// Every JSON object within a value, outer ones first, with its JSON pointer (RFC 6901).
fn find_objects<'a>(value: &'a Value, pointer: String, found: &mut Vec<(String, &'a Map<String, Value>)>) {
    match value {
        Value::Object(fields) => {
            found.push((pointer.clone(), fields));
            for (name, value) in fields {
                find_objects(value, format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                find_objects(item, format!("{pointer}/{at}"), found);
            }
        }
        _ => {}
    }
}

/// `the price price_1 (at /data/3)`.
fn described(pointer: &str, object: &Map<String, Value>) -> String {
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let mut said = format!("the {}", text("object").unwrap_or("answer"));
    if let Some(id) = text("id") {
        said.push_str(&format!(" {id}"));
    }
    if !pointer.is_empty() {
        said.push_str(&format!(" (at {pointer})"));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use stripe_core::Customer;
    use stripe_product::{Price, Product};
    use stripe_types::List;

    /// As a call ends: the object, or why it is none.
    fn parse<T: miniserde::Deserialize>(answer: &Value) -> Result<T, String> {
        let text = answer.to_string();
        miniserde::json::from_str(&text).map_err(|_| obstacle::<T>(&text))
    }

    fn whole(object: &str) -> Value {
        let mut fields = always(object);
        fields["object"] = json!(object);
        fields
    }

    /// Exactly what is listed parses; each listed field is needed, and named when it is missing or mistyped.
    fn check<T: miniserde::Deserialize>(object: &str) {
        assert!(parse::<T>(&whole(object)).is_ok(), "{object}");
        for name in always(object).as_object().expect("fields").keys() {
            let mut without = whole(object);
            without.as_object_mut().expect("fields").shift_remove(name);
            let error = parse::<T>(&without).err().unwrap_or_else(|| panic!("{object} without {name}"));
            assert!(error.contains(&format!("has no `{name}`")), "{error}");
            let mut mistyped = whole(object);
            mistyped[name] = json!({ "an": ["object"] });
            if let Err(error) = parse::<T>(&mistyped) {
                assert!(error.contains(&format!("`{name}` of the {object}")), "{error}");
            }
        }
    }

    #[test]
    fn the_missing_or_mistyped_field_is_named() {
        check::<Customer>("customer");
        check::<Product>("product");
        check::<Price>("price");
        check::<List<Price>>("list");
    }

    #[test]
    fn a_field_of_an_object_in_a_list_is_named_with_the_object() {
        let mut list = whole("list");
        let mut bad = whole("price");
        bad["id"] = json!("price_2");
        bad.as_object_mut().expect("fields").shift_remove("active");
        list["data"] = json!([whole("price"), bad]);
        let error = parse::<List<Price>>(&list).expect_err("a price lacks a field");
        assert_eq!(error, "the price price_2 (at /data/1) has no `active`");
    }

    #[test]
    fn what_is_no_object_of_stripes_is_said_to_be_none() {
        let error = parse::<Price>(&json!(["nothing"])).expect_err("no price");
        assert!(error.contains("the shape that Stripe documents"), "{error}");
    }
}
