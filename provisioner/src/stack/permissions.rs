//! The least policy that lets billform do its work on one manifest. Pure: kinds' data and the graph in, a document out.

use std::collections::{BTreeMap, BTreeSet};

use billing::manifest::Manifest;
use billing::manifest::model::State;
use engine::Graph;
use engine::kind_meta::{Permission, Verb};
use serde_json::{Value, json};

use crate::kinds;
use crate::stack::{arn, policy};
use crate::store::permissions::{Use, needed};

/// IAM's limit on a managed policy, in characters without white space.
pub const MANAGED_POLICY_LIMIT: usize = 6_144;

/// More names than this become what they begin with and a star, so that the policy does not grow with the tenants.
const NAMES_SPELLED_OUT: usize = 4;

/// Which kinds a policy is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Those of the graph.
    KindsIn,
    /// All there are; of those that the graph has not, what asks for no resource by its name: enough to list what is
    /// there.
    EveryKind,
}

/// The policy for `verbs` on the resources of the graph, and for the state where that is in S3.
pub fn policy(manifest: &Manifest, graph: &Graph, verbs: &BTreeSet<Verb>, of: Of, state: Use) -> Value {
    let mut actions_by_resources: BTreeMap<BTreeSet<String>, BTreeSet<&str>> = BTreeMap::new();
    // Whose credentials these are needs no permission, but says what is asked.
    actions_by_resources.entry(BTreeSet::from(["*".to_owned()])).or_default().insert("sts:GetCallerIdentity");
    if let State::S3(place) = &manifest.state {
        for (action, resource) in needed(place, state) {
            actions_by_resources.entry(BTreeSet::from([resource])).or_default().insert(action);
        }
    }
    for meta in kinds::metas() {
        let desired: Vec<&Value> = of_kind(graph, meta.name);
        let wanted = |permission: &&Permission| {
            let absent = || of == Of::EveryKind && !meta.beside && names_none(permission.resource);
            verbs.contains(&permission.verb) && (!desired.is_empty() || absent())
        };
        for permission in meta.permissions.iter().filter(wanted) {
            let resources = match desired.is_empty() {
                true => BTreeSet::from([fill(permission.resource, manifest, &Value::Null)]),
                false => resources(manifest, permission, &desired),
            };
            actions_by_resources.entry(resources).or_default().insert(permission.action);
        }
    }
    let statements: Vec<Value> = actions_by_resources
        .into_iter()
        .map(|(resources, actions)| json!({ "Effect": "Allow", "Action": actions, "Resource": resources }))
        .collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// The same policy, also for asking CloudTrail who changed something. It knows no resources, so that `*` is meant.
pub fn and_history(mut policy: Value) -> Value {
    let any = json!(["*"]);
    let statements = policy["Statement"].as_array_mut().into_iter().flatten();
    for statement in statements.filter(|statement| statement["Resource"] == any) {
        if let Some(actions) = statement["Action"].as_array_mut() {
            actions.push(json!("cloudtrail:LookupEvents"));
            actions.sort_by_key(ToString::to_string);
        }
    }
    policy
}

/// The policy for making signed links: reading the key that signs them. None when the manifest names no such key.
pub fn of_links(manifest: &Manifest) -> Option<Value> {
    let (_, secret) = manifest.link_secret()?;
    Some(single(&["secretsmanager:GetSecretValue"], &arn::secret_pattern(manifest, &secret.name)))
}

/// The policy for pausing a tenant: reading and writing what the ledger says of it.
pub fn of_pauses(manifest: &Manifest) -> Value {
    let table = arn::table(manifest, &manifest.ledger.name);
    document(&["sts:GetCallerIdentity"], [allow(&["dynamodb:GetItem", "dynamodb:PutItem"], &table)])
}

/// The policy for previews of invoices: reading the ledger and its list of tenants, among whom cost is shared.
pub fn of_previews(manifest: &Manifest) -> Value {
    document(&["sts:GetCallerIdentity"], invoice_reads(manifest))
}

/// The policy for evidence of invoices: reading the ledger, and the key that signs. None where nothing is invoiced.
pub fn of_evidence(manifest: &Manifest) -> Option<Value> {
    let (_, secret) = manifest.evidence_secret()?;
    let key = allow(&["secretsmanager:GetSecretValue"], &arn::secret_pattern(manifest, &secret.name));
    Some(document(&["sts:GetCallerIdentity"], invoice_reads(manifest).chain([key])))
}

/// The policy for deciding about invoices: reading the ledger and its list of tenants, calling the invoicer.
pub fn of_invoices(manifest: &Manifest) -> Value {
    let call = function_call(manifest, "invoicer");
    document(&["sts:GetCallerIdentity"], invoice_reads(manifest).chain([call]))
}

/// The policy for running a month by hand: reading the ledger, calling the cost sync and the invoicer.
pub fn of_months(manifest: &Manifest) -> Value {
    let calls = ["cost_sync", "invoicer"].map(|function| function_call(manifest, function));
    document(&["sts:GetCallerIdentity"], invoice_reads(manifest).chain(calls))
}

/// The policy for looking at Stripe's events and trying them again: reading the ledger, calling the sweep.
pub fn of_events(manifest: &Manifest) -> Value {
    let call = function_call(manifest, "payment_sweep");
    document(&["sts:GetCallerIdentity"], ledger_reads(manifest).into_iter().chain([call]))
}

/// The policy for closing a month: reading the ledger, asking Cost Explorer.
pub fn of_close(manifest: &Manifest) -> Value {
    document(&["sts:GetCallerIdentity", "ce:GetCostAndUsage"], ledger_reads(manifest))
}

/// The policy for reading past months: looking at the tags, asking for their backfill, calling the cost sync.
pub fn of_backfills(manifest: &Manifest) -> Value {
    let of_tags = [
        "ce:ListCostAllocationTagBackfillHistory",
        "ce:ListCostAllocationTags",
        "ce:StartCostAllocationTagBackfill",
        "sts:GetCallerIdentity",
    ];
    document(&of_tags, [function_call(manifest, "cost_sync")])
}

/// The policy for rotating the webhook's signing secret, which calls the sweep; none without a webhook.
pub fn of_webhook_rotation(manifest: &Manifest, state: Use) -> Option<Value> {
    let (_, secret) = manifest.webhook_secret()?;
    let actions = ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"];
    let call = function_call(manifest, "payment_sweep");
    Some(of_rotation(manifest, &secret.name, &actions, state, Some(call)))
}

/// The policy for rotating the key that signs links; none without one.
pub fn of_link_rotation(manifest: &Manifest, state: Use) -> Option<Value> {
    let (_, secret) = manifest.link_secret()?;
    let actions = ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue", "secretsmanager:TagResource"];
    Some(of_rotation(manifest, &secret.name, &actions, state, None))
}

/// A secret that does not exist has no ARN to allow.
fn of_rotation(manifest: &Manifest, secret: &str, actions: &[&str], state: Use, call: Option<Value>) -> Value {
    let kept = match &manifest.state {
        State::S3(place) => needed(place, state),
        State::File(_) => Vec::new(),
    };
    let kept = kept.into_iter().map(|(action, resource)| allow(&[action], &resource));
    let secret = allow(actions, &arn::secret_pattern(manifest, secret));
    document(
        &["secretsmanager:DescribeSecret", "sts:GetCallerIdentity"],
        std::iter::once(secret).chain(call).chain(kept),
    )
}

/// A policy for actions on one resource, beside asking whose credentials these are.
fn single(actions: &[&str], resource: &str) -> Value {
    document(&["sts:GetCallerIdentity"], [allow(actions, resource)])
}

/// What invoices are drawn from: the ledger, and the claims on cost of other stacks.
fn invoice_reads(manifest: &Manifest) -> impl Iterator<Item = Value> {
    ledger_reads(manifest).into_iter().chain(policy::claims(manifest, &["dynamodb:GetItem"]))
}

/// Items are read from the table; an index is only queried.
fn ledger_reads(manifest: &Manifest) -> [Value; 2] {
    let table = arn::table(manifest, &manifest.ledger.name);
    let of_index = allow(&["dynamodb:Query"], &format!("{table}/index/*"));
    [allow(&["dynamodb:GetItem", "dynamodb:Query"], &table), of_index]
}

fn function_call(manifest: &Manifest, handler: &str) -> Value {
    allow(&["lambda:InvokeFunction"], &arn::function(manifest, &manifest.function_name(handler)))
}

/// A policy: actions that know no resource, and more statements.
fn document(on_all: &[&str], more: impl IntoIterator<Item = Value>) -> Value {
    let statements: Vec<Value> = std::iter::once(allow(on_all, "*")).chain(more).collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn allow(actions: &[&str], resource: &str) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": [resource] })
}

/// The document's size as IAM counts it.
pub fn size(policy: &Value) -> usize {
    policy.to_string().chars().filter(|c| !c.is_whitespace()).count()
}

fn of_kind<'a>(graph: &'a Graph, kind: &str) -> Vec<&'a Value> {
    let resources = graph.resources().values().filter(|resource| resource.address.kind() == kind);
    resources.map(|resource| &resource.desired).collect()
}

fn resources(manifest: &Manifest, permission: &Permission, desired: &[&Value]) -> BTreeSet<String> {
    let filled: BTreeSet<String> = desired.iter().map(|fields| fill(permission.resource, manifest, fields)).collect();
    if filled.len() <= NAMES_SPELLED_OUT {
        return filled;
    }
    let shared = common_prefix(&filled);
    // The part after the name (`:*` of a log group) may differ from the prefix's end: a star covers it.
    BTreeSet::from([format!("{shared}*")])
}

/// `{account}` and `{region}` from the manifest, any other `{field}` from the desired fields, a star where there is none.
fn fill(template: &str, manifest: &Manifest, fields: &Value) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, tail)) = after.split_once('}') else { break };
        out.push_str(before);
        match name {
            "account" => out.push_str(&manifest.aws.account),
            "region" => out.push_str(&manifest.aws.region),
            field => out.push_str(fields.get(field).and_then(Value::as_str).unwrap_or("*")),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// Whether a template holds for every resource of its kind: it asks for the account and the region at most.
fn names_none(template: &str) -> bool {
    !template.replace("{account}", "").replace("{region}", "").contains('{')
}

fn common_prefix(texts: &BTreeSet<String>) -> &str {
    // In sorted order the first and the last differ earliest.
    let (Some(first), Some(last)) = (texts.first(), texts.last()) else { return "" };
    let same = first.bytes().zip(last.bytes()).take_while(|(a, b)| a == b).count();
    first.get(..same).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lists_a_kind_asks_for_no_resource_by_its_name() {
        assert!(names_none("*") && names_none("arn:aws:budgets::{account}:budget/*"));
        assert!(!names_none("arn:aws:budgets::{account}:budget/{name}"));
    }

    #[test]
    fn many_names_become_what_they_begin_with() {
        let names = ["arn:x/bill-a", "arn:x/bill-b", "arn:x/bill-c"].map(str::to_owned).into();
        assert_eq!(common_prefix(&names), "arn:x/bill-");
        assert_eq!(common_prefix(&BTreeSet::new()), "");
    }
}
