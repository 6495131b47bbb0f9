//! `events list`: events that wait for a person or a later version, or all that the ledger keeps.

use billing::ledger::stripe_events::{DEAD_EVENT, DEFERRED_EVENT, DONE_EVENT};
use clap::Args;
use serde_json::json;

use super::project;
use crate::ledger::reader::LedgerReader;
use crate::ui::exit;
use crate::ui::failure::Outcome;
use crate::ui::options::{Format, Global};
use crate::ui::views::{self, terminal};

/// Arguments of `events list`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Also those that were applied or had no effect; they are kept for 90 days.
    #[arg(long)]
    pub all: bool,
    /// Only those of one tenant.
    #[arg(long, value_name = "ID")]
    pub tenant: Option<String>,
}

/// Reads the ledger, and shows it.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = project(global)?;
    let reader = LedgerReader::open(&project).await?;
    let kinds: &[&str] =
        if arguments.all { &[DEAD_EVENT, DEFERRED_EVENT, DONE_EVENT] } else { &[DEAD_EVENT, DEFERRED_EVENT] };
    let mut events = Vec::new();
    for kind in kinds {
        events.extend(reader.events(kind).await?);
    }
    events.retain(|event| arguments.tenant.as_ref().is_none_or(|id| event.tenant.as_ref() == Some(id)));
    events.sort_by(|left, right| (right.created, &right.id).cmp(&(left.created, &left.id)));
    match global.format {
        Format::Human => terminal::print(&views::events::list(&events, arguments.all, terminal::width())),
        Format::Json => terminal::print_json(&json!({ "events": events }))?,
    }
    Ok(exit::DONE)
}
