//! `state`: what billform remembers, to be looked at, copied out and put back.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand as ClapSubcommand};
use engine::state::{STATE_VERSION, StateStore as _};
use engine::{Address, State};

use crate::cli::{Format, Global};
use crate::duration;
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::project::Project;
use crate::store::{self, Store, format};

/// Subcommands of `state`.
#[derive(Debug, ClapSubcommand)]
pub enum Subcommand {
    /// Lists the addresses of everything remembered.
    List,
    /// Shows one record. Records hold no secrets.
    Show {
        /// Which one: `iam_role.costs`.
        address: Address,
    },
    /// Prints the whole state as JSON. It holds no secrets.
    Pull,
    /// Puts a state that `pull` printed in place of the present one.
    Push(Push),
}

/// Arguments of `state push`.
#[derive(Debug, Args)]
pub struct Push {
    /// The state.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Puts it in place though the present one is newer.
    #[arg(long)]
    pub force: bool,
    /// Waits so long for another run's lock on the state: 30s, 5m.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration::parse)]
    pub lock_timeout: Duration,
}

/// Prints it.
pub async fn run(global: &Global, subcommand: &Subcommand) -> Outcome {
    let project = Project::load(global)?;
    if let Subcommand::Push(arguments) = subcommand {
        return push(&project, arguments).await;
    }
    let store = store::open(&project).await?;
    let state = store.load(&project.manifest.stack()).await?;
    match subcommand {
        Subcommand::List if global.format == Format::Json => {
            println!("{}", serde_json::to_string_pretty(&state.records.keys().collect::<Vec<_>>())?);
        }
        Subcommand::List => state.records.keys().for_each(|address| println!("{address}")),
        Subcommand::Show { address } => {
            let record = state.records.get(address).ok_or_else(|| {
                Failure::new(format!("the state knows no {address}")).hint("`billform state list` shows what it knows")
            })?;
            println!("{}", serde_json::to_string_pretty(record)?);
        }
        Subcommand::Pull => println!("{}", serde_json::to_string_pretty(&state)?),
        Subcommand::Push(_) => {}
    }
    Ok(exit::DONE)
}

async fn push(project: &Project, arguments: &Push) -> Outcome {
    let stack = project.manifest.stack();
    let pushed = read(&arguments.file, &stack)?;
    let store = store::lock(project, None, "state push", arguments.lock_timeout).await?;
    let kept = replace(&store, pushed, &stack, arguments.force).await;
    store.release().await;
    let state = kept?;
    anstream::eprintln!("The state has {} resources and serial {} now.", state.records.len(), state.serial);
    Ok(exit::DONE)
}

fn read(path: &Path, stack: &str) -> Result<State, Failure> {
    let shown = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| Failure::new(format!("{shown} cannot be read: {error}")))?;
    Ok(format::parse(&text, &shown, stack, "Take another copy, or none")?)
}

/// Each write raises the serial, also this one: tokens that were derived from a serial are never derived again.
async fn replace(store: &Store, mut pushed: State, stack: &str, force: bool) -> Result<State, Failure> {
    // A damaged state is what a push is there to replace, when it is told to.
    let present = match store.load(stack).await {
        Err(error) if force => {
            anstream::eprintln!("The present state is not looked at: {error}");
            State::empty(stack)
        }
        present => present?,
    };
    if pushed.serial < present.serial && !force {
        return Err(Failure::new(format!(
            "the state to push has serial {}, the present one {}: it is older, so nothing was changed",
            pushed.serial, present.serial
        ))
        .hint("--force puts it in place all the same; what it does not know is found again by name and tags"));
    }
    pushed.version = STATE_VERSION;
    pushed.serial = pushed.serial.max(present.serial) + 1;
    store.fold(&pushed).await?;
    Ok(pushed)
}
