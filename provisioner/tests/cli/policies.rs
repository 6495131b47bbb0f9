//! `permissions`: the policy billform itself needs, no wider than it must be.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::program::{Program, SMALL, checkout};

/// Actions that AWS ties to no resource, that list before a name is known, or that ask for names that may not exist.
const KNOW_NO_RESOURCE: &[&str] = &[
    "ce:ListCostAllocationTags",
    "ce:UpdateCostAllocationTagsStatus",
    "cloudtrail:LookupEvents",
    "cloudwatch:ListDashboards",
    "cur:DescribeReportDefinitions",
    "dynamodb:ListTables",
    "events:ListRules",
    "iam:GetAccountAuthorizationDetails",
    "lambda:ListFunctions",
    // Delivery of API access logs is set up by these, on behalf of API Gateway.
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "s3:ListAllMyBuckets",
    "secretsmanager:DescribeSecret",
    "secretsmanager:ListSecrets",
    "sns:ListSubscriptions",
    "sns:ListTopics",
    "sns:Unsubscribe",
    "sts:GetCallerIdentity",
];

/// Beginnings of the names of actions that change nothing.
const READS: &[&str] = &["Get", "GET", "List", "Describe", "View", "BatchGet", "Scan", "Query", "Head", "Lookup"];

fn texts(value: &Value) -> BTreeSet<String> {
    let items = value.as_array().expect("a list").iter();
    items.map(|item| item.as_str().expect("a text").to_owned()).collect()
}

/// The statements as actions and resources.
fn statements(policy: &Value) -> Vec<(BTreeSet<String>, BTreeSet<String>)> {
    assert_eq!(policy["Version"], "2012-10-17");
    let statements = policy["Statement"].as_array().expect("statements").iter();
    let parts = statements.map(|statement| {
        assert_eq!(statement["Effect"], "Allow");
        (texts(&statement["Action"]), texts(&statement["Resource"]))
    });
    parts.collect()
}

fn actions(policy: &Value) -> BTreeSet<String> {
    statements(policy).into_iter().flat_map(|(actions, _)| actions).collect()
}

fn policy(manifest: &str, command: &str) -> Value {
    let program = Program::new();
    let ran = program.run(&["permissions", "-f", manifest, "--for", command]);
    assert_eq!(ran.status, 0, "{ran:#?}");
    ran.json()
}

fn example() -> String {
    checkout("manifests/mmp-toledo.yaml").to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_plan_and_drift_need_reads_only() {
    needs_reads_only("plan");
    needs_reads_only("drift");
}

fn needs_reads_only(command: &str) {
    let actions = actions(&policy(&example(), command));
    let writes: Vec<&String> = actions
        .iter()
        .filter(|action| {
            let (_, name) = action.split_once(':').expect("service:Action");
            !READS.iter().any(|read| name.starts_with(read))
        })
        .collect();
    assert!(writes.is_empty(), "{writes:?}");
    assert!(actions.contains("iam:GetRole") && actions.contains("sts:GetCallerIdentity"));
    assert!(!actions.contains("secretsmanager:GetSecretValue"), "values are never read");
}

#[test]
fn apply_and_destroy_need_more_and_destroy_makes_nothing() {
    let [plan, apply, destroy] = ["plan", "apply", "destroy"].map(|command| actions(&policy(&example(), command)));
    assert!(plan.is_subset(&destroy) && destroy.is_subset(&apply));
    assert!(apply.contains("lambda:CreateFunction") && apply.contains("dynamodb:DeleteTable"));
    assert!(destroy.contains("dynamodb:DeleteTable"));
    let makes: Vec<&String> = destroy.iter().filter(|action| action.contains(":Create")).collect();
    assert!(makes.is_empty(), "{makes:?}");
    let default = Program::new().run(&["permissions", "-f", &example()]).json();
    assert_eq!(actions(&default), apply, "apply is what it is for when nothing is said");
}

#[test]
fn only_what_knows_no_resource_is_allowed_on_all() {
    for command in ["plan", "apply", "destroy", "drift"] {
        for (actions, resources) in statements(&policy(&example(), command)) {
            for resource in resources {
                if resource == "*" {
                    let wide: Vec<&String> =
                        actions.iter().filter(|action| !KNOW_NO_RESOURCE.contains(&action.as_str())).collect();
                    assert!(wide.is_empty(), "{command}: {wide:?} on everything");
                } else {
                    assert!(resource.starts_with("arn:aws:"), "{resource}");
                    assert!(!resource.contains(['{', '}']), "a template is left: {resource}");
                }
            }
        }
    }
}

#[test]
fn no_kind_that_the_manifest_has_not_is_allowed() {
    let program = Program::small();
    let actions = actions(&program.run(&["permissions"]).json());
    assert!(!actions.iter().any(|action| action.starts_with("cur:") || action.starts_with("budgets:")), "{actions:?}");
}

#[test]
fn drift_may_list_kinds_that_the_manifest_has_not_and_read_nothing_of_theirs() {
    let program = Program::small();
    let of = |command: &str| statements(&program.run(&["permissions", "--for", command]).json());
    let more: Vec<_> = of("drift").into_iter().filter(|statement| !of("plan").contains(statement)).collect();
    let actions: BTreeSet<&String> = more.iter().flat_map(|(actions, _)| actions).collect();
    assert!(actions.iter().any(|action| **action == "cur:DescribeReportDefinitions"), "{actions:?}");
    let all_alike = |resource: &&String| resource.ends_with('*') || resource.ends_with("::/apis");
    let by_name = more.iter().flat_map(|(_, resources)| resources).find(|resource| !all_alike(resource));
    assert_eq!(by_name, None, "{more:?}");
    assert!(actions.contains(&"cloudtrail:LookupEvents".to_owned()), "who changed something is looked up: {actions:?}");
    // Whose a thing is stands in its tags.
    assert!(actions.contains(&"budgets:ListTagsForResource".to_owned()), "{actions:?}");
}

#[test]
fn the_policy_does_not_grow_with_the_tenants() {
    let program = Program::small();
    let of = |count: usize| {
        let tenants: Vec<String> = (0..count)
            .map(|n| format!("- {{ id: t{n}, name: T, email: a@b.example, tags: {{ ClientOrganization: T{n} }} }}"))
            .collect();
        program.write("billform.yaml", format!("{SMALL}budgets: {{ default: \"5.00 USD\", emails: [a@b.example] }}\n"));
        program.write("tenants/more.yaml", tenants.join("\n"));
        let ran = program.run(&["permissions"]);
        assert_eq!(ran.status, 0, "{ran:#?}");
        ran.stdout.len()
    };
    assert!(of(300) <= of(10) + 10, "names are spelled out");
}

#[test]
fn a_policy_that_iam_does_not_take_in_one_piece_is_told() {
    let program = Program::new();
    let ran = program.run(&["permissions", "-f", &example()]);
    let size = ran.json().to_string().len();
    let said = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    let told = said.contains("attach its statements as several");
    assert_eq!(told, size > 6_144, "{size} characters: {}", ran.stderr);
}
