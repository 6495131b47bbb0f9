//! The benchmark: billform beside the same calls made by hand, on the local cloud, in the same run.
//!
//! ```text
//! cargo run --release -p tests --bin bench -- provision --tenants 1,100,1000 [--rounds 3] [--format json]
//! cargo run --release -p tests --bin bench -- peers --tenants 100 [--format json]
//! cargo run --release -p tests --bin bench -- plan --tenants 10000 [--format json]
//! cargo run --release -p tests --bin bench -- runtime --tenants 1000 [--format json]
//! ```
//!
//! It tells figures and judges none: a slow machine fails nothing. It fails when billform does not do its work, for
//! then there is nothing to measure.

mod binary;
mod bootstrap;
mod figures;
mod functions;
mod manifest;
mod pages;
mod peers;
mod phase;
mod place;
mod planning;
mod process;
mod provision;
mod raw;
mod report;
mod webhooks;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// What went wrong, for a person.
type Fallible<T> = Result<T, String>;

#[derive(Debug, Parser)]
#[command(name = "bench", about = "Measures billform beside the same calls made by hand")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How the figures are written to stdout.
    #[arg(long, value_name = "FORMAT", default_value = "human", global = true)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table.
    Human,
    /// One JSON document.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Cold start and validate; first apply, no-op plan, full drift and destroy, beside the same calls by hand.
    #[command(alias = "apply")]
    Provision {
        /// How many tenants the manifests have.
        #[arg(long, value_delimiter = ',', default_value = "100")]
        tenants: Vec<usize>,
        /// How often each side runs, on a fresh local cloud each time; wall times are medians.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
        rounds: u16,
    },
    /// Planning alone, without any call: a first plan, a no-op plan, and one for a tenant more.
    Plan {
        /// How many tenants the manifest has.
        #[arg(long, default_value_t = 10_000)]
        tenants: usize,
    },
    /// The mix that peers are measured with: first apply and no-op plan.
    Peers {
        /// How many tenants.
        #[arg(long, default_value_t = 100)]
        tenants: usize,
    },
    /// The deployed handlers under the published rates: cost_sync, invoicer, webhook and pages, size and start of the program.
    Runtime {
        /// How many tenants, of ten services each.
        #[arg(long, default_value_t = 1_000)]
        tenants: usize,
    },
    /// One phase of `peers` in a process of its own.
    #[command(hide = true)]
    PeersSide {
        /// Which phase.
        phase: peers::Phase,
        /// How many tenants.
        #[arg(long)]
        tenants: usize,
        /// The state.
        #[arg(long)]
        state: PathBuf,
    },
    /// One side of `provision` in a process of its own: the calls made by hand.
    #[command(hide = true)]
    Raw(RawArguments),
    /// `plan` in a process of its own, so that its memory is its own.
    #[command(hide = true)]
    Planning {
        /// How many tenants the manifest has.
        #[arg(long)]
        tenants: usize,
        /// The state; it is made when it is not there.
        #[arg(long)]
        state: PathBuf,
    },
}

#[derive(Debug, Args)]
struct RawArguments {
    /// Which calls.
    phase: phase::Phase,
    /// The manifest that says what is to be made.
    #[arg(long)]
    manifest: PathBuf,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    // As many threads as billform itself has.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run(&cli)),
        Err(error) => Err(error.to_string()),
    };
    match outcome {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: &Cli) -> Fallible<String> {
    match &cli.command {
        Command::Provision { tenants, rounds } => {
            let figures = provision::run(tenants, *rounds).await?;
            Ok(written(cli.format, &report::provision_json(&figures), || report::provision_table(&figures)))
        }
        Command::Plan { tenants } => {
            let (figures, peak) = planning::measured(*tenants).await?;
            Ok(written(cli.format, &report::planning_json(&figures, peak), || report::planning_table(&figures, peak)))
        }
        Command::Peers { tenants } => {
            let took = peers::measured(*tenants).await?;
            Ok(written(cli.format, &peers::json(*tenants, &took), || peers::table(*tenants, &took)))
        }
        Command::Runtime { tenants } => {
            let measured = functions::run(*tenants).await?;
            Ok(written(cli.format, &report::functions_json(&measured), || report::functions_table(&measured)))
        }
        Command::PeersSide { phase, tenants, state } => {
            peers::run(*phase, *tenants, state).await.map(|did| did.to_string())
        }
        Command::Raw(arguments) => raw::run(arguments.phase, &arguments.manifest).await,
        Command::Planning { tenants, state } => planning::run(*tenants, state).await.map(|figures| figures.to_string()),
    }
}

fn written(format: Format, json: &serde_json::Value, table: impl FnOnce() -> String) -> String {
    match format {
        Format::Human => table(),
        Format::Json => serde_json::to_string_pretty(json).unwrap_or_else(|error| error.to_string()),
    }
}
