//! Which services' reads lag behind their writes, and how their calls say what they are about.
//!
//! Not here, because they show a write at once: S3 (strongly consistent since December 2020,
//! docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html, "consistency model"), STS, Stripe but for its search, and
//! DynamoDB's reads that ask for consistency.

use serde_json::Value;

use crate::gateway::pipeline::{Answer, Call};

/// What reads and writes of one kind have in common: within it, writes make reads stale.
#[derive(Debug)]
pub(super) struct Plane {
    service: &'static str,
    /// Fields of the body whose text names what the call is about.
    fields: &'static [&'static str],
    /// The segment of the path that does.
    segment: Option<usize>,
    /// A field of a create's answer that does, where AWS makes the name up.
    made: Option<&'static str>,
    /// The operations that make what was not there before.
    pub(super) creates: &'static [&'static str],
    /// Status and code of "not found" for one thing.
    pub(super) not_found: Option<(u16, &'static str)>,
}

const NONE: Plane = Plane { service: "", fields: &[], segment: None, made: None, creates: &[], not_found: None };

/// docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html, "Changes that I make are not always immediately visible";
/// the others are not documented so plainly, and lag in practice.
static PLANES: [Plane; 12] = [
    Plane {
        service: "iam",
        fields: &["RoleName", "PolicyArn"],
        creates: &["CreateRole"],
        not_found: Some((404, "NoSuchEntity")),
        ..NONE
    },
    Plane {
        service: "lambda",
        fields: &["FunctionName"],
        segment: Some(2),
        creates: &["CreateFunction"],
        not_found: Some((404, "ResourceNotFoundException")),
        ..NONE
    },
    Plane {
        service: "apigateway",
        segment: Some(2),
        made: Some("apiId"),
        creates: &["CreateApi"],
        not_found: Some((404, "NotFoundException")),
        ..NONE
    },
    // PutRule also changes rules that are there, so a read that nobody asked before it is answered truthfully.
    Plane { service: "events", fields: &["Name", "Rule", "ResourceARN"], ..NONE },
    Plane {
        service: "logs",
        fields: &["logGroupName", "resourceArn"],
        creates: &["CreateLogGroup"],
        not_found: Some((400, "ResourceNotFoundException")),
        ..NONE
    },
    Plane {
        service: "secretsmanager",
        fields: &["Name", "SecretId"],
        creates: &["CreateSecret"],
        not_found: Some((400, "ResourceNotFoundException")),
        ..NONE
    },
    Plane {
        service: "budgets",
        fields: &["BudgetName", "ResourceARN"],
        creates: &["CreateBudget"],
        not_found: Some((400, "NotFoundException")),
        ..NONE
    },
    Plane {
        service: "sns",
        fields: &["Name", "TopicArn", "ResourceArn"],
        creates: &["CreateTopic"],
        not_found: Some((404, "NotFound")),
        ..NONE
    },
    // PutMetricAlarm and PutDashboard also change what is there.
    Plane { service: "monitoring", fields: &["AlarmName", "DashboardName", "ResourceARN"], ..NONE },
    // One list each.
    Plane { service: "cur", ..NONE },
    Plane { service: "ce", ..NONE },
    // Tables (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeTable.html: "uses an eventually
    // consistent query").
    Plane {
        service: "dynamodb",
        fields: &["TableName", "ResourceArn"],
        creates: &["CreateTable"],
        not_found: Some((400, "ResourceNotFoundException")),
        ..NONE
    },
];

/// DynamoDB's items: read without `ConsistentRead` they may be old.
static ITEMS: Plane = Plane { service: "dynamodb", fields: &["TableName"], ..NONE };

/// The plane of a call whose service lags.
pub(super) fn plane(call: &Call) -> Option<&'static Plane> {
    if call.service == "dynamodb" && is_of_items(&call.operation) {
        let lags = call.write || matches!(call.operation.as_str(), "GetItem" | "Query" | "Scan" | "BatchGetItem");
        return Some(&ITEMS).filter(|_| lags && (call.write || !asks_for_consistency(&call.json())));
    }
    PLANES.iter().find(|plane| plane.service == call.service)
}

fn is_of_items(operation: &str) -> bool {
    operation.ends_with("Item") || operation.ends_with("Items") || matches!(operation, "Query" | "Scan")
}

/// Also when only one table of a batch does: an old answer may not be given then.
fn asks_for_consistency(body: &Value) -> bool {
    let wants = |request: &Value| request["ConsistentRead"] == true;
    let tables = body["RequestItems"].as_object();
    wants(body) || tables.into_iter().flatten().any(|(_, request)| wants(request))
}

/// What a call is about; empty for a list.
pub(super) fn names(plane: &Plane, call: &Call) -> Vec<String> {
    let mut found = Vec::new();
    if !plane.fields.is_empty() {
        let body = call.json();
        // CreateBudget wraps what it makes.
        let objects = [&body, &body["Budget"]];
        let texts = objects.into_iter().flat_map(|object| plane.fields.iter().map(move |field| &object[*field]));
        found.extend(texts.filter_map(Value::as_str).map(str::to_owned));
        if body.is_null() {
            found.extend(
                call.form().into_iter().filter(|(key, _)| plane.fields.contains(&key.as_str())).map(|(_, v)| v),
            );
        }
    }
    found.extend(plane.segment.and_then(|at| call.segments().into_iter().nth(at)));
    found
}

/// The name that AWS gave to what a write made.
pub(super) fn made(plane: &Plane, answer: &Answer) -> Option<String> {
    answer.body_json()[plane.made?].as_str().map(str::to_owned)
}

/// Whether two names are one thing's: the same, or one is the end of the other's ARN.
pub(super) fn same(one: &str, other: &str) -> bool {
    one == other || is_arn_of(one, other) || is_arn_of(other, one)
}

fn is_arn_of(arn: &str, name: &str) -> bool {
    let Some(resource) = arn.strip_prefix("arn:") else { return false };
    // A secret's ARN ends with six letters of its own.
    let secret = || resource.rsplit_once(":secret:").and_then(|(_, rest)| rest.rsplit_once('-'));
    let before = |end: &str| resource.strip_suffix(end).is_some_and(|rest| rest.ends_with([':', '/']));
    before(name) || secret().is_some_and(|(of, _)| of == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_what_it_ends_with() {
        assert!(same("reader", "arn:aws:iam::1:role/reader") && same("arn:aws:iam::1:role/path/reader", "reader"));
        assert!(same("arn:aws:secretsmanager:us-east-1:1:secret:billing/key-AbCdEf", "billing/key"));
        assert!(!same("reader", "arn:aws:iam::1:role/book-reader") && !same("a", "b"));
    }
}
