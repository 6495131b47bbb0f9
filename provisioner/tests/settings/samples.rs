//! Values to try at a setting, and what must stand elsewhere for them to make sense.

use serde_json::{Value, json};

use super::leaves::{Holds, Leaf};

/// Text that suits some setting or other: whatever a setting takes, one of these is it.
const GUESSES: &[&str] = &[
    "sample",
    "14 days",
    "7 days",
    "3650 days",
    "2 minutes",
    "20 seconds",
    "5.00 USD",
    "6.00 USD",
    "7%",
    "8%",
    "0.77",
    "2026-09",
    "2026-11-19",
    "us-west-2",
    "en-GB",
    "rate(2 days)",
    "sample.example.com",
    "other.example.com",
    "sample@example.com",
    "other@example.com",
    "https://sample.example.com",
    "https://other.example.com",
    "pk_test_sample",
    "pk_test_other",
    "111111111111",
    "222222222222",
    "sample-{tenant}",
    "other-{tenant}",
];

/// Settings that make sense only with something elsewhere: a merge patch, and values to try.
fn company(leaf: &str) -> Option<(Value, Vec<&'static str>)> {
    let secrets = json!({ "secrets": { "other": {}, "third": {} } });
    let terms = json!({ "pricing": {
        "one": { "markup": "1%" },
        "two": { "markup": "2%", "effective_from": "2027-02" },
    } });
    Some(match leaf {
        // Every tenant has a value of the tag.
        "attribution.tenant_tag" => (json!({ "tenants": [], "attribution": { "activate": null } }), vec!["Client"]),
        "stripe.secret_key" | "stripe.webhook.secret" | "auth.links.secret" => (secrets, vec!["other", "third"]),
        "tenants[].pricing" | "tenants[].pricing[]" => (terms, vec!["one", "two"]),
        // Rates by day, in place of those of one day.
        "fx.rates[].date" | "fx.rates[].source" => {
            let day = json!({ "date": "2026-10-30", "EUR": "0.91", "CHF": "0.88", "source": "ECB" });
            (json!({ "fx": { "date": null, "rate": null, "source": null, "rates": [day] } }), vec![])
        }
        "currency" | "tenants[].currency" => (json!({}), vec!["CHF", "USD"]),
        "invoicing.automatic.limit" => {
            (json!({ "invoicing": { "approval": "automatic" } }), vec!["5.00 USD", "6.00 USD"])
        }
        "invoicing.automatic.deviation" => (json!({ "invoicing": { "approval": "automatic" } }), vec!["7%", "8%"]),
        // A rule does something.
        "storage.lifecycle.*.prefix" => {
            let rule = json!({ "expire_after": "30 days" });
            (json!({ "storage": { "bucket": "b-{tenant}", "lifecycle": { "sample": rule } } }), vec!["a/", "b/"])
        }
        _ => return None,
    })
}

/// What must stand elsewhere for the leaf to make sense, as a merge patch.
pub fn patch(leaf: &Leaf) -> Value {
    company(&leaf.name()).map_or_else(|| json!({}), |(patch, _)| patch)
}

/// Values to try at a leaf that holds `current`, the likeliest first.
pub fn values(leaf: &Leaf, current: Option<&Value>) -> Vec<Value> {
    match &leaf.holds {
        Holds::Truth => vec![json!(true), json!(false)],
        Holds::Number { least, most } => {
            let now = current.and_then(Value::as_u64).unwrap_or(*least);
            let near = [now + 1, now.saturating_sub(1), *least, least + 1, *most];
            // A constant is tried with what it is not.
            let fits = |number: &u64| least == most || (*least..=*most).contains(number);
            near.into_iter().filter(fits).map(|number| json!(number)).collect()
        }
        Holds::OneOf(choices) => choices.iter().map(|choice| json!(choice.value)).collect(),
        Holds::Text { examples } => {
            let fitting = company(&leaf.name()).map_or_else(Vec::new, |(_, values)| values);
            let now = current.and_then(Value::as_str);
            let near = now.into_iter().flat_map(|now| [bumped(now), format!("{now}-x"), format!("x{now}")]);
            let given = fitting.into_iter().map(str::to_owned);
            let further = examples.iter().cloned().chain(GUESSES.iter().map(|guess| (*guess).to_owned()));
            given.chain(near).chain(further).map(Value::String).collect()
        }
    }
}

/// A value for a setting that must be there so that another can be.
pub fn first(name: &str, schema: &Value) -> Value {
    let fitting = match name {
        "stripe.webhook.secret" => Some("stripe"),
        "storage.bucket" => Some("sample-{tenant}"),
        _ => None,
    };
    match schema["type"].as_str() {
        Some("boolean") => json!(true),
        Some("integer") => json!(schema["minimum"].as_u64().unwrap_or(1)),
        _ => json!(fitting.or(schema["examples"][0].as_str()).unwrap_or("sample")),
    }
}

/// The text with its last digit one higher: `500.00 USD` -> `500.01 USD`.
fn bumped(text: &str) -> String {
    match text.rfind(|c: char| c.is_ascii_digit()) {
        Some(at) => {
            let digit = text.as_bytes()[at];
            let next = if digit == b'9' { '0' } else { char::from(digit + 1) };
            format!("{}{next}{}", &text[..at], &text[at + 1..])
        }
        None => format!("{text}-x"),
    }
}
