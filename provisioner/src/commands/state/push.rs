//! `state push`: puts a copy of the state in place of the present one.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use engine::State;
use engine::state::{STATE_VERSION, StateStore as _};

use super::serial_after;
use crate::project::Project;
use crate::run::locked_run::LockPatience;
use crate::store::{self, Store, format};
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::views::terminal;

/// Arguments of `state push`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The state.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Puts it in place though the present one is newer, or damaged.
    #[arg(long)]
    pub force: bool,
    /// What to do about a lock that is held.
    #[command(flatten)]
    pub patience: LockPatience,
}

/// Checks the copy, then replaces the state under its lock.
pub async fn run(project: &Project, arguments: &Arguments) -> Outcome {
    let stack = project.manifest.stack();
    let pushed = read(&arguments.file, &stack)?;
    let store = store::lock(project, None, "state push", arguments.patience.lock_timeout).await?;
    let state = store.released_after(async |store| replace(store, pushed, &stack, arguments.force).await).await?;
    terminal::eprint_line(&format!(
        "The state knows {} resources and has serial {} now.",
        state.records.len(),
        state.serial
    ));
    Ok(exit::DONE)
}

fn read(path: &Path, stack: &str) -> Result<State, Failure> {
    let shown = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| Failure::new(format!("{shown} cannot be read: {error}")))?;
    Ok(format::parse(&text, &shown, stack, "Take another copy, or none")?)
}

/// Each write raises the serial, also this one: idempotency tokens are derived from it and must not come twice.
async fn replace(store: &Store, mut pushed: State, stack: &str, force: bool) -> Result<State, Failure> {
    let present = match store.load(stack).await {
        Ok(present) => Some(present),
        Err(damage) if force => {
            terminal::eprint_line(&format!("What is there now cannot be read and is replaced: {damage}"));
            None
        }
        Err(damage) => return Err(Failure::new(damage).hint("--force replaces it all the same")),
    };
    if let Some(present) = present.as_ref().filter(|present| pushed.serial < present.serial && !force) {
        return Err(Failure::new(format!(
            "the state to push has serial {}, the present one {}: it is older, so nothing was changed",
            pushed.serial, present.serial
        ))
        .hint("--force puts it in place all the same; what it does not know is found again by name and tags"));
    }
    pushed.version = STATE_VERSION;
    pushed.serial = match &present {
        Some(present) => pushed.serial.max(present.serial) + 1,
        None => serial_after(Some(&pushed)),
    };
    store.fold(&pushed).await?;
    Ok(pushed)
}
