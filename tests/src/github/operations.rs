//! The operations there are. `provenance.toml` has a row for each.

use serde_json::{Value, json};

use super::actions::{list_artifacts, list_pull_requests};
use super::refusal::Refusal;
use super::shape;
use super::state::{ACTIONS_BOT, State};

/// How many characters a body may have.
const LONGEST_BODY: usize = 65_536;

/// A request as an operation takes it.
pub struct Asked<'a> {
    /// What stood in the place of `{n}` in the template.
    pub number: u64,
    /// What stood in the place of `{sha}`.
    pub commit: &'a str,
    pub query: &'a str,
    pub body: Value,
}

/// What is answered: one object, a list that is cut into pages, or nothing.
pub enum Done {
    One(u16, Value),
    List(Vec<Value>),
    /// The same under this name in an object, beside `total_count`.
    Listed(&'static str, Vec<Value>),
    Nothing,
}

/// One operation.
pub struct Operation {
    pub method: &'static str,
    /// Below `/repos/{owner}/{repo}`; `{n}` stands for a number, `{sha}` for a commit.
    pub path: &'static str,
    pub serve: fn(&mut State, Asked) -> Result<Done, Refusal>,
}

pub const OPERATIONS: &[Operation] = &[
    Operation { method: "GET", path: "/issues/{n}/comments", serve: list_comments },
    Operation { method: "POST", path: "/issues/{n}/comments", serve: create_comment },
    Operation { method: "PATCH", path: "/issues/comments/{n}", serve: update_comment },
    Operation { method: "DELETE", path: "/issues/comments/{n}", serve: delete_comment },
    Operation { method: "GET", path: "/issues", serve: list_issues },
    Operation { method: "POST", path: "/issues", serve: create_issue },
    Operation { method: "PATCH", path: "/issues/{n}", serve: update_issue },
    Operation { method: "GET", path: "/commits/{sha}/pulls", serve: list_pull_requests },
    Operation { method: "GET", path: "/actions/artifacts", serve: list_artifacts },
];

impl Operation {
    /// What stands in the place of `{n}` or `{sha}`, if the path below the repository fits; nothing where there is none.
    pub fn fits<'a>(&self, method: &str, path: &'a str) -> Option<&'a str> {
        if method != self.method {
            return None;
        }
        let between = |(before, after): (&str, &str)| path.strip_prefix(before)?.strip_suffix(after);
        if let Some(around) = self.path.split_once("{n}") {
            return between(around).filter(|part| part.parse::<u64>().is_ok());
        }
        if let Some(around) = self.path.split_once("{sha}") {
            return between(around)
                .filter(|part| part.len() == 40 && part.bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
        (path == self.path).then_some("")
    }
}

/// The value of a parameter in a query.
pub fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn body_of(asked: &Asked, resource: &'static str) -> Result<Option<String>, Refusal> {
    let body = asked.body.get("body").and_then(Value::as_str).map(str::to_owned);
    match &body {
        Some(text) if text.chars().count() > LONGEST_BODY => Err(Refusal::TooLong(resource)),
        _ => Ok(body),
    }
}

fn list_comments(state: &mut State, asked: Asked) -> Result<Done, Refusal> {
    let on = state.issue(asked.number).ok_or(Refusal::NotFound)?;
    let is_on_pull_request = on.is_pull_request;
    let mut own: Vec<_> = state.comments.iter().filter(|comment| comment.on == asked.number).collect();
    own.sort_by_key(|comment| comment.id);
    Ok(Done::List(own.into_iter().map(|comment| shape::comment(comment, is_on_pull_request)).collect()))
}

fn create_comment(state: &mut State, asked: Asked) -> Result<Done, Refusal> {
    let is_on_pull_request = state.issue(asked.number).ok_or(Refusal::NotFound)?.is_pull_request;
    let may = state.rights.issues || (is_on_pull_request && state.rights.pull_requests);
    if !may {
        return Err(Refusal::NotAccessible);
    }
    let body = body_of(&asked, "IssueComment")?.ok_or(Refusal::MissingField("IssueComment", "body"))?;
    let id = state.comment(asked.number, &body, ACTIONS_BOT);
    let made = state.comments.iter().find(|comment| comment.id == id).ok_or(Refusal::NotFound)?;
    Ok(Done::One(201, shape::comment(made, is_on_pull_request)))
}

/// Where a comment stands among all, if the token may write it.
fn writable_comment(state: &State, id: u64) -> Result<(usize, bool), Refusal> {
    let at = state.comments.iter().position(|comment| comment.id == id).ok_or(Refusal::NotFound)?;
    let is_on_pull_request = state.issue(state.comments[at].on).is_some_and(|on| on.is_pull_request);
    let may = state.rights.issues || (is_on_pull_request && state.rights.pull_requests);
    if may { Ok((at, is_on_pull_request)) } else { Err(Refusal::NotAccessible) }
}

fn update_comment(state: &mut State, asked: Asked) -> Result<Done, Refusal> {
    let (at, is_on_pull_request) = writable_comment(state, asked.number)?;
    state.comments[at].body = body_of(&asked, "IssueComment")?.ok_or(Refusal::MissingField("IssueComment", "body"))?;
    Ok(Done::One(200, shape::comment(&state.comments[at], is_on_pull_request)))
}

fn delete_comment(state: &mut State, asked: Asked) -> Result<Done, Refusal> {
    let (at, _) = writable_comment(state, asked.number)?;
    state.comments.remove(at);
    Ok(Done::Nothing)
}

/// Newest first, pull requests among them; only open ones unless `state` says otherwise.
fn list_issues(state: &mut State, asked: Asked) -> Result<Done, Refusal> {
    let wanted = parameter(asked.query, "state").unwrap_or("open");
    let labels: Vec<&str> = parameter(asked.query, "labels").into_iter().flat_map(|all| all.split(',')).collect();
    let fits = |issue: &&super::Issue| {
        let labelled = labels.iter().all(|label| issue.labels.iter().any(|own| own == label));
        labelled && (wanted == "all" || issue.state == wanted)
    };
    let found = state.issues.iter().rev().filter(fits).map(|issue| shown(state, issue));
    Ok(Done::List(found.collect()))
}

fn shown(state: &State, issue: &super::Issue) -> Value {
    let comments = state.comments.iter().filter(|comment| comment.on == issue.number).count();
    shape::issue(issue, comments)
}

fn create_issue(state: &mut State, asked: Asked) -> Result<Done, Refusal> {
    if !state.rights.issues {
        return Err(Refusal::NotAccessible);
    }
    let title =
        asked.body.get("title").and_then(Value::as_str).ok_or(Refusal::MissingField("Issue", "title"))?.to_owned();
    let body = body_of(&asked, "Issue")?.unwrap_or_default();
    let given = asked.body.get("labels").and_then(Value::as_array).into_iter().flatten();
    let mut labels: Vec<String> = given.filter_map(Value::as_str).map(str::to_owned).collect();
    if !state.rights.labels {
        labels.clear();
    }
    let number = state.open(&title, &body, labels, ACTIONS_BOT, false);
    let made = state.issue(number).ok_or(Refusal::NotFound)?;
    Ok(Done::One(201, shown(state, made)))
}

fn update_issue(state: &mut State, asked: Asked) -> Result<Done, Refusal> {
    let body = body_of(&asked, "Issue")?;
    let rights = state.rights;
    let issue = state.issue_mut(asked.number).ok_or(Refusal::NotFound)?;
    if !(rights.issues || (issue.is_pull_request && rights.pull_requests)) {
        return Err(Refusal::NotAccessible);
    }
    if let Some(body) = body {
        issue.body = body;
    }
    let wanted = asked.body.get("state").and_then(Value::as_str);
    if let Some(wanted) = wanted.filter(|wanted| *wanted != issue.state) {
        // The reason counts only where the state changes.
        let reason = asked.body.get("state_reason").and_then(Value::as_str);
        let usual = if wanted == "open" { "reopened" } else { "completed" };
        issue.state_reason = Some(reason.unwrap_or(usual).to_owned());
        issue.state = wanted.to_owned();
    }
    let issue = state.issue(asked.number).ok_or(Refusal::NotFound)?;
    Ok(Done::One(200, shown(state, issue)))
}

/// A page of a list, and where the next one and the last one are.
pub fn page(all: &[Value], query: &str) -> (Value, Option<(usize, usize)>) {
    let number = |name: &str, other: usize| parameter(query, name).and_then(|text| text.parse().ok()).unwrap_or(other);
    let size = number("per_page", 30).clamp(1, 100);
    let at = number("page", 1).max(1);
    let last = all.len().div_ceil(size).max(1);
    let entries: Vec<&Value> = all.iter().skip((at - 1) * size).take(size).collect();
    (json!(entries), (at < last).then_some((at + 1, last)))
}
