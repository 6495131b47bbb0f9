//! `unlock`: who holds the lock on the state, and the way past one whose holder is dead.

use clap::Args;
use serde_json::{Value, json};

use crate::cli::{Format, Global};
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::project::Project;
use crate::store::s3::S3Store;
use crate::store::s3::lease::Met;
use crate::store::{self, Store};
use crate::views::terminal;

/// Arguments of `unlock`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Removes the lock. A lock whose holder died lapses by itself, so this only saves the wait.
    #[arg(long)]
    pub force: bool,
    /// Asks nothing.
    #[arg(long, requires = "force")]
    pub auto_approve: bool,
}

/// Shows the lock; removes it when told to.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    match store::open(&project).await? {
        Store::File(store) => {
            let holder = store.holder()?;
            if global.format == Format::Json {
                println!("{}", json!({ "store": "file", "locked": holder.is_some(), "holder": holder }));
                return Ok(exit::DONE);
            }
            match holder {
                Some(holder) => terminal::print(&format!("{holder} has the state {}.\n", store.path().display())),
                None => println!("Nobody has the state {}.", store.path().display()),
            }
            println!(
                "The operating system holds this lock and lets it go when the holder ends, however it ends: there is \
                 never anything to clear."
            );
            Ok(exit::DONE)
        }
        Store::S3(store) => in_s3(global, arguments, &store).await,
    }
}

async fn in_s3(global: &Global, arguments: &Arguments, store: &S3Store) -> Outcome {
    // A lock that cannot be read names nobody; it can be removed all the same.
    let met = match store.holder().await {
        Err(error @ store::s3::LockError::Damaged { .. }) if arguments.force => {
            terminal::eprint_line(&error.to_string());
            None
        }
        Err(error) => return Err(error.into()),
        Ok(None) => {
            match global.format {
                Format::Json => println!("{}", json!({ "store": "s3", "locked": false, "holder": null })),
                Format::Human => println!("Nobody has the state."),
            }
            return Ok(exit::DONE);
        }
        Ok(Some(met)) => Some(met),
    };
    if let Some(met) = &met {
        show(global, met);
    }
    if !arguments.force {
        return Ok(exit::DONE);
    }
    agree(arguments)?;
    store.break_lock().await?;
    terminal::eprint_line(
        "The lock is removed. Should its holder be alive after all, its next write to the state fails.",
    );
    Ok(exit::DONE)
}

fn show(global: &Global, met: &Met) {
    let Some(holder) = &met.lock.holder else { return };
    let left = met.left.as_secs();
    match global.format {
        Format::Json => {
            let holder = serde_json::to_value(holder).unwrap_or(Value::Null);
            println!(
                "{}",
                json!({ "store": "s3", "locked": true, "holder": holder, "lapses_in_s": left, "fence": met.lock.fence })
            );
        }
        Format::Human => {
            terminal::print(&format!("{holder} has the state since {}.\n", holder.since));
            match left {
                0 => println!("Its lock has lapsed: the next run takes it over by itself."),
                left => println!("Its lock lapses in {left} s unless that run renews it, as a living one does."),
            }
        }
    }
}

fn agree(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.auto_approve {
        return Ok(());
    }
    if !terminal::can_ask() {
        return Err(Failure::new("there is no terminal to ask on, so the lock stays")
            .hint("--auto-approve removes it without asking; be sure that its holder is dead"));
    }
    let answer = terminal::ask("Is that run known to be dead? Only `yes` removes its lock:")?;
    if answer == "yes" { Ok(()) } else { Err(Failure::new("not agreed to, so the lock stays")) }
}
