//! Progress on stderr: a bar on a terminal, plain lines without one.

use std::collections::HashMap;
use std::io::{self, IsTerminal};
use std::sync::Mutex;
use std::time::Instant;

use engine::{Action, Address, Event, Observer, Status};
use indicatif::{ProgressBar, ProgressStyle};

use crate::ui::views::style::{DIM, RED, YELLOW, paint};
use crate::ui::views::terminal;

/// Watches a run and tells about it.
pub struct Progress {
    verbose: bool,
    bar: ProgressBar,
    started: Mutex<HashMap<Address, Instant>>,
}

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
        Progress { verbose, bar, started: Mutex::default() }
    }

    /// Only reads, before a plan.
    pub fn reading(verbose: bool) -> Progress {
        Progress::new(0, verbose)
    }

    fn line(&self, text: &str) {
        // The bar gives way while a line is printed.
        self.bar.suspend(|| terminal::eprint_line(text));
    }

    fn took(&self, address: &Address) -> String {
        let started = self.started.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).remove(address);
        started.map(|at| format!(" after {}", crate::ui::views::apply::seconds(at.elapsed()))).unwrap_or_default()
    }
}

impl Observer for Progress {
    fn event(&self, event: &Event) {
        match event {
            Event::Refreshing { kind, count } if self.verbose => self.line(&format!("{kind}: reading {count}")),
            Event::Refreshed { kind, found, failed } if self.verbose => {
                self.line(&format!("{kind}: {found} found, {failed} unreadable"));
            }
            Event::Started { address, action } => {
                self.started
                    .lock()
                    .unwrap_or_else(|poisoned| poisoned.into_inner())
                    .insert(address.clone(), Instant::now());
                self.bar.set_message(address.to_string());
                if self.verbose {
                    self.line(&format!("{address}: {}", paint(DIM, doing(*action))));
                }
            }
            Event::Retrying { address, in_ms, why } => {
                self.line(&format!("{address}: {} {why}; again in {in_ms} ms", paint(YELLOW, "waiting:")));
            }
            Event::Finished { address, action, status } => {
                self.bar.inc(1);
                if *action != Action::NoOp {
                    self.line(&format!("{address}: {}{}", done(*action, status), self.took(address)));
                }
            }
            Event::Refreshing { .. } | Event::Refreshed { .. } => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
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

fn done(action: Action, status: &Status) -> String {
    let word = match action {
        Action::Create => "created",
        Action::Update => "updated",
        Action::Replace => "replaced",
        Action::Delete => "deleted",
        Action::Adopt => "adopted",
        Action::Import => "imported",
        Action::NoOp => "recorded",
    };
    match status {
        Status::Done => word.to_owned(),
        Status::Unchanged => "already as it should be".to_owned(),
        Status::Pending(_) => paint(YELLOW, "pending"),
        Status::Archived(_) | Status::Kept(_) => paint(YELLOW, "kept"),
        Status::Failed(error) => paint(RED, format!("failed: {error}")),
        Status::Skipped { because } => paint(YELLOW, format!("skipped, it needs {because}")),
        Status::NotStarted => paint(YELLOW, "not begun"),
    }
}
