//! What the stand-in holds: issues, pull requests among them, and their comments.

use std::collections::VecDeque;

use super::actions::{Artifact, Branch};
use super::control::{Fault, Rights, Seen};

/// The account that a workflow's own token acts as.
pub const ACTIONS_BOT: &str = "github-actions[bot]";

/// An issue or a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Its Markdown.
    pub body: String,
    /// `open` or `closed`.
    pub state: String,
    /// Why it is in that state.
    pub state_reason: Option<String>,
    /// Names of its labels.
    pub labels: Vec<String>,
    /// Who opened it.
    pub author: String,
    /// Whether it is a pull request.
    pub is_pull_request: bool,
}

/// A comment on one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Its id.
    pub id: u64,
    /// The number of what it is on.
    pub on: u64,
    /// Its Markdown.
    pub body: String,
    /// Who wrote it.
    pub author: String,
}

/// All of it.
#[derive(Debug)]
pub struct State {
    pub token: String,
    pub rights: Rights,
    pub issues: Vec<Issue>,
    pub comments: Vec<Comment>,
    pub branches: Vec<Branch>,
    pub artifacts: Vec<Artifact>,
    pub next_number: u64,
    pub next_comment: u64,
    pub faults: VecDeque<Fault>,
    pub seen: Vec<Seen>,
}

impl State {
    pub fn new(token: &str, rights: Rights) -> State {
        State {
            token: token.to_owned(),
            rights,
            issues: Vec::new(),
            comments: Vec::new(),
            branches: Vec::new(),
            artifacts: Vec::new(),
            next_number: 1,
            next_comment: 1_000,
            faults: VecDeque::new(),
            seen: Vec::new(),
        }
    }

    pub fn issue(&self, number: u64) -> Option<&Issue> {
        self.issues.iter().find(|issue| issue.number == number)
    }

    pub fn issue_mut(&mut self, number: u64) -> Option<&mut Issue> {
        self.issues.iter_mut().find(|issue| issue.number == number)
    }

    pub fn open(&mut self, title: &str, body: &str, labels: Vec<String>, author: &str, is_pull_request: bool) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        self.issues.push(Issue {
            number,
            title: title.to_owned(),
            body: body.to_owned(),
            state: "open".to_owned(),
            state_reason: None,
            labels,
            author: author.to_owned(),
            is_pull_request,
        });
        number
    }

    pub fn comment(&mut self, on: u64, body: &str, author: &str) -> u64 {
        let id = self.next_comment;
        self.next_comment += 1;
        self.comments.push(Comment { id, on, body: body.to_owned(), author: author.to_owned() });
        id
    }
}
