//! `invoice run`: the deployed invoicer, now.

use billing::Month;
use clap::Args;
use serde_json::{Value, json};

use crate::cloud::calls::Calls;
use crate::cloud::connection::Connection;
use crate::cloud::functions;
use crate::project::Project;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::{self, terminal};

/// Arguments of `invoice run`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// One tenant's id; all without it.
    pub tenant: Option<String>,
    /// One month; every open one without it.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<Month>,
    /// Says what would be drafted, and does nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Runs it and shows what became of each month.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    let mut event = all(arguments.period);
    event["dry_run"] = json!(arguments.dry_run);
    if let Some(tenant) = &arguments.tenant {
        event["tenant"] = json!(tenant);
    }
    shown(global, &call(&project, &event).await?)
}

/// What asks for every tenant's open months, or for one month.
pub(in crate::commands) fn all(period: Option<Month>) -> Value {
    let mut event = json!({ "action": "calculate_and_invoice" });
    if let Some(period) = period {
        event["period"] = json!(period);
    }
    event
}

/// Calls the stack's invoicer.
pub(in crate::commands) async fn call(project: &Project, event: &Value) -> Result<Value, Failure> {
    let config = Connection::open(&project.manifest, Calls::default()).await?.config;
    let function = project.manifest.function_name("invoicer");
    functions::call(&aws_sdk_lambda::Client::new(&config), &function, event, "invoice").await
}

/// Shows an answer; a month that failed fails the command.
pub(super) fn shown(global: &Global, answer: &Value) -> Outcome {
    match global.format {
        Format::Human => terminal::print(&views::invoicer_answer::render(answer, terminal::width())),
        Format::Json => terminal::print_json(answer)?,
    }
    Ok(if is_whole(answer) { exit::DONE } else { exit::ERROR })
}

/// Whether each month was worked on, and none failed.
pub(in crate::commands) fn is_whole(answer: &Value) -> bool {
    with_result(answer, "failed").next().is_none() && answer["left"].as_u64().unwrap_or(0) == 0
}

/// The months of an answer.
pub(super) fn months(answer: &Value) -> &[Value] {
    answer["invoices"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Those that came to a result: `failed`, `waiting`.
pub(super) fn with_result<'a>(answer: &'a Value, result: &'a str) -> impl Iterator<Item = &'a Value> {
    months(answer).iter().filter(move |month| month["result"] == result)
}
