//! One file per command: arguments, and one function. A command neither parses nor formats.

pub mod apply;
pub mod ci;
pub mod close;
pub mod completions;
pub mod costs;
pub mod demo;
pub mod destroy;
pub mod drift;
pub mod events;
pub mod fmt;
pub mod graph;
pub mod import;
pub mod init;
pub mod invoice;
pub mod kinds;
pub mod local;
pub mod man;
pub mod month;
pub mod output;
pub mod package;
pub mod permissions;
pub mod plan;
pub mod rotate;
pub mod schema;
pub mod state;
pub mod tenant;
pub mod unlock;
pub mod validate;

use clap::CommandFactory as _;

use crate::ui::cli::{Cli, Command};
use crate::ui::failure::Outcome;

/// Runs the command.
pub async fn run(cli: Cli) -> Outcome {
    let global = &cli.global;
    match cli.command {
        Command::Init(arguments) => init::run(global, &arguments).await,
        Command::Validate => validate::run(global),
        Command::Fmt(arguments) => fmt::run(global, &arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Plan(arguments) => plan::run(global, &arguments).await,
        Command::Apply(arguments) => apply::run(global, &arguments).await,
        Command::Destroy(arguments) => destroy::run(global, &arguments).await,
        Command::Drift(arguments) => drift::run(global, &arguments).await,
        Command::Import(arguments) => import::run(global, &arguments).await,
        Command::Output(arguments) => output::run(global, &arguments).await,
        Command::Graph(arguments) => graph::run(global, &arguments),
        Command::Kinds => kinds::run(global),
        Command::Permissions(arguments) => permissions::run(global, &arguments),
        Command::State(subcommand) => state::run(global, &subcommand).await,
        Command::Rotate(subcommand) => rotate::run(global, &subcommand).await,
        Command::Unlock(arguments) => unlock::run(global, &arguments).await,
        Command::Package(arguments) => package::run(global, &arguments).await,
        Command::Tenant(subcommand) => tenant::run(global, &subcommand).await,
        Command::Invoice(subcommand) => invoice::run(global, &subcommand).await,
        Command::Month(subcommand) => month::run(global, &subcommand).await,
        Command::Events(subcommand) => events::run(global, &subcommand).await,
        Command::Close(arguments) => close::run(global, &arguments).await,
        Command::Costs(subcommand) => costs::run(global, &subcommand).await,
        Command::Ci(subcommand) => ci::run(global, &subcommand).await,
        Command::Local(subcommand) => local::run(global, &subcommand).await,
        Command::Demo(arguments) => demo::run(global, &arguments).await,
        Command::Completions(arguments) => completions::run(&arguments, Cli::command()),
        Command::Man(arguments) => man::run(global, &arguments, Cli::command()),
    }
}
