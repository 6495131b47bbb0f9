//! Where the state is kept: the stores behind the engine's port, and the one that the manifest chooses.

pub mod file;
pub mod format;
pub mod holder;
pub mod permissions;
pub mod s3;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use billing::manifest::model::{S3State, State as StatePlace};
use engine::State;
use engine::state::{Entry, StateStore, StoreError};

use crate::cloud::calls::Calls;
use crate::cloud::connection::Connection;
use crate::failure::Failure;
use crate::project::Project;
use file::{FileStore, LockError};
use holder::Holder;
use s3::client::Bucket;
use s3::lease::{Met, Times};
use s3::{Place, S3Store};

/// The state's store, as the manifest's `state` says.
pub enum Store {
    /// A local file.
    File(FileStore),
    /// Objects in S3.
    S3(Box<S3Store>),
}

/// How often a file's lock is tried while waiting for it.
const FILE_POLL: Duration = Duration::from_millis(100);

/// The state to read only; nothing is locked. A state in S3 needs a connection, so it makes one.
pub async fn open(project: &Project) -> Result<Store, Failure> {
    match &project.manifest.state {
        StatePlace::File(path) => Ok(Store::File(FileStore::open(&project.folder.join(path)))),
        StatePlace::S3(_) => {
            let connection = Connection::open(&project.manifest, Calls::default()).await?;
            Ok(open_with(project, &connection))
        }
    }
}

/// The same over a connection that there is.
pub fn open_with(project: &Project, connection: &Connection) -> Store {
    match &project.manifest.state {
        StatePlace::File(path) => Store::File(FileStore::open(&project.folder.join(path))),
        StatePlace::S3(s3) => {
            let bucket = Bucket::new(connection, &s3.bucket, &s3.region);
            Store::S3(Box::new(S3Store::open(Arc::new(bucket), place(project, s3))))
        }
    }
}

/// The state to write, locked in this process's name; a state in S3 is reached over `connection`, or over one of its
/// own. `patience` is how long to wait for another run's lock. From then
/// on calls of the connection that change something are made only while the lock holds. [`Store::release`] gives it
/// back; what is not given back lapses.
pub async fn lock(
    project: &Project,
    connection: Option<&Connection>,
    verb: &str,
    patience: Duration,
) -> Result<Store, Failure> {
    let holder = Holder::this(verb);
    match &project.manifest.state {
        StatePlace::File(path) => lock_file(&project.folder.join(path), &holder, patience).await,
        StatePlace::S3(s3) => {
            let connection = match connection {
                Some(connection) => connection,
                None => &Connection::open(&project.manifest, Calls::default()).await?,
            };
            let bucket = Arc::new(Bucket::new(connection, &s3.bucket, &s3.region));
            let times = Times { lease: Duration::from_secs(s3.lease.count().into()), patience };
            let store = S3Store::lock(bucket, place(project, s3), &holder, times, &waiting_for).await?;
            if let Some(term) = store.term() {
                connection.calls.gate().bind(Arc::clone(term));
            }
            store.give_back_on_interrupt();
            Ok(Store::S3(Box::new(store)))
        }
    }
}

async fn lock_file(path: &std::path::Path, holder: &Holder, patience: Duration) -> Result<Store, Failure> {
    let began = Instant::now();
    let mut told = false;
    loop {
        match FileStore::lock(path, &holder.to_string()) {
            Ok(store) => return Ok(Store::File(store)),
            Err(LockError::Held { holder, .. }) if began.elapsed() < patience => {
                if !std::mem::replace(&mut told, true) {
                    anstream::eprintln!("Waiting for {holder} to be done with the state.");
                }
                tokio::time::sleep(FILE_POLL.min(patience.saturating_sub(began.elapsed()))).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn waiting_for(met: &Met) {
    if let Some(holder) = &met.lock.holder {
        anstream::eprintln!("Waiting for the state: {holder} has it since {}.", holder.since);
    }
}

/// Where a state in S3 lies.
pub fn place(project: &Project, s3: &S3State) -> Place {
    Place { bucket: s3.bucket.clone(), key: s3.key.clone(), stack: project.manifest.stack() }
}

impl Store {
    /// Does something under the lock, then gives it back, however that ended.
    pub async fn released_after<T>(self, work: impl AsyncFnOnce(&Store) -> T) -> T {
        let result = work(&self).await;
        self.release().await;
        result
    }

    /// Calls that change something are under way from now on: an interrupt lets them end.
    pub fn begin(&self) {
        if let Store::S3(store) = self {
            store.begin();
        }
    }

    /// Gives the lock back, if it is one that would outlive the process. That this fails is told, and no failure of the
    /// command: the lock lapses by itself.
    pub async fn release(self) {
        if let Store::S3(store) = &self
            && let Err(error) = store.release().await
        {
            anstream::eprintln!("The lock on the state could not be given back ({error}); it lapses by itself.");
        }
    }
}

#[async_trait]
impl StateStore for Store {
    async fn load(&self, stack: &str) -> Result<State, StoreError> {
        match self {
            Store::File(store) => store.load(stack).await,
            Store::S3(store) => store.load(stack).await,
        }
    }

    async fn append(&self, entries: &[Entry]) -> Result<(), StoreError> {
        match self {
            Store::File(store) => store.append(entries).await,
            Store::S3(store) => store.append(entries).await,
        }
    }

    async fn fold(&self, state: &State) -> Result<(), StoreError> {
        match self {
            Store::File(store) => store.fold(state).await,
            Store::S3(store) => store.fold(state).await,
        }
    }
}
