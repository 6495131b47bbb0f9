//! `schema`: the JSON Schema of a manifest, for editors.

use billing::manifest::{json_schema, tenant_schema};
use clap::Args;

use crate::ui::exit;
use crate::ui::failure::Outcome;
use crate::ui::views::terminal;

/// Arguments of `schema`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The schema of one tenant, which a file of `tenants/` holds, instead of the whole manifest's.
    #[arg(long)]
    pub tenant: bool,
}

/// Prints it.
pub fn run(arguments: &Arguments) -> Outcome {
    terminal::print_json(&if arguments.tenant { tenant_schema() } else { json_schema() })?;
    Ok(exit::DONE)
}
