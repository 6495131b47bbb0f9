//! Progress on stderr: a bar on a terminal, plain lines without one.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use engine::{Action, Address, Event, Observer, Status};
use indicatif::{ProgressBar, ProgressStyle};

use crate::ui::views::apply::seconds;
use crate::ui::views::style::{DIM, RED, YELLOW, paint};
use crate::ui::views::terminal;

/// Watches a run and tells about it.
pub struct Progress {
    verbose: bool,
    bar: ProgressBar,
    seen: Mutex<Seen>,
}

/// What is under way, and what was too quick for a line of its own.
#[derive(Default)]
struct Seen {
    started: BTreeMap<Address, Instant>,
    quick: BTreeMap<(String, &'static str), usize>,
}

/// What takes less is told with its like.
const QUICK: Duration = Duration::from_millis(50);
/// How many steps under way are named.
const NAMED: usize = 3;

impl Progress {
    /// Tells about `steps` steps; with `verbose` also about each read.
    pub fn new(steps: usize, verbose: bool) -> Progress {
        let bar = if steps > 0 && io::stderr().is_terminal() {
            ProgressBar::new(steps as u64)
        } else {
            ProgressBar::hidden()
        };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}") {
            bar.set_style(style);
        }
        Progress { verbose, bar, seen: Mutex::default() }
    }

    /// Only reads, before a plan.
    pub fn reading(verbose: bool) -> Progress {
        Progress::new(0, verbose)
    }

    fn line(&self, text: &str) {
        // The bar gives way while a line is printed.
        self.bar.suspend(|| terminal::eprint_line(text));
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn started(&self, address: &Address, action: Action) {
        let mut seen = self.seen();
        seen.started.insert(address.clone(), Instant::now());
        self.bar.set_message(under_way(&seen.started));
        drop(seen);
        if self.verbose {
            self.line(&format!("{address}: {}", paint(DIM, doing(action))));
        }
    }

    fn finished(&self, address: &Address, action: Action, status: &Status) {
        let mut seen = self.seen();
        let took = seen.started.remove(address).map(|at| at.elapsed());
        self.bar.inc(1);
        self.bar.set_message(under_way(&seen.started));
        if action == Action::NoOp {
            return;
        }
        let is_quick = took.is_some_and(|took| took < QUICK) && *status == Status::Done;
        if is_quick && !self.verbose {
            *seen.quick.entry((address.kind().to_owned(), did(action))).or_default() += 1;
            return;
        }
        drop(seen);
        let after = took.map(|took| format!(" after {}", seconds(took))).unwrap_or_default();
        self.line(&format!("{address}: {}{after}", done(action, status)));
    }
}

/// `iam_role.costs, lambda_function.costs, budget.acme and 4 more`.
fn under_way(started: &BTreeMap<Address, Instant>) -> String {
    let mut oldest: Vec<(&Address, &Instant)> = started.iter().collect();
    oldest.sort_by_key(|(_, at)| **at);
    let named: Vec<String> = oldest.iter().take(NAMED).map(|(address, _)| address.to_string()).collect();
    match oldest.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// `budget: 13 created`: what was done at once, by kind.
fn quick_lines(quick: &BTreeMap<(String, &'static str), usize>) -> Vec<String> {
    quick.iter().map(|((kind, did), count)| format!("{kind}: {count} {did} at once")).collect()
}

impl Observer for Progress {
    fn event(&self, event: &Event) {
        match event {
            Event::Refreshing { kind, count } if self.verbose => self.line(&format!("{kind}: reading {count}")),
            Event::Refreshed { kind, found, failed } if self.verbose => {
                self.line(&format!("{kind}: {found} found, {failed} unreadable"));
            }
            Event::Started { address, action } => self.started(address, *action),
            Event::Retrying { address, in_ms, why } => {
                self.line(&format!("{address}: {} {why}; again in {in_ms} ms", paint(YELLOW, "waiting:")));
            }
            Event::Finished { address, action, status } => self.finished(address, *action, status),
            Event::Refreshing { .. } | Event::Refreshed { .. } => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let quick = std::mem::take(&mut self.seen().quick);
        quick_lines(&quick).iter().for_each(|line| self.line(line));
        self.bar.finish_and_clear();
    }
}

fn doing(action: Action) -> &'static str {
    match action {
        Action::Create => "creating",
        Action::Update => "updating",
        Action::Replace => "replacing",
        Action::Delete => "deleting",
        Action::Adopt => "adopting",
        Action::Import => "importing",
        Action::NoOp => "recording",
    }
}

fn did(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Update => "updated",
        Action::Replace => "replaced",
        Action::Delete => "deleted",
        Action::Adopt => "adopted",
        Action::Import => "imported",
        Action::NoOp => "recorded",
    }
}

fn done(action: Action, status: &Status) -> String {
    match status {
        Status::Done => did(action).to_owned(),
        Status::Unchanged => "already as it should be".to_owned(),
        Status::Pending(_) => paint(YELLOW, "pending"),
        Status::Archived(_) | Status::Kept(_) => paint(YELLOW, "kept"),
        Status::Failed(error) => paint(RED, format!("failed: {error}")),
        Status::Skipped { because } => paint(YELLOW, format!("skipped, it needs {because}")),
        Status::NotStarted => paint(YELLOW, "not begun"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_under_way_is_named_oldest_first() {
        let now = Instant::now();
        let at = |name: &str, ms: u64| (Address::new("budget", name), now + Duration::from_millis(ms));
        let started = BTreeMap::from([at("a", 3), at("b", 1), at("c", 2)]);
        assert_eq!(under_way(&started), "budget.b, budget.c, budget.a");
        let more: BTreeMap<Address, Instant> = started.into_iter().chain([at("d", 9), at("e", 8)]).collect();
        assert_eq!(under_way(&more), "budget.b, budget.c, budget.a and 2 more");
        assert_eq!(under_way(&BTreeMap::new()), "");
    }

    #[test]
    fn what_was_quick_is_told_by_kind() {
        let quick = BTreeMap::from([(("budget".to_owned(), "created"), 13), (("iam_role".to_owned(), "updated"), 1)]);
        assert_eq!(quick_lines(&quick), ["budget: 13 created at once", "iam_role: 1 updated at once"]);
    }
}
