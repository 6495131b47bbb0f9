//! `destroy`: the plan of an empty manifest, carried out. It says what stays and why.

use clap::Args;
use engine::Address;
use engine::state::StateStore as _;

use super::apply::{Consent, carry_out};
use crate::cloud::connection::Connection;
use crate::project::Project;
use crate::run::locked_run::{Patience, locked};
use crate::run::progress::Progress;
use crate::run::session::{Looking, Purpose, Recalled, Session};
use crate::store::Store;
use crate::ui::failure::Outcome;
use crate::ui::options::Global;
use crate::ui::views::terminal;

/// Arguments of `destroy`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Asks nothing.
    #[arg(long)]
    pub auto_approve: bool,
    /// Lets a resource go though it holds what billform did not write; repeatable.
    #[arg(long, value_name = "ADDRESS")]
    pub approve: Vec<Address>,
    /// Refuses to delete more resources than this.
    #[arg(long, value_name = "N")]
    pub max_deletes: Option<usize>,
    /// What to do about a lock that is held and a network that is gone.
    #[command(flatten)]
    pub patience: Patience,
}

/// Plans to delete everything, asks, and does it.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    let work =
        async |project, connection, store: &Store| under_lock(global, arguments, project, connection, store).await;
    locked(project, arguments.patience, "destroy", None, work).await
}

async fn under_lock(
    global: &Global,
    arguments: &Arguments,
    project: Project,
    connection: Connection,
    store: &Store,
) -> Outcome {
    let state = store.load(&project.manifest.stack()).await?;
    let purpose = Purpose { bundle: None, may_ask: false, destroy: true };
    let session = Session::connected(project, connection, purpose).await?;
    let progress = Progress::reading(global.verbose > 0);
    let Recalled { state, notes } = session.recall(state, &progress).await?;
    terminal::eprint_lines(&notes);
    let plan = session.plan(&state, &Looking::default(), &progress).await?;
    drop(progress);
    let consent = Consent {
        verb: "destroy",
        auto_approve: arguments.auto_approve,
        approved: &arguments.approve,
        max_deletes: arguments.max_deletes,
    };
    carry_out(global, &session, plan, state, store, &consent, false).await
}
