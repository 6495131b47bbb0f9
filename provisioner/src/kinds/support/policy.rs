//! When two resource policies say the same, and which of the two spellings a comparison shows.

use serde_json::Value;

use crate::kinds::iam_role::document::canonical;

/// The observed fields with their `policy` spelled as desired, where both mean the same.
pub fn spelled_as(desired: &Value, observed: &Value) -> Value {
    let mut spelled = observed.clone();
    if let (Some(want), Some(have)) = (desired.get("policy"), spelled.get_mut("policy"))
        && same(want, have)
    {
        *have = want.clone();
    }
    spelled
}

fn same(one: &Value, other: &Value) -> bool {
    canonical(&stored(one)) == canonical(&stored(other))
}

/// The document as S3 and SNS keep it: condition values are text, a principal's account number is the ARN of its root.
fn stored(value: &Value) -> Value {
    match value {
        Value::Bool(flag) => Value::String(flag.to_string()),
        Value::Number(number) => Value::String(number.to_string()),
        Value::Array(items) => items.iter().map(stored).collect(),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(key, field)| {
                    let field = stored(field);
                    (key.clone(), if key == "AWS" { principal(field) } else { field })
                })
                .collect(),
        ),
        other => other.clone(),
    }
}

fn principal(value: Value) -> Value {
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    match value {
        Value::String(text) if is_account(&text) => Value::String(format!("arn:aws:iam::{text}:root")),
        Value::Array(items) => items.into_iter().map(principal).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn order_and_lists_of_one_make_no_difference() {
        let ours = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "a"}, "Action": ["s3:GetObject", "s3:PutObject"],
             "Resource": ["r"]},
            {"Effect": "Deny", "Principal": {"AWS": "123456789012"}, "Action": "s3:*", "Resource": "r",
             "Condition": {"Bool": {"aws:SecureTransport": false}}},
        ]});
        let theirs = json!({"Statement": [
            {"Action": ["s3:*"], "Condition": {"Bool": {"aws:SecureTransport": "false"}}, "Effect": "Deny",
             "Principal": {"AWS": ["arn:aws:iam::123456789012:root"]}, "Resource": "r"},
            {"Action": ["s3:PutObject", "s3:GetObject"], "Effect": "Allow", "Principal": {"Service": ["a"]},
             "Resource": "r"},
        ], "Version": "2012-10-17"});
        assert!(same(&ours, &theirs));
        let observed = json!({"name": "b", "policy": theirs});
        assert_eq!(spelled_as(&json!({"policy": ours}), &observed), json!({"name": "b", "policy": ours}));
    }

    #[test]
    fn another_action_or_effect_is_another_policy() {
        let ours = json!({"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "r"}]});
        for other in [
            json!({"Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "r"}]}),
            json!({"Statement": [{"Effect": "Deny", "Action": "s3:GetObject", "Resource": "r"}]}),
            json!({"Statement": []}),
            Value::Null,
        ] {
            assert!(!same(&ours, &other), "{other}");
        }
    }
}
