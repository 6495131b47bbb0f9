//! `events dismiss`: a person has looked at an event that could not be applied, and there is nothing to do about it.

use clap::Args;
use serde_json::json;

use super::{Sweep, project};
use crate::ledger::reader::LedgerReader;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::{self, terminal};

/// Arguments of `events dismiss`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The event's id: `evt_…`.
    pub event: String,
    /// Why there is nothing to do about it; kept with the event.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// Has the deployed sweep close it, and shows it.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = project(global)?;
    let (id, reason) = (&arguments.event, arguments.reason.trim());
    if reason.is_empty() {
        return Err(Failure::new("a dismissal without a reason explains nothing later").hint("--reason \"…\""));
    }
    Sweep::open(&project).await?.call(&json!({ "dismiss": id, "reason": reason })).await?;
    let event = LedgerReader::open(&project).await?.event(id).await?;
    match (&event, global.format) {
        (Some(event), Format::Human) => terminal::print(&views::events::one(event, terminal::width())),
        (event, _) => terminal::print_json(event)?,
    }
    Ok(exit::DONE)
}
