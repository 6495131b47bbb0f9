//! `ci comment`: a saved plan as the one comment of its pull request. Asks no cloud.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::place::{failure, place, variable};
use crate::cloud::github::client::Github;
use crate::cloud::github::place::pull_request;
use crate::project::Project;
use crate::run::one_comment::{self, Posted};
use crate::run::saved_plan::SavedPlan;
use crate::run::saved_review;
use crate::run::waiting::TokioClock;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::{ci_comment, terminal};

/// Arguments of `ci comment`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The plan that `plan --out` saved.
    #[arg(value_name = "PLANFILE", required_unless_present = "failure")]
    pub plan: Option<PathBuf>,
    /// What a plan that failed wrote to stderr: the comment says that it failed, and why.
    #[arg(long, value_name = "FILE")]
    pub failure: Option<PathBuf>,
    /// The exit code of the plan that failed.
    #[arg(long, value_name = "N", requires = "failure")]
    pub exit_code: Option<u8>,
    /// The pull request; else the one that the workflow runs for.
    #[arg(long, value_name = "N")]
    pub pull_request: Option<u64>,
    /// Prints the comment and calls nobody.
    #[arg(long)]
    pub dry_run: bool,
}

/// A comment to be.
struct Draft {
    stack: Option<String>,
    body: String,
    /// Nothing is to change: it is worth no comment of its own.
    only_replaces: bool,
}

/// Renders and posts.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let draft = match (&arguments.failure, &arguments.plan) {
        (Some(said), plan) => of_failure(global, said, plan.as_deref(), arguments.exit_code)?,
        (None, Some(plan)) => of_plan(plan)?,
        (None, None) => return Err(Failure::new("neither a plan nor a --failure is given")),
    };
    if arguments.dry_run {
        match global.format {
            Format::Human => terminal::print(&draft.body),
            Format::Json => terminal::print_json(&json!({ "action": "none", "url": null, "body": draft.body }))?,
        }
        return Ok(exit::DONE);
    }
    let github = Github::new(place()?, &TokioClock, terminal::eprint_line);
    let number = pull_request(arguments.pull_request, &variable).map_err(failure)?;
    let kept = one_comment::keep(&github, number, draft.stack.as_deref(), &draft.body, draft.only_replaces).await;
    tell(global, &kept.map_err(failure)?)?;
    Ok(exit::DONE)
}

fn of_plan(plan: &Path) -> Result<Draft, Failure> {
    let review = saved_review::read(plan)?;
    let only_replaces = ci_comment::says_nothing(&review);
    let body = if only_replaces { ci_comment::no_changes(&review) } else { ci_comment::render(&review) };
    Ok(Draft { stack: Some(review.stack), body, only_replaces })
}

/// The stack is the plan's where one was saved, else the manifest's where that is sound.
fn of_failure(global: &Global, said: &Path, plan: Option<&Path>, exit_code: Option<u8>) -> Result<Draft, Failure> {
    let text = fs::read(said).map_err(|error| Failure::new(format!("{} cannot be read: {error}", said.display())))?;
    let (said, code) = as_people_read(&String::from_utf8_lossy(&text));
    let of_plan = || Some(SavedPlan::read(plan?).ok()?.stack().to_owned());
    let of_manifest = || Some(Project::load(global).ok()?.manifest.stack());
    let stack = of_plan().or_else(of_manifest);
    let body = ci_comment::failed(stack.as_deref(), &said, exit_code.or(code));
    Ok(Draft { stack, body, only_replaces: false })
}

/// What a failed run said. With `--format json` its last line is a document, of which the error and the exit code are
/// taken.
fn as_people_read(stderr: &str) -> (String, Option<u8>) {
    let stderr = stderr.trim_end();
    let (before, last) = stderr.rsplit_once('\n').unwrap_or(("", stderr));
    let document: Option<Value> = serde_json::from_str(last).ok();
    let Some(error) = document.as_ref().and_then(|document| document.get("error")) else {
        return (stderr.to_owned(), None);
    };
    let Some(message) = error.get("message").and_then(Value::as_str) else { return (stderr.to_owned(), None) };
    let hints = error.get("hints").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let lines = std::iter::once(format!("error: {message}")).chain(hints.map(|hint| format!("hint: {hint}")));
    let lines: Vec<String> = before.lines().map(str::to_owned).chain(lines).collect();
    (lines.join("\n"), error.get("code").and_then(Value::as_u64).and_then(|code| u8::try_from(code).ok()))
}

fn tell(global: &Global, posted: &Posted) -> Result<(), Failure> {
    if global.format == Format::Json {
        return terminal::print_json(&json!({ "action": posted.action, "url": posted.url }));
    }
    let line = match (posted.action, &posted.url) {
        ("none", None) => "Nothing is to change, and no comment says otherwise: none was made.".to_owned(),
        ("none", Some(url)) => format!("The comment says so already: {url}"),
        (action, url) => format!("Comment {action}: {}", url.as_deref().unwrap_or_default()),
    };
    terminal::print(&format!("{line}\n"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_for_programs_is_shown_as_people_read_it() {
        let said = "reading\n{\"error\":{\"message\":\"no role\",\"hints\":[\"ask\"],\"code\":4}}\n";
        assert_eq!(as_people_read(said), ("reading\nerror: no role\nhint: ask".to_owned(), Some(4)));
        assert_eq!(as_people_read("error: no role\n"), ("error: no role".to_owned(), None));
        assert_eq!(as_people_read("{\"a\":1}"), ("{\"a\":1}".to_owned(), None));
        assert_eq!(as_people_read(""), (String::new(), None));
    }
}
