//! What billform asks to be allowed, checked against AWS's published actions and resource types: the permissions of
//! every kind, the policies that `permissions` prints, the roles of the functions and the policies of buckets.

use std::collections::BTreeSet;

use billing::manifest::{Source, load};
use engine::kind_meta::Permission;
use provisioner::{kinds, stack};
use serde_json::Value;

use crate::program::{Program, checkout};
use crate::published::{Misfit, published};

const DASHBOARDS_HAVE_TAGS: &str =
    "the API takes a dashboard's ARN and PutDashboard takes tags (API reference); the list still leaves dashboards out";

/// Grants that the list does not know, and why they are right: the action, a part of the resource, how it misfits.
const EXCEPTIONS: &[(&str, &str, Misfit, &str)] = &[
    (
        "apigateway:TagResource",
        "::/apis",
        Misfit::Unknown,
        "asked for when APIs and stages are made with tags, though not published (aws-amplify/amplify-cli#12316, \
         cloudtools/awacs#254)",
    ),
    ("apigateway:UntagResource", "::/apis", Misfit::Unknown, "the counterpart of TagResource, as unpublished"),
    (
        "apigateway:GET",
        "::/tags/*",
        Misfit::WrongResource,
        "the list's two pages on API Gateway share a prefix, and the second one leaves the tags out",
    ),
    (
        "apigateway:POST",
        "::/tags/*",
        Misfit::WrongResource,
        "asked for when an API is made with tags (aws-cloudformation/cloudformation-coverage-roadmap#997)",
    ),
    ("apigateway:DELETE", "::/tags/*", Misfit::WrongResource, "as for POST: untagging is a DELETE of the tags' path"),
    (
        "ce:GetCostAndUsage",
        "*",
        Misfit::TooWide,
        "the type is of billing views; a query of the account's own costs names none",
    ),
    ("cloudwatch:TagResource", ":dashboard/", Misfit::WrongResource, DASHBOARDS_HAVE_TAGS),
    ("cloudwatch:UntagResource", ":dashboard/", Misfit::WrongResource, DASHBOARDS_HAVE_TAGS),
    ("cloudwatch:ListTagsForResource", ":dashboard/", Misfit::WrongResource, DASHBOARDS_HAVE_TAGS),
    (
        "secretsmanager:DescribeSecret",
        "*",
        Misfit::TooWide,
        "a secret is looked for by a name that may not exist; AWS then asks for the bare name, which no ARN means",
    ),
];

/// Actions that AWS lists as needed beside another and that billform does without, and why.
const NOT_NEEDED: &[(&str, &str, &str)] = &[
    ("budgets:ModifyBudget", "iam:CreateServiceLinkedRole", "for budgets of a custom billing view only"),
    ("budgets:ViewBudget", "billing:GetBillingViewData", "for budgets of a custom billing view only"),
    ("lambda:CreateFunction", "lambda:PassCapacityProvider", "for functions on a capacity provider only"),
    ("sns:CreateTopic", "iam:PassRole", "for topics that log deliveries only"),
    ("sns:SetTopicAttributes", "iam:PassRole", "for topics that log deliveries only"),
];

/// Kinds that need actions of another service than their own.
const ALSO_OF: &[(&str, &str)] = &[
    // The service signs as `monitoring` and names its actions otherwise.
    ("cloudwatch_alarm", "cloudwatch"),
    ("cloudwatch_dashboard", "cloudwatch"),
    ("http_api", "logs"),
    ("lambda_function", "iam"),
    ("stripe_webhook_endpoint", "secretsmanager"),
];

/// Where a grant stands, its action and its resource.
type Grant = (String, String, String);

fn filled(permission: &Permission) -> String {
    let role = "arn:aws:iam::123456789012:role/name";
    let mut arn = permission.resource.replace("{account}", "123456789012").replace("{region}", "us-east-1");
    arn = arn.replace("{role_arn}", role);
    while let (Some(from), Some(to)) = (arn.find('{'), arn.find('}')) {
        arn.replace_range(from..=to, "name");
    }
    arn
}

fn of_kinds() -> Vec<Grant> {
    let each = kinds::metas().flat_map(|meta| meta.permissions.iter().map(move |permission| (meta.name, permission)));
    each.map(|(kind, permission)| (kind.to_owned(), permission.action.to_owned(), filled(permission))).collect()
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        other => other.as_array().expect("a text or texts").iter().flat_map(texts).collect(),
    }
}

/// Every action of every statement, on each of its resources.
fn of_policy(place: &str, policy: &Value) -> Vec<Grant> {
    let mut grants = Vec::new();
    for statement in policy["Statement"].as_array().expect("statements") {
        for action in texts(&statement["Action"]) {
            for resource in texts(&statement["Resource"]) {
                grants.push((place.to_owned(), action.clone(), resource));
            }
        }
    }
    grants
}

fn example() -> String {
    checkout("manifests/mmp-toledo.yaml").to_str().expect("UTF-8").to_owned()
}

/// What `permissions` prints, for each command that it knows.
fn printed() -> Vec<(&'static str, Value)> {
    let program = Program::new();
    let of = |command: &'static str| {
        let ran = program.run(&["permissions", "-f", &example(), "--for", command]);
        assert_eq!(ran.status, 0, "{ran:#?}");
        (command, ran.json())
    };
    [
        "plan",
        "drift",
        "rebuild",
        "apply",
        "destroy",
        "tenant-link",
        "tenant-pause",
        "invoice-preview",
        "invoice",
        "close",
        "costs-backfill",
        "rotate-link-key",
    ]
    .map(of)
    .into()
}

/// The policies in the example's own resources, with their addresses.
fn deployed() -> Vec<(String, Value)> {
    let text = std::fs::read_to_string(example()).expect("the example");
    let manifest = load(&[Source { path: "billform.yaml".to_owned(), text }], None, &provisioner::stack::handlers())
        .expect("a sound manifest");
    let handlers = stack::handlers();
    let wanted = stack::Plan::of(&manifest, &handlers);
    let graph = stack::graph(&wanted).expect("a graph");
    let resources = graph.resources().iter();
    let policies = resources.map(|(address, resource)| (address.to_string(), resource.desired["policy"].clone()));
    policies.filter(|(_, policy)| policy.is_object()).collect()
}

fn grants() -> Vec<Grant> {
    let printed = printed();
    let printed = printed.iter().flat_map(|(command, policy)| of_policy(command, policy));
    let deployed = deployed();
    assert!(deployed.iter().any(|(address, _)| address == "iam_role.costs"), "roles have policies");
    assert!(deployed.iter().any(|(address, _)| address == "s3_bucket.reports"), "and buckets");
    let deployed = deployed.iter().flat_map(|(address, policy)| of_policy(address, policy));
    of_kinds().into_iter().chain(printed).chain(deployed).collect()
}

#[test]
fn every_grant_is_an_action_on_a_resource_that_aws_publishes() {
    let published = published();
    let mut unused: BTreeSet<usize> = (0..EXCEPTIONS.len()).collect();
    let mut wrong = BTreeSet::new();
    for (place, action, resource) in grants() {
        let Err(misfit) = published.fits(&action, &resource) else { continue };
        let excused = EXCEPTIONS
            .iter()
            .position(|(excused, part, how, _)| *excused == action && resource.contains(part) && *how == misfit);
        match excused {
            Some(index) => {
                unused.remove(&index);
            }
            None => {
                wrong.insert(format!("{place}: {action} on {resource}: {misfit:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let unused: Vec<&str> = unused.iter().map(|index| EXCEPTIONS[*index].0).collect();
    assert!(unused.is_empty(), "exceptions that nothing needs: {unused:?}");
}

#[test]
fn what_an_action_needs_beside_it_is_granted_for_the_same_verb() {
    let published = published();
    let mut unused: BTreeSet<usize> = (0..NOT_NEEDED.len()).collect();
    let mut missing = BTreeSet::new();
    for meta in kinds::metas() {
        for permission in meta.permissions {
            let needs = published.action(permission.action).map(|action| action.needs.as_slice()).unwrap_or_default();
            for need in needs {
                let same_verb = meta.permissions.iter().filter(|other| other.verb == permission.verb);
                let granted = same_verb.into_iter().any(|other| other.action == need);
                let excused = NOT_NEEDED.iter().position(|(of, what, _)| of == &permission.action && what == need);
                match excused {
                    Some(index) => drop(unused.remove(&index)),
                    None if granted => {}
                    None => drop(missing.insert(format!("{}: {} needs {need}", meta.name, permission.action))),
                }
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(unused.is_empty(), "exceptions that nothing needs: {unused:?}");
}

#[test]
fn kinds_need_actions_of_their_own_service() {
    for meta in kinds::metas() {
        for permission in meta.permissions {
            let (service, _) = permission.action.split_once(':').expect("service:Action");
            let known = service == meta.service || ALSO_OF.contains(&(meta.name, service));
            assert!(known, "{}: {} is of another service; misspelt, or ALSO_OF lacks it", meta.name, permission.action);
        }
    }
}

#[test]
fn plan_and_drift_only_read_by_awss_own_levels() {
    let published = published();
    for (command, policy) in printed() {
        // A rebuild writes a state in S3; that of the example lies in a file.
        let reads = ["plan", "drift", "rebuild", "tenant-link", "invoice-preview", "close"].contains(&command);
        let writes: Vec<String> = of_policy(command, &policy)
            .into_iter()
            .filter(|(_, action, _)| {
                // What AWS does not publish counts as a write.
                let level = published.action(action).map(|action| action.level.as_str());
                !matches!(level, Some("Read" | "List"))
            })
            .map(|(_, action, _)| action)
            .collect();
        assert_eq!(reads, writes.is_empty(), "{command}: {writes:?}");
    }
}

#[test]
fn conditions_use_keys_that_exist() {
    let published = published();
    let mut seen = 0;
    for (address, policy) in deployed() {
        for statement in policy["Statement"].as_array().expect("statements") {
            let conditions = statement["Condition"].as_object().into_iter().flat_map(|operators| operators.values());
            for key in conditions.flat_map(|keys| keys.as_object().expect("keys").keys()) {
                seen += 1;
                for action in texts(&statement["Action"]) {
                    assert!(published.has_condition(&action, key), "{address}: {action} knows no {key}");
                }
            }
        }
    }
    assert!(seen > 0, "the report bucket's policy has conditions");
    assert!(published.has_condition("iam:PassRole", "iam:PassedToService"));
    assert!(!published.has_condition("iam:PassRole", "iam:PassedToServices"));
}
