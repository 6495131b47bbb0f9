//! `import`: takes over one resource that billform did not make, by its id in the cloud.
//!
//! What it has is brought to what the manifest says and it is marked as ours; nothing is created or deleted. The
//! manifest's `imports` do the same for several at once.

use clap::Args;
use engine::state::StateStore as _;
use engine::{Address, State};

use super::apply::{Consent, carry_out};
use crate::cloud::connection::Connection;
use crate::project::Project;
use crate::run::locked_run::{Patience, locked};
use crate::run::progress::Progress;
use crate::run::session::{Purpose, Recalled, Session};
use crate::store::Store;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::Global;
use crate::ui::views::terminal;

/// Arguments of `import`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Where it is to stand: an address of the manifest, such as `http_api.main`.
    pub address: Address,
    /// The cloud's id of it: a name, an API id, `cus_…`.
    pub id: String,
    /// Asks nothing.
    #[arg(long)]
    pub auto_approve: bool,
    /// Takes it over even from another billform stack.
    #[arg(long)]
    pub adopt: bool,
    /// What to do about a lock that is held and a network that is gone.
    #[command(flatten)]
    pub patience: Patience,
}

/// Plans to take it over, asks, and does it.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    let work =
        async |project, connection, store: &Store| under_lock(global, arguments, project, connection, store).await;
    locked(project, arguments.patience, "import", None, work).await
}

async fn under_lock(
    global: &Global,
    arguments: &Arguments,
    project: Project,
    connection: Connection,
    store: &Store,
) -> Outcome {
    let Arguments { address, id, .. } = arguments;
    let state = store.load(&project.manifest.stack()).await?;
    let purpose = Purpose { bundle: None, may_ask: false, destroy: false };
    let mut session = Session::connected(project, connection, purpose).await?;
    session.graph = session.graph.importing([(address.clone(), id.clone())]);
    let progress = Progress::reading(global.verbose > 0);
    let Recalled { state, notes } = session.recall(state, &progress).await?;
    terminal::eprint_lines(&notes);
    check(&session, &state, address)?;
    let plan = session.plan_import(address, arguments.adopt, &state, &progress).await?;
    drop(progress);
    let consent = Consent { verb: "import", auto_approve: arguments.auto_approve, approved: &[], max_deletes: Some(0) };
    carry_out(global, &session, plan, state, store, &consent, true).await
}

/// Refuses an address that the manifest does not have, and one at which something stands.
fn check(session: &Session, state: &State, address: &Address) -> Result<(), Failure> {
    if session.graph.get(address).is_none() {
        return Err(Failure::new(format!("the manifest has no {address}"))
            .hint("write it into the manifest first; `billform plan` shows the addresses there are"));
    }
    match state.records.get(address) {
        Some(record) => Err(Failure::new(format!("{address} is known already, as {}", record.id))
            .hint(format!("`billform state rm {address}` forgets it, without deleting it"))),
        None => Ok(()),
    }
}
