//! The fields of GitHub's answers that are read.

use serde::Deserialize;
use serde_json::Value;

/// A comment on an issue or pull request: the schema `issue-comment`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Comment {
    /// Its id, unique in all of GitHub.
    pub id: u64,
    /// Its page.
    pub html_url: String,
    /// Its Markdown.
    #[serde(default)]
    pub body: Option<String>,
    /// Its author; none for an account that is gone.
    pub user: Option<User>,
    /// What the author is to the repository: `OWNER`, `NONE`, ….
    #[serde(default)]
    pub author_association: Option<String>,
}

/// An issue, or a pull request in a list of issues: the schema `issue`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Issue {
    /// Its number in the repository.
    pub number: u64,
    /// Its page.
    pub html_url: String,
    /// `open` or `closed`.
    pub state: String,
    /// Its Markdown.
    #[serde(default)]
    pub body: Option<String>,
    /// Its author; none for an account that is gone.
    pub user: Option<User>,
    /// What the author is to the repository: `OWNER`, `NONE`, ….
    #[serde(default)]
    pub author_association: Option<String>,
    /// Each a name, or an object with a `name`.
    pub labels: Vec<Value>,
    /// Present on pull requests alone.
    #[serde(default)]
    pub pull_request: Option<Value>,
}

/// An account: the schema `simple-user`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct User {
    /// Its name.
    pub login: String,
    /// `User`, `Bot`, `Organization`.
    #[serde(rename = "type")]
    pub sort: String,
}

/// A pull request in a list: the schema `pull-request-simple`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PullRequest {
    /// Its number in the repository.
    pub number: u64,
    /// When it was merged; none while it is not.
    pub merged_at: Option<String>,
    /// The commit that it was merged as; of an open one, that of a trial merge.
    pub merge_commit_sha: Option<String>,
    /// The branch that was merged.
    pub head: Head,
}

/// The branch of a pull request.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Head {
    /// Its last commit.
    pub sha: String,
}

/// What a workflow run kept: the schema `artifact`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Artifact {
    /// Its id, which grows.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Whether it is gone.
    pub expired: bool,
    /// When it was kept: `2026-11-25T20:00:00Z`.
    pub created_at: Option<String>,
    /// The run that kept it.
    #[serde(default)]
    pub workflow_run: Option<WorkflowRun>,
}

/// The run of a workflow, as an artefact names it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct WorkflowRun {
    /// Its id.
    #[serde(default)]
    pub id: Option<u64>,
    /// The repository that it ran in.
    #[serde(default)]
    pub repository_id: Option<u64>,
    /// The repository whose commit it ran for: another one for a fork.
    #[serde(default)]
    pub head_repository_id: Option<u64>,
    /// The commit it ran for: of a pull request, its last one.
    #[serde(default)]
    pub head_sha: Option<String>,
}

/// What is the matter: the schemas `basic-error` and `validation-error`.
#[derive(Debug, Default, Deserialize)]
pub struct Refusal {
    /// In a sentence.
    #[serde(default)]
    pub message: String,
    /// For each field that is wrong; what an entry holds differs by operation.
    #[serde(default)]
    pub errors: Vec<Value>,
}

impl Comment {
    /// Whether its author can be trusted to have written what a marker says: see [`may_write`].
    pub fn is_trusted(&self) -> bool {
        may_write(self.user.as_ref(), self.author_association.as_deref())
    }
}

impl Issue {
    /// Whether its author can be trusted to have written what a marker says: see [`may_write`].
    pub fn is_trusted(&self) -> bool {
        may_write(self.user.as_ref(), self.author_association.as_deref())
    }

    /// Whether it carries a label; GitHub's labels differ by more than case.
    pub fn has_label(&self, label: &str) -> bool {
        let name = |one: &Value| one.as_str().or_else(|| one.get("name")?.as_str()).map(str::to_owned);
        self.labels.iter().filter_map(name).any(|name| name.eq_ignore_ascii_case(label))
    }
}

/// Whether an author is an app or belongs to the repository's people. Anybody can write a marker into a comment and
/// edit that comment later: what billform keeps up to date must not be theirs.
fn may_write(user: Option<&User>, association: Option<&str>) -> bool {
    user.is_some_and(|user| user.sort == "Bot")
        || association.is_some_and(|association| ["OWNER", "MEMBER", "COLLABORATOR"].contains(&association))
}

impl Refusal {
    /// The sentence, with what is said of each field behind it.
    pub fn text(&self) -> String {
        let told = |error: &Value| error.as_str().or_else(|| error.get("message")?.as_str()).map(str::to_owned);
        let details: Vec<String> =
            self.errors.iter().map(|error| told(error).unwrap_or_else(|| error.to_string())).collect();
        if details.is_empty() { self.message.clone() } else { format!("{}: {}", self.message, details.join("; ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_outsider_is_not_trusted_and_an_app_or_a_member_is() {
        let comment = |sort: &str, association: &str| -> Comment {
            let value = json!({ "id": 1, "html_url": "u", "body": "x", "user": { "login": "a", "type": sort },
                "author_association": association });
            serde_json::from_value(value).expect("a comment")
        };
        assert!(comment("Bot", "NONE").is_trusted() && comment("User", "MEMBER").is_trusted());
        assert!(!comment("User", "CONTRIBUTOR").is_trusted() && !comment("User", "NONE").is_trusted());
        let ghost = json!({ "id": 1, "html_url": "u", "user": null });
        assert!(!serde_json::from_value::<Comment>(ghost).expect("a comment").is_trusted());
    }

    #[test]
    fn a_refusal_says_what_is_wrong_with_each_field() {
        let text = json!({ "message": "Validation Failed", "documentation_url": "d", "errors": [
            { "resource": "IssueComment", "code": "unprocessable", "field": "data", "message": "Body is too long" },
            "other", { "resource": "Issue", "code": "missing_field", "field": "title" }] });
        let refusal: Refusal = serde_json::from_value(text).expect("a refusal");
        assert_eq!(
            refusal.text(),
            "Validation Failed: Body is too long; other; {\"resource\":\"Issue\",\"code\":\"missing_field\",\"field\":\"title\"}"
        );
    }
}
