//! `cloudwatch_alarm`: an alarm on one metric, and what it notifies.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, MetricAlarm, Statistic};
use engine::diff::FieldChange;
use engine::kind::{Applied, CallError, Depth, ErrorClass, Removal};
use engine::kind_meta::{KindMeta, Permission, Verb};
use engine::{Address, Owner};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::support::cloudwatch;
use super::support::prefix::common_prefix;
use super::support::tagging::{Tagged, Tags, list_tagged, retag};
use super::typed::{Answers, Seen, TypedKind, TypedListed, TypedUpdate, TypedWant, at_once};
use crate::cloud::errors::{call_error, code, refused};
use crate::cloud::{Cloud, Home, client, ownership};

/// What an alarm is to be: it goes off when the statistic compares so with the threshold, so many windows in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// `client-billing-lambda-errors`.
    pub name: String,
    /// Shown in the console and in what is sent.
    pub description: String,
    /// `AWS/Lambda`.
    pub namespace: String,
    /// `Errors`.
    pub metric: String,
    /// Dimension -> value; none for the metric over all of them.
    pub dimensions: BTreeMap<String, String>,
    /// `Sum`, `Average`, `Maximum`, ….
    pub statistic: String,
    /// One window, in seconds: 10, 20, 30 or a multiple of 60.
    pub period_s: u32,
    /// So many windows in a row.
    pub evaluations: u32,
    /// `GreaterThanThreshold`, ….
    pub comparison: String,
    /// The threshold, in the metric's unit.
    pub threshold: Decimal,
    /// What a window without data counts as: `notBreaching`, `missing`, ….
    pub missing_data: String,
    /// ARNs of what it notifies when it goes off: at most five.
    pub actions: BTreeSet<String>,
    /// Tags beside the ownership tags.
    pub tags: BTreeMap<String, String>,
}

/// The alarms of one account.
pub struct CloudwatchAlarms {
    cloud: Arc<Cloud>,
    cloudwatch: aws_sdk_cloudwatch::Client,
}

/// How many tag reads run at once.
const TAG_READS: usize = 4;

const ALARM: &str = "arn:aws:cloudwatch:{region}:{account}:alarm:{name}";
const ANY_ALARM: &str = "arn:aws:cloudwatch:{region}:{account}:alarm:*";

impl TypedKind for CloudwatchAlarms {
    type Desired = Desired;

    const META: KindMeta = KindMeta {
        name: "cloudwatch_alarm",
        plural: "alarms",
        service: "monitoring",
        summary: "CloudWatch alarm on one metric",
        create_only: &["name"],
        open_maps: &["tags"],
        unlisted: &["tags"],
        permissions: &[
            Permission { verb: Verb::Read, action: "cloudwatch:DescribeAlarms", resource: ANY_ALARM },
            // Only the tags name the owner of an alarm.
            Permission { verb: Verb::Read, action: "cloudwatch:ListTagsForResource", resource: ANY_ALARM },
            Permission { verb: Verb::Create, action: "cloudwatch:DescribeAlarms", resource: ALARM },
            Permission { verb: Verb::Create, action: "cloudwatch:PutMetricAlarm", resource: ALARM },
            Permission { verb: Verb::Create, action: "cloudwatch:TagResource", resource: ALARM },
            Permission { verb: Verb::Update, action: "cloudwatch:PutMetricAlarm", resource: ALARM },
            Permission { verb: Verb::Update, action: "cloudwatch:TagResource", resource: ALARM },
            Permission { verb: Verb::Update, action: "cloudwatch:UntagResource", resource: ALARM },
            Permission { verb: Verb::Delete, action: "cloudwatch:DeleteAlarms", resource: ALARM },
        ],
        // Three writes a second (aws-stripe-quirks, "General").
        steps_at_once: 2,
        ..KindMeta::PLAIN
    };

    fn new(cloud: Arc<Cloud>) -> Self {
        CloudwatchAlarms { cloudwatch: client!(cloud, aws_sdk_cloudwatch, Home::Stack), cloud }
    }

    /// Thresholds compare as numbers.
    fn diff(&self, desired: &Value, observed: &Value, last: Option<&Value>) -> Vec<FieldChange> {
        engine::diff::fields(&Self::META, desired, &with_threshold_as_written(desired, observed), last)
    }

    async fn read(&self, wants: &[TypedWant<Desired>], depth: Depth) -> Answers<Desired> {
        let names: Vec<&str> = wants.iter().map(|want| want.fields.name.as_str()).collect();
        let alarms = self.alarms(&common_prefix(&names)).await?;
        let seen = wants.iter().map(|want| self.see(want, alarms.get(&want.fields.name), depth)).collect();
        Ok(at_once(TAG_READS, seen).await)
    }

    async fn list(&self) -> Result<Vec<TypedListed<Desired>>, CallError> {
        let alarms = self.alarms("").await?;
        list_tagged(self, &self.cloud.stack, TAG_READS, alarms, |_, alarm, tags| observed(alarm, tags)).await
    }

    async fn inventory(&self) -> Result<Vec<String>, CallError> {
        Ok(self.alarms("").await?.into_keys().collect())
    }

    /// PutMetricAlarm overwrites an alarm of the same name without a word, so it is looked for first.
    async fn create(&self, address: &Address, desired: Desired, _token: &str) -> Result<Applied, CallError> {
        let there = self.cloudwatch.describe_alarms().alarm_names(&desired.name).send().await;
        let there = there.map_err(|error| call_error("cloudwatch:DescribeAlarms", error))?;
        if !there.metric_alarms().is_empty() {
            return Err(CallError {
                operation: "cloudwatch:PutMetricAlarm".to_owned(),
                message: format!("the alarm {} exists", desired.name),
                class: ErrorClass::AlreadyExists,
            });
        }
        self.put(&desired, Some(ownership::with_owner(&self.cloud.stack, address, &desired.tags))).await?;
        Ok(self.applied(&desired.name))
    }

    /// The whole alarm every time: PutMetricAlarm resets what it is not given. Its state and its tags stay.
    async fn update(&self, change: TypedUpdate<Desired>) -> Result<Applied, CallError> {
        let desired = &change.desired;
        if change.fields.iter().any(|field| !field.path.starts_with("tags")) {
            self.put(desired, None).await?;
        }
        retag(self, &self.cloud.stack, &change, &desired.tags).await?;
        Ok(self.applied(&desired.name))
    }

    async fn delete(&self, _address: &Address, id: &str, _last: Desired) -> Result<Removal, CallError> {
        match self.cloudwatch.delete_alarms().alarm_names(id).send().await {
            Err(error) if !cloudwatch::is_missing(code(&error)) => Err(call_error("cloudwatch:DeleteAlarms", error)),
            _ => Ok(Removal::Gone),
        }
    }
}

impl CloudwatchAlarms {
    /// The alarms with this prefix, by name.
    async fn alarms(&self, prefix: &str) -> Result<HashMap<String, MetricAlarm>, CallError> {
        let call = self.cloudwatch.describe_alarms().max_records(100);
        let call = if prefix.is_empty() { call } else { call.alarm_name_prefix(prefix) };
        let mut pages = call.into_paginator().send();
        let mut found = HashMap::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| call_error("cloudwatch:DescribeAlarms", error))?;
            let named = |alarm: MetricAlarm| alarm.alarm_name.clone().map(|name| (name, alarm));
            found.extend(page.metric_alarms.unwrap_or_default().into_iter().filter_map(named));
        }
        Ok(found)
    }

    async fn see(
        &self,
        want: &TypedWant<Desired>,
        alarm: Option<&MetricAlarm>,
        depth: Depth,
    ) -> Result<Option<Seen<Desired>>, CallError> {
        let Some(alarm) = alarm else { return Ok(None) };
        if let (Depth::Lists, Some(known)) = (depth, &want.known) {
            let owner = Owner::stack(&self.cloud.stack);
            return Ok(Some(self.seen(observed(alarm, known.tags.clone()), owner, vec!["tags".to_owned()])));
        }
        let Some(tags) = self.tags(&want.fields.name).await? else { return Ok(None) };
        let owned = ownership::split(tags);
        Ok(Some(self.seen(observed(alarm, owned.tags), owned.owner, Vec::new())))
    }

    /// Tags count for a new alarm only.
    async fn put(&self, desired: &Desired, tags: Option<Tags>) -> Result<(), CallError> {
        let operation = "cloudwatch:PutMetricAlarm";
        let threshold = desired.threshold.to_f64();
        let threshold = threshold.ok_or_else(|| refused(operation, format!("{}: no threshold", desired.name)))?;
        let dimension = |(name, value): (&String, &String)| Dimension::builder().name(name).value(value).build();
        let call = self
            .cloudwatch
            .put_metric_alarm()
            .alarm_name(&desired.name)
            .alarm_description(&desired.description)
            .namespace(&desired.namespace)
            .metric_name(&desired.metric)
            .set_dimensions(Some(desired.dimensions.iter().map(dimension).collect()))
            .statistic(Statistic::from(desired.statistic.as_str()))
            .period(number(desired.period_s))
            .evaluation_periods(number(desired.evaluations))
            .comparison_operator(ComparisonOperator::from(desired.comparison.as_str()))
            .threshold(threshold)
            .treat_missing_data(&desired.missing_data)
            .actions_enabled(true)
            .set_alarm_actions(Some(desired.actions.iter().cloned().collect()))
            .set_tags(tags.map(cloudwatch::sdk_tags));
        call.send().await.map(drop).map_err(|error| call_error(operation, error))
    }

    fn seen(&self, fields: Desired, owner: Owner, unread: Vec<String>) -> Seen<Desired> {
        let Applied { id, outputs, pending } = self.applied(&fields.name);
        Seen { id, fields, outputs, owner, unread, pending }
    }

    fn applied(&self, name: &str) -> Applied {
        let outputs = BTreeMap::from([("arn".to_owned(), json!(self.arn(name)))]);
        Applied { id: name.to_owned(), outputs, pending: None }
    }

    fn arn(&self, name: &str) -> String {
        format!("arn:aws:cloudwatch:{}:{}:alarm:{name}", self.cloud.region, self.cloud.account)
    }
}

impl Tagged for CloudwatchAlarms {
    async fn tags(&self, id: &str) -> Result<Option<Tags>, CallError> {
        cloudwatch::tags(&self.cloudwatch, &self.arn(id)).await
    }

    async fn tag(&self, id: &str, tags: Tags) -> Result<(), CallError> {
        cloudwatch::tag(&self.cloudwatch, &self.arn(id), tags).await
    }

    async fn untag(&self, id: &str, keys: Vec<String>) -> Result<(), CallError> {
        cloudwatch::untag(&self.cloudwatch, &self.arn(id), keys).await
    }
}

/// An alarm as the list shows it. One that is switched off, on an expression or on a percentile differs from every
/// alarm of ours: by its actions, its metric or its statistic.
fn observed(alarm: &MetricAlarm, tags: BTreeMap<String, String>) -> Desired {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let natural = |value: Option<i32>| value.and_then(|number| u32::try_from(number).ok()).unwrap_or_default();
    let pair = |of: &Dimension| (text(of.name()), text(of.value()));
    let enabled = alarm.actions_enabled() != Some(false);
    Desired {
        name: text(alarm.alarm_name()),
        description: text(alarm.alarm_description()),
        namespace: text(alarm.namespace()),
        metric: text(alarm.metric_name()),
        dimensions: alarm.dimensions().iter().map(pair).collect(),
        statistic: text(alarm.statistic().map(Statistic::as_str).or(alarm.extended_statistic())),
        period_s: natural(alarm.period()),
        evaluations: natural(alarm.evaluation_periods()),
        comparison: text(alarm.comparison_operator().map(ComparisonOperator::as_str)),
        threshold: alarm.threshold().and_then(|number| Decimal::try_from(number).ok()).unwrap_or_default(),
        // Left out, it is this (PutMetricAlarm, "TreatMissingData").
        missing_data: text(alarm.treat_missing_data().or(Some("missing"))),
        actions: alarm.alarm_actions().iter().filter(|_| enabled).cloned().collect(),
        tags,
    }
}

/// The observed fields with the threshold written as desired, where both are the same number.
fn with_threshold_as_written(desired: &Value, observed: &Value) -> Value {
    let number = |fields: &Value| serde_json::from_value::<Decimal>(fields.get("threshold")?.clone()).ok();
    let mut written = observed.clone();
    if number(desired).is_some_and(|want| number(observed) == Some(want)) {
        written["threshold"] = desired["threshold"].clone();
    }
    written
}

fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm() -> aws_sdk_cloudwatch::types::builders::MetricAlarmBuilder {
        MetricAlarm::builder()
            .alarm_name("errors")
            .namespace("AWS/Lambda")
            .metric_name("Errors")
            .statistic(Statistic::Sum)
            .period(300)
            .evaluation_periods(1)
            .comparison_operator(ComparisonOperator::GreaterThanThreshold)
            .threshold(5.0)
            .actions_enabled(true)
            .alarm_actions("arn:aws:sns:us-east-1:123456789012:alerts")
    }

    #[test]
    fn an_alarm_is_told_in_the_desired_shape() {
        let seen = observed(&alarm().build(), BTreeMap::new());
        assert_eq!((seen.statistic.as_str(), seen.comparison.as_str()), ("Sum", "GreaterThanThreshold"));
        assert_eq!((seen.period_s, seen.evaluations, seen.threshold), (300, 1, Decimal::from(5)));
        assert_eq!((seen.missing_data.as_str(), seen.actions.len()), ("missing", 1));
    }

    #[test]
    fn one_that_is_switched_off_tells_nobody() {
        assert!(observed(&alarm().actions_enabled(false).build(), BTreeMap::new()).actions.is_empty());
    }

    #[test]
    fn thresholds_compare_as_numbers() {
        let of = |text: &str| json!({ "threshold": text });
        assert_eq!(with_threshold_as_written(&of("5.00"), &of("5")), of("5.00"));
        assert_eq!(with_threshold_as_written(&of("5.00"), &of("6")), of("6"));
    }
}
