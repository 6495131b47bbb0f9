//! `ci`: what workflows do at GitHub.

pub mod comment;
pub mod issues;
pub mod merged;
mod place;

use clap::Subcommand as ClapSubcommand;

use crate::ui::failure::Outcome;
use crate::ui::options::Global;

/// Subcommands of `ci`.
#[derive(Debug, ClapSubcommand)]
pub enum Subcommand {
    /// Keeps the one comment of a pull request that shows its plan; edits it in place.
    Comment(comment::Arguments),
    /// Keeps one issue for each tenant that drifts and one for what all share; closes it when the drift is gone.
    Issues(issues::Arguments),
    /// Finds the pull request that was merged as this commit, and the workflow run that left its plan.
    Merged(merged::Arguments),
}

/// Comments, keeps issues or finds a plan.
pub async fn run(global: &Global, subcommand: &Subcommand) -> Outcome {
    match subcommand {
        Subcommand::Comment(arguments) => comment::run(global, arguments).await,
        Subcommand::Issues(arguments) => issues::run(global, arguments).await,
        Subcommand::Merged(arguments) => merged::run(global, arguments).await,
    }
}
