//! What a handler may do: its grants as one IAM policy, on the stack's own resources and nothing else.

use billing::function::{FunctionSpec, Grant};
use billing::manifest::model::Manifest;
use serde_json::{Value, json};

use super::arn;

/// The inline policy of a handler's role.
pub fn of_handler(manifest: &Manifest, spec: &FunctionSpec, log_group: &str) -> Value {
    let mut statements = vec![own_log(manifest, log_group)];
    statements.extend(spec.grants.iter().filter_map(|grant| statement(manifest, *grant)));
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// Writing lines, not making groups: a late invocation must not bring a deleted group back.
fn own_log(manifest: &Manifest, log_group: &str) -> Value {
    allow(
        "Log",
        &["logs:CreateLogStream", "logs:PutLogEvents"],
        &[format!("{}:*", arn::log_group(manifest, log_group))],
    )
}

fn statement(manifest: &Manifest, grant: Grant) -> Option<Value> {
    let table = arn::table(manifest, &manifest.ledger.name);
    let secret = |secret: Option<(&str, &billing::manifest::model::Secret)>| {
        secret.map(|(_, secret)| arn::secret_pattern(manifest, &secret.name))
    };
    Some(match grant {
        Grant::LedgerRead => allow(
            "LedgerRead",
            &["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"],
            &[table.clone(), format!("{table}/index/*")],
        ),
        Grant::LedgerWrite => allow(
            "LedgerWrite",
            &[
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
                "dynamodb:DeleteItem",
                "dynamodb:BatchWriteItem",
                "dynamodb:ConditionCheckItem",
            ],
            &[table],
        ),
        Grant::StripeSecretRead => {
            allow("StripeKey", &["secretsmanager:GetSecretValue"], &[secret(manifest.stripe_secret())?])
        }
        Grant::LinkSecretRead => {
            allow("LinkKey", &["secretsmanager:GetSecretValue"], &[secret(manifest.link_secret())?])
        }
        // Cost Explorer knows no resources.
        Grant::CostExplorerRead => allow("Costs", &["ce:GetCostAndUsage"], &["*".to_owned()]),
    })
}

fn allow(sid: &str, actions: &[&str], resources: &[String]) -> Value {
    json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources })
}
