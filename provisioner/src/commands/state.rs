//! `state`: what billform remembers.

use clap::Subcommand as ClapSubcommand;
use engine::Address;
use engine::state::StateStore as _;

use crate::cli::{Format, Global};
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::project::Project;
use crate::store::file::FileStore;
use crate::views::terminal;

/// Subcommands of `state`.
#[derive(Debug, ClapSubcommand)]
pub enum Subcommand {
    /// Lists the addresses of everything remembered.
    List,
    /// Shows one record. Records hold no secrets.
    Show {
        /// Which one: `iam_role.costs`.
        address: Address,
    },
}

/// Prints it.
pub async fn run(global: &Global, subcommand: &Subcommand) -> Outcome {
    let project = Project::load(global)?;
    let store = FileStore::open(&project.state_path()?);
    let state = store.load(&project.manifest.stack()).await?;
    match subcommand {
        Subcommand::List if global.format == Format::Json => {
            terminal::print_json(&state.records.keys().collect::<Vec<_>>())?;
        }
        Subcommand::List => state.records.keys().for_each(|address| terminal::print(&format!("{address}\n"))),
        Subcommand::Show { address } => {
            let record = state.records.get(address).ok_or_else(|| {
                Failure::new(format!("the state knows no {address}")).hint("`billform state list` shows what it knows")
            })?;
            terminal::print_json(record)?;
        }
    }
    Ok(exit::DONE)
}
