//! The alarms and the dashboard.

use billing::manifest::model::{Alarm, Manifest};
use engine::{Address, Input, Resource};
use serde_json::{Value, json};

use super::{Plan, arn, shared};
use crate::kinds::{cloudwatch_alarm, cloudwatch_dashboard};

/// What the manifest's `monitoring` says.
pub fn resources(stack: &Plan) -> Vec<Resource> {
    let Some(monitoring) = &stack.manifest.monitoring else { return Vec::new() };
    let errors = monitoring.alarms.function_errors.as_ref().map(|alarm| function_errors(stack, alarm));
    errors.into_iter().chain([dashboard(stack, &monitoring.dashboard)]).collect()
}

/// Errors of all functions of the account and region together, as the sources have it: an alarm looks at one metric.
/// It publishes to the topic where there is one.
fn function_errors(stack: &Plan, alarm: &Alarm) -> Resource {
    let manifest = stack.manifest;
    let topic =
        manifest.notifications.as_ref().map(|notifications| arn::regional(manifest, "sns", &notifications.topic));
    let needs: Vec<Address> = topic.iter().map(|_| Address::new("sns_topic", "alerts")).collect();
    let desired = cloudwatch_alarm::Desired {
        name: alarm.name.clone(),
        description: format!("billform: {}: functions failed", manifest.stack()),
        namespace: "AWS/Lambda".to_owned(),
        metric: "Errors".to_owned(),
        dimensions: Default::default(),
        statistic: "Sum".to_owned(),
        period_s: alarm.window.count(),
        evaluations: alarm.evaluations,
        comparison: "GreaterThanThreshold".to_owned(),
        threshold: alarm.threshold.into(),
        // Functions that were not called did not fail.
        missing_data: "notBreaching".to_owned(),
        actions: topic.into_iter().collect(),
        tags: stack.tags(),
    };
    shared(Address::new("cloudwatch_alarm", "function_errors"), desired, needs)
}

fn dashboard(stack: &Plan, name: &str) -> Resource {
    let desired = cloudwatch_dashboard::Desired { name: name.to_owned(), body: body(stack), tags: stack.tags() };
    shared(Address::new("cloudwatch_dashboard", "main"), desired, [])
}

/// The width of the grid, in CloudWatch's units.
const WIDTH: u32 = 24;
const HEIGHT: u32 = 6;

/// Functions, the API where there is one, and the ledger, two graphs in a row.
fn body(stack: &Plan) -> Value {
    let manifest = stack.manifest;
    let functions: Vec<String> = stack.deployed().map(|spec| manifest.function_name(&spec.name)).collect();
    let of_functions =
        |metric: &str| functions.iter().map(|name| json!(["AWS/Lambda", metric, "FunctionName", name])).collect();
    let of_ledger = |metric: &str| vec![json!(["AWS/DynamoDB", metric, "TableName", manifest.ledger.name])];
    let mut graphs: Vec<(&str, &str, Vec<Value>)> = vec![
        ("Function calls", "Sum", of_functions("Invocations")),
        ("Function errors", "Sum", of_functions("Errors")),
        ("Ledger: capacity read", "Sum", of_ledger("ConsumedReadCapacityUnits")),
        ("Ledger: capacity written", "Sum", of_ledger("ConsumedWriteCapacityUnits")),
    ];
    if super::api::has_api(stack) {
        let api = Input::<String>::output(super::api::address(), "id");
        let of_api = |metric: &str| vec![json!(["AWS/ApiGateway", metric, "ApiId", api])];
        graphs.push(("API requests", "Sum", of_api("Count")));
        graphs.push(("API latency", "p95", of_api("Latency")));
    }
    let widgets = graphs.into_iter().enumerate().map(|(at, graph)| widget(manifest, at, graph));
    json!({ "widgets": widgets.collect::<Vec<_>>() })
}

fn widget(manifest: &Manifest, at: usize, (title, statistic, metrics): (&str, &str, Vec<Value>)) -> Value {
    let at = u32::try_from(at).unwrap_or_default();
    json!({
        "type": "metric",
        "x": at % 2 * (WIDTH / 2), "y": at / 2 * HEIGHT, "width": WIDTH / 2, "height": HEIGHT,
        "properties": {
            "title": title, "stat": statistic, "period": 300, "view": "timeSeries", "stacked": false,
            "region": manifest.aws.region, "metrics": metrics,
        },
    })
}
