//! `destroy`: the plan of an empty manifest, carried out. It says what stays and why.

use clap::Args;
use engine::Address;
use engine::state::StateStore as _;

use super::apply::{Consent, carry_out, lock};
use crate::cli::Global;
use crate::failure::Outcome;
use crate::progress::Progress;
use crate::project::Project;
use crate::session::{Looking, Purpose, Session};

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
}

/// Plans to delete everything, asks, and does it.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    let store = lock(&project, "destroy")?;
    let state = store.load(&project.manifest.stack()).await?;
    let session = Session::open(project, Purpose { bundle: None, may_ask: false, destroy: true }).await?;
    let progress = Progress::reading(global.verbose > 0);
    let state = session.recall(state, &progress).await?;
    let plan = session.plan(&state, &Looking::default(), &progress).await?;
    drop(progress);
    let consent = Consent {
        verb: "destroy",
        auto_approve: arguments.auto_approve,
        approved: &arguments.approve,
        max_deletes: arguments.max_deletes,
    };
    carry_out(global, &session, plan, state, &store, &consent, false).await
}
