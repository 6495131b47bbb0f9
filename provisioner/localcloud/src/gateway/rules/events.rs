//! EventBridge: names and schedules of rules, and targets, which must go before their rule.

use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::super::pipeline::{Answer, Call, Rule, Upstream};
use super::ask::Ask;
use super::shape::{shaped, tag_fault, word};
use super::{Refusal, refused};
use crate::schedules::expression::Schedule;
use crate::schedules::registry::Registry;

const MOST_TARGETS: usize = 5;
const MOST_TAGS: usize = 50;

/// Checks a request to EventBridge.
pub(super) fn check(call: &Call) -> Result<(), Refusal> {
    let body = call.json();
    match call.operation.as_str() {
        "PutRule" => check_rule(&body),
        "PutTargets" => body["Targets"].as_array().into_iter().flatten().try_for_each(check_target),
        "TagResource" => check_tags(&body["Tags"]),
        _ => Ok(()),
    }
}

fn check_rule(body: &Value) -> Result<(), Refusal> {
    let name = body["Name"].as_str().unwrap_or_default();
    if !shaped(name, 1..=64, word(".-_")) {
        return Err(invalid(format!("Rule name '{name}' must have 1 to 64 letters, digits or any of . - _")));
    }
    let schedule = body["ScheduleExpression"].as_str().filter(|text| !text.is_empty());
    if schedule.is_none() && body["EventPattern"].as_str().is_none_or(str::is_empty) {
        return Err(invalid("Parameter(s) EventPattern or ScheduleExpression must be specified."));
    }
    if let Some(fault) = schedule.and_then(|text| Schedule::parse(text).err()) {
        return Err(invalid(format!("Parameter ScheduleExpression is not valid: {fault}")));
    }
    let states = ["ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"];
    if let Some(state) = body["State"].as_str().filter(|state| !states.contains(state)) {
        return Err(invalid(format!("State '{state}' is not one of {}", states.join(", "))));
    }
    check_tags(&body["Tags"])
}

fn check_target(target: &Value) -> Result<(), Refusal> {
    let id = target["Id"].as_str().unwrap_or_default();
    if !shaped(id, 1..=64, word(".-_")) {
        return Err(invalid(format!("Target id '{id}' must have 1 to 64 letters, digits or any of . - _")));
    }
    if let Some(fault) = target["Input"].as_str().and_then(|input| serde_json::from_str::<Value>(input).err()) {
        return Err(invalid(format!("JSON syntax error in input for target {id}: {fault}")));
    }
    let inputs = ["Input", "InputPath", "InputTransformer"].iter().filter(|key| !target[**key].is_null()).count();
    (inputs <= 1).then_some(()).ok_or_else(|| {
        invalid(format!("Only one of Input, InputPath, or InputTransformer must be provided for target {id}"))
    })
}

fn check_tags(tags: &Value) -> Result<(), Refusal> {
    let Some(tags) = tags.as_array() else { return Ok(()) };
    let pairs =
        tags.iter().map(|tag| (tag["Key"].as_str().unwrap_or_default(), tag["Value"].as_str().unwrap_or_default()));
    tag_fault(pairs, MOST_TAGS).map_or(Ok(()), |fault| Err(invalid(fault)))
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("ValidationException", message)
}

/// A rule has at most five targets, and is deleted only without any.
pub(super) struct Targets;

impl Rule for Targets {
    fn applies(&self, call: &Call) -> bool {
        call.service == "events" && ["DeleteRule", "PutTargets"].contains(&call.operation.as_str())
    }

    fn before<'a>(&'a self, call: &'a mut Call, upstream: &'a Upstream) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(async move {
            let body = call.json();
            let rule = if call.operation == "DeleteRule" { &body["Name"] } else { &body["Rule"] };
            let mut asked = json!({"Rule": rule});
            if !body["EventBusName"].is_null() {
                asked["EventBusName"] = body["EventBusName"].clone();
            }
            // A rule that is missing is MiniStack's to answer for.
            let present = Ask::new(call, upstream).target("events", "AWSEvents.ListTargetsByRule", &asked).await?;
            refused(call, check_targets(&call.operation, &present["Targets"], &body["Targets"]))
        })
    }
}

fn check_targets(operation: &str, present: &Value, put: &Value) -> Result<(), Refusal> {
    let ids = |targets: &Value| -> std::collections::BTreeSet<String> {
        targets.as_array().into_iter().flatten().filter_map(|target| target["Id"].as_str().map(str::to_owned)).collect()
    };
    let present = ids(present);
    match operation {
        "DeleteRule" if !present.is_empty() => Err(invalid("Rule can't be deleted since it has targets.")),
        "PutTargets" if present.union(&ids(put)).count() > MOST_TARGETS => Err(Refusal::new(
            "LimitExceededException",
            format!("The requested resource exceeds the maximum number allowed: {MOST_TARGETS} targets a rule"),
        )),
        _ => Ok(()),
    }
}

/// Notes when a rule was created, changed or enabled: from then on its schedule counts.
pub(super) struct Created(pub(super) Registry);

impl Rule for Created {
    fn applies(&self, call: &Call) -> bool {
        call.service == "events" && ["PutRule", "EnableRule"].contains(&call.operation.as_str())
    }

    fn after<'a>(&'a self, call: &'a Call, answer: Answer, _: &'a Upstream) -> BoxFuture<'a, Answer> {
        if answer.is_success() {
            self.0.begin(call.json()["Name"].as_str().unwrap_or_default());
        }
        Box::pin(std::future::ready(answer))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::json_call;
    use super::*;

    #[test]
    fn rules_need_a_name_and_a_schedule_or_pattern() {
        let put = |key: &str, value: Value| {
            let mut body = json!({"Name": "monthly-client-billing", "ScheduleExpression": "cron(0 0 1 * ? *)", "State": "ENABLED"});
            body[key] = value;
            check(&json_call("events", "PutRule", body))
        };
        assert_eq!(put("Tags", json!([{"Key": "a", "Value": "b"}])), Ok(()));
        for (key, value) in [
            ("Name", json!("a b")),
            ("ScheduleExpression", Value::Null),
            ("ScheduleExpression", json!("rate(1 days)")),
            ("State", json!("ON")),
        ] {
            assert!(put(key, value.clone()).is_err(), "{key} {value}");
        }
    }

    #[test]
    fn targets_are_checked_counted_and_gone_before_their_rule() {
        let put = |target: Value| check(&json_call("events", "PutTargets", json!({"Rule": "r", "Targets": [target]})));
        assert_eq!(put(json!({"Id": "t", "Arn": "arn:x", "Input": "{\"a\":1}"})), Ok(()));
        assert!(put(json!({"Id": "t", "Arn": "arn:x", "Input": "{"})).is_err());
        assert!(put(json!({"Id": "t", "Arn": "arn:x", "Input": "{}", "InputPath": "$"})).is_err());
        let some = |count: usize| -> Value { (0..count).map(|at| json!({"Id": format!("t{at}")})).collect() };
        assert!(check_targets("DeleteRule", &some(1), &Value::Null).is_err());
        assert_eq!(check_targets("DeleteRule", &some(0), &Value::Null), Ok(()));
        assert_eq!(check_targets("PutTargets", &some(5), &some(2)), Ok(()));
        assert_eq!(
            check_targets("PutTargets", &some(5), &json!([{"Id": "new"}])).unwrap_err().code,
            "LimitExceededException"
        );
    }
}
