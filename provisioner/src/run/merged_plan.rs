//! Which pull request brought a commit, and which workflow run left the plan that it showed.

use crate::cloud::github::client::Github;
use crate::cloud::github::error::GithubError;
use crate::cloud::github::types::{Artifact, PullRequest};

/// What `plan.yml` calls the artefact that holds a pull request's plan.
pub const ARTIFACT: &str = "billform-plan";

/// What is known of a merged commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// No pull request was merged as this commit: it was pushed to the branch.
    Pushed,
    /// The pull request of this number was, but no plan of its last commit is left.
    Planless(u64),
    /// It was, and this workflow run left the plan.
    Planned {
        /// The pull request's number.
        pull_request: u64,
        /// The id of the workflow run.
        run_id: u64,
    },
}

/// Asks GitHub about a commit.
pub async fn find(github: &Github<'_>, commit: &str) -> Result<Merged, GithubError> {
    let pulls = github.pull_requests(commit).await?;
    let Some(merged) = pulls.into_iter().find(|pull| is_merged_as(pull, commit)) else { return Ok(Merged::Pushed) };
    let kept = github.artifacts(ARTIFACT).await?;
    Ok(match newest_run(&kept, &merged.head.sha) {
        Some(run_id) => Merged::Planned { pull_request: merged.number, run_id },
        None => Merged::Planless(merged.number),
    })
}

/// A pull request that merely contains the commit, such as one of a later branch, did not bring it.
fn is_merged_as(pull: &PullRequest, commit: &str) -> bool {
    pull.merged_at.is_some() && pull.merge_commit_sha.as_deref() == Some(commit)
}

/// The run that left the newest artefact that can still be fetched, of the runs for this commit. Runs for forks do not
/// count: they are not planned, so that what they leave under this name is somebody else's.
fn newest_run(kept: &[Artifact], head: &str) -> Option<u64> {
    let own = |artifact: &&Artifact| {
        let run = artifact.workflow_run.as_ref();
        !artifact.expired
            && artifact.name == ARTIFACT
            && run.is_some_and(|run| run.head_sha.as_deref() == Some(head))
            && run.is_some_and(|run| run.repository_id.is_some() && run.repository_id == run.head_repository_id)
    };
    let newest = kept.iter().filter(own).max_by_key(|artifact| (artifact.created_at.clone(), artifact.id))?;
    newest.workflow_run.as_ref()?.id
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn artifact(id: u64, changed: &serde_json::Value) -> Artifact {
        let mut fields = json!({
            "id": id, "name": "billform-plan", "expired": false, "created_at": "2026-11-25T20:00:00Z",
            "workflow_run": { "id": 100 + id, "repository_id": 1, "head_repository_id": 1, "head_sha": "abc" },
        });
        for (name, value) in changed.as_object().expect("fields") {
            match value.as_object() {
                Some(of_run) => of_run.iter().for_each(|(name, value)| fields["workflow_run"][name] = value.clone()),
                None => fields[name] = value.clone(),
            }
        }
        serde_json::from_value(fields).expect("an artefact")
    }

    #[test]
    fn the_newest_plan_of_the_head_commit_counts() {
        let none = json!({});
        assert_eq!(newest_run(&[], "abc"), None);
        assert_eq!(newest_run(&[artifact(1, &none), artifact(3, &none), artifact(2, &none)], "abc"), Some(103));
        let later = artifact(1, &json!({ "created_at": "2026-11-25T21:00:00Z" }));
        assert_eq!(newest_run(&[later, artifact(3, &none)], "abc"), Some(101));
        for wrong in [
            json!({ "expired": true }),
            json!({ "name": "other" }),
            json!({ "workflow_run": null }),
            json!({ "run": { "head_sha": "abd" } }),
            json!({ "run": { "head_repository_id": 2 } }),
            json!({ "run": { "head_repository_id": null, "repository_id": null } }),
        ] {
            assert_eq!(newest_run(&[artifact(1, &none), artifact(2, &wrong)], "abc"), Some(101), "{wrong}");
        }
    }

    #[test]
    fn a_pull_request_that_only_holds_the_commit_did_not_bring_it() {
        let pull = |merged_at: Option<&str>, commit: Option<&str>| -> PullRequest {
            let fields =
                json!({ "number": 7, "merged_at": merged_at, "merge_commit_sha": commit, "head": { "sha": "h" } });
            serde_json::from_value(fields).expect("a pull request")
        };
        assert!(is_merged_as(&pull(Some("2026-11-25T20:00:00Z"), Some("abc")), "abc"));
        assert!(!is_merged_as(&pull(Some("2026-11-25T20:00:00Z"), Some("abd")), "abc"));
        assert!(!is_merged_as(&pull(None, Some("abc")), "abc"), "of an open one it is a trial merge");
        assert!(!is_merged_as(&pull(None, None), "abc"));
    }
}
