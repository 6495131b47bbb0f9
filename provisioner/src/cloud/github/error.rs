//! Why GitHub could not be asked, or did not do what it was asked.

/// What a workflow's token may do, as `permissions:` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Comments on pull requests.
    PullRequests,
    /// Issues and their comments.
    Issues,
    /// Which pull requests there are.
    ReadPullRequests,
    /// The artefacts of workflow runs.
    ReadActions,
}

impl Permission {
    /// The line of a workflow's `permissions:` that grants it.
    pub fn line(self) -> &'static str {
        match self {
            Permission::PullRequests => "pull-requests: write",
            Permission::Issues => "issues: write",
            Permission::ReadPullRequests => "pull-requests: read",
            Permission::ReadActions => "actions: read",
        }
    }
}

/// A call that failed, or could not be made. No message holds the token.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum GithubError {
    #[error("GITHUB_TOKEN is not set, so GitHub cannot be called")]
    NoToken,
    #[error("GITHUB_REPOSITORY is not set, so it is not known which repository is meant")]
    NoRepository,
    #[error("GITHUB_REPOSITORY is `{0}`, which is not an owner and a name")]
    Repository(String),
    #[error("GITHUB_API_URL is `{0}`, where a token may not be sent: it must begin with https://")]
    Api(String),
    #[error("it is not known which pull request is meant: neither GITHUB_EVENT_PATH nor GITHUB_REF names one")]
    NoPullRequest,
    #[error("{operation}: GitHub does not accept the token (401): {message}")]
    Token { operation: String, message: String },
    #[error("{operation}: GitHub refuses it (403): {message}")]
    Forbidden { operation: String, message: String, needs: Permission },
    #[error("{operation}: GitHub knows no such thing, or the token may not see it ({status}): {message}")]
    Missing { operation: String, status: u16, message: String },
    #[error("{operation}: GitHub's rate limit is used up, and the wait of {wait_s} s that it asks for is too long")]
    Limited { operation: String, wait_s: u64 },
    #[error("{operation}: GitHub answers {status}: {message}")]
    Refused { operation: String, status: u16, message: String },
    #[error("{operation}: GitHub cannot be reached: {message}")]
    Unreachable { operation: String, message: String },
    #[error("{operation}: GitHub's answer cannot be read: {message}")]
    Unreadable { operation: String, message: String },
    #[error("{operation}: GitHub says that the list goes on at {address}, which is not at its own address")]
    Astray { operation: String, address: String },
    #[error("issue {url} was made without the label `{label}`: GitHub dropped it, so it will not be found again")]
    LabelDropped { url: String, label: String },
}

impl GithubError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            GithubError::NoToken => {
                "in a workflow: `env: { GITHUB_TOKEN: \"${{ github.token }}\" }`; --dry-run prints without calling GitHub"
            }
            GithubError::NoRepository | GithubError::Repository(_) => "GitHub Actions sets it: owner/name",
            GithubError::Api(_) => "GitHub Actions sets it; leave it out for https://api.github.com",
            GithubError::NoPullRequest => "--pull-request N names it",
            GithubError::Token { .. } => "the token is no longer valid, or is of another GitHub",
            GithubError::Forbidden { needs, .. } => {
                return Some(format!(
                    "give the job `permissions: {{ {} }}`; a pull request from a fork gets a token that only reads, \
                     whatever `permissions` says",
                    needs.line()
                ));
            }
            GithubError::Missing { status: 410, .. } => "issues are switched off in this repository's settings",
            GithubError::Missing { .. } => "check GITHUB_REPOSITORY and the number, and the job's `permissions:`",
            GithubError::Limited { .. } => "run again later: what was posted is found again",
            GithubError::Refused { status: 301 | 307 | 308, .. } => {
                "the repository was renamed or moved: set GITHUB_REPOSITORY"
            }
            GithubError::Refused { status: 500.., .. } | GithubError::Unreachable { .. } => {
                "run again: what was posted is found again and not posted twice"
            }
            GithubError::LabelDropped { .. } => "close that issue, and use a token that may write to the repository",
            GithubError::Refused { .. } | GithubError::Unreadable { .. } | GithubError::Astray { .. } => return None,
        };
        Some(hint.to_owned())
    }
}
