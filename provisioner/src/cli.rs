//! The command line as data: global options, and one struct of arguments per command.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

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

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The manifest: a file, or a folder with billform.yaml, tenants/*.yaml and environments/*.yaml.
    #[arg(short = 'f', long = "manifest", value_name = "PATH", default_value = ".", global = true)]
    pub manifest: PathBuf,
    /// The environment whose file replaces keys of the manifest.
    #[arg(long, value_name = "NAME", global = true)]
    pub environment: Option<String>,
    /// How results are written to stdout.
    #[arg(long = "format", value_name = "FORMAT", default_value = "human", global = true)]
    pub written: Written,
    /// The same for commands that write for people and programs alone.
    #[arg(skip)]
    pub format: Format,
    /// Whether to colour what people read.
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub color: Color,
    /// Says more on stderr: each resource read and each step begun.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
}

/// How results are written, by commands that know no more than these two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON document.
    Json,
}

/// What can be asked for with `--format`. Not every command writes all of it: [`Command::writes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Written {
    /// For people.
    Human,
    /// One JSON document.
    Json,
    /// For a comment on GitHub; plan and drift only.
    Markdown,
    /// For GitHub code scanning, SARIF 2.1.0; drift only.
    Sarif,
}

impl Written {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
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

impl Format {
    /// What a command line asks for that does not parse, so that scripts get its error as they get any other.
    pub fn asked_for(arguments: impl Iterator<Item = OsString>) -> Format {
        let arguments: Vec<OsString> = arguments.collect();
        let apart = arguments.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json");
        let json = apart || arguments.iter().any(|argument| argument == "--format=json");
        if json { Format::Json } else { Format::Human }
    }
}

/// Whether to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal only, and not when NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Makes it hold for everything printed through `anstream`.
    pub fn write_global(self) {
        let choice = match self {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}

/// The commands, in the order of a first use.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Writes a commented starter manifest and a .gitignore; beside a manifest, makes the bucket of `state.s3`.
    Init(commands::init::Arguments),
    /// Checks the manifest and reports every problem at once.
    Validate,
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
    /// Shows who holds the lock on the state, and removes one whose holder is dead.
    Unlock(commands::unlock::Arguments),
    /// Builds the handlers into bundle.zip: same input, same bytes.
    Package(commands::package::Arguments),
    /// Tenants: list them, make signed links.
    #[command(subcommand)]
    Tenant(commands::tenant::Subcommand),
    /// Invoices: preview a month.
    #[command(subcommand)]
    Invoice(commands::invoice::Subcommand),
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
            Command::Drift(_) => &[Written::Human, Written::Json, Written::Markdown, Written::Sarif],
            Command::Plan(_) => &[Written::Human, Written::Json, Written::Markdown],
            _ => &[Written::Human, Written::Json],
        }
    }
}
