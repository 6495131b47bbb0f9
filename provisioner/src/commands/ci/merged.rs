//! `ci merged`: which plan belongs to the commit that was merged. Asks no cloud.

use std::fs::OpenOptions;
use std::io::Write as _;

use clap::Args;
use serde_json::json;

use super::place::{failure, place, variable};
use crate::cloud::github::client::Github;
use crate::run::merged_plan::{self, ARTIFACT, Merged};
use crate::run::waiting::TokioClock;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::terminal;

/// Arguments of `ci merged`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The commit; else the one that the workflow runs for, GITHUB_SHA.
    #[arg(long, value_name = "SHA")]
    pub commit: Option<String>,
}

/// Asks GitHub, and hands what it found to the steps that follow.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let commit = commit(arguments.commit.clone())?;
    let github = Github::new(place()?, &TokioClock, terminal::eprint_line);
    let merged = merged_plan::find(&github, &commit).await.map_err(failure)?;
    hand_over(&merged)?;
    tell(global, &commit, &merged)?;
    Ok(exit::DONE)
}

/// It becomes part of an address, so it must be what GitHub calls a SHA.
fn commit(given: Option<String>) -> Result<String, Failure> {
    let commit = given.or_else(|| variable("GITHUB_SHA")).ok_or_else(|| {
        Failure::new("it is not known which commit is meant: GITHUB_SHA is not set").hint("--commit SHA names it")
    })?;
    if commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(commit.to_ascii_lowercase())
    } else {
        Err(Failure::new(format!("`{commit}` is no commit: 40 hexadecimal digits name one")))
    }
}

/// The number of the pull request and the id of the run, as far as they are known.
fn found(merged: &Merged) -> (Option<u64>, Option<u64>) {
    match merged {
        Merged::Pushed => (None, None),
        Merged::Planless(pull_request) => (Some(*pull_request), None),
        Merged::Planned { pull_request, run_id } => (Some(*pull_request), Some(*run_id)),
    }
}

fn outputs(merged: &Merged) -> String {
    let (pull_request, run_id) = found(merged);
    let shown = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    format!("run_id={}\npull_request={}\n", shown(run_id), shown(pull_request))
}

/// Appends the outputs to the file of `GITHUB_OUTPUT`, where a workflow's step has one.
fn hand_over(merged: &Merged) -> Result<(), Failure> {
    let Some(path) = variable("GITHUB_OUTPUT") else { return Ok(()) };
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let written = file.and_then(|mut file| file.write_all(outputs(merged).as_bytes()));
    written.map_err(|error| Failure::new(format!("GITHUB_OUTPUT: {path} cannot be written: {error}")))
}

fn tell(global: &Global, commit: &str, merged: &Merged) -> Result<(), Failure> {
    if global.format == Format::Json {
        let (pull_request, run_id) = found(merged);
        return terminal::print_json(&json!({ "pull_request": pull_request, "run_id": run_id }));
    }
    terminal::print(&outputs(merged));
    match merged {
        Merged::Pushed => terminal::eprint_line(&format!("No pull request was merged as {commit}.")),
        Merged::Planless(number) => terminal::eprint_line(&format!(
            "No workflow run for the last commit of pull request {number} left an artefact {ARTIFACT} that can still be fetched."
        )),
        Merged::Planned { .. } => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_forty_digits() {
        let sha = "0123456789ABCDEF0123456789abcdef01234567";
        assert_eq!(commit(Some(sha.to_owned())).ok(), Some(sha.to_lowercase()));
        for wrong in ["", "main", "../../issues", &sha[1..]] {
            assert!(commit(Some(wrong.to_owned())).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_not_known_is_empty() {
        assert_eq!(outputs(&Merged::Pushed), "run_id=\npull_request=\n");
        assert_eq!(outputs(&Merged::Planless(7)), "run_id=\npull_request=7\n");
        assert_eq!(outputs(&Merged::Planned { pull_request: 7, run_id: 12 }), "run_id=12\npull_request=7\n");
    }
}
