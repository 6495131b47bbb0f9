//! `cloudwatch_alarm`: its fixture.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::Dimension;
use provisioner::kinds::cloudwatch_alarm::{CloudwatchAlarms, Desired};
use provisioner::kinds::typed::TypedKind;
use serde_json::{Value, json};
use tests::conformance::{Act, Fixture, NAMED, act};
use tests::live::{allowed, cloud, tags};

use super::cloudwatch_tags::{self, client};

fn topic(name: &str) -> String {
    format!("arn:aws:sns:us-east-1:123456789012:{name}")
}

fn first() -> Desired {
    Desired {
        name: "conformance-alarm".to_owned(),
        description: "functions failed".to_owned(),
        namespace: "AWS/Lambda".to_owned(),
        metric: "Errors".to_owned(),
        dimensions: BTreeMap::from([("FunctionName".to_owned(), "costs".to_owned())]),
        statistic: "Sum".to_owned(),
        period_s: 300,
        evaluations: 1,
        comparison: "GreaterThanThreshold".to_owned(),
        threshold: "5.00".parse().expect("a number"),
        missing_data: "notBreaching".to_owned(),
        actions: [topic("alerts")].into(),
        tags: tags(&[("team", "billing")]),
    }
}

/// Somebody puts the alarm as it is, but for one thing.
fn puts(edit: fn(&mut Desired)) -> Act {
    act(move |root, _| async move {
        let mut alarm = first();
        edit(&mut alarm);
        let dimension = |(name, value): (&String, &String)| Dimension::builder().name(name).value(value).build();
        let threshold = alarm.threshold.to_string().parse().expect("a number");
        let call = client(&root).put_metric_alarm().alarm_name(&alarm.name).alarm_description(&alarm.description);
        let call = call.namespace(&alarm.namespace).metric_name(&alarm.metric).threshold(threshold);
        let call = call.set_dimensions(Some(alarm.dimensions.iter().map(dimension).collect()));
        let call = call.statistic(alarm.statistic.as_str().into()).period(alarm.period_s as i32);
        let call = call.evaluation_periods(alarm.evaluations as i32).treat_missing_data(&alarm.missing_data);
        let call = call.comparison_operator(alarm.comparison.as_str().into());
        call.set_alarm_actions(Some(alarm.actions.into_iter().collect())).send().await.expect("is put");
    })
}

tests::conforms!(fixture);

async fn fixture() -> Fixture {
    let root = cloud().await;
    let cloud = allowed(&root, &[&CloudwatchAlarms::META], Default::default()).await;
    let first = first();
    let shows = |field: &'static str, before: Value| [(field, before, first_of(field))];
    Fixture::new::<CloudwatchAlarms>(&cloud, &root, "alarm", &first)
        .owned(cloudwatch_tags::ownership(arn))
        .immutable("name", NAMED)
        .mutation("description", puts(|it| it.description = "theirs".to_owned()), shows("description", json!("theirs")))
        .mutation("namespace", puts(|it| it.namespace = "AWS/SNS".to_owned()), shows("namespace", json!("AWS/SNS")))
        .mutation("metric", puts(|it| it.metric = "Throttles".to_owned()), shows("metric", json!("Throttles")))
        .mutation(
            "dimensions",
            puts(|it| drop(it.dimensions.insert("FunctionName".to_owned(), "other".to_owned()))),
            [("dimensions.FunctionName", json!("other"), json!("costs"))],
        )
        .mutation("statistic", puts(|it| it.statistic = "Maximum".to_owned()), shows("statistic", json!("Maximum")))
        .mutation("period_s", puts(|it| it.period_s = 60), shows("period_s", json!(60)))
        .mutation("evaluations", puts(|it| it.evaluations = 3), shows("evaluations", json!(3)))
        .mutation(
            "comparison",
            puts(|it| it.comparison = "LessThanThreshold".to_owned()),
            shows("comparison", json!("LessThanThreshold")),
        )
        .mutation("threshold", puts(|it| it.threshold = 7.into()), shows("threshold", json!("7")))
        .mutation("missing_data", puts(|it| it.missing_data = "missing".to_owned()), shows("missing_data", json!("missing")))
        .mutation("actions", puts(|it| it.actions.clear()), shows("actions", json!([])))
        .update("description", Desired { description: "more".to_owned(), ..first.clone() })
        .update("namespace", Desired { namespace: "billform".to_owned(), ..first.clone() })
        .update("metric", Desired { metric: "Invocations".to_owned(), ..first.clone() })
        .update("dimensions", Desired { dimensions: BTreeMap::new(), ..first.clone() })
        .update("statistic", Desired { statistic: "Average".to_owned(), ..first.clone() })
        .update("period_s", Desired { period_s: 3600, ..first.clone() })
        .update("evaluations", Desired { evaluations: 2, ..first.clone() })
        .update("comparison", Desired { comparison: "GreaterThanOrEqualToThreshold".to_owned(), ..first.clone() })
        .update("threshold", Desired { threshold: "0.5".parse().expect("a number"), ..first.clone() })
        .update("missing_data", Desired { missing_data: "breaching".to_owned(), ..first.clone() })
        .update("actions", Desired { actions: [topic("alerts"), topic("more")].into(), ..first.clone() })
        .update("tags", Desired { tags: tags(&[("cost", "x")]), ..first.clone() })
        .replace("name", Desired { name: "conformance-other".to_owned(), ..first })
}

fn first_of(field: &str) -> Value {
    serde_json::to_value(first()).expect("plain")[field].clone()
}

fn arn(name: &str) -> String {
    format!("arn:aws:cloudwatch:us-east-1:123456789012:alarm:{name}")
}
