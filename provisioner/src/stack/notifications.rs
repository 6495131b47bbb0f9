//! The topic that alerts go to, and who gets them by e-mail.

use engine::{Address, Resource};
use serde_json::json;

use super::{Plan, arn, shared};
use crate::kinds::sns_topic;

/// The services that publish alerts (aws-stripe-quirks, "Budgets").
const PUBLISHERS: [&str; 2] = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"];

/// The topic, where the manifest has notifications.
pub fn resources(stack: &Plan) -> Vec<Resource> {
    let Some(notifications) = &stack.manifest.notifications else { return Vec::new() };
    let arn = arn::regional(stack.manifest, "sns", &notifications.topic);
    let desired = sns_topic::Desired {
        name: notifications.topic.clone(),
        // This account's budgets and alarms, and those of no other account.
        policy: json!({ "Version": "2012-10-17", "Statement": [{
            "Sid": "Alerts",
            "Effect": "Allow",
            "Principal": { "Service": PUBLISHERS },
            "Action": "sns:Publish",
            "Resource": arn,
            "Condition": { "StringEquals": { "aws:SourceAccount": stack.manifest.aws.account } },
        }] }),
        emails: notifications.emails.iter().cloned().collect(),
        tags: stack.tags(),
    };
    vec![shared(Address::new("sns_topic", "alerts"), desired, [])]
}
