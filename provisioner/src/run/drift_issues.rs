//! Carries out what is to be done about drift's issues, one after the other, and says what was done.

use serde_json::json;

use crate::cloud::github::client::Github;
use crate::cloud::github::error::{GithubError, Permission};
use crate::cloud::github::types::Issue;
use crate::drift::issues::{Standing, Step};
use crate::ui::views::marker;

/// The label that all of drift's issues carry.
pub const LABEL: &str = "billform-drift";

/// What was done about one issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// `created`, `updated`, `reopened`, `closed`, `none` or `deferred`.
    pub action: &'static str,
    /// The tenant, where one is known and meant.
    pub tenant: Option<String>,
    /// The issue's page, where there is one.
    pub url: Option<String>,
}

/// The issues of a stack's drift that billform opened, closed ones included.
pub async fn standing(github: &Github<'_>, stack: &str) -> Result<Vec<Standing>, GithubError> {
    let of_stack = marker::of_stack(stack);
    let own = |issue: Issue| {
        let body = issue.body.clone().unwrap_or_default();
        let marker = marker::found(&body).filter(|marker| marker.starts_with(&of_stack))?.to_owned();
        let open = issue.state == "open";
        issue.is_trusted().then_some(Standing { number: issue.number, url: issue.html_url, marker, body, open })
    };
    Ok(github.issues(LABEL).await?.into_iter().filter_map(own).collect())
}

/// Does one step.
pub async fn carry_out(github: &Github<'_>, step: Step) -> Result<Done, GithubError> {
    let done = |action, tenant: Option<String>, url: String| Done { action, tenant, url: Some(url) };
    Ok(match step {
        Step::Open(wanted) => {
            let made = github.open_issue(&wanted.title, &wanted.body, LABEL).await?;
            done("created", wanted.tenant, made.html_url)
        }
        Step::Defer(wanted) => Done { action: "deferred", tenant: wanted.tenant, url: None },
        Step::Keep(wanted, issue) => done("none", wanted.tenant, issue.url),
        Step::Edit(wanted, issue) => {
            github.change_issue(issue.number, json!({ "body": wanted.body })).await?;
            done("updated", wanted.tenant, issue.url)
        }
        Step::Reopen(wanted, issue) => {
            github.change_issue(issue.number, json!({ "state": "open", "body": wanted.body })).await?;
            say(github, issue.number, "The drift is there again.").await?;
            done("reopened", wanted.tenant, issue.url)
        }
        Step::Close(issue) => {
            say(github, issue.number, "The drift is gone: all of it is as billform left it.").await?;
            let closed = json!({ "state": "closed", "state_reason": "completed" });
            github.change_issue(issue.number, closed).await?;
            done("closed", None, issue.url)
        }
        Step::CloseDuplicate(issue, of) => {
            say(github, issue.number, &format!("Issue #{of} says the same.")).await?;
            let closed = json!({ "state": "closed", "state_reason": "not_planned" });
            github.change_issue(issue.number, closed).await?;
            done("closed", None, issue.url)
        }
    })
}

async fn say(github: &Github<'_>, number: u64, text: &str) -> Result<(), GithubError> {
    github.comment(number, text, Permission::Issues).await.map(drop)
}
