//! `import`: takes over one resource that billform did not make, by its id in the cloud.
//!
//! What it has is brought to what the manifest says and it is told that it is ours; nothing is made or deleted.

use clap::Args;
use engine::kind::{Depth, Want};
use engine::state::StateStore as _;
use engine::{Address, Mode, Observations, Observed, Owner, Plan, Seen, State};

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
    let state = store.load(&project.manifest.stack()).await?;
    let purpose = Purpose { bundle: None, may_ask: false, destroy: false };
    let session = Session::connected(project, connection, purpose)?;
    let progress = Progress::reading(global.verbose > 0);
    let Recalled { state, notes } = session.recall(state, &progress).await?;
    terminal::eprint_lines(&notes);
    let found = find(&session, &state, arguments).await?;
    drop(progress);
    let plan = plan(&session, &state, &arguments.address, found)?;
    let consent = Consent { verb: "import", auto_approve: arguments.auto_approve, approved: &[], max_deletes: Some(0) };
    carry_out(global, &session, plan, state, store, &consent, true).await
}

/// The resource, if it is there and may be taken.
async fn find(session: &Session, state: &State, arguments: &Arguments) -> Result<Observed, Failure> {
    let Arguments { address, id, adopt, .. } = arguments;
    let Some(resource) = session.graph.get(address) else {
        return Err(Failure::new(format!("the manifest has no {address}"))
            .hint("write it into the manifest first; `billform plan` shows the addresses there are"));
    };
    if let Some(record) = state.records.get(address) {
        return Err(Failure::new(format!("{address} is known already, as {}", record.id))
            .hint(format!("`billform state rm {address}` forgets it, without deleting it")));
    }
    if let Some(record) =
        state.records.values().find(|record| record.id == *id && record.address.kind() == address.kind())
    {
        return Err(Failure::new(format!("{id} stands at {} already", record.address))
            .hint(format!("`billform state mv {} {address}` renames it", record.address)));
    }
    let lookup =
        |reference: &engine::input::OutputRef| state.records.get(&reference.of)?.outputs.get(&reference.name).cloned();
    let fields = engine::input::resolve(&resource.desired, &lookup);
    let want = Want { address: address.clone(), id: Some(id.clone()), fields, known: None };
    let seen = session.kinds.of(address)?.read(&[want], Depth::Full).await.pop();
    let observed = match seen {
        Some(Ok(Some(observed))) => observed,
        Some(Err(error)) => return Err(Failure::new(format!("{address} cannot be read: {error}"))),
        Some(Ok(None)) | None => {
            return Err(Failure::new(format!("there is no {id} to import at {address}"))
                .hint("give the id as the cloud's console shows it, and check account and region"));
        }
    };
    if observed.id != *id {
        return Err(Failure::new(format!("{address} is {} by the manifest, not {id}", observed.id))
            .hint("the manifest's name is the id of such a resource: write its name there"));
    }
    match &observed.owner {
        Owner::Stack { name, .. } if *name != session.cloud.stack && !adopt => {
            Err(Failure::new(format!("{id} belongs to the stack {name}"))
                .hint("--adopt takes it over all the same; that stack will lose it"))
        }
        _ => Ok(observed),
    }
}

/// The plan of taking just that one over.
fn plan(session: &Session, state: &State, address: &Address, found: Observed) -> Result<Plan, Failure> {
    let seen = Observations { seen: [(address.clone(), Seen::Here(Box::new(found)))].into(), assumed: false };
    let mode = Mode { stack: session.cloud.stack.clone(), adopt: true };
    Ok(engine::plan(&session.graph, state, &seen, &session.kinds, &mode)?)
}
