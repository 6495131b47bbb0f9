//! The command line as data: the global options and one struct of arguments per command.

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};

use super::options::{Format, Global, Written};
use crate::commands;

/// Plans and applies the AWS and Stripe resources of a business that resells AWS, and the handlers that bill its tenants.
#[derive(Debug, Parser)]
#[command(name = "billform", version, max_term_width = 100)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// The command line of this process. A format that the command does not write is a mistake of usage.
    pub fn from_command_line() -> Result<Cli, clap::Error> {
        Cli::try_parse()?.checked()
    }

    fn checked(mut self) -> Result<Cli, clap::Error> {
        let asked = self.global.written;
        let known = self.command.writes();
        if !known.contains(&asked) {
            let known: Vec<String> = known.iter().map(|written| written.name()).collect();
            let message = format!("`--format {}`: this command writes {}", asked.name(), known.join(", "));
            return Err(Cli::command().error(ErrorKind::InvalidValue, message));
        }
        self.global.format = if asked == Written::Json { Format::Json } else { Format::Human };
        Ok(self)
    }
}

/// The commands, in the order of a first use.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Writes a commented starter manifest and a .gitignore; beside a manifest, makes the bucket of `state.s3`.
    Init(commands::init::Arguments),
    /// Checks the manifest and reports every problem at once.
    Validate,
    /// Puts the manifest's files into their standard form: keys in order, comments kept.
    Fmt(commands::fmt::Arguments),
    /// Prints the manifest's JSON Schema, for editors.
    Schema(commands::schema::Arguments),
    /// Shows what would change, and changes nothing.
    Plan(commands::plan::Arguments),
    /// Makes the cloud what the manifest says.
    Apply(commands::apply::Arguments),
    /// Deletes everything the stack made, and says what stays.
    Destroy(commands::destroy::Arguments),
    /// Shows what others changed behind billform's back; needs to read only, and writes nothing.
    Drift(commands::drift::Arguments),
    /// Takes over one resource that billform did not make.
    Import(commands::import::Arguments),
    /// Prints what the stack gives out: URLs, names of functions, tables and buckets.
    Output(commands::output::Arguments),
    /// Draws what the manifest wants to exist and what needs what; asks no cloud.
    Graph(commands::graph::Arguments),
    /// Lists the kinds of resources.
    Kinds,
    /// Prints the IAM policy that billform itself needs for this manifest.
    Permissions(commands::permissions::Arguments),
    /// The state: look into it, put it right, make it anew from the cloud.
    #[command(subcommand)]
    State(commands::state::Subcommand),
    /// New keys in place of old ones: what Stripe signs events with, what tenants' links are signed with.
    #[command(subcommand)]
    Rotate(commands::rotate::Subcommand),
    /// Shows who holds the lock on the state, and removes one whose holder is dead.
    Unlock(commands::unlock::Arguments),
    /// Builds the handlers into bundle.zip: same input, same bytes.
    Package(commands::package::Arguments),
    /// Tenants: list them, add, change and remove them in the manifest, make signed links.
    #[command(subcommand)]
    Tenant(commands::tenant::Subcommand),
    /// Invoices: how months stand, what they come to, approve, take back.
    #[command(subcommand)]
    Invoice(commands::invoice::Subcommand),
    /// Months: runs one now, from costs to invoices.
    #[command(subcommand)]
    Month(commands::month::Subcommand),
    /// Stripe's events: what each did, what could not be applied, trying it again.
    #[command(subcommand)]
    Events(commands::events::Subcommand),
    /// Holds tenants' and unallocated cost of a month against AWS's total, to the cent.
    Close(commands::close::Arguments),
    /// AWS's cost reports: adds them up exactly, compares two versions; needs no manifest.
    #[command(subcommand)]
    Costs(commands::costs::Subcommand),
    /// GitHub: shows a plan in its pull request, keeps an issue for drift. Posts as the workflow that runs it.
    #[command(subcommand)]
    Ci(commands::ci::Subcommand),
    /// The local cloud: start and stop it.
    #[command(subcommand)]
    Local(commands::local::Subcommand),
    /// Runs the whole arc on the local cloud: plan, apply, costs, a link, an invoice, drift, destroy.
    Demo(commands::demo::Arguments),
    /// Prints a completion script for a shell.
    Completions(commands::completions::Arguments),
    /// Prints the manual page, or writes one for every command.
    Man(commands::man::Arguments),
}

impl Command {
    /// The formats it writes.
    pub fn writes(&self) -> &'static [Written] {
        match self {
            Command::Costs(commands::costs::Subcommand::Report(_)) => {
                &[Written::Human, Written::Json, Written::Csv, Written::Parquet]
            }
            Command::Invoice(commands::invoice::Subcommand::List(_)) => &[Written::Human, Written::Json, Written::Csv],
            Command::Drift(_) => &[Written::Human, Written::Json, Written::Markdown, Written::Sarif],
            Command::Plan(_) => &[Written::Human, Written::Json, Written::Markdown],
            _ => &[Written::Human, Written::Json],
        }
    }
}
