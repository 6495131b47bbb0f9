//! `ci issues`: drift as GitHub issues, opened, edited, closed and reopened. Asks no cloud.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::place::{failure, place};
use crate::cloud::github::client::Github;
use crate::drift::document::DriftDocument;
use crate::drift::issues::{self, Wanted};
use crate::run::drift_issues::{self, Done};
use crate::run::waiting::TokioClock;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::{drift_issue, terminal};

/// Arguments of `ci issues`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// What `drift --format json` printed.
    #[arg(value_name = "DRIFTFILE")]
    pub drift: PathBuf,
    /// Prints the issues that should stand and calls nobody.
    #[arg(long)]
    pub dry_run: bool,
}

/// What is said where nothing was judged.
const IN_MOTION: &str =
    "An apply went on while drift was read, so what it touched may look like drift: no issue was touched. Look again.";

/// What is said where not everything was judged.
const INCOMPLETE: &str = "Not everything could be read, so no issue was closed for want of drift.";

/// Compares what should stand with what stands, and makes it so.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let document = read(&arguments.drift)?;
    let wanted = drift_issue::wanted(&document);
    if arguments.dry_run {
        show(global, &wanted)?;
        return Ok(exit::DONE);
    }
    let mut notes = Vec::new();
    if document.state_moved {
        tell(global, &[], &[IN_MOTION])?;
        return Ok(exit::DONE);
    }
    if document.is_incomplete() {
        notes.push(INCOMPLETE);
    }
    let github = Github::new(place()?, &TokioClock, terminal::eprint_line);
    let standing = drift_issues::standing(&github, &document.stack).await.map_err(failure)?;
    let mut done = Vec::new();
    for step in issues::steps(wanted, standing, !document.is_incomplete()) {
        match drift_issues::carry_out(&github, step).await {
            Ok(one) => done.push(one),
            Err(error) => {
                // What was done is said all the same.
                tell(global, &done, &notes)?;
                return Err(failure(error));
            }
        }
    }
    tell(global, &done, &notes)?;
    Ok(exit::DONE)
}

fn read(path: &Path) -> Result<DriftDocument, Failure> {
    let shown = path.display();
    let text = fs::read(path).map_err(|error| Failure::new(format!("the drift {shown} cannot be read: {error}")))?;
    DriftDocument::parse(&text).map_err(|error| {
        Failure::new(format!("{shown} is not drift's document: {error}"))
            .hint("`billform drift --format json > FILE` writes one")
    })
}

fn show(global: &Global, wanted: &[Wanted]) -> Result<(), Failure> {
    if global.format == Format::Json {
        let issue = |one: &Wanted| json!({ "tenant": one.tenant, "title": one.title, "body": one.body });
        return terminal::print_json(&json!({ "issues": wanted.iter().map(issue).collect::<Vec<Value>>() }));
    }
    for one in wanted {
        terminal::print(&format!("# {}\n\n{}\n", one.title, one.body));
    }
    Ok(())
}

fn tell(global: &Global, done: &[Done], notes: &[&str]) -> Result<(), Failure> {
    if global.format == Format::Json {
        let issue = |one: &Done| json!({ "action": one.action, "tenant": one.tenant, "url": one.url });
        let issues: Vec<Value> = done.iter().map(issue).collect();
        return terminal::print_json(&json!({ "issues": issues, "notes": notes }));
    }
    for one in done {
        let of = one.tenant.as_ref().map(|tenant| format!(" (tenant {tenant})")).unwrap_or_default();
        let line = match (one.action, &one.url) {
            ("none", Some(url)) => format!("Issue as it should be{of}: {url}"),
            ("deferred", _) => format!("Issue left to the next run{of}: enough were opened by this one"),
            (action, url) => format!("Issue {action}{of}: {}", url.as_deref().unwrap_or_default()),
        };
        terminal::print(&format!("{line}\n"));
    }
    if done.is_empty() && notes.is_empty() {
        terminal::print("No drift, and no issue that says otherwise.\n");
    }
    notes.iter().for_each(|note| terminal::eprint_line(note));
    Ok(())
}
