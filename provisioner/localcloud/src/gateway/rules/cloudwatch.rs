//! CloudWatch: alarms and dashboards as AWS takes them, the tags of dashboards, which MiniStack does not keep, and what
//! a caller must be allowed.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::super::cbor;
use super::super::pipeline::{Answer, Call, Rule, Upstream};
use super::Refusal;
use super::shape::{shaped, tag_fault, word};

const MOST_TAGS: usize = 50;
/// docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html.
const MOST_ACTIONS: usize = 5;
const MOST_WIDGETS: usize = 500;
/// An alarm looks at most a day back, and a week where its periods are an hour or longer.
const DAY_S: i64 = 86_400;
const HOUR_S: i64 = 3_600;
const COMPARISONS: &[&str] = &[
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
    "LessThanLowerOrGreaterThanUpperThreshold",
    "LessThanLowerThreshold",
    "GreaterThanUpperThreshold",
];
const MISSING_DATA: &[&str] = &["breaching", "notBreaching", "ignore", "missing"];

/// Checks a request to CloudWatch.
pub(super) fn check(call: &Call) -> Result<(), Refusal> {
    let body = call.json();
    match call.operation.as_str() {
        "PutMetricAlarm" => check_alarm(&body).and_then(|()| check_tags(&body["Tags"])),
        "PutDashboard" => check_dashboard(&body).and_then(|()| check_tags(&body["Tags"])),
        "TagResource" => check_tags(&body["Tags"]),
        _ => Ok(()),
    }
}

fn check_alarm(body: &Value) -> Result<(), Refusal> {
    let text = |key: &str| body[key].as_str().unwrap_or_default();
    if !shaped(text("AlarmName"), 1..=255, |letter| !letter.is_control()) {
        return Err(invalid("AlarmName must have 1 to 255 characters"));
    }
    if text("MetricName").is_empty() || text("Namespace").is_empty() {
        return Err(invalid("MetricName and Namespace are required for an alarm on one metric"));
    }
    let one_of = |key: &str, known: &[&str]| {
        let fits = known.contains(&text(key));
        fits.then_some(()).ok_or_else(|| invalid(format!("{key} '{}' must be one of {}", text(key), known.join(", "))))
    };
    one_of("ComparisonOperator", COMPARISONS)?;
    if !body["TreatMissingData"].is_null() {
        one_of("TreatMissingData", MISSING_DATA)?;
    }
    if !body["Threshold"].is_number() {
        return Err(invalid("Threshold is required"));
    }
    for key in ["AlarmActions", "OKActions", "InsufficientDataActions"] {
        let actions: Vec<&str> = body[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if actions.len() > MOST_ACTIONS {
            return Err(invalid(format!("{key} has at most {MOST_ACTIONS} actions, not {}", actions.len())));
        }
        if let Some(action) = actions.iter().find(|action| !action.starts_with("arn:aws:")) {
            return Err(invalid(format!("Invalid arn syntax: {action}")));
        }
    }
    check_window(&body["Period"], &body["EvaluationPeriods"])
}

fn check_window(period: &Value, evaluations: &Value) -> Result<(), Refusal> {
    let period = period.as_i64().unwrap_or_default();
    if !([10, 20, 30].contains(&period) || (period > 0 && period % 60 == 0)) {
        return Err(invalid(format!("Period {period} must be 10, 20, 30 or a multiple of 60 seconds")));
    }
    let evaluations = evaluations.as_i64().unwrap_or_default();
    let most = if period >= HOUR_S { 7 * DAY_S } else { DAY_S };
    let fits = evaluations >= 1 && evaluations.saturating_mul(period) <= most;
    fits.then_some(())
        .ok_or_else(|| invalid(format!("{evaluations} EvaluationPeriods of {period} s must cover 1 to {most} seconds")))
}

fn check_dashboard(body: &Value) -> Result<(), Refusal> {
    let name = body["DashboardName"].as_str().unwrap_or_default();
    if !shaped(name, 1..=255, word("-_")) {
        return Err(Refusal::new(
            "InvalidParameterValue",
            format!("DashboardName '{name}' must have 1 to 255 letters, digits or any of -_"),
        ));
    }
    let parsed: Option<Value> = serde_json::from_str(body["DashboardBody"].as_str().unwrap_or_default()).ok();
    let Some(Value::Object(dashboard)) = parsed else {
        return Err(Refusal::new("InvalidParameterInput", "The field DashboardBody must be a valid JSON object"));
    };
    let Some(widgets) = dashboard.get("widgets").and_then(Value::as_array) else {
        return Err(Refusal::new(
            "InvalidParameterInput",
            "The dashboard body is invalid: /widgets should be an array",
        ));
    };
    let bad = widgets.iter().position(|widget| !widget["type"].is_string() || !widget["properties"].is_object());
    match bad {
        Some(at) => Err(Refusal::new(
            "InvalidParameterInput",
            format!("The dashboard body is invalid: /widgets/{at} needs type and properties"),
        )),
        None if widgets.len() > MOST_WIDGETS => {
            Err(Refusal::new("InvalidParameterInput", format!("A dashboard has at most {MOST_WIDGETS} widgets")))
        }
        None => Ok(()),
    }
}

fn check_tags(tags: &Value) -> Result<(), Refusal> {
    let pairs = pairs(tags);
    let pairs = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    tag_fault(pairs, MOST_TAGS).map_or(Ok(()), |fault| Err(invalid(fault)))
}

fn pairs(tags: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    tags.as_array().into_iter().flatten().map(|tag| (text(&tag["Key"]), text(&tag["Value"]))).collect()
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("ValidationError", message)
}

fn dashboard_arn(account: &str, name: &str) -> String {
    format!("arn:aws:cloudwatch::{account}:dashboard/{name}")
}

/// What a call is about: the ARN of an alarm or a dashboard; none for what lists all.
pub(super) fn resource(call: &Call, region: &str, account: &str) -> Option<String> {
    let body = call.json();
    let first = |key: &str| body[key][0].as_str().map(str::to_owned);
    let text = |key: &str| body[key].as_str().map(str::to_owned);
    let alarm = |name: String| format!("arn:aws:cloudwatch:{region}:{account}:alarm:{name}");
    match call.operation.as_str() {
        "PutMetricAlarm" => text("AlarmName").map(alarm),
        "DescribeAlarms" => Some(alarm(first("AlarmNames").unwrap_or_else(|| "*".to_owned()))),
        "DeleteAlarms" => first("AlarmNames").map(alarm),
        "PutDashboard" | "GetDashboard" => text("DashboardName").map(|name| dashboard_arn(account, &name)),
        "DeleteDashboards" => first("DashboardNames").map(|name| dashboard_arn(account, &name)),
        "TagResource" | "UntagResource" | "ListTagsForResource" => text("ResourceARN"),
        _ => None,
    }
}

/// Keeps the tags of dashboards.
#[derive(Debug, Default)]
pub(super) struct DashboardTags {
    /// By ARN, of dashboards that there are.
    tags: Mutex<BTreeMap<String, BTreeMap<String, String>>>,
}

impl DashboardTags {
    fn tags(&self) -> MutexGuard<'_, BTreeMap<String, BTreeMap<String, String>>> {
        self.tags.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers what is about the tags of a dashboard.
    fn about_tags(&self, call: &Call) -> Option<Answer> {
        let body = call.json();
        let arn = body["ResourceARN"].as_str().filter(|arn| arn.contains(":dashboard/"))?;
        let mut all = self.tags();
        let Some(tags) = all.get_mut(arn) else {
            let missing = Refusal::new("ResourceNotFound", format!("{arn} does not exist")).with_status(404);
            return Some(missing.answer(call));
        };
        match call.operation.as_str() {
            "TagResource" => tags.extend(pairs(&body["Tags"])),
            "UntagResource" => {
                let gone: Vec<&str> =
                    body["TagKeys"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                tags.retain(|key, _| !gone.contains(&key.as_str()));
            }
            "ListTagsForResource" => {
                let listed: Vec<Value> =
                    tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
                return Some(answered(&json!({ "Tags": listed })));
            }
            _ => return None,
        }
        Some(answered(&json!({})))
    }

    /// Remembers the tags of a new dashboard, and forgets those of one that went. Tags given to one that is there are
    /// ignored (PutDashboard, "Tags").
    fn follow(&self, call: &Call, account: &str) {
        let body = call.json();
        match call.operation.as_str() {
            "PutDashboard" => {
                let arn = dashboard_arn(account, body["DashboardName"].as_str().unwrap_or_default());
                self.tags().entry(arn).or_insert_with(|| pairs(&body["Tags"]).into_iter().collect());
            }
            "DeleteDashboards" => {
                for name in body["DashboardNames"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    self.tags().remove(&dashboard_arn(account, name));
                }
            }
            _ => {}
        }
    }
}

/// A list of dashboards without the times of their last change: MiniStack writes them as text, which no SDK reads.
fn without_times(answer: Answer) -> Answer {
    let Some(mut body) = cbor::to_json(&answer.body) else { return answer };
    for entry in body["DashboardEntries"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        entry.shift_remove("LastModified");
    }
    answered(&body)
}

fn answered(body: &Value) -> Answer {
    Answer::new(200, cbor::CONTENT_TYPE, cbor::from_json(body)).with_header("smithy-protocol", "rpc-v2-cbor")
}

impl Rule for DashboardTags {
    fn applies(&self, call: &Call) -> bool {
        call.service == "monitoring"
    }

    fn before<'a>(&'a self, call: &'a mut Call, _: &'a Upstream) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(std::future::ready(self.about_tags(call)))
    }

    fn after<'a>(&'a self, call: &'a Call, answer: Answer, upstream: &'a Upstream) -> BoxFuture<'a, Answer> {
        if answer.is_success() {
            self.follow(call, upstream.account());
        }
        let answer = if call.operation == "ListDashboards" { without_times(answer) } else { answer };
        Box::pin(std::future::ready(answer))
    }

    fn reset(&self) {
        self.tags().clear();
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Method};

    use super::super::needs::{Place, further_needs, own_need};
    use super::super::tests::call;
    use super::*;

    const PLACE: Place<'_> = Place { region: "us-east-1", account: "123456789012" };

    fn put(operation: &str, body: Value) -> Call {
        let mut headers = HeaderMap::new();
        headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
        headers.insert("content-type", HeaderValue::from_static(cbor::CONTENT_TYPE));
        let mut call = call("monitoring", operation, Method::POST, "/", headers, String::new());
        call.body = cbor::from_json(&body).into();
        call
    }

    fn alarm(change: impl FnOnce(&mut Value)) -> Result<(), Refusal> {
        let mut body = json!({
            "AlarmName": "client-billing-lambda-errors", "MetricName": "Errors", "Namespace": "AWS/Lambda",
            "Statistic": "Sum", "Period": 300, "EvaluationPeriods": 1, "Threshold": 5.0,
            "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching",
            "AlarmActions": ["arn:aws:sns:us-east-1:123456789012:alerts"],
        });
        change(&mut body);
        check(&put("PutMetricAlarm", body))
    }

    #[test]
    fn an_alarm_has_a_metric_a_window_and_few_actions() {
        assert_eq!(alarm(|_| ()), Ok(()));
        assert_eq!(alarm(|body| (body["Period"], body["EvaluationPeriods"]) = (json!(3600), json!(168))), Ok(()));
        let bad: [fn(&mut Value); 8] = [
            |body| body["AlarmName"] = json!(""),
            |body| body["MetricName"] = Value::Null,
            |body| body["ComparisonOperator"] = json!("Above"),
            |body| body["TreatMissingData"] = json!("guess"),
            |body| body["Period"] = json!(61),
            |body| body["EvaluationPeriods"] = json!(289),
            |body| body["AlarmActions"] = json!(vec!["arn:aws:sns:us-east-1:123456789012:alerts"; 6]),
            |body| body["AlarmActions"] = json!(["alerts"]),
        ];
        for (at, change) in bad.into_iter().enumerate() {
            assert!(alarm(change).is_err(), "change {at}");
        }
    }

    #[test]
    fn a_dashboard_is_json_with_widgets() {
        let dashboard = |name: &str, body: &str| {
            check(&put("PutDashboard", json!({ "DashboardName": name, "DashboardBody": body })))
        };
        let widget = r#"{"type":"text","properties":{"markdown":"x"}}"#;
        assert_eq!(dashboard("ClientBillingPortal", &format!("{{\"widgets\":[{widget}]}}")), Ok(()));
        for body in ["", "{", "[]", "{}", r#"{"widgets":{}}"#, r#"{"widgets":[{"type":"text"}]}"#] {
            assert!(dashboard("ok", body).is_err(), "{body}");
        }
        let many = vec![widget; MOST_WIDGETS + 1].join(",");
        assert!(dashboard("ok", &format!("{{\"widgets\":[{many}]}}")).is_err());
        assert!(dashboard("a b", r#"{"widgets":[]}"#).is_err());
    }

    #[test]
    fn tags_of_a_dashboard_are_kept_while_it_is_there() {
        let rule = DashboardTags::default();
        let arn = dashboard_arn("123456789012", "d");
        let list = put("ListTagsForResource", json!({ "ResourceARN": arn }));
        assert_eq!(rule.about_tags(&list).map(|answer| answer.status), Some(404));
        let tags = json!([{ "Key": "team", "Value": "billing" }]);
        rule.follow(&put("PutDashboard", json!({ "DashboardName": "d", "Tags": tags })), "123456789012");
        rule.follow(&put("PutDashboard", json!({ "DashboardName": "d", "Tags": [] })), "123456789012");
        assert_eq!(rule.about_tags(&list).expect("an answer").body_json(), json!({ "Tags": tags }));
        rule.about_tags(&put("UntagResource", json!({ "ResourceARN": arn, "TagKeys": ["team"] })));
        assert_eq!(rule.about_tags(&list).expect("an answer").body_json(), json!({ "Tags": [] }));
        rule.follow(&put("DeleteDashboards", json!({ "DashboardNames": ["d"] })), "123456789012");
        assert_eq!(rule.about_tags(&list).map(|answer| answer.status), Some(404));
        rule.follow(&put("PutDashboard", json!({ "DashboardName": "d", "Tags": tags })), "123456789012");
        rule.reset();
        assert_eq!(rule.about_tags(&list).map(|answer| answer.status), Some(404));
        let alarm = put("ListTagsForResource", json!({ "ResourceARN": "arn:aws:cloudwatch:us-east-1:1:alarm:a" }));
        assert!(rule.about_tags(&alarm).is_none(), "MiniStack keeps those");
    }

    #[test]
    fn a_call_needs_its_action_on_the_alarm_or_dashboard() {
        let asked = |operation: &str, body: Value| {
            let need = own_need(&put(operation, body), &PLACE, None).expect("a need");
            format!("{} {}", need.any_of[0].action, need.any_of[0].resource)
        };
        let on_alarm = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:a";
        assert_eq!(asked("PutMetricAlarm", json!({"AlarmName": "a"})), format!("cloudwatch:PutMetricAlarm {on_alarm}"));
        assert_eq!(asked("DeleteAlarms", json!({"AlarmNames": ["a"]})), format!("cloudwatch:DeleteAlarms {on_alarm}"));
        assert_eq!(
            asked("DescribeAlarms", json!({})),
            "cloudwatch:DescribeAlarms arn:aws:cloudwatch:us-east-1:123456789012:alarm:*"
        );
        let on_dashboard = "arn:aws:cloudwatch::123456789012:dashboard/d";
        let get = asked("GetDashboard", json!({"DashboardName": "d"}));
        assert_eq!(get, format!("cloudwatch:GetDashboard {on_dashboard}"));
        assert_eq!(asked("ListDashboards", json!({})), "cloudwatch:ListDashboards *");
        let made = put("PutDashboard", json!({"DashboardName": "d"}));
        assert!(further_needs(&made, &PLACE).is_empty());
        let made = put("PutDashboard", json!({"DashboardName": "d", "Tags": [{ "Key": "k", "Value": "v" }]}));
        let need = &further_needs(&made, &PLACE)[0].any_of[0];
        assert_eq!((need.action.as_str(), need.resource.as_str()), ("cloudwatch:TagResource", on_dashboard));
    }
}
