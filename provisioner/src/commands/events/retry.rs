//! `events retry`: the deployed sweep applies one event again, or all that could not be applied.

use billing::ledger::stripe_events::DEAD_EVENT;
use clap::Args;
use serde_json::{Value, json};

use super::{Sweep, project};
use crate::ledger::reader::LedgerReader;
use crate::ui::exit;
use crate::ui::failure::Outcome;
use crate::ui::options::{Format, Global};
use crate::ui::views::{self, terminal};

/// Arguments of `events retry`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The event's id: `evt_…`.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub event: Option<String>,
    /// Every event that could not be applied.
    #[arg(long)]
    pub all: bool,
}

/// Calls the sweep, and shows what became of each event.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = project(global)?;
    let reader = LedgerReader::open(&project).await?;
    let ids: Vec<String> = match &arguments.event {
        Some(id) => vec![id.clone()],
        None => reader.events(DEAD_EVENT).await?.into_iter().map(|event| event.id).collect(),
    };
    let sweep = Sweep::open(&project).await?;
    let mut failed = false;
    let mut events = Vec::new();
    for id in ids {
        let answer = sweep.call(&json!({ "retry": id })).await?;
        failed |= answer["failed"].as_array().is_some_and(|failures| !failures.is_empty());
        match reader.event(&id).await? {
            Some(event) => events.push(event),
            // Neither an effect nor a dead letter could be stored.
            None => report(&answer),
        }
    }
    match global.format {
        Format::Human => terminal::print(&views::events::list(&events, true, terminal::width())),
        Format::Json => terminal::print_json(&json!({ "events": events }))?,
    }
    Ok(if failed { exit::ERROR } else { exit::DONE })
}

fn report(answer: &Value) {
    for failure in answer["failed"].as_array().into_iter().flatten() {
        let text = |key: &str| failure[key].as_str().unwrap_or_default().to_owned();
        terminal::eprint_line(&format!("{}: {}", text("what"), text("reason")));
    }
}
