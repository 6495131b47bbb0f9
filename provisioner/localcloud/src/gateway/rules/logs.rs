//! CloudWatch Logs: names of log groups, their retention and their tags.

use serde_json::Value;

use super::super::pipeline::Call;
use super::Refusal;
use super::shape::{shaped, tag_fault, word};

/// The only numbers of days that AWS keeps logs for.
const RETENTION_DAYS: &[i64] =
    &[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

const MOST_TAGS: usize = 50;

/// Checks a request to CloudWatch Logs.
pub(super) fn check(call: &Call) -> Result<(), Refusal> {
    let body = call.json();
    match call.operation.as_str() {
        "CreateLogGroup" => check_name(&body).and_then(|()| check_tags(&body)),
        "TagResource" => check_tags(&body),
        "PutRetentionPolicy" => check_name(&body).and_then(|()| check_retention(&body)),
        _ => Ok(()),
    }
}

fn check_name(body: &Value) -> Result<(), Refusal> {
    let name = body["logGroupName"].as_str().unwrap_or_default();
    let fits = shaped(name, 1..=512, word(".-_/#"));
    fits.then_some(())
        .ok_or_else(|| invalid(format!("logGroupName '{name}' must have 1 to 512 letters, digits or any of . - _ / #")))
}

fn check_retention(body: &Value) -> Result<(), Refusal> {
    let days = &body["retentionInDays"];
    let fits = days.as_i64().is_some_and(|days| RETENTION_DAYS.contains(&days));
    fits.then_some(())
        .ok_or_else(|| invalid(format!("retentionInDays {days} is not one of the periods that logs are kept for")))
}

fn check_tags(body: &Value) -> Result<(), Refusal> {
    let Some(tags) = body["tags"].as_object() else { return Ok(()) };
    let pairs = tags.iter().map(|(key, value)| (key.as_str(), value.as_str().unwrap_or_default()));
    tag_fault(pairs, MOST_TAGS).map_or(Ok(()), |fault| Err(invalid(fault)))
}

fn invalid(message: String) -> Refusal {
    Refusal::new("InvalidParameterException", message)
}

#[cfg(test)]
mod tests {
    use super::super::tests::json_call;
    use super::*;
    use serde_json::json;

    #[test]
    fn names_retention_and_tags_are_checked() {
        let create = |name: &str, tags: Value| {
            check(&json_call("logs", "CreateLogGroup", json!({"logGroupName": name, "tags": tags})))
        };
        assert_eq!(create("/aws/lambda/client-billing-costs", json!({"billform:stack": "x"})), Ok(()));
        assert!(create("a b", json!({})).is_err());
        assert!(create(&"a".repeat(513), json!({})).is_err());
        assert!(create("ok", json!({"aws:x": "y"})).is_err());
        let keep = |days: Value| {
            check(&json_call("logs", "PutRetentionPolicy", json!({"logGroupName": "g", "retentionInDays": days})))
        };
        assert_eq!((keep(json!(30)), keep(json!(3653))), (Ok(()), Ok(())));
        for days in [json!(0), json!(8), json!("30"), Value::Null] {
            assert!(keep(days.clone()).is_err(), "{days}");
        }
    }
}
