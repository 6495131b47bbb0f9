//! What a repository on GitHub needs in the account to run billform without keys: GitHub's identity provider, a role that
//! reads and a role that applies, each for exactly one of the repository's workflows. A stack of its own.
//!
//! ```text
//! plan role    plan.yml of a pull request, drift.yml of the branch     read only
//! apply role   apply.yml of the branch, in the environment             read, create, update, delete
//! ```
//!
//! Source of claims and condition keys: "OpenID Connect reference" (docs.github.com); "Available keys for AWS OIDC
//! federation", GitHub (IAM user guide).

use std::collections::BTreeSet;

use billing::manifest::Manifest;
use engine::graph::{Graph, GraphError};
use engine::kind_meta::Verb;
use engine::{Address, Resource};
use serde_json::{Value, json};

use super::permissions::{self, Of};
use super::shared;
use crate::kinds::{iam_oidc_provider, iam_role};
use crate::store::permissions::Use;

/// Where GitHub's tokens come from.
pub const ISSUER: &str = "token.actions.githubusercontent.com";

/// What the tokens are meant for.
const AUDIENCE: &str = "sts.amazonaws.com";

/// IAM's limit on the inline policies of a role together, in characters without white space.
pub const INLINE_POLICY_LIMIT: usize = 10_240;

/// A repository on GitHub, and where in it billform runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// `OWNER/NAME`.
    pub name: String,
    /// GitHub's number of it, which no other repository gets when it is deleted or renamed. None leaves it open.
    pub id: Option<u64>,
    /// The branch whose manifest is applied: `main`.
    pub branch: String,
    /// The environment that an apply runs in: `production`. A plan that was made again is applied in
    /// `production-approval`, where reviewers are required.
    pub environment: String,
}

impl Repository {
    /// The environments that applies run in: of what a pull request showed, and of what was approved later.
    pub fn environments(&self) -> [String; 2] {
        [self.environment.clone(), format!("{}-approval", self.environment)]
    }
}

/// A workflow that may take on a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Reads: `plan.yml`, `drift.yml`.
    Plan,
    /// Applies: `apply.yml`.
    Apply,
}

impl Role {
    /// The role's name in the account: `client-billing-github-plan`.
    pub fn name(self, manifest: &Manifest) -> String {
        let suffix = match self {
            Role::Plan => "github-plan",
            Role::Apply => "github-apply",
        };
        format!("{}-{suffix}", manifest.prefix())
    }
}

/// The graph. `provider` is left out where the account has one that another stack made: roles trust it all the same.
pub fn graph(
    manifest: &Manifest,
    wanted: &Graph,
    repository: &Repository,
    provider: bool,
) -> Result<Graph, GraphError> {
    let at = Address::new("iam_oidc_provider", "github");
    let before: Vec<Address> = if provider { vec![at.clone()] } else { Vec::new() };
    let role = |role: Role, name: &str, description: &str| {
        let desired = iam_role::Desired {
            name: role.name(manifest),
            description: description.to_owned(),
            trusted_service: trust(manifest, repository, role).to_string(),
            policy: policy(manifest, wanted, role),
            attached: BTreeSet::new(),
            tags: manifest.aws.tags.clone(),
        };
        shared(Address::new("iam_role", name), desired, before.clone())
    };
    let mut resources: Vec<Resource> = vec![
        role(Role::Plan, "github_plan", "Plans and looks for drift from GitHub Actions; reads only"),
        role(Role::Apply, "github_apply", "Applies from GitHub Actions what was merged"),
    ];
    if provider {
        let audiences = BTreeSet::from([AUDIENCE.to_owned()]);
        let desired =
            iam_oidc_provider::Desired { host: ISSUER.to_owned(), audiences, tags: manifest.aws.tags.clone() };
        resources.push(shared(at, desired, []));
    }
    Graph::new(resources)
}

/// What a role may do: what `billform permissions` prints for the commands that its workflows run.
pub fn policy(manifest: &Manifest, wanted: &Graph, role: Role) -> Value {
    let (verbs, of, state): (&[Verb], Of, Use) = match role {
        Role::Plan => (&[Verb::Read], Of::EveryKind, Use::Read),
        Role::Apply => (&[Verb::Read, Verb::Create, Verb::Update, Verb::Delete], Of::EveryKind, Use::Write),
    };
    let wanted = for_tenants_to_come(manifest, wanted);
    let policy = permissions::policy(manifest, &wanted, &verbs.iter().copied().collect(), of, state);
    match role {
        // Its nightly drift names who changed something.
        Role::Plan => permissions::and_history(policy),
        Role::Apply => policy,
    }
}

/// The graph with one budget in the place of all, whose name stands for any tenant's: a merge that adds a tenant is
/// applied by the roles that are there. What else is a tenant's lies in the table or at Stripe.
fn for_tenants_to_come(manifest: &Manifest, wanted: &Graph) -> Graph {
    let name = manifest.budgets.name.replace("{prefix}", &manifest.prefix()).replace("{tenant}", "*");
    let any = shared(Address::new("budget", "any"), json!({ "name": name }), []);
    let others = wanted.resources().values().filter(|resource| resource.address.kind() != "budget").cloned();
    Graph::new(others.chain([any]).collect()).expect("nothing needs a budget")
}

/// Which tokens may take on a role. Each claim is asked for by itself: the subject alone does not say which workflow
/// runs, and repositories of June 2026 or later write numbers into it (`repo:OWNER-1/NAME-2:…`), so that both forms are
/// taken and `repository` says exactly which it is.
pub fn trust(manifest: &Manifest, repository: &Repository, role: Role) -> Value {
    let Repository { name, branch, .. } = repository;
    let environments = repository.environments();
    let key = |claim: &str| format!("{ISSUER}:{claim}");
    let head = format!("refs/heads/{branch}");
    let workflow = |file: &str, at: &str| format!("{name}/.github/workflows/{file}@{at}");
    let (contexts, workflows) = match role {
        Role::Plan => (
            vec!["pull_request".to_owned(), format!("ref:{head}")],
            vec![workflow("plan.yml", "refs/pull/*/merge"), workflow("drift.yml", &head)],
        ),
        Role::Apply => {
            let contexts = environments.iter().map(|environment| format!("environment:{environment}"));
            (contexts.collect(), vec![workflow("apply.yml", &head)])
        }
    };
    let mut equal = serde_json::Map::from_iter([(key("aud"), json!(AUDIENCE)), (key("repository"), json!(name))]);
    if let Some(id) = repository.id {
        equal.insert(key("repository_id"), json!(id.to_string()));
    }
    if role == Role::Apply {
        equal.insert(key("ref"), json!(head));
        equal.insert(key("environment"), json!(environments));
    }
    let mut like = serde_json::Map::from_iter([(key("sub"), json!(subjects(name, &contexts)))]);
    match role {
        Role::Plan => like.insert(key("job_workflow_ref"), json!(workflows)),
        Role::Apply => equal.insert(key("job_workflow_ref"), json!(workflows[0])),
    };
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Federated": format!("arn:aws:iam::{}:oidc-provider/{ISSUER}", manifest.aws.account) },
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": { "StringEquals": equal, "StringLike": like },
        }],
    })
}

/// The subjects of a repository's tokens in these contexts, with and without GitHub's numbers in them.
fn subjects(repository: &str, contexts: &[String]) -> Vec<String> {
    let (owner, name) = repository.split_once('/').unwrap_or((repository, ""));
    let both =
        |context: &String| [format!("repo:{repository}:{context}"), format!("repo:{owner}-*/{name}-*:{context}")];
    contexts.iter().flat_map(both).collect()
}

#[cfg(test)]
mod tests;
