//! The scheduled rules that MiniStack keeps, with their targets.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::expression::Schedule;
use super::registry::Registry;
use crate::gateway::pipeline::{Upstream, UpstreamError};

/// An enabled rule with a schedule.
#[derive(Clone, Debug)]
pub(crate) struct ScheduledRule {
    /// Its name.
    pub(crate) name: String,
    /// Its ARN.
    pub(crate) arn: String,
    schedule: Schedule,
    since: Timestamp,
    /// Its targets, as ListTargetsByRule answers them.
    pub(crate) targets: Vec<Value>,
}

impl ScheduledRule {
    /// The first moment after `after` and up to `until` at which it is due.
    pub(crate) fn next(&self, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        self.schedule.next(self.since, after, until)
    }
}

/// Reads all enabled rules of the default bus that have a schedule, by name.
pub(crate) async fn read(upstream: &Upstream, registry: &Registry) -> Result<Vec<ScheduledRule>, UpstreamError> {
    let mut rules = Vec::new();
    for rule in upstream.list("events", "AWSEvents.ListRules", json!({}), "Rules").await? {
        let text = |key: &str| rule[key].as_str().unwrap_or_default().to_owned();
        let schedule = Schedule::parse(&text("ScheduleExpression"));
        let (Ok(schedule), "ENABLED") = (schedule, text("State").as_str()) else { continue };
        let name = text("Name");
        let targets =
            upstream.list("events", "AWSEvents.ListTargetsByRule", json!({ "Rule": name }), "Targets").await?;
        rules.push(ScheduledRule { since: registry.since(&name), arn: text("Arn"), name, schedule, targets });
    }
    rules.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(rules)
}
