//! A run that changes something: it connects, locks the state, works, and gives the lock back.

use std::time::Duration;

use clap::Args;

use crate::cloud::calls::Calls;
use crate::cloud::connection::Connection;
use crate::project::Project;
use crate::store::{self, Store};
use crate::ui::duration;
use crate::ui::failure::Outcome;

/// How long a command waits for a lock that is held.
#[derive(Debug, Clone, Copy, Args)]
pub struct LockPatience {
    /// Waits so long for another run's lock on the state: 30s, 5m.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration::parse)]
    pub lock_timeout: Duration,
}

/// How long a run waits for what it cannot change.
#[derive(Debug, Clone, Copy, Args)]
pub struct Patience {
    /// For the lock.
    #[command(flatten)]
    pub lock: LockPatience,
    /// Stops when nothing could be reached for so long.
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = duration::parse)]
    pub network_timeout: Duration,
    /// Takes a call for lost whose answer has not begun after so long, and makes it again.
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration::parse)]
    pub answer_timeout: Duration,
}

impl Default for Patience {
    /// As the command line has it when nothing is said.
    fn default() -> Patience {
        Patience {
            lock: LockPatience { lock_timeout: Duration::ZERO },
            network_timeout: Duration::from_secs(20),
            answer_timeout: Duration::from_secs(120),
        }
    }
}

/// Does `work` while the state is locked for `billform VERB`: the whole, or one tenant's part.
pub async fn locked(
    project: Project,
    patience: Patience,
    verb: &str,
    tenant: Option<&str>,
    work: impl AsyncFnOnce(Project, Connection, &Store) -> Outcome,
) -> Outcome {
    let calls = Calls::default().waiting(patience.answer_timeout);
    calls.gate().set_patience(patience.network_timeout);
    let connection = Connection::open(&project.manifest, calls).await?;
    let store = match tenant {
        Some(tenant) => store::lock_tenant(&project, &connection, tenant, verb, patience.lock.lock_timeout).await?,
        None => store::lock(&project, Some(&connection), verb, patience.lock.lock_timeout).await?,
    };
    store.released_after(async |store| work(project, connection, store).await).await
}
