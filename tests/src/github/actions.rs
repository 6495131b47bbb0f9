//! What the stand-in knows of pull requests as Git and GitHub Actions see them: commits, merges, artefacts of runs.

use serde_json::{Value, json};

use super::control::REPOSITORY;
use super::operations::{Asked, Done, parameter};
use super::refusal::Refusal;
use super::shape;
use super::state::State;

/// The repository's id, at which lists go on, too.
pub const REPOSITORY_ID: u64 = 4711;

/// The id of another repository, a fork.
const FORK_ID: u64 = 4712;

/// The commits of a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// The pull request's number.
    pub number: u64,
    /// Its last commit.
    pub head: String,
    /// The commit it was merged as.
    pub merged: Option<String>,
}

/// What a workflow run kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// The id of the run.
    pub run: u64,
    /// The commit that the run was for.
    pub head: String,
    /// Whether that commit is a fork's.
    pub of_fork: bool,
    /// Whether it is gone.
    pub expired: bool,
}

/// The pull requests that a commit was merged or pushed by: merged ones alone, once there is one.
pub fn list_pull_requests(state: &mut State, asked: Asked) -> Result<Done, Refusal> {
    let merged: Vec<&Branch> =
        state.branches.iter().filter(|branch| branch.merged.as_deref() == Some(asked.commit)).collect();
    let open = || state.branches.iter().filter(|branch| branch.merged.is_none() && branch.head == asked.commit);
    let found = if merged.is_empty() { open().collect() } else { merged };
    let shown = found.into_iter().filter_map(|branch| Some(shape::pull_request(state.issue(branch.number)?, branch)));
    Ok(Done::List(shown.collect()))
}

/// Artefacts, newest first; of one name where one is given.
pub fn list_artifacts(state: &mut State, asked: Asked) -> Result<Done, Refusal> {
    let name = parameter(asked.query, "name");
    let found = state.artifacts.iter().rev().filter(|artifact| name.is_none_or(|name| artifact.name == name));
    Ok(Done::Listed("artifacts", found.map(artifact).collect()))
}

/// The schema `artifact`.
pub fn artifact(artifact: &Artifact) -> Value {
    let at = format!("https://api.github.com/repos/{REPOSITORY}/actions/artifacts/{}", artifact.id);
    json!({
        "id": artifact.id, "node_id": "MDg6QXJ0aWZhY3Qx", "name": artifact.name, "size_in_bytes": 4096, "url": at,
        "archive_download_url": format!("{at}/zip"), "expired": artifact.expired, "digest": null,
        "created_at": shape::WHEN, "updated_at": shape::WHEN, "expires_at": "2026-12-25T20:00:00Z",
        "workflow_run": {
            "id": artifact.run, "repository_id": REPOSITORY_ID, "head_branch": "change", "head_sha": artifact.head,
            "head_repository_id": if artifact.of_fork { FORK_ID } else { REPOSITORY_ID },
        },
    })
}
