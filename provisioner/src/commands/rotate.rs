//! `rotate`: new keys in place of old ones, in steps that are shown first. A rotation that died is gone on with by the
//! same command: what is left to do follows from what is there.

mod link_key;
mod webhook_secret;

use clap::{Args, Subcommand as ClapSubcommand};
use serde_json::json;

use crate::project::Project;
use crate::run::locked_run::{Patience, locked};
use crate::store::Store;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::terminal;
use crate::ui::views::wrap::wrapped;

/// Subcommands of `rotate`.
#[derive(Debug, ClapSubcommand)]
pub enum Subcommand {
    /// What Stripe signs events with: a second endpoint is made, both signing secrets hold, and `--finish` removes the
    /// first one.
    WebhookSecret(Arguments),
    /// The key that signs tenants' links: a second one is made, links of both hold, and `--finish` ends the first one.
    LinkKey(Arguments),
}

/// Arguments of `rotate`.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Arguments {
    /// Ends the rotation that was begun: what is old holds no longer.
    #[arg(long)]
    pub finish: bool,
    /// Asks nothing.
    #[arg(long)]
    pub auto_approve: bool,
    /// What to do about a lock that is held and a network that is gone.
    #[command(flatten)]
    pub patience: Patience,
}

/// Rotates under the state's lock: no apply changes the same things meanwhile.
pub async fn run(global: &Global, subcommand: &Subcommand) -> Outcome {
    let project = Project::load(global)?;
    match subcommand {
        Subcommand::WebhookSecret(arguments) => {
            let work = async |project, connection, store: &Store| {
                webhook_secret::run(global, arguments, project, connection, store).await
            };
            locked(project, arguments.patience, "rotate webhook-secret", None, work).await
        }
        Subcommand::LinkKey(arguments) => {
            let work = async |project, connection, store: &Store| {
                link_key::run(global, arguments, project, connection, store).await
            };
            locked(project, arguments.patience, "rotate link-key", None, work).await
        }
    }
}

/// What a rotation does next.
struct Plan<S> {
    /// What is rotated: `webhook-secret`.
    what: &'static str,
    /// One after the other.
    steps: Vec<S>,
    /// What holds once they are done.
    then: String,
}

/// One step.
trait Step {
    /// Its name in JSON: `make_second_endpoint`.
    fn name(&self) -> &'static str;
    /// What it does, in a sentence for people.
    fn does(&self) -> String;
}

impl<S: Step> Plan<S> {
    /// Shows the steps, and asks.
    fn agree(&self, global: &Global, arguments: &Arguments) -> Result<(), Failure> {
        if global.format == Format::Human {
            for (number, step) in (1..).zip(&self.steps) {
                terminal::print(&format!("{}\n", wrapped(&format!("{number}. {}", step.does()), terminal::width(), 3)));
            }
        }
        if self.steps.is_empty() || arguments.auto_approve {
            return Ok(());
        }
        if !terminal::can_ask() {
            return Err(Failure::new("there is no terminal to ask on, so nothing was changed")
                .hint("--auto-approve lets the rotation go on without asking"));
        }
        let answer = terminal::ask("Carry this out? Only `yes` will rotate:")?;
        if answer == "yes" { Ok(()) } else { Err(Failure::new("not agreed to, so nothing was changed")) }
    }

    /// Tells what was done and what holds now.
    fn done(&self, global: &Global) -> Outcome {
        match global.format {
            Format::Human => terminal::print(&format!("{}\n", wrapped(&self.then, terminal::width(), 0))),
            Format::Json => {
                let steps = self.steps.iter().map(|step| json!({ "step": step.name(), "does": step.does() }));
                terminal::print_json(&json!({
                    "format": "billform-rotation/1", "rotated": self.what, "steps": steps.collect::<Vec<_>>(),
                    "then": self.then,
                }))?;
            }
        }
        Ok(exit::DONE)
    }
}
