//! A function's resource policy, statement by statement.

use std::collections::BTreeMap;

use engine::Input;
use serde_json::Value;

use super::InvokePermission;
use crate::kinds::iam_role::document;

/// The statements of a policy by their ids. One that says anything else than "this service may invoke from there" is
/// shown with what it says, and so differs from all we can want.
pub fn read(policy: &str) -> BTreeMap<String, InvokePermission> {
    let policy = document::parse(policy);
    let statements = match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    let named = |(at, statement): (usize, &Value)| {
        let id = statement.get("Sid").and_then(Value::as_str);
        (id.map_or_else(|| format!("statement {at} without id"), str::to_owned), permission(statement))
    };
    statements.iter().enumerate().map(named).collect()
}

/// The ids whose statements are to go, and those that are to come: one that differs does both.
pub fn steps<'a>(
    observed: &'a BTreeMap<String, InvokePermission>,
    desired: &'a BTreeMap<String, InvokePermission>,
) -> (Vec<&'a str>, Vec<(&'a str, &'a InvokePermission)>) {
    let gone = observed.iter().filter(|(id, permission)| desired.get(*id) != Some(permission));
    let new = desired.iter().filter(|(id, permission)| observed.get(*id) != Some(permission));
    (gone.map(|(id, _)| id.as_str()).collect(), new.map(|(id, permission)| (id.as_str(), permission)).collect())
}

fn permission(statement: &Value) -> InvokePermission {
    let statement = document::canonical(statement);
    let text = |path: &str| statement.pointer(path).and_then(Value::as_str);
    let plain = text("/Effect") == Some("Allow") && text("/Action") == Some("lambda:InvokeFunction");
    match (plain, text("/Principal/Service"), source_arn(&statement)) {
        (true, Some(service), Some(arn)) => {
            InvokePermission { principal: service.to_owned(), source_arn: Input::Known(arn.to_owned()) }
        }
        _ => InvokePermission {
            principal: shown(&statement, &["Effect", "Action", "Principal"]),
            source_arn: Input::Known(shown(&statement, &["Condition"])),
        },
    }
}

/// The source, where it is the one condition.
fn source_arn(statement: &Value) -> Option<&str> {
    let condition = statement.get("Condition")?.as_object().filter(|operators| operators.len() == 1)?;
    let keys = condition.get("ArnLike")?.as_object().filter(|keys| keys.len() == 1)?;
    keys.iter().find(|(key, _)| key.eq_ignore_ascii_case("aws:SourceArn"))?.1.as_str()
}

fn shown(statement: &Value, parts: &[&str]) -> String {
    let part = |name: &&str| statement.get(*name).map(|part| format!("{name} {part}"));
    let parts: Vec<String> = parts.iter().filter_map(part).collect();
    if parts.is_empty() { "anywhere".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn allowed(principal: &str, arn: &str) -> InvokePermission {
        InvokePermission { principal: principal.to_owned(), source_arn: Input::Known(arn.to_owned()) }
    }

    #[test]
    fn a_statement_reads_as_it_was_added() {
        let policy = json!({"Version": "2012-10-17", "Id": "default", "Statement": [
            {"Sid": "api", "Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"},
             "Action": "lambda:InvokeFunction", "Resource": "arn:f",
             "Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:execute-api:us-east-1:1:a/*"}}}]});
        let expected = allowed("apigateway.amazonaws.com", "arn:aws:execute-api:us-east-1:1:a/*");
        assert_eq!(read(&policy.to_string()), BTreeMap::from([("api".to_owned(), expected)]));
        assert!(read("").is_empty());
    }

    #[test]
    fn statements_that_say_something_else_differ() {
        let open = json!({"Sid": "api", "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
            "Action": "lambda:InvokeFunction", "Resource": "arn:f"});
        let account = json!({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "lambda:*", "Resource": "arn:f"});
        let found = read(&json!({"Statement": [open, account]}).to_string());
        assert_eq!(found["api"].source_arn, Input::Known("anywhere".to_owned()));
        assert!(found["api"].principal.contains("events.amazonaws.com"));
        assert_ne!(found["api"].principal, "events.amazonaws.com");
        assert!(found["statement 1 without id"].principal.contains("lambda:*"));
    }

    #[test]
    fn a_statement_that_differs_goes_and_comes_anew() {
        let named = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(id, arn)| ((*id).to_owned(), allowed("s", arn))).collect::<BTreeMap<_, _>>()
        };
        let (observed, desired) =
            (named(&[("a", "1"), ("b", "1"), ("c", "1")]), named(&[("a", "1"), ("b", "2"), ("d", "1")]));
        let (gone, new) = steps(&observed, &desired);
        assert_eq!(gone, ["b", "c"]);
        assert_eq!(new.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ["b", "d"]);
    }
}
