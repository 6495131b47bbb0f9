//! The handle on one stand-in: how a test sets it up, disturbs it and looks into it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::actions::{Artifact, Branch};
use super::server;
use super::state::{Comment, Issue, State};

/// What the token may do beside reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// `issues: write`.
    pub issues: bool,
    /// `pull-requests: write`.
    pub pull_requests: bool,
    /// Whether it may label; GitHub drops labels of those who may not.
    pub labels: bool,
}

impl Rights {
    /// All of it.
    pub const ALL: Rights = Rights { issues: true, pull_requests: true, labels: true };
    /// None of it: the token of a pull request from a fork.
    pub const READ: Rights = Rights { issues: false, pull_requests: false, labels: false };
}

/// An answer that takes the place of the next one that fits.
#[derive(Debug, Clone)]
pub struct Fault {
    /// The method it is for.
    pub method: &'static str,
    /// What the path contains.
    pub path: &'static str,
    /// The status.
    pub status: u16,
    /// Headers beside the usual ones.
    pub headers: Vec<(&'static str, String)>,
    /// The sentence of the answer.
    pub message: &'static str,
    /// Whether the request does its work all the same, and only its answer is lost.
    pub after_the_work: bool,
}

/// One request that was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query.
    pub query: String,
    /// The body, where it is JSON.
    pub body: Option<Value>,
    /// The `X-GitHub-Api-Version` header.
    pub version: Option<String>,
    /// The `User-Agent` header.
    pub agent: Option<String>,
    /// The status it was answered with.
    pub status: u16,
}

/// One repository at one stand-in, served until it is dropped.
pub struct Hub {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    serving: JoinHandle<()>,
}

/// The repository there is.
pub const REPOSITORY: &str = "octo-org/infra";

/// A token such as a workflow's.
const TOKEN: &str = "ghs_canary0123456789abcdefghijklmnopqrst";

impl Hub {
    /// An empty repository, with a token that may do this.
    pub async fn start(rights: Rights) -> Hub {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port of loopback");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State::new(TOKEN, rights)));
        let serving = tokio::spawn(server::serve(listener, Arc::clone(&state), format!("http://{address}")));
        Hub { address, state, serving }
    }

    /// What GitHub Actions sets for a step of this repository.
    pub fn variables(&self) -> Vec<(String, String)> {
        let set = [
            ("GITHUB_API_URL", format!("http://{}", self.address)),
            ("GITHUB_REPOSITORY", REPOSITORY.to_owned()),
            ("GITHUB_TOKEN", TOKEN.to_owned()),
        ];
        set.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    /// The token.
    pub fn token(&self) -> &'static str {
        TOKEN
    }

    /// Opens a pull request; its number.
    pub fn pull_request(&self) -> u64 {
        self.state().open("A change", "", Vec::new(), "ana", true)
    }

    /// Pushes this commit to the branch of a pull request.
    pub fn push(&self, number: u64, commit: &str) {
        let mut state = self.state();
        state.branches.retain(|branch| branch.number != number);
        state.branches.push(Branch { number, head: commit.to_owned(), merged: None });
    }

    /// Merges a pull request as this commit.
    pub fn merge(&self, number: u64, commit: &str) {
        let mut state = self.state();
        if let Some(branch) = state.branches.iter_mut().find(|branch| branch.number == number) {
            branch.merged = Some(commit.to_owned());
        }
        if let Some(issue) = state.issue_mut(number) {
            issue.state = "closed".to_owned();
        }
    }

    /// Keeps an artefact of a workflow run for this commit, as `upload-artifact` does; its id.
    pub fn keep(&self, name: &str, run: u64, commit: &str) -> u64 {
        self.add(name, run, commit, false)
    }

    /// The same of a run for a fork.
    pub fn keep_of_fork(&self, name: &str, run: u64, commit: &str) -> u64 {
        self.add(name, run, commit, true)
    }

    /// Lets an artefact expire.
    pub fn expire(&self, id: u64) {
        if let Some(artifact) = self.state().artifacts.iter_mut().find(|artifact| artifact.id == id) {
            artifact.expired = true;
        }
    }

    /// The artefacts, in the order they were kept.
    pub fn artifacts(&self) -> Vec<Artifact> {
        self.state().artifacts.clone()
    }

    fn add(&self, name: &str, run: u64, commit: &str, of_fork: bool) -> u64 {
        let mut state = self.state();
        let id = u64::try_from(state.artifacts.len()).unwrap_or_default() + 1;
        let (name, head) = (name.to_owned(), commit.to_owned());
        state.artifacts.push(Artifact { id, name, run, head, of_fork, expired: false });
        id
    }

    /// Opens an issue as a person does; its number.
    pub fn issue(&self, title: &str, body: &str, labels: &[&str], author: &str) -> u64 {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        self.state().open(title, body, labels, author, false)
    }

    /// Comments as a person does; the comment's id.
    pub fn comment(&self, on: u64, body: &str, author: &str) -> u64 {
        self.state().comment(on, body, author)
    }

    /// Closes an issue as a person does.
    pub fn close(&self, number: u64) {
        if let Some(issue) = self.state().issue_mut(number) {
            issue.state = "closed".to_owned();
        }
    }

    /// Disturbs the next request that fits; several disturb one after the other.
    pub fn disturb(&self, fault: Fault) {
        self.state().faults.push_back(fault);
    }

    /// Takes rights away or gives them.
    pub fn allow(&self, rights: Rights) {
        self.state().rights = rights;
    }

    /// The issues, without pull requests, in the order they were opened.
    pub fn issues(&self) -> Vec<Issue> {
        self.state().issues.iter().filter(|issue| !issue.is_pull_request).cloned().collect()
    }

    /// The comments on an issue or pull request, oldest first.
    pub fn comments(&self, on: u64) -> Vec<Comment> {
        self.state().comments.iter().filter(|comment| comment.on == on).cloned().collect()
    }

    /// What was asked so far, oldest first.
    pub fn seen(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    /// What was asked so far that writes: `POST /repos/…`.
    pub fn writes(&self) -> Vec<String> {
        let writing = self.seen().into_iter().filter(|seen| seen.method != "GET");
        writing.map(|seen| format!("{} {}", seen.method, seen.path)).collect()
    }

    /// Forgets what was asked.
    pub fn forget_requests(&self) {
        self.state().seen.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
