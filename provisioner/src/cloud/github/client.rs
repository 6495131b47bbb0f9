//! The client: sends a request, waits where GitHub asks for it, repeats what may be repeated, reads all pages.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use engine::clock::Clock;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::error::{GithubError, Permission};
use super::limits::{self, Answer};
use super::link;
use super::place::Place;
use super::types::{Artifact, Comment, Issue, PullRequest, Refusal};

/// The version of the API that is asked for, `X-GitHub-Api-Version`.
pub const API_VERSION: &str = "2022-11-28";

/// The media type of the API's JSON.
const JSON: &str = "application/vnd.github+json";

/// GitHub refuses requests that name no client.
const USER_AGENT: &str = concat!("billform/", env!("CARGO_PKG_VERSION"));

/// How many entries of a list a page holds, the most there can be.
const PAGE: u32 = 100;

/// More pages are a list that never ends.
const MOST_PAGES: usize = 200;

/// How often a request is sent at most.
const ATTEMPTS: u32 = 4;

/// How long one run waits in all because of limits.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// GitHub asks to leave so much time between requests that write.
const BETWEEN_WRITES: Duration = Duration::from_secs(1);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a request may take, its answer's last byte included. One that takes longer is not sent again.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// One repository at GitHub, ready to be called.
pub struct Github<'a> {
    place: Place,
    connector: SharedHttpConnector,
    clock: &'a dyn Clock,
    tell: fn(&str),
    waited_ms: AtomicU64,
    wrote: AtomicBool,
    answer_limit: Duration,
}

/// A request.
struct Asking<'a> {
    method: &'a str,
    address: String,
    body: Option<Value>,
    /// As errors name it: `POST /issues/7/comments`.
    operation: String,
    needs: Permission,
}

/// A success.
struct Answered {
    text: Vec<u8>,
    link: Option<String>,
}

impl<'a> Github<'a> {
    /// A client; nothing is sent yet. `tell` says on stderr why it waits.
    pub fn new(place: Place, clock: &'a dyn Clock, tell: fn(&str)) -> Github<'a> {
        let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT);
        let tls = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
        let connector = Connector::builder().tls_provider(tls).connector_settings(settings.build()).build();
        let connector = SharedHttpConnector::new(connector);
        Github {
            place,
            connector,
            clock,
            tell,
            waited_ms: AtomicU64::new(0),
            wrote: AtomicBool::new(false),
            answer_limit: ANSWER_LIMIT,
        }
    }

    /// Every comment of an issue or pull request, oldest first.
    pub async fn comments(&self, number: u64) -> Result<Vec<Comment>, GithubError> {
        self.list(&format!("/issues/{number}/comments?per_page={PAGE}"), Permission::PullRequests).await
    }

    /// Comments on a pull request or issue.
    pub async fn comment(&self, number: u64, body: &str, needs: Permission) -> Result<Comment, GithubError> {
        self.write("POST", &format!("/issues/{number}/comments"), Some(json!({ "body": body })), needs).await
    }

    /// Gives a comment another text.
    pub async fn edit_comment(&self, id: u64, body: &str) -> Result<Comment, GithubError> {
        let below = format!("/issues/comments/{id}");
        self.write("PATCH", &below, Some(json!({ "body": body })), Permission::PullRequests).await
    }

    /// Deletes a comment.
    pub async fn delete_comment(&self, id: u64) -> Result<(), GithubError> {
        let asking = self.asking("DELETE", &format!("/issues/comments/{id}"), None, Permission::PullRequests);
        match self.send(&asking).await {
            // Gone already is gone.
            Ok(_) | Err(GithubError::Missing { status: 404, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Every issue that carries a label, open or closed; pull requests are left out.
    pub async fn issues(&self, label: &str) -> Result<Vec<Issue>, GithubError> {
        let below = format!("/issues?labels={label}&state=all&per_page={PAGE}");
        let all: Vec<Issue> = self.list(&below, Permission::Issues).await?;
        Ok(all.into_iter().filter(|issue| issue.pull_request.is_none()).collect())
    }

    /// Opens an issue with a label, which GitHub makes where it is new.
    pub async fn open_issue(&self, title: &str, body: &str, label: &str) -> Result<Issue, GithubError> {
        let fields = json!({ "title": title, "body": body, "labels": [label] });
        let issue: Issue = self.write("POST", "/issues", Some(fields), Permission::Issues).await?;
        // GitHub drops labels silently where the token may not set them.
        if issue.has_label(label) {
            Ok(issue)
        } else {
            Err(GithubError::LabelDropped { url: issue.html_url, label: label.to_owned() })
        }
    }

    /// Changes fields of an issue: `body`, `state`, `state_reason`.
    pub async fn change_issue(&self, number: u64, fields: Value) -> Result<Issue, GithubError> {
        self.write("PATCH", &format!("/issues/{number}"), Some(fields), Permission::Issues).await
    }

    /// The pull requests that a commit belongs to.
    pub async fn pull_requests(&self, commit: &str) -> Result<Vec<PullRequest>, GithubError> {
        self.list(&format!("/commits/{commit}/pulls?per_page={PAGE}"), Permission::ReadPullRequests).await
    }

    /// Every artefact of this name, expired ones included.
    pub async fn artifacts(&self, name: &str) -> Result<Vec<Artifact>, GithubError> {
        #[derive(serde::Deserialize)]
        struct Page {
            artifacts: Vec<Artifact>,
        }
        let below = format!("/actions/artifacts?name={name}&per_page={PAGE}");
        self.pages(&below, Permission::ReadActions, |page: Page| page.artifacts).await
    }

    async fn list<T: DeserializeOwned>(&self, below: &str, needs: Permission) -> Result<Vec<T>, GithubError> {
        self.pages(below, needs, |page: Vec<T>| page).await
    }

    /// Every entry of a list; `entries` takes them out of a page.
    async fn pages<P: DeserializeOwned, T>(
        &self,
        below: &str,
        needs: Permission,
        entries: impl Fn(P) -> Vec<T>,
    ) -> Result<Vec<T>, GithubError> {
        let mut all = Vec::new();
        let mut asking = self.asking("GET", below, None, needs);
        for _ in 0..MOST_PAGES {
            let answered = self.send(&asking).await?;
            all.extend(entries(read(&asking, &answered.text)?));
            let Some(next) = answered.link.as_deref().and_then(link::next) else { return Ok(all) };
            if !self.place.holds(next) {
                let operation = asking.operation;
                return Err(GithubError::Astray { operation, address: next.to_owned() });
            }
            asking.address = next.to_owned();
        }
        let message = format!("a list of more than {MOST_PAGES} pages");
        Err(GithubError::Unreadable { operation: asking.operation, message })
    }

    async fn write<T: DeserializeOwned>(
        &self,
        method: &str,
        below: &str,
        body: Option<Value>,
        needs: Permission,
    ) -> Result<T, GithubError> {
        let asking = self.asking(method, below, body, needs);
        read(&asking, &self.send(&asking).await?.text)
    }

    fn asking<'b>(&self, method: &'b str, below: &str, body: Option<Value>, needs: Permission) -> Asking<'b> {
        let path = below.split('?').next().unwrap_or_default();
        let operation = format!("github:{method} {path} of {}", self.place.repository);
        Asking { method, address: self.place.address(below), body, operation, needs }
    }

    /// Sends it, again where that does no harm: a `POST` whose answer is lost may have done its work.
    async fn send(&self, asking: &Asking<'_>) -> Result<Answered, GithubError> {
        self.pace(asking).await;
        let repeatable = asking.method != "POST";
        let mut attempt = 1;
        loop {
            let failed = match self.send_once(asking).await {
                Ok(answered) => return Ok(answered),
                Err(failed) => failed,
            };
            let wait = match &failed.wait {
                Some(wait) => *wait,
                None if repeatable && failed.passing => Duration::from_secs(1 << attempt.min(4)) / 2,
                None => return Err(failed.error),
            };
            if attempt == ATTEMPTS || !self.may_wait(wait) {
                let operation = asking.operation.clone();
                let limited = GithubError::Limited { operation, wait_s: wait.as_secs() };
                return Err(if failed.wait.is_some() { limited } else { failed.error });
            }
            if failed.wait.is_some() {
                (self.tell)(&format!("GitHub's rate limit: waiting {} s, as it asks to.", wait.as_secs()));
            }
            self.clock.sleep(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)).await;
            attempt += 1;
        }
    }

    /// Leaves time between writes, but not at a stand-in.
    async fn pace(&self, asking: &Asking<'_>) {
        if asking.method != "GET" && self.wrote.swap(true, Ordering::Relaxed) && !self.place.is_local() {
            self.clock.sleep(u64::try_from(BETWEEN_WRITES.as_millis()).unwrap_or(u64::MAX)).await;
        }
    }

    /// Whether there is so much patience left; takes it.
    fn may_wait(&self, wait: Duration) -> bool {
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let all_ms = self.waited_ms.fetch_add(wait_ms, Ordering::Relaxed).saturating_add(wait_ms);
        Duration::from_millis(all_ms) <= LONGEST_WAIT
    }

    /// Sends it once. A server that is silent would be so again: the failure is not one that passes.
    async fn send_once(&self, asking: &Asking<'_>) -> Result<Answered, Failed> {
        let answer = tokio::time::timeout(self.answer_limit, self.exchange(asking)).await;
        answer.unwrap_or_else(|_| {
            let message = format!("it did not answer within {} s", self.answer_limit.as_secs_f32());
            let error = GithubError::Unreachable { operation: asking.operation.clone(), message };
            Err(Failed { error, wait: None, passing: false })
        })
    }

    async fn exchange(&self, asking: &Asking<'_>) -> Result<Answered, Failed> {
        let unreachable = |message: String| {
            let error =
                GithubError::Unreachable { operation: asking.operation.clone(), message: self.without_token(&message) };
            Failed { error, wait: None, passing: true }
        };
        let request = self.request(asking).map_err(&unreachable)?;
        let answer = self.connector.call(request).await.map_err(|error| unreachable(chain(&error)))?;
        let header = |name: &str| answer.headers().get(name).map(str::to_owned);
        let (status, link) = (answer.status().as_u16(), header("link"));
        let (retry_after, remaining, reset) =
            (header("retry-after"), header("x-ratelimit-remaining"), header("x-ratelimit-reset"));
        let text = ByteStream::new(answer.into_body()).collect().await;
        let text = text.map_err(|error| unreachable(chain(&error)))?.to_vec();
        if (200..300).contains(&status) {
            return Ok(Answered { text, link });
        }
        let message = self.without_token(&refusal(&text));
        let told = Answer {
            status,
            retry_after: retry_after.as_deref(),
            remaining: remaining.as_deref(),
            reset: reset.as_deref(),
            message: &message,
        };
        let wait = limits::wait(&told, jiff::Timestamp::now());
        Err(Failed { error: error(asking, status, message), wait, passing: status >= 500 })
    }

    fn request(&self, asking: &Asking<'_>) -> Result<HttpRequest, String> {
        let text = asking.body.as_ref().map(Value::to_string);
        let mut request = HttpRequest::new(text.as_deref().map_or_else(SdkBody::empty, SdkBody::from));
        request.set_method(asking.method).map_err(|error| error.to_string())?;
        request.set_uri(asking.address.as_str()).map_err(|error| chain(&error))?;
        let headers = request.headers_mut();
        let mut put = |name: &'static str, value: String| {
            // An error shows the value: of the token, too.
            headers.try_insert(name, value).map(drop).map_err(|_| format!("the header {name} would not be a valid one"))
        };
        put("accept", JSON.to_owned())?;
        put("authorization", format!("Bearer {}", self.place.token.expose()))?;
        put("user-agent", USER_AGENT.to_owned())?;
        put("x-github-api-version", API_VERSION.to_owned())?;
        if text.is_some() {
            put("content-type", "application/json".to_owned())?;
        }
        Ok(request)
    }

    /// GitHub does not repeat the token; a proxy that answers in its place might.
    fn without_token(&self, text: &str) -> String {
        crate::ui::sensitive::text(&text.replace(self.place.token.expose(), "***"))
    }
}

/// A request that did not do its work.
struct Failed {
    error: GithubError,
    /// How long GitHub asks to wait, where it is a limit.
    wait: Option<Duration>,
    /// Whether the same request may succeed by itself.
    passing: bool,
}

fn read<T: DeserializeOwned>(asking: &Asking<'_>, text: &[u8]) -> Result<T, GithubError> {
    let unreadable = |error: serde_json::Error| GithubError::Unreadable {
        operation: asking.operation.clone(),
        message: error.to_string(),
    };
    serde_json::from_slice(text).map_err(unreadable)
}

/// The sentence of an answer that refuses; a proxy's page is cut.
fn refusal(text: &[u8]) -> String {
    const LONGEST: usize = 300;
    match serde_json::from_slice::<Refusal>(text) {
        Ok(refusal) if !refusal.message.is_empty() => refusal.text(),
        _ => String::from_utf8_lossy(text)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .chars()
            .take(LONGEST)
            .collect(),
    }
}

fn error(asking: &Asking<'_>, status: u16, message: String) -> GithubError {
    let operation = asking.operation.clone();
    match status {
        401 => GithubError::Token { operation, message },
        403 => GithubError::Forbidden { operation, message, needs: asking.needs },
        404 | 410 => GithubError::Missing { operation, status, message },
        _ => GithubError::Refused { operation, status, message },
    }
}

/// An error with its causes, each once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests;
