//! Answers in the shape of GitHub's schema: every required field, in its type.

use serde_json::{Value, json};

use super::actions::Branch;
use super::control::REPOSITORY;
use super::state::{ACTIONS_BOT, Comment, Issue};

/// People who belong to the repository.
pub const MEMBERS: &[&str] = &["ana", "ben"];

/// When something was written; the stand-in knows no time.
pub const WHEN: &str = "2026-11-25T20:00:00Z";

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

/// The schema `pull-request-simple`; of the repositories in it no more than their names.
pub fn pull_request(issue: &Issue, branch: &Branch) -> Value {
    let at = format!("{}/pulls/{}", api(), issue.number);
    let of_issue = format!("{}/issues/{}", api(), issue.number);
    let html = format!("https://github.com/{REPOSITORY}/pull/{}", issue.number);
    let owner = REPOSITORY.split('/').next().unwrap_or_default();
    let end = |name: &str, commit: &str| {
        json!({
            "label": format!("{owner}:{name}"), "ref": name, "sha": commit, "user": user(owner),
            "repo": { "full_name": REPOSITORY },
        })
    };
    let href = |address: &str| json!({ "href": address });
    let (closed, merged) = (issue.state == "closed", branch.merged.is_some());
    json!({
        "url": at, "id": 20_000 + issue.number, "node_id": "PR_1", "html_url": html, "number": issue.number,
        "diff_url": format!("{html}.diff"), "patch_url": format!("{html}.patch"), "issue_url": of_issue,
        "commits_url": format!("{at}/commits"), "review_comments_url": format!("{at}/comments"),
        "review_comment_url": format!("{}/pulls/comments{{/number}}", api()),
        "comments_url": format!("{of_issue}/comments"), "statuses_url": format!("{}/statuses/{}", api(), branch.head),
        "state": issue.state, "locked": false, "title": issue.title, "user": user(&issue.author), "body": issue.body,
        "labels": [], "milestone": null, "assignee": null, "draft": false,
        "author_association": association(&issue.author), "auto_merge": null,
        "created_at": WHEN, "updated_at": WHEN, "closed_at": closed.then_some(WHEN), "merged_at": merged.then_some(WHEN),
        "merge_commit_sha": branch.merged,
        "head": end("change", &branch.head), "base": end("main", "6dcb09b5b57875f334f61aebed695e2e4193db5e"),
        "_links": {
            "self": href(&at), "html": href(&html), "issue": href(&of_issue),
            "comments": href(&format!("{of_issue}/comments")), "review_comments": href(&format!("{at}/comments")),
            "review_comment": href(&format!("{}/pulls/comments{{/number}}", api())),
            "commits": href(&format!("{at}/commits")),
            "statuses": href(&format!("{}/statuses/{}", api(), branch.head)),
        },
    })
}
