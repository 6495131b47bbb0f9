//! `events`: Stripe's events as the ledger has them: what each did, what could not be applied, and trying it again.

mod dismiss;
mod list;
mod retry;
mod show;

use clap::Subcommand as ClapSubcommand;
use serde_json::Value;

use crate::cloud::calls::Calls;
use crate::cloud::connection::Connection;
use crate::cloud::functions;
use crate::project::Project;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::Global;

/// Subcommands of `events`.
#[derive(Debug, ClapSubcommand)]
pub enum Subcommand {
    /// Lists events that could not be applied, and those that a later version takes; with --all every event.
    List(list::Arguments),
    /// Shows what became of one event.
    Show(show::Arguments),
    /// Has an event applied again from its object's present state.
    Retry(retry::Arguments),
    /// Closes an event that could not be applied and never can be, with the reason.
    Dismiss(dismiss::Arguments),
}

/// Runs the subcommand.
pub async fn run(global: &Global, subcommand: &Subcommand) -> Outcome {
    match subcommand {
        Subcommand::List(arguments) => list::run(global, arguments).await,
        Subcommand::Show(arguments) => show::run(global, arguments).await,
        Subcommand::Dismiss(arguments) => dismiss::run(global, arguments).await,
        Subcommand::Retry(arguments) => retry::run(global, arguments).await,
    }
}

/// The project, if it takes events at all.
fn project(global: &Global) -> Result<Project, Failure> {
    let project = Project::load(global)?;
    match project.manifest.webhook_secret() {
        Some(_) => Ok(project),
        None => Err(Failure::new("the manifest has no `stripe.webhook`, so that the stack takes no events")
            .hint("add `webhook: { secret: … }` under `stripe`, and apply")),
    }
}

/// The deployed sweep, which does what a person asks for with an event.
struct Sweep {
    client: aws_sdk_lambda::Client,
    function: String,
}

impl Sweep {
    async fn open(project: &Project) -> Result<Sweep, Failure> {
        let config = Connection::open(&project.manifest, Calls::default()).await?.config;
        let function = project.manifest.function_name("payment_sweep");
        Ok(Sweep { client: aws_sdk_lambda::Client::new(&config), function })
    }

    async fn call(&self, event: &Value) -> Result<Value, Failure> {
        functions::call(&self.client, &self.function, event, "events").await
    }
}
