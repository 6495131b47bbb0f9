//! `state`: what billform remembers, and the few ways to put it right by hand. None of them touches the cloud.

mod push;

use clap::{Args, Subcommand as ClapSubcommand};
use engine::state::{Entry, StateStore as _};
use engine::{Address, State};

use crate::commands::apply::count_now;
use crate::project::Project;
use crate::run::locked_run::LockPatience;
use crate::run::progress::Progress;
use crate::run::session::{Purpose, Session};
use crate::store::{self, Store};
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::{self, terminal};

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
    /// Lets a resource stand at another address; the next apply tells the cloud.
    Mv {
        /// The address it has.
        from: Address,
        /// The address it is to have.
        to: Address,
        /// What to do about a lock that is held.
        #[command(flatten)]
        patience: LockPatience,
    },
    /// Forgets a resource without deleting it. A resource that still carries our tags is found again by the next plan.
    Rm {
        /// Which ones.
        #[arg(required = true)]
        addresses: Vec<Address>,
        /// What to do about a lock that is held.
        #[command(flatten)]
        patience: LockPatience,
    },
    /// Makes the state anew from the cloud alone: names, ownership tags, Stripe metadata.
    Rebuild(Rebuild),
    /// Prints the whole state as JSON. It holds no secrets.
    Pull,
    /// Puts a state that `pull` printed in place of the present one.
    Push(push::Arguments),
}

/// Arguments of `state rebuild`.
#[derive(Debug, Args)]
pub struct Rebuild {
    /// Shows what would be kept and writes nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// What to do about a lock that is held.
    #[command(flatten)]
    pub patience: LockPatience,
}

/// Carries it out.
pub async fn run(global: &Global, subcommand: &Subcommand) -> Outcome {
    let project = Project::load(global)?;
    match subcommand {
        Subcommand::List => list(global, &read(&project).await?),
        Subcommand::Show { address } => show(&read(&project).await?, address),
        Subcommand::Mv { from, to, patience } => rename(&project, from, to, *patience).await,
        Subcommand::Rm { addresses, patience } => forget(&project, addresses, *patience).await,
        Subcommand::Rebuild(arguments) => rebuild(global, project, arguments).await,
        Subcommand::Pull => pull(&read(&project).await?),
        Subcommand::Push(arguments) => push::run(&project, arguments).await,
    }
}

async fn read(project: &Project) -> Result<State, Failure> {
    Ok(store::open(project).await?.load(&project.manifest.stack()).await?)
}

fn list(global: &Global, state: &State) -> Outcome {
    match global.format {
        Format::Json => terminal::print_json(&state.records.keys().collect::<Vec<_>>())?,
        Format::Human => state.records.keys().for_each(|address| terminal::print(&format!("{address}\n"))),
    }
    Ok(exit::DONE)
}

fn show(state: &State, address: &Address) -> Outcome {
    let record = state.records.get(address).ok_or_else(|| unknown(address))?;
    terminal::print_json(record)?;
    Ok(exit::DONE)
}

fn pull(state: &State) -> Outcome {
    terminal::print_json(state)?;
    Ok(exit::DONE)
}

async fn rename(project: &Project, from: &Address, to: &Address, patience: LockPatience) -> Outcome {
    let renamed = async |store: &Store| -> Result<(), Failure> {
        let mut state = store.load(&project.manifest.stack()).await?;
        state.rename(from, to)?;
        state.serial += 1;
        Ok(store.fold(&state).await?)
    };
    lock(project, "state mv", patience).await?.released_after(renamed).await?;
    terminal::eprint_line(&format!("{from} stands at {to} now; the next apply writes that into its ownership tags."));
    Ok(exit::DONE)
}

async fn forget(project: &Project, addresses: &[Address], patience: LockPatience) -> Outcome {
    let forgotten = async |store: &Store| -> Result<(), Failure> {
        let mut state = store.load(&project.manifest.stack()).await?;
        for address in addresses {
            if !state.records.contains_key(address) && !state.intents.contains_key(address) {
                return Err(unknown(address));
            }
            state.take(Entry::Removed(address.clone()));
        }
        state.serial += 1;
        Ok(store.fold(&state).await?)
    };
    lock(project, "state rm", patience).await?.released_after(forgotten).await?;
    let names: Vec<String> = addresses.iter().map(Address::to_string).collect();
    terminal::eprint_line(&format!("Forgotten, and left as it is in the cloud: {}.", names.join(", ")));
    Ok(exit::DONE)
}

fn unknown(address: &Address) -> Failure {
    Failure::new(format!("the state knows no {address}")).hint("`billform state list` shows what it knows")
}

/// Compares what was remembered with what is there, and keeps the latter. A damaged state is replaced, too: that is
/// what this is for.
async fn rebuild(global: &Global, project: Project, arguments: &Rebuild) -> Outcome {
    let store = lock(&project, "state rebuild", arguments.patience).await?;
    store.released_after(async |store| rebuilt(global, project, arguments, store).await).await
}

async fn rebuilt(global: &Global, project: Project, arguments: &Rebuild, store: &Store) -> Outcome {
    let before = store.load(&project.manifest.stack()).await;
    let session = Session::open(project, Purpose { bundle: None, may_ask: false, destroy: false }).await?;
    let progress = Progress::reading(global.verbose > 0);
    if let Ok(before) = &before {
        session.check_places(&mut before.clone())?;
    }
    let rebuilt = session.rebuild(serial_after(before.as_ref().ok()), &progress).await?;
    drop(progress);
    let before = before.unwrap_or_else(|damage| {
        terminal::eprint_line(&format!("What is there now cannot be read and is replaced: {damage}"));
        State::empty(&session.cloud.stack)
    });
    match global.format {
        Format::Human => terminal::print(&views::rebuild::render(&before, &rebuilt, terminal::width())),
        Format::Json => {
            terminal::print_json(&views::rebuild::json(&before, &rebuilt))?;
        }
    }
    if arguments.dry_run {
        terminal::eprint_line("Nothing was written.");
    } else {
        store.fold(&rebuilt.state).await?;
    }
    Ok(exit::DONE)
}

/// Locks the state in this process's name.
async fn lock(project: &Project, verb: &str, patience: LockPatience) -> Result<Store, Failure> {
    store::lock(project, None, verb, patience.lock_timeout).await
}

/// Where the count goes on: above any that a lost state can have had, because idempotency tokens contain it. A state
/// written this very second is one ahead of it, and each command since has counted on.
fn serial_after(before: Option<&State>) -> u64 {
    before.map_or(0, |state| state.serial + 1).max(count_now() + AHEAD)
}

/// More commands than count on within a second.
const AHEAD: u64 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rebuilt_state_is_newer_than_one_lost_a_moment_ago() {
        let lost = State { serial: count_now() + 1, ..State::empty("s") };
        assert!(serial_after(None) > lost.serial);
        let far_ahead = State { serial: u64::from(u32::MAX), ..State::empty("s") };
        assert_eq!(serial_after(Some(&far_ahead)), far_ahead.serial + 1);
    }
}
