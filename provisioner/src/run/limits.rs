//! How many steps of a service run at once: below what the services take without throttling.

use std::collections::BTreeMap;

/// Steps in flight per service (aws-stripe-quirks, "General"; Stripe's test mode takes 25 requests a second).
pub fn per_service() -> BTreeMap<&'static str, usize> {
    BTreeMap::from([
        ("apigateway", 2),
        ("budgets", 4),
        ("ce", 1),
        ("cur", 1),
        ("dynamodb", 16),
        ("events", 5),
        ("iam", 10),
        ("lambda", 8),
        ("logs", 5),
        ("s3", 8),
        ("secretsmanager", 8),
        ("stripe", 10),
    ])
}
