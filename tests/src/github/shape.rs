//! Answers in the shape of GitHub's schema: every required field, in its type.

use serde_json::{Value, json};

use super::control::REPOSITORY;
use super::state::{ACTIONS_BOT, Comment, Issue};

/// People who belong to the repository.
pub const MEMBERS: &[&str] = &["ana", "ben"];

/// When something was written; the stand-in knows no time.
const WHEN: &str = "2026-11-25T20:00:00Z";

/// The schema `simple-user`.
pub fn user(login: &str) -> Value {
    let api = format!("https://api.github.com/users/{}", login.replace(['[', ']'], "_"));
    let sort = if login == ACTIONS_BOT { "Bot" } else { "User" };
    json!({
        "login": login, "id": 1, "node_id": "MDQ6VXNlcjE=", "gravatar_id": "", "type": sort, "site_admin": false,
        "avatar_url": "https://github.com/images/error/octocat_happy.gif",
        "url": api, "html_url": format!("https://github.com/{login}"),
        "followers_url": format!("{api}/followers"), "following_url": format!("{api}/following{{/other_user}}"),
        "gists_url": format!("{api}/gists{{/gist_id}}"), "starred_url": format!("{api}/starred{{/owner}}{{/repo}}"),
        "subscriptions_url": format!("{api}/subscriptions"), "organizations_url": format!("{api}/orgs"),
        "repos_url": format!("{api}/repos"), "events_url": format!("{api}/events{{/privacy}}"),
        "received_events_url": format!("{api}/received_events"),
    })
}

fn association(login: &str) -> &'static str {
    if MEMBERS.contains(&login) { "MEMBER" } else { "NONE" }
}

fn api() -> String {
    format!("https://api.github.com/repos/{REPOSITORY}")
}

/// The schema `label`.
pub fn label(name: &str) -> Value {
    json!({
        "id": 1, "node_id": "MDU6TGFiZWwx", "url": format!("{}/labels/{name}", api()), "name": name,
        "description": null, "color": "ededed", "default": false,
    })
}

/// The schema `issue-comment`.
pub fn comment(comment: &Comment, is_on_pull_request: bool) -> Value {
    let page = if is_on_pull_request { "pull" } else { "issues" };
    json!({
        "id": comment.id, "node_id": "IC_1", "url": format!("{}/issues/comments/{}", api(), comment.id),
        "html_url": format!("https://github.com/{REPOSITORY}/{page}/{}#issuecomment-{}", comment.on, comment.id),
        "issue_url": format!("{}/issues/{}", api(), comment.on),
        "body": comment.body, "user": user(&comment.author), "author_association": association(&comment.author),
        "created_at": WHEN, "updated_at": WHEN,
    })
}

/// The schema `issue`; `comments` is how many it has.
pub fn issue(issue: &Issue, comments: usize) -> Value {
    let at = format!("{}/issues/{}", api(), issue.number);
    let page = if issue.is_pull_request { "pull" } else { "issues" };
    let html = format!("https://github.com/{REPOSITORY}/{page}/{}", issue.number);
    let closed = issue.state == "closed";
    let mut value = json!({
        "id": 10_000 + issue.number, "node_id": "I_1", "number": issue.number, "title": issue.title, "body": issue.body,
        "state": issue.state, "state_reason": issue.state_reason, "locked": false, "comments": comments,
        "labels": issue.labels.iter().map(|name| label(name)).collect::<Vec<_>>(),
        "user": user(&issue.author), "author_association": association(&issue.author),
        "assignee": null, "assignees": [], "milestone": null,
        "url": at, "html_url": html, "repository_url": api(), "labels_url": format!("{at}/labels{{/name}}"),
        "comments_url": format!("{at}/comments"), "events_url": format!("{at}/events"),
        "created_at": WHEN, "updated_at": WHEN, "closed_at": closed.then_some(WHEN),
    });
    if issue.is_pull_request {
        value["pull_request"] = json!({
            "url": format!("{}/pulls/{}", api(), issue.number), "html_url": html,
            "diff_url": format!("{html}.diff"), "patch_url": format!("{html}.patch"),
        });
    }
    value
}
