//! What happens when a rule is due: its functions are invoked, one after the other, and waited for.

use http::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::rules::ScheduledRule;
use crate::gateway::pipeline::{Upstream, UpstreamError};
use crate::gateway::rules::policy::ServiceCall;

/// Lambda tries an asynchronous invocation three times.
/// Source: docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html.
const TRIES: u32 = 3;

/// One firing of a rule, for one of its targets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fired {
    /// The rule's name.
    pub schedule: String,
    /// The moment it was due.
    pub at: Timestamp,
    /// The function's name, or the target's ARN where it is not a function.
    pub function: String,
    /// Whether one of the tries succeeded.
    pub ok: bool,
    /// How often the function was invoked; 0 when it could not be.
    pub tries: u32,
    /// What the last failed try said; empty when it succeeded.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
}

/// Why a target was not reached.
enum Failure {
    /// The gateway lost MiniStack.
    Upstream(UpstreamError),
    /// The function may not be invoked, does not exist, or the target has an unknown form.
    Refused(String),
    /// The function ended with an error.
    Function(String),
}

/// Fires a rule for all its targets.
pub(crate) async fn fire(
    upstream: &Upstream,
    rule: &ScheduledRule,
    at: Timestamp,
) -> Result<Vec<Fired>, UpstreamError> {
    let mut fired = Vec::new();
    for target in &rule.targets {
        fired.push(fire_target(upstream, rule, target, at).await?);
    }
    Ok(fired)
}

async fn fire_target(
    upstream: &Upstream,
    rule: &ScheduledRule,
    target: &Value,
    at: Timestamp,
) -> Result<Fired, UpstreamError> {
    let arn = target["Arn"].as_str().unwrap_or_default();
    let name = function_name(arn).unwrap_or(arn).to_owned();
    let mut fired =
        Fired { schedule: rule.name.clone(), at, function: name, ok: false, tries: 0, error: String::new() };
    let event = match prepared(upstream, rule, target, at).await {
        Ok(event) => event,
        Err(Failure::Upstream(error)) => return Err(error),
        Err(Failure::Refused(error) | Failure::Function(error)) => return Ok(Fired { error, ..fired }),
    };
    while !fired.ok && fired.tries < TRIES {
        fired.tries += 1;
        match invoke(upstream, &fired.function, &event).await {
            Ok(()) => (fired.ok, fired.error) = (true, String::new()),
            Err(Failure::Upstream(error)) => return Err(error),
            Err(Failure::Function(error)) => fired.error = error,
            Err(Failure::Refused(error)) => return Ok(Fired { error, ..fired }),
        }
    }
    Ok(fired)
}

/// The text that the function is invoked with, once it is sure that it may be.
async fn prepared(upstream: &Upstream, rule: &ScheduledRule, target: &Value, at: Timestamp) -> Result<String, Failure> {
    let arn = target["Arn"].as_str().unwrap_or_default();
    let name = function_name(arn).ok_or_else(|| {
        Failure::Refused("the local cloud's clock fires schedules for Lambda functions only".to_owned())
    })?;
    let event = payload(&event(upstream, &rule.arn, at), target).map_err(Failure::Refused)?;
    let path = format!("/2015-03-31/functions/{name}/policy");
    let policy = upstream.rest("lambda", Method::GET, &path, "").await.map_err(Failure::Upstream)?;
    if !admits(&policy.body_json(), arn, &rule.arn, upstream.account()) {
        return Err(Failure::Refused(format!(
            "{name} does not permit events.amazonaws.com to invoke it for {}",
            rule.arn
        )));
    }
    Ok(event)
}

async fn invoke(upstream: &Upstream, function: &str, event: &str) -> Result<(), Failure> {
    let path = format!("/2015-03-31/functions/{function}/invocations");
    let answer = upstream.rest("lambda", Method::POST, &path, event.to_owned()).await.map_err(Failure::Upstream)?;
    let said = || String::from_utf8_lossy(&answer.body).chars().take(500).collect::<String>();
    match (answer.status, answer.headers.get("x-amz-function-error")) {
        (200..300, None) => Ok(()),
        (200..300, Some(_)) | (429 | 500.., _) => Err(Failure::Function(said())),
        _ => Err(Failure::Refused(said())),
    }
}

/// EventBridge's event of a scheduled rule.
/// Source: docs.aws.amazon.com/eventbridge/latest/ref/events-ref-aws.events.html.
fn event(upstream: &Upstream, rule_arn: &str, at: Timestamp) -> Value {
    json!({
        "version": "0",
        "id": event_id(rule_arn, at),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": upstream.account(),
        "time": at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": upstream.region(),
        "resources": [rule_arn],
        "detail": {},
    })
}

/// The same firing always has the same id.
fn event_id(rule_arn: &str, at: Timestamp) -> String {
    let hash = hex::encode(Sha256::digest(format!("{rule_arn} {at}")));
    format!("{}-{}-{}-{}-{}", &hash[..8], &hash[8..12], &hash[12..16], &hash[16..20], &hash[20..32])
}

/// What the target gets: its constant `Input`, the part of the event that `InputPath` names, or the event.
fn payload(event: &Value, target: &Value) -> Result<String, String> {
    if !target["InputTransformer"].is_null() {
        return Err("the local cloud's clock does not know InputTransformer".to_owned());
    }
    if let Some(input) = target["Input"].as_str().filter(|input| !input.is_empty()) {
        return Ok(input.to_owned());
    }
    let path = target["InputPath"].as_str().unwrap_or("$");
    let inner = path.strip_prefix('$').ok_or_else(|| format!("InputPath {path} does not begin with $"))?;
    let part = inner.split('.').skip(1).fold(event, |value, name| &value[name]);
    Ok(part.to_string())
}

/// The function's name in its ARN; none for the ARN of something else.
fn function_name(arn: &str) -> Option<&str> {
    let mut parts = arn.split(':');
    let is_function = parts.nth(2) == Some("lambda") && parts.nth(2) == Some("function");
    parts.next().filter(|name| is_function && !name.is_empty())
}

/// Whether the function's policy, as GetPolicy answers it, lets the rule invoke it.
fn admits(answer: &Value, function_arn: &str, rule_arn: &str, account: &str) -> bool {
    let call = ServiceCall {
        service: "events.amazonaws.com",
        action: "lambda:InvokeFunction",
        resource: function_arn,
        source_arn: rule_arn,
        account,
    };
    call.is_admitted_by(answer["Policy"].as_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "arn:aws:events:us-east-1:123456789012:rule/daily";
    const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:sync";

    fn due() -> Timestamp {
        "2026-11-28T06:00:00Z".parse().unwrap()
    }

    #[test]
    fn the_event_is_eventbridges() {
        let upstream = Upstream::new("127.0.0.1:1".into(), "123456789012".into(), "us-east-1".into());
        let event = event(&upstream, RULE, due());
        assert_eq!(event["time"], "2026-11-28T06:00:00Z");
        assert_eq!((&event["source"], &event["detail-type"]), (&json!("aws.events"), &json!("Scheduled Event")));
        assert_eq!((&event["resources"], &event["detail"]), (&json!([RULE]), &json!({})));
        let id = event["id"].as_str().unwrap();
        assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_ne!(event_id(RULE, due()), event_id("another rule", due()));
    }

    #[test]
    fn a_target_gets_its_input_a_part_or_the_whole() {
        let event = json!({"time": "t", "detail": {"a": {"b": 1}}});
        let given = |target: Value| payload(&event, &target);
        assert_eq!(given(json!({"Input": "{\"x\":1}"})).unwrap(), "{\"x\":1}");
        assert_eq!(given(json!({"InputPath": "$.detail.a"})).unwrap(), "{\"b\":1}");
        assert_eq!(given(json!({"InputPath": "$.time"})).unwrap(), "\"t\"");
        assert_eq!(given(json!({})).unwrap(), event.to_string());
        assert!(given(json!({"InputTransformer": {"InputTemplate": "x"}})).is_err());
    }

    #[test]
    fn functions_are_told_from_other_targets() {
        assert_eq!(function_name(FUNCTION), Some("sync"));
        assert_eq!(function_name("arn:aws:sns:us-east-1:123456789012:topic"), None);
        assert_eq!(function_name(""), None);
    }

    #[test]
    fn only_a_permission_for_this_rule_counts() {
        let policy = |source: &str| {
            let statement = json!({"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "lambda:InvokeFunction",
                "Resource": FUNCTION, "Condition": {"ArnLike": {"AWS:SourceArn": source}}});
            json!({"Policy": json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()})
        };
        assert!(admits(&policy(RULE), FUNCTION, RULE, "123456789012"));
        assert!(!admits(&policy("arn:aws:events:us-east-1:123456789012:rule/other"), FUNCTION, RULE, "123456789012"));
        assert!(!admits(&json!({}), FUNCTION, RULE, "123456789012"));
    }
}
