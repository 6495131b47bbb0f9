//! Policy documents, compared by what they say: AWS gives them back URL-encoded, with lists in another order and
//! lists of one as the thing itself.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// A policy document from its text, URL-encoded or not. Text that is no JSON stays text, so that it differs.
pub fn parse(text: &str) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    // JSON itself may hold a percent sign: decode only what does not read as JSON.
    serde_json::from_str(text).unwrap_or_else(|_| {
        let decoded = percent_decode_str(text).decode_utf8_lossy();
        serde_json::from_str(&decoded).unwrap_or_else(|_| Value::String(decoded.into_owned()))
    })
}

/// One form for all documents that say the same: lists are sets, and a set of one is its member.
pub fn canonical(document: &Value) -> Value {
    match document {
        Value::Array(members) => set(members),
        Value::Object(fields) => {
            let mut sorted: Vec<(&String, &Value)> = fields.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            Value::Object(
                sorted.into_iter().map(|(name, field)| (name.clone(), canonical(field))).collect::<Map<_, _>>(),
            )
        }
        other => other.clone(),
    }
}

fn set(members: &[Value]) -> Value {
    let mut members: Vec<Value> = members.iter().map(canonical).collect();
    members.sort_by_cached_key(Value::to_string);
    members.dedup();
    match <[Value; 1]>::try_from(members) {
        Ok([only]) => only,
        Err(members) => Value::Array(members),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn order_and_lists_of_one_do_not_matter() {
        let ours = json!({"Statement": [
            {"Sid": "A", "Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": ["x"]},
            {"Sid": "B", "Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "y"},
        ]});
        let theirs = json!({"Statement": [
            {"Effect": "Allow", "Sid": "B", "Action": ["logs:PutLogEvents"], "Resource": "y"},
            {"Sid": "A", "Effect": "Allow", "Resource": "x", "Action": ["s3:GetObject", "s3:PutObject", "s3:GetObject"]},
        ]});
        assert_eq!(canonical(&ours), canonical(&theirs));
        assert_eq!(canonical(&ours).to_string(), canonical(&theirs).to_string());
    }

    #[test]
    fn what_is_granted_matters() {
        let ours = json!({"Statement": {"Action": ["a", "b"]}});
        let theirs = json!({"Statement": {"Action": ["a", "c"]}});
        assert_ne!(canonical(&ours), canonical(&theirs));
    }

    #[test]
    fn a_reference_survives() {
        let document = json!({"Resource": [{"$output": {"of": "dynamodb_table.ledger", "name": "arn"}}]});
        let found = engine::input::references(&canonical(&document));
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn documents_come_encoded_and_plain() {
        let plain = json!({"Resource": "arn:aws:s3:::b/100%25"});
        assert_eq!(parse(&plain.to_string()), plain);
        assert_eq!(parse("%7B%22Resource%22%3A%20%22*%22%7D"), json!({"Resource": "*"}));
        assert_eq!(parse("not JSON"), json!("not JSON"));
        assert_eq!(parse(""), Value::Null);
    }
}
