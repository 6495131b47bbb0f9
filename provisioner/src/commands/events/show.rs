//! `events show`: what became of one event.

use clap::Args;

use super::project;
use crate::ledger::reader::LedgerReader;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::{self, terminal};

/// Arguments of `events show`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The event's id: `evt_…`.
    pub event: String,
}

/// Reads the ledger, and shows it.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = project(global)?;
    let event = LedgerReader::open(&project).await?.event(&arguments.event).await?.ok_or_else(|| {
        Failure::new(format!("the ledger has no event `{}`", arguments.event))
            .hint("`billform events list --all` shows what it has; `billform events retry` fetches one from Stripe")
    })?;
    match global.format {
        Format::Human => terminal::print(&views::events::one(&event, terminal::width())),
        Format::Json => terminal::print_json(&event)?,
    }
    Ok(exit::DONE)
}
