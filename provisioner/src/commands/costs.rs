//! `costs`: AWS's cost reports, read exactly, which needs no manifest and no stack; and past months into a stack's ledger.

pub mod backfill;
pub mod compare;
pub mod describe;
pub mod report;

mod disk;
mod listed;
mod objects;
mod parts;
mod place;
mod reading;

use clap::Subcommand as ClapSubcommand;

use crate::ui::failure::Outcome;
use crate::ui::options::Global;

/// Subcommands of `costs`.
#[derive(Debug, ClapSubcommand)]
pub enum Subcommand {
    /// Adds up a cost report by tenant, service, day or any tag; with --compare, what a restatement changed.
    Report(report::Arguments),
    /// Shows what a cost report is: layout, columns, tags, months, rows and currencies.
    Describe(describe::Arguments),
    /// Reads past months into the stack's ledger; has AWS let the tags count in them first.
    Backfill(backfill::Arguments),
}

/// Runs the subcommand.
pub async fn run(global: &Global, subcommand: &Subcommand) -> Outcome {
    match subcommand {
        Subcommand::Report(arguments) => report::run(global, arguments).await,
        Subcommand::Describe(arguments) => describe::run(global, arguments).await,
        Subcommand::Backfill(arguments) => backfill::run(global, arguments).await,
    }
}
