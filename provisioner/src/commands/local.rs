//! `local`: the local cloud in the background, for trying things without an account, and its time.

mod clock;

use std::path::PathBuf;
use std::process::Command;

use clap::Subcommand as ClapSubcommand;
use localcloud::{Options, daemon};
use serde_json::json;

use crate::bundle::checkout;
use crate::project::Project;
use crate::ui::exit;
use crate::ui::failure::Outcome;
use crate::ui::options::{Format, Global};
use crate::ui::views::terminal;

/// Subcommands of `local`.
#[derive(Debug, ClapSubcommand)]
pub enum Subcommand {
    /// Starts it, or finds the one that runs, and prints how to reach it.
    Up {
        /// Checks signatures and IAM policies, as AWS does.
        #[arg(long)]
        auth: bool,
    },
    /// Stops it.
    Down,
    /// Prints its time, or lets time pass: schedules fire, costs come in, budgets publish.
    Clock {
        /// How much time passes: a number of days, or "36 hours".
        #[arg(long, value_name = "DAYS", value_parser = clock::seconds)]
        advance: Option<u64>,
    },
    /// Serves it in the foreground; `up` starts this in the background.
    #[command(hide = true)]
    Serve {
        /// The folder it lives in.
        #[arg(long)]
        home: PathBuf,
        /// The account it plays.
        #[arg(long)]
        account: String,
        /// The region it plays.
        #[arg(long)]
        region: String,
        /// Checks signatures and policies.
        #[arg(long)]
        auth: bool,
    },
}

/// Starts, stops or serves it.
pub async fn run(global: &Global, subcommand: &Subcommand) -> Outcome {
    match subcommand {
        Subcommand::Up { auth } => up(global, *auth).await,
        Subcommand::Down => {
            let stopped = daemon::down(&checkout::local_cloud_home()?).await?;
            match (global.format, stopped) {
                (Format::Json, stopped) => println!("{}", json!({ "stopped": stopped })),
                (Format::Human, true) => println!("The local cloud is stopped."),
                (Format::Human, false) => println!("No local cloud was running."),
            }
            Ok(exit::DONE)
        }
        Subcommand::Clock { advance } => clock::run(global, *advance).await,
        Subcommand::Serve { home, account, region, auth } => {
            let options =
                Options { account: account.clone(), region: region.clone(), auth: *auth, ..Options::new(home) };
            daemon::serve(options, &|line| eprintln!("{line}")).await?;
            Ok(exit::DONE)
        }
    }
}

async fn up(global: &Global, auth: bool) -> Outcome {
    let home = checkout::local_cloud_home()?;
    // The account and region of the manifest at hand, when there is one: others are refused by it anyway.
    let place = Project::load(global).ok().map(|project| (project.manifest.aws.account, project.manifest.aws.region));
    let defaults = Options::new(&home);
    let (account, region) = place.unwrap_or((defaults.account, defaults.region));
    let mut program = Command::new(std::env::current_exe()?);
    program.args(["local", "serve", "--account", &account, "--region", &region, "--home"]).arg(&home);
    if auth {
        program.arg("--auth");
    }
    let description = daemon::up(&home, program, &|line| anstream::eprintln!("{line}")).await?;
    match global.format {
        Format::Json => terminal::print_json(&description)?,
        Format::Human => {
            println!("The local cloud runs (process {}). In this shell:\n", description.pid);
            println!("export AWS_ENDPOINT_URL={}", description.aws_endpoint);
            println!("export AWS_ACCESS_KEY_ID={}", description.access_key_id);
            println!("export AWS_SECRET_ACCESS_KEY={}", description.secret_access_key);
            println!("export AWS_REGION={}", description.region);
            // The command line of AWS reads this one.
            println!("export AWS_DEFAULT_REGION={}", description.region);
            println!("export STRIPE_API_BASE={}", description.stripe_api_base);
            println!("export STRIPE_API_KEY={}", description.stripe_api_key);
            // The key that handlers use, where the manifest calls its secret `stripe`, as `init` does.
            println!("export BILLFORM_SECRET_STRIPE={}", description.stripe_api_key);
            println!("\n`billform local down` stops it; nothing in it is kept.");
        }
    }
    Ok(exit::DONE)
}
