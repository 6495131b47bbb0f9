//! Where a workflow's GitHub is, from the variables that GitHub Actions sets for every step, and which pull request
//! the step runs for.
//!
//! Source: <https://docs.github.com/actions/reference/workflows-and-actions/variables>.

use std::fs;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::error::GithubError;
use crate::cloud::secret_values::SecretValue;

/// GitHub's own address, where no other is set.
const GITHUB: &str = "https://api.github.com";

/// What stays as it is within one part of a path (RFC 3986, unreserved).
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Reads an environment variable; none where it is not set or empty.
pub type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// One repository at one GitHub, and the token for it.
#[derive(Debug, Clone)]
pub struct Place {
    /// The API's address without a slash at its end: `https://api.github.com`.
    pub api: String,
    /// `owner/name`.
    pub repository: String,
    /// What it is called with.
    pub token: SecretValue,
}

impl Place {
    /// The repository that the workflow runs in: `GITHUB_API_URL`, `GITHUB_REPOSITORY`, `GITHUB_TOKEN`.
    pub fn from_variables(variable: Variable) -> Result<Place, GithubError> {
        let api = variable("GITHUB_API_URL").unwrap_or_else(|| GITHUB.to_owned());
        let api = api.trim_end_matches('/').to_owned();
        if !may_be_called(&api) {
            return Err(GithubError::Api(api));
        }
        let repository = variable("GITHUB_REPOSITORY").ok_or(GithubError::NoRepository)?;
        let is_part = |part: &str| !part.is_empty() && part != "." && part != "..";
        match repository.split_once('/') {
            Some((owner, name)) if is_part(owner) && is_part(name) && !name.contains('/') => {}
            _ => return Err(GithubError::Repository(repository)),
        }
        let token = variable("GITHUB_TOKEN").map(|token| token.trim().to_owned());
        let token = token.filter(|token| !token.is_empty()).ok_or(GithubError::NoToken)?;
        Ok(Place { api, repository, token: SecretValue::new(token) })
    }

    /// The address of something of the repository: `/issues/7/comments`.
    pub fn address(&self, below: &str) -> String {
        let parts: Vec<String> =
            self.repository.split('/').map(|part| utf8_percent_encode(part, PART).to_string()).collect();
        format!("{}/repos/{}{below}", self.api, parts.join("/"))
    }

    /// Whether the address lies at this API, so that the token may be sent there.
    pub fn holds(&self, address: &str) -> bool {
        origin(address) == origin(&self.api)
    }

    /// Whether it is a stand-in on this machine, which needs no sparing.
    pub fn is_local(&self) -> bool {
        is_loopback(&self.api)
    }
}

/// Encrypted, or on this machine: a token goes nowhere else.
fn may_be_called(api: &str) -> bool {
    api.strip_prefix("https://").is_some_and(|rest| !rest.is_empty()) || is_loopback(api)
}

fn is_loopback(api: &str) -> bool {
    let host = |rest: &str| rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
    let Some(host) = api.strip_prefix("http://").map(host) else { return false };
    let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
    ["127.0.0.1", "localhost", "[::1]"].contains(&name)
}

/// `https://host:port`.
fn origin(address: &str) -> &str {
    let start = address.find("://").map_or(0, |at| at + 3);
    let end = address[start..].find(['/', '?', '#']).map_or(address.len(), |at| start + at);
    &address[..end]
}

/// The number of the pull request: as given, else from the event's file, else from the reference that is built.
pub fn pull_request(given: Option<u64>, variable: Variable) -> Result<u64, GithubError> {
    let from_event = || {
        let text = fs::read_to_string(variable("GITHUB_EVENT_PATH")?).ok()?;
        of_event(&serde_json::from_str(&text).ok()?)
    };
    let from_reference = || of_reference(&variable("GITHUB_REF")?);
    given.or_else(from_event).or_else(from_reference).ok_or(GithubError::NoPullRequest)
}

/// Of `pull_request` and `pull_request_target`, else of a comment on a pull request.
fn of_event(event: &Value) -> Option<u64> {
    let of_comment = || event.pointer("/issue/pull_request").and_then(|_| event.pointer("/issue/number")?.as_u64());
    event.pointer("/pull_request/number").and_then(Value::as_u64).or_else(of_comment)
}

/// `refs/pull/7/merge`.
fn of_reference(reference: &str) -> Option<u64> {
    reference.strip_prefix("refs/pull/")?.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn place(set: &[(&str, &str)]) -> Result<Place, GithubError> {
        let set: Vec<(String, String)> = set.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Place::from_variables(&move |name| set.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()))
    }

    const REPOSITORY: (&str, &str) = ("GITHUB_REPOSITORY", "octo-org/infra");
    const TOKEN: (&str, &str) = ("GITHUB_TOKEN", "ghs_x");

    #[test]
    fn a_place_is_a_repository_at_an_address_that_a_token_may_go_to() {
        let one = place(&[REPOSITORY, TOKEN]).expect("a place");
        assert_eq!(one.address("/issues/7"), "https://api.github.com/repos/octo-org/infra/issues/7");
        assert!(one.holds("https://api.github.com/repositories/1/issues?page=2"));
        assert!(!one.holds("https://api.github.com.evil.example/x") && !one.holds("http://api.github.com/x"));
        assert!(!one.is_local());
        let server = place(&[REPOSITORY, TOKEN, ("GITHUB_API_URL", "https://git.example/api/v3/")]).expect("a place");
        assert_eq!(server.address(""), "https://git.example/api/v3/repos/octo-org/infra");
        let local = place(&[REPOSITORY, TOKEN, ("GITHUB_API_URL", "http://127.0.0.1:4000")]).expect("a place");
        assert!(local.is_local());
        assert!(!format!("{local:?}").contains("ghs_x"), "{local:?}");
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        assert!(matches!(place(&[REPOSITORY]), Err(GithubError::NoToken)));
        assert!(matches!(place(&[REPOSITORY, ("GITHUB_TOKEN", " ")]), Err(GithubError::NoToken)));
        assert!(matches!(place(&[TOKEN]), Err(GithubError::NoRepository)));
        for wrong in ["infra", "a/b/c", "/b", "a/", "../b"] {
            assert!(
                matches!(place(&[TOKEN, ("GITHUB_REPOSITORY", wrong)]), Err(GithubError::Repository(_))),
                "{wrong}"
            );
        }
        for api in ["http://git.example", "ftp://x", "https://", "http://127.0.0.1.evil.example"] {
            let place = place(&[REPOSITORY, TOKEN, ("GITHUB_API_URL", api)]);
            assert!(matches!(place, Err(GithubError::Api(_))), "{api}");
        }
    }

    #[test]
    fn the_pull_request_is_given_or_the_event_s_or_the_reference_s() {
        let none = |_: &str| None;
        assert_eq!(pull_request(Some(3), &none).ok(), Some(3));
        assert!(matches!(pull_request(None, &none), Err(GithubError::NoPullRequest)));
        let reference = |name: &str| (name == "GITHUB_REF").then(|| "refs/pull/12/merge".to_owned());
        assert_eq!(pull_request(None, &reference).ok(), Some(12));
        let branch = |name: &str| (name == "GITHUB_REF").then(|| "refs/heads/main".to_owned());
        assert!(pull_request(None, &branch).is_err());
        assert_eq!(of_event(&json!({ "pull_request": { "number": 5 } })), Some(5));
        assert_eq!(of_event(&json!({ "issue": { "number": 6, "pull_request": {} } })), Some(6));
        assert_eq!(of_event(&json!({ "issue": { "number": 6 } })), None);
    }
}
