use std::collections::BTreeMap;

use super::*;

const OURS: &str = "acme/billing";

fn repository() -> Repository {
    Repository { name: OURS.to_owned(), id: Some(456), branch: "main".to_owned(), environment: "production".to_owned() }
}

fn manifest() -> Manifest {
    let text = include_str!("../../../../manifests/mmp-toledo.yaml").to_owned();
    let sources = [billing::manifest::Source { path: "billform.yaml".to_owned(), text }];
    billing::manifest::load(&sources, None, &crate::stack::handlers()).expect("a sound manifest")
}

/// A token's claims: those of the apply workflow on the branch, in the environment, and what differs.
fn token(differs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let claims = [
        ("aud", "sts.amazonaws.com"),
        ("sub", "repo:acme/billing:environment:production"),
        ("repository", OURS),
        ("repository_id", "456"),
        ("ref", "refs/heads/main"),
        ("environment", "production"),
        ("job_workflow_ref", "acme/billing/.github/workflows/apply.yml@refs/heads/main"),
    ];
    let mut token: BTreeMap<String, String> =
        claims.iter().map(|(claim, value)| ((*claim).to_owned(), (*value).to_owned())).collect();
    for (claim, value) in differs {
        match *value {
            "" => token.remove(*claim),
            value => token.insert((*claim).to_owned(), value.to_owned()),
        };
    }
    token
}

/// Whether IAM lets the token in: every key of every operator is in the token and one of its values fits
/// ("Creating a condition with multiple keys or values", IAM user guide). A claim that is missing fits nothing.
fn admits(policy: &Value, token: &BTreeMap<String, String>) -> bool {
    let statement = &policy["Statement"][0];
    assert_eq!(statement["Effect"], "Allow");
    statement["Condition"].as_object().expect("conditions").iter().all(|(operator, keys)| {
        keys.as_object().expect("keys").iter().all(|(key, wanted)| {
            let claim = key.strip_prefix("token.actions.githubusercontent.com:").expect("GitHub's key");
            let wanted: Vec<&str> = match wanted {
                Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
                one => one.as_str().into_iter().collect(),
            };
            let fits = |pattern: &&str| match operator.as_str() {
                "StringEquals" => token.get(claim).is_some_and(|value| value == pattern),
                "StringLike" => token.get(claim).is_some_and(|value| like(pattern, value)),
                other => panic!("{other} is not known here"),
            };
            wanted.iter().any(fits)
        })
    })
}

/// `*` stands for any characters, `?` for one.
fn like(pattern: &str, text: &str) -> bool {
    match (pattern.chars().next(), text.chars().next()) {
        (None, None) => true,
        (Some('*'), _) => {
            like(&pattern[1..], text) || text.chars().next().is_some_and(|c| like(pattern, &text[c.len_utf8()..]))
        }
        (Some('?'), Some(c)) => like(&pattern[1..], &text[c.len_utf8()..]),
        (Some(p), Some(c)) if p == c => like(&pattern[p.len_utf8()..], &text[c.len_utf8()..]),
        _ => false,
    }
}

/// A token of a pull request.
fn of_pull_request(differs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut all = vec![
        ("sub", "repo:acme/billing:pull_request"),
        ("ref", "refs/pull/12/merge"),
        ("environment", ""),
        ("job_workflow_ref", "acme/billing/.github/workflows/plan.yml@refs/pull/12/merge"),
    ];
    all.extend_from_slice(differs);
    token(&all)
}

#[test]
fn only_the_right_tokens_may_take_on_a_role() {
    let (plan, apply) = (trust(&manifest(), &repository(), Role::Plan), trust(&manifest(), &repository(), Role::Apply));
    let numbered = "repo:acme-123/billing-456:environment:production";
    let nightly = [
        ("sub", "repo:acme/billing:ref:refs/heads/main"),
        ("environment", ""),
        ("job_workflow_ref", "acme/billing/.github/workflows/drift.yml@refs/heads/main"),
    ];
    // (what it is, token, may plan, may apply)
    let cases = [
        ("apply.yml on main", token(&[]), false, true),
        ("the same in a repository whose subjects have numbers", token(&[("sub", numbered)]), false, true),
        (
            "what was approved",
            token(&[
                ("sub", "repo:acme/billing:environment:production-approval"),
                ("environment", "production-approval"),
            ]),
            false,
            true,
        ),
        ("a pull request", of_pull_request(&[]), true, false),
        ("the night on main", token(&nightly), true, false),
        (
            "another repository",
            token(&[("sub", "repo:acme/shop:environment:production"), ("repository", "acme/shop")]),
            false,
            false,
        ),
        (
            "a repository that begins like ours",
            token(&[("sub", "repo:acme-x/billing-y:environment:production"), ("repository", "acme-x/billing-y")]),
            false,
            false,
        ),
        (
            "another owner",
            token(&[("sub", "repo:evil/billing:environment:production"), ("repository", "evil/billing")]),
            false,
            false,
        ),
        ("another repository under our old name", token(&[("repository_id", "999")]), false, false),
        (
            "another branch",
            token(&[
                ("ref", "refs/heads/try"),
                ("job_workflow_ref", "acme/billing/.github/workflows/apply.yml@refs/heads/try"),
            ]),
            false,
            false,
        ),
        (
            "an edited apply.yml of a branch",
            token(&[("job_workflow_ref", "acme/billing/.github/workflows/apply.yml@refs/heads/evil")]),
            false,
            false,
        ),
        (
            "another workflow on main",
            token(&[("job_workflow_ref", "acme/billing/.github/workflows/other.yml@refs/heads/main")]),
            false,
            false,
        ),
        (
            "a reusable workflow of others",
            token(&[("job_workflow_ref", "evil/tools/.github/workflows/apply.yml@refs/heads/main")]),
            false,
            false,
        ),
        (
            "no environment",
            token(&[("sub", "repo:acme/billing:ref:refs/heads/main"), ("environment", "")]),
            false,
            false,
        ),
        (
            "another environment",
            token(&[("sub", "repo:acme/billing:environment:test"), ("environment", "test")]),
            false,
            false,
        ),
        ("another audience", token(&[("aud", "https://github.com/acme")]), false, false),
        ("no workflow named", token(&[("job_workflow_ref", "")]), false, false),
        ("no repository named", token(&[("repository", "")]), false, false),
        (
            "a pull request of a fork",
            of_pull_request(&[("sub", "repo:fork/billing:pull_request"), ("repository", "fork/billing")]),
            false,
            false,
        ),
        (
            "a pull request that runs another workflow",
            of_pull_request(&[("job_workflow_ref", "acme/billing/.github/workflows/evil.yml@refs/pull/12/merge")]),
            false,
            false,
        ),
        (
            "a pull request that runs apply.yml",
            of_pull_request(&[("job_workflow_ref", "acme/billing/.github/workflows/apply.yml@refs/pull/12/merge")]),
            false,
            false,
        ),
        (
            "plan.yml of a branch without a pull request",
            of_pull_request(&[
                ("sub", "repo:acme/billing:ref:refs/heads/try"),
                ("job_workflow_ref", "acme/billing/.github/workflows/plan.yml@refs/heads/try"),
            ]),
            false,
            false,
        ),
        (
            "drift.yml of a branch",
            token(&[
                ("sub", "repo:acme/billing:ref:refs/heads/try"),
                ("environment", ""),
                ("job_workflow_ref", "acme/billing/.github/workflows/drift.yml@refs/heads/try"),
            ]),
            false,
            false,
        ),
        (
            "a tag",
            token(&[
                ("ref", "refs/tags/v1"),
                ("job_workflow_ref", "acme/billing/.github/workflows/apply.yml@refs/tags/v1"),
            ]),
            false,
            false,
        ),
    ];
    for (what, token, may_plan, may_apply) in cases {
        assert_eq!((admits(&plan, &token), admits(&apply, &token)), (may_plan, may_apply), "{what}");
    }
}

#[test]
fn trust_policies_fit_into_iam() {
    // "IAM and STS character quotas": a trust policy has 2,048 characters at most.
    let long = Repository { name: format!("{}/{}", "o".repeat(39), "r".repeat(100)), ..repository() };
    for role in [Role::Plan, Role::Apply] {
        let policy = trust(&manifest(), &long, role);
        assert!(permissions::size(&policy) <= 2_048, "{}", permissions::size(&policy));
    }
}

#[test]
fn the_plan_role_reads_and_nothing_else() {
    let manifest = manifest();
    let handlers = crate::stack::handlers();
    let wanted = crate::stack::Plan::of(&manifest, &handlers);
    let wanted = crate::stack::graph(&wanted).expect("a graph");
    let actions = |policy: &Value| -> Vec<String> {
        let statements = policy["Statement"].as_array().expect("statements").clone();
        let of = |statement: Value| statement["Action"].as_array().cloned().unwrap_or_default();
        statements.into_iter().flat_map(of).filter_map(|action| action.as_str().map(str::to_owned)).collect()
    };
    let reads = ["Get", "List", "Describe", "Query", "Scan", "Head", "BatchGet", "View", "Lookup"];
    let plan = policy(&manifest, &wanted, Role::Plan);
    for action in actions(&plan) {
        let verb = action.split_once(':').expect("service:Action").1;
        assert!(reads.iter().any(|read| verb.starts_with(read)) || action == "apigateway:GET", "{action}");
    }
    let apply = policy(&manifest, &wanted, Role::Apply);
    assert!(actions(&apply).iter().any(|action| action == "lambda:CreateFunction"));
    for policy in [plan, apply] {
        assert!(permissions::size(&policy) <= INLINE_POLICY_LIMIT, "{}", permissions::size(&policy));
    }
}

#[test]
fn a_tenant_to_come_is_in_the_roles_already() {
    let manifest = manifest();
    let apply = policy(&manifest, &Graph::empty(), Role::Apply);
    let statements = apply["Statement"].as_array().expect("statements").iter();
    let makes = |one: &&Value| one["Action"].as_array().is_some_and(|all| all.contains(&json!("budgets:ModifyBudget")));
    let on: Vec<&Value> = statements.filter(makes).map(|one| &one["Resource"]).collect();
    let account = &manifest.aws.account;
    let name = format!("{}-*-monthly", manifest.prefix());
    assert_eq!(on, [&json!([format!("arn:aws:budgets::{account}:budget/{name}")])]);
}

#[test]
fn another_stacks_provider_is_left_alone() {
    let manifest = manifest();
    let kinds = |provider: bool| -> Vec<String> {
        let graph = graph(&manifest, &Graph::empty(), &repository(), provider).expect("a graph");
        graph.resources().keys().map(Address::to_string).collect()
    };
    assert_eq!(kinds(true), ["iam_oidc_provider.github", "iam_role.github_apply", "iam_role.github_plan"]);
    assert_eq!(kinds(false), ["iam_role.github_apply", "iam_role.github_plan"]);
}
