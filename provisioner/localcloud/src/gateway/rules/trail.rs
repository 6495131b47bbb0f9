//! CloudTrail's event history: what changed something through this gateway, and whose key it was signed with. MiniStack's
//! own record takes the access key for the user's name and knows the resources of five services.
//!
//! Source: docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html; the record's fields:
//! docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::pipeline::{Answer, Call, Rule, Upstream};
use super::access::authentication_failure;
use super::ask::Ask;
use super::caller::{Caller, Callers};
use super::shape::element;

/// So many events are kept.
const KEPT: usize = 10_000;
/// The most events of one answer.
const PAGE: usize = 50;
/// Longer requests, such as code, are recorded without their parameters.
const LONGEST: usize = 64 << 10;

/// Services of the gateway that are not AWS's, and those that only hand out credentials.
const UNRECORDED: &[&str] = &["execute-api", "ministack", "unknown", "sts", "cloudtrail"];
/// Operations on data, which the event history has not.
const DATA: &[&str] = &[
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "BatchWriteItem",
    "TransactWriteItems",
    "PutObject",
    "DeleteObject",
    "DeleteObjects",
    "Invoke",
    "PutLogEvents",
    "PutEvents",
    "PutMetricData",
    "Publish",
];

/// Services whose events are recorded in us-east-1, wherever they are called from:
/// docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html, "About global service events"; the billing
/// services have no other region.
const GLOBAL: &[&str] = &["iam", "budgets", "ce", "cur"];

/// What was recorded, oldest first.
#[derive(Default)]
pub(super) struct Trail(Mutex<VecDeque<Event>>);

#[derive(Clone)]
struct Event {
    at: Timestamp,
    service: String,
    operation: String,
    region: String,
    key: String,
    agent: String,
    parameters: Value,
    /// Types and names.
    resources: Vec<(&'static str, String)>,
    error: Option<String>,
}

impl Trail {
    fn events(&self) -> MutexGuard<'_, VecDeque<Event>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records what changed something, or was to.
pub(super) struct Record(pub(super) Arc<Trail>);

impl Rule for Record {
    fn applies(&self, call: &Call) -> bool {
        call.write && !UNRECORDED.contains(&call.service.as_str()) && !DATA.contains(&call.operation.as_str())
    }

    fn after<'a>(&'a self, call: &'a Call, answer: Answer, upstream: &'a Upstream) -> BoxFuture<'a, Answer> {
        let parameters = parameters(call);
        let event = Event {
            at: Timestamp::now(),
            service: call.service.clone(),
            operation: call.operation.clone(),
            region: recorded_in(call, upstream),
            key: call.access_key.clone().unwrap_or_default(),
            agent: call.header("user-agent").to_owned(),
            resources: resources(&call.service, &parameters),
            parameters,
            error: (!answer.is_success()).then(|| error_code(&answer)),
        };
        let mut events = self.0.events();
        if events.len() == KEPT {
            events.pop_front();
        }
        events.push_back(event);
        drop(events);
        Box::pin(std::future::ready(answer))
    }

    fn reset(&self) {
        self.0.events().clear();
    }
}

fn recorded_in(call: &Call, upstream: &Upstream) -> String {
    match GLOBAL.contains(&call.service.as_str()) {
        true => "us-east-1".to_owned(),
        false => call.region.clone().unwrap_or_else(|| upstream.region().to_owned()),
    }
}

/// Answers `LookupEvents`.
pub(super) struct EventHistory {
    pub(super) trail: Arc<Trail>,
    pub(super) callers: Arc<Callers>,
    /// Whether signatures are checked.
    pub(super) auth: bool,
}

impl Rule for EventHistory {
    fn applies(&self, call: &Call) -> bool {
        call.service == "cloudtrail" && call.operation == "LookupEvents"
    }

    fn before<'a>(&'a self, call: &'a mut Call, upstream: &'a Upstream) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(async move {
            if self.auth
                && let Some(failure) = authentication_failure(call, upstream).await
            {
                return Some(failure);
            }
            let asked = call.json();
            let region = call.region.clone().unwrap_or_else(|| upstream.region().to_owned());
            let found: Vec<(usize, Event)> = {
                let events = self.trail.events();
                let meant = |(_, event): &(usize, &Event)| event.region == region && is_asked(event, &asked);
                events.iter().enumerate().rev().filter(meant).map(|(at, event)| (at, event.clone())).collect()
            };
            let first = asked["NextToken"].as_str().and_then(|token| token.parse().ok()).unwrap_or(0);
            let most =
                asked["MaxResults"].as_u64().and_then(|most| usize::try_from(most).ok()).unwrap_or(PAGE).min(PAGE);
            let mut page = Vec::new();
            for (number, event) in found.iter().skip(first).take(most) {
                let who = self.who(call, event, upstream).await;
                page.push(shown(*number, event, &who, upstream.account()));
            }
            let mut body = json!({ "Events": page });
            if first + most < found.len() {
                body["NextToken"] = json!((first + most).to_string());
            }
            Some(Answer::new(200, "application/x-amz-json-1.1", body.to_string()))
        })
    }
}

impl EventHistory {
    async fn who(&self, call: &Call, event: &Event, upstream: &Upstream) -> Value {
        let mut signed = call.clone();
        signed.access_key = Some(event.key.clone()).filter(|key| !key.is_empty());
        let account = upstream.account();
        match self.callers.find(&signed, Ask::new(&signed, upstream)).await.as_ref() {
            Caller::Root => {
                json!({ "type": "Root", "arn": format!("arn:aws:iam::{account}:root"), "accountId": account })
            }
            Caller::Known { arn, .. } => {
                let kind = if arn.contains(":role/") { "AssumedRole" } else { "IAMUser" };
                json!({ "type": kind, "arn": arn, "accountId": account, "accessKeyId": event.key })
            }
            Caller::Unknown => json!({ "type": "Unknown", "accountId": account, "accessKeyId": event.key }),
        }
    }
}

/// Whether an event has the attributes that are asked for, in the time that is asked for.
fn is_asked(event: &Event, asked: &Value) -> bool {
    let seconds = event.at.as_second() as f64;
    let since = asked["StartTime"].as_f64().is_none_or(|start| seconds >= start.floor());
    let until = asked["EndTime"].as_f64().is_none_or(|end| seconds <= end);
    let attributes = asked["LookupAttributes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let has = |attribute: &Value| {
        let value = attribute["AttributeValue"].as_str().unwrap_or_default();
        match attribute["AttributeKey"].as_str().unwrap_or_default() {
            "ResourceName" => event.resources.iter().any(|(_, name)| name == value),
            "ResourceType" => event.resources.iter().any(|(kind, _)| *kind == value),
            "EventName" => event.operation == value,
            "EventSource" => source(event) == value,
            "AccessKeyId" => event.key == value,
            "ReadOnly" => value == "false",
            _ => false,
        }
    };
    since && until && attributes.iter().all(has)
}

fn source(event: &Event) -> String {
    format!("{}.amazonaws.com", event.service)
}

fn shown(number: usize, event: &Event, who: &Value, account: &str) -> Value {
    let id = format!("00000000-0000-4000-8000-{number:012}");
    let mut record = json!({
        "eventVersion": "1.11",
        "userIdentity": who,
        "eventTime": event.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "eventSource": source(event),
        "eventName": event.operation,
        "awsRegion": event.region,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": event.agent,
        "requestParameters": event.parameters,
        "responseElements": null,
        "eventID": id,
        "readOnly": false,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": account,
        "eventCategory": "Management",
    });
    if let Some(error) = &event.error {
        record["errorCode"] = json!(error);
    }
    let resources = event.resources.iter().map(|(kind, name)| json!({ "ResourceType": kind, "ResourceName": name }));
    json!({
        "EventId": id,
        "EventName": event.operation,
        "ReadOnly": "false",
        "AccessKeyId": event.key,
        "EventTime": event.at.as_second(),
        "EventSource": source(event),
        "Resources": resources.collect::<Vec<_>>(),
        "CloudTrailEvent": record.to_string(),
    })
}

/// What was asked for, with names as CloudTrail spells them; values of secrets are left out.
fn parameters(call: &Call) -> Value {
    if call.body.len() > LONGEST {
        return from_path(call).into();
    }
    let mut found = from_path(call);
    match call.json() {
        Value::Object(body) => found.extend(renamed(body)),
        _ if call.service != "s3" => {
            let pairs = call.form().into_iter().filter(|(name, _)| name != "Action" && name != "Version");
            found.extend(pairs.map(|(name, value)| (lower_first(&name), json!(value))));
        }
        _ => {}
    }
    found.into()
}

/// Names that REST services have in their paths.
fn from_path(call: &Call) -> Map<String, Value> {
    let segments = call.segments();
    let behind = |name: &str| {
        let at = segments.iter().position(|segment| segment == name)?;
        segments.get(at + 1).cloned()
    };
    let (name, value) = match call.service.as_str() {
        "lambda" => ("functionName", behind("functions")),
        "apigateway" => ("apiId", behind("apis")),
        "s3" => ("bucketName", segments.first().cloned()),
        _ => ("", None),
    };
    value.map(|value| (name.to_owned(), json!(value))).into_iter().collect()
}

fn renamed(body: Map<String, Value>) -> Map<String, Value> {
    let value = |value: Value| match value {
        Value::Object(inner) => renamed(inner).into(),
        other => other,
    };
    let is_secret = |name: &str| ["secretstring", "secretbinary"].contains(&name.to_lowercase().as_str());
    let kept = body.into_iter().filter(|(name, _)| !is_secret(name));
    kept.map(|(name, inner)| (lower_first(&name), value(inner))).collect()
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// The resources that CloudTrail names beside an event; of most services it names none.
fn resources(service: &str, parameters: &Value) -> Vec<(&'static str, String)> {
    let known: &[(&str, &'static str)] = match service {
        "iam" => &[("roleName", "AWS::IAM::Role"), ("userName", "AWS::IAM::User"), ("policyName", "AWS::IAM::Policy")],
        "dynamodb" => &[("tableName", "AWS::DynamoDB::Table")],
        "lambda" => &[("functionName", "AWS::Lambda::Function")],
        "s3" => &[("bucketName", "AWS::S3::Bucket")],
        "secretsmanager" => &[("secretId", "AWS::SecretsManager::Secret")],
        "sns" => &[("topicArn", "AWS::SNS::Topic"), ("resourceArn", "AWS::SNS::Topic")],
        _ => &[],
    };
    let named = |(key, kind): &(&str, &'static str)| Some((*kind, parameters[*key].as_str()?.to_owned()));
    known.iter().filter_map(named).collect()
}

fn error_code(answer: &Answer) -> String {
    let body = answer.body_json();
    let code = body["__type"].as_str().map(str::to_owned);
    let code = code.or_else(|| element(&String::from_utf8_lossy(&answer.body), "Code"));
    code.unwrap_or_else(|| format!("HTTP{}", answer.status))
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::super::tests::{form_call, json_call, rest_call};
    use super::*;

    #[test]
    fn parameters_and_resources_are_named_as_cloudtrail_names_them() {
        let call = form_call("iam", "PutRolePolicy", &[("RoleName", "costs"), ("PolicyName", "billing")]);
        let found = parameters(&call);
        assert_eq!(found, json!({ "roleName": "costs", "policyName": "billing" }));
        let names: Vec<String> = resources("iam", &found).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["costs", "billing"]);
        let path = "/2015-03-31/functions/costs/configuration";
        let call = rest_call("lambda", "UpdateFunctionConfiguration", Method::PUT, path, json!({ "MemorySize": 512 }));
        assert_eq!(parameters(&call), json!({ "functionName": "costs", "memorySize": 512 }));
        let call = json_call("budgets", "UpdateBudget", json!({ "NewBudget": { "BudgetName": "b" } }));
        assert_eq!(parameters(&call), json!({ "newBudget": { "budgetName": "b" } }));
        assert!(resources("budgets", &parameters(&call)).is_empty());
    }

    #[test]
    fn no_secret_is_recorded() {
        let call = json_call("secretsmanager", "PutSecretValue", json!({ "SecretId": "s", "SecretString": "hush" }));
        assert_eq!(parameters(&call), json!({ "secretId": "s" }));
    }
}
