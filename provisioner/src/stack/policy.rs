//! What a handler may do: its grants as one IAM policy, on the stack's own resources and nothing else.

use billing::function::{FunctionSpec, Grant};
use billing::ledger::{CLAIM_PREFIX, THROTTLE_PREFIX};
use billing::manifest::model::Manifest;
use serde_json::{Value, json};

use super::arn;

/// The inline policy of a handler's role.
pub fn of_handler(manifest: &Manifest, spec: &FunctionSpec, log_group: &str) -> Value {
    let mut statements = vec![own_log(manifest, log_group)];
    statements.extend(spec.grants.iter().flat_map(|grant| granted(manifest, *grant)));
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

/// A grant's statements; none for a secret that the manifest does not have.
fn granted(manifest: &Manifest, grant: Grant) -> Vec<Value> {
    let table = arn::table(manifest, &manifest.ledger.name);
    let read_secret = |sid: &str, secret: Option<(&str, &billing::manifest::model::Secret)>| {
        let pattern = secret.map(|(_, secret)| arn::secret_pattern(manifest, &secret.name));
        let allowed = pattern.map(|pattern| allow(sid, &["secretsmanager:GetSecretValue"], &[pattern]));
        allowed.into_iter().collect()
    };
    match grant {
        Grant::LedgerRead => {
            // Items are got from the table alone; an index can only be queried.
            let indexes = format!("{table}/index/*");
            let items = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"];
            vec![allow("LedgerRead", &items, &[table]), allow("LedgerIndexes", &["dynamodb:Query"], &[indexes])]
        }
        Grant::LedgerWrite => vec![allow(
            "LedgerWrite",
            &[
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
                "dynamodb:DeleteItem",
                "dynamodb:BatchWriteItem",
                "dynamodb:ConditionCheckItem",
            ],
            &[table],
        )],
        Grant::ClaimsWrite => claims(manifest, &["dynamodb:GetItem", "dynamodb:PutItem"]).into_iter().collect(),
        Grant::ThrottleWrite => vec![throttles(&table)],
        Grant::StripeSecretRead => read_secret("StripeKey", manifest.stripe_secret()),
        Grant::LinkSecretRead => read_secret("LinkKey", manifest.link_secret()),
        Grant::WebhookSecretRead => read_secret("WebhookSecret", manifest.webhook_secret()),
        // Cost Explorer knows billing views as resources; a query of the account's own costs names none.
        Grant::CostExplorerRead => vec![allow("Costs", &["ce:GetCostAndUsage"], &["*".to_owned()])],
    }
}

/// Writing the items that count what tenants ask, and no others of the ledger.
fn throttles(table: &str) -> Value {
    let mut allowed = allow("Throttle", &["dynamodb:PutItem"], &[table.to_owned()]);
    let keys = [format!("{THROTTLE_PREFIX}*")];
    allowed["Condition"] = json!({"ForAllValues:StringLike": {"dynamodb:LeadingKeys": keys}});
    allowed
}

/// Actions on claims in another stack's ledger, and on nothing else of it; none where the manifest names no such ledger.
pub fn claims(manifest: &Manifest, actions: &[&str]) -> Option<Value> {
    let table = arn::table(manifest, manifest.ledger.claims.as_ref()?);
    let mut allowed = allow("Claims", actions, &[table]);
    allowed["Condition"] = json!({"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [format!("{CLAIM_PREFIX}*")]}});
    Some(allowed)
}

fn allow(sid: &str, actions: &[&str], resources: &[String]) -> Value {
    json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources })
}
