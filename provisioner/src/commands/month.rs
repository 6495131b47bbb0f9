//! `month`: what the schedules do each day, now and in one go.

use billing::Month;
use clap::{Args, Subcommand as ClapSubcommand};
use serde_json::{Value, json};

use super::invoice::run as invoicer;
use super::invoice::status::Status;
use crate::cloud::calls::Calls;
use crate::cloud::connection::Connection;
use crate::cloud::functions;
use crate::project::Project;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::{self, costs_synced, terminal};

/// Subcommands of `month`.
#[derive(Debug, ClapSubcommand)]
pub enum Subcommand {
    /// Has the deployed functions read the costs and work on the invoices, and shows how the months stand then.
    Run(Arguments),
}

/// Arguments of `month run`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// One month; every open one without it.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<Month>,
}

/// Runs the subcommand.
pub async fn run(global: &Global, subcommand: &Subcommand) -> Outcome {
    let Subcommand::Run(arguments) = subcommand;
    let (project, period) = (Project::load(global)?, arguments.period);
    terminal::eprint_line("Reading costs");
    let synced = sync(&project, period).await?;
    // Invoices are drawn from what could be read: a tenant whose costs could not keeps its month waiting by itself.
    terminal::eprint_line("Invoicing");
    let invoiced = invoicer::call(&project, &invoicer::all(period)).await?;
    let status = Status::load(&project, None, period).await?;
    match global.format {
        Format::Human => {
            let width = terminal::width();
            let parts = [
                costs_synced::render(&synced, width),
                views::invoicer_answer::render(&invoiced, width),
                status.render(width),
            ];
            terminal::print(&parts.join("\n"));
        }
        Format::Json => {
            terminal::print_json(&json!({ "costs": synced, "invoicer": invoiced, "status": status.json() }))?;
        }
    }
    let is_whole = costs_synced::failed(&synced).is_empty() && invoicer::is_whole(&invoiced);
    Ok(if is_whole { exit::DONE } else { exit::ERROR })
}

/// Calls the stack's cost sync, for its open months or for the one.
async fn sync(project: &Project, period: Option<Month>) -> Result<Value, Failure> {
    let event = match period {
        Some(month) => json!({ "start": month.period().start(), "end": month.period().last_day() }),
        None => json!({}),
    };
    let config = Connection::open(&project.manifest, Calls::default()).await?.config;
    let function = project.manifest.function_name("cost_sync");
    functions::call(&aws_sdk_lambda::Client::new(&config), &function, &event, "month").await
}
