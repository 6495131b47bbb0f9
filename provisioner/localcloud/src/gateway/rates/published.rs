//! The rates that AWS and Stripe publish for one account in one region, as read in November 2026. Where a service
//! publishes none, the figure is what is commonly reported, and the line says so.

use super::{ANY, Rate};

/// Service, operations, exceptions, a bucket per operation, calls a second, burst.
type Row = (&'static str, &'static [&'static str], &'static [&'static str], bool, u32, u32);

/// Where only a rate is published, the burst is one second's worth.
const TABLE: &[Row] = &[
    // docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, "Lambda API requests": GetFunction 100 a second,
    // GetPolicy 15, and 15 for all the rest of the control plane together.
    ("lambda", &["GetFunction"], &[], false, 100, 100),
    ("lambda", &["GetPolicy"], &[], false, 15, 15),
    ("lambda", &[ANY], &["GetFunction", "GetPolicy", "Invoke", "InvokeAsync"], false, 15, 15),
    // docs.aws.amazon.com/apigateway/latest/developerguide/limits.html, "creating, deploying and managing an API":
    // all operations together 10 a second with a burst of 40. Its stricter lines are for REST APIs, domain names (one
    // in 30 s) and VPC links, none of which we make.
    ("apigateway", &[ANY], &[], false, 10, 40),
    // docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html: 10 a second for each of the
    // operations on log groups. Writing and reading events has limits of its own.
    ("logs", &[ANY], &["PutLogEvents", "GetLogEvents", "FilterLogEvents"], true, 10, 10),
    // docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html: 50 a second for each operation but PutEvents.
    ("events", &[ANY], &["PutEvents"], true, 50, 50),
    // docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html: 50 a second for each group of writing
    // operations, 100 for ListSecrets, thousands for reads of one secret.
    (
        "secretsmanager",
        &[ANY],
        &["GetSecretValue", "DescribeSecret", "ListSecrets", "BatchGetSecretValue"],
        true,
        50,
        50,
    ),
    ("secretsmanager", &["ListSecrets", "BatchGetSecretValue"], &[], true, 100, 100),
    ("secretsmanager", &["GetSecretValue", "DescribeSecret"], &[], false, 10_000, 10_000),
    // docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-control-plane.html: 2,500 a second for the control
    // plane. Items are limited by throughput, which on-demand tables have plenty of.
    (
        "dynamodb",
        &["Create*", "Delete*", "Describe*", "List*", "Update*", "TagResource", "UntagResource"],
        &["DeleteItem", "UpdateItem"],
        false,
        2_500,
        2_500,
    ),
    // docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html: 3,500 writes and 5,500 reads a second
    // for a prefix. For buckets themselves nothing is published; the lower figure stands for all.
    ("s3", &[ANY], &[], false, 3_500, 3_500),
    // docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: STS takes 600 a second.
    ("sts", &[ANY], &[], false, 600, 600),
    // docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html: 1,000 a second for each operation.
    ("scheduler", &[ANY], &[], true, 1_000, 1_000),
    // docs.aws.amazon.com/general/latest/gr/sns.html, "Amazon SNS API throttling": 100 a second for subscribing, 30 for
    // each list, 10 for each operation on tags; 30 for all the rest together is an assumption of ours.
    ("sns", &["Subscribe", "Unsubscribe"], &[], true, 100, 100),
    ("sns", &["List*"], &["ListTagsForResource"], true, 30, 30),
    ("sns", &["TagResource", "UntagResource", "ListTagsForResource"], &[], true, 10, 10),
    ("sns", &[ANY], &["Publish*", "Subscribe", "Unsubscribe", "List*", "TagResource", "UntagResource"], false, 30, 30),
    // docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html: 9 DescribeAlarms, 3 PutMetricAlarm
    // and 3 DeleteAlarms a second, 10 for each operation on dashboards and on tags.
    ("monitoring", &["DescribeAlarms"], &[], true, 9, 9),
    ("monitoring", &["PutMetricAlarm", "DeleteAlarms"], &[], true, 3, 3),
    (
        "monitoring",
        &[
            "PutDashboard",
            "GetDashboard",
            "ListDashboards",
            "DeleteDashboards",
            "TagResource",
            "UntagResource",
            "ListTags*",
        ],
        &[],
        true,
        10,
        10,
    ),
    // Not published: IAM's buckets differ by operation (aws.amazon.com/blogs/security, "How to monitor and query IAM
    // resources at scale – Part 2"). 20 reads and 15 writes a second for each operation are an assumption of ours.
    ("iam", &["Get*", "List*"], &[], true, 20, 20),
    ("iam", &[ANY], &["Get*", "List*"], true, 15, 15),
    // Not published. Ten a second is the advice in github.com/boto/botocore/issues/1820 for Cost Explorer; that Budgets
    // and the cost reports are like their neighbour is an assumption of ours.
    ("ce", &[ANY], &[], true, 10, 10),
    ("budgets", &[ANY], &[], true, 10, 10),
    // docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html: two look-ups a second.
    ("cloudtrail", &["LookupEvents"], &[], false, 2, 2),
    ("cur", &[ANY], &[], true, 10, 10),
    // docs.stripe.com/rate-limits: 25 requests a second in a sandbox (100 in live mode), and 25 for each endpoint.
    ("stripe", &[ANY], &[], false, 25, 25),
    ("stripe", &[ANY], &[], true, 25, 25),
];

/// The published limits.
pub fn published() -> Vec<Rate> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let rate = |(service, operations, except, each, per_second, burst): &Row| Rate {
        service: (*service).to_owned(),
        operations: owned(operations),
        except: owned(except),
        each: *each,
        per_second: *per_second,
        burst: *burst,
    };
    TABLE.iter().map(rate).collect()
}
