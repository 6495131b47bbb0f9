//! One place where a state, or a tenant's part of one, is kept: the file or S3 store, whichever it is.

use async_trait::async_trait;
use engine::State;
use engine::state::{Entry, StateStore, StoreError};

use super::file::FileStore;
use super::s3::S3Store;

/// A store of either sort.
pub enum Backend {
    /// A local file.
    File(FileStore),
    /// Objects in S3.
    S3(Box<S3Store>),
}

impl Backend {
    /// Calls that change something are under way from now on: an interrupt lets them end.
    pub fn begin(&self) {
        if let Backend::S3(store) = self {
            store.begin();
        }
    }

    /// Puts a state in place of whatever lies here, which is of something else.
    pub async fn start_over(&self, state: &State) -> Result<(), StoreError> {
        match self {
            Backend::File(store) => store.begin(state),
            // What it folds is void by its mark.
            Backend::S3(store) => store.fold(state).await,
        }
    }

    /// Gives the lock back, if it is one that would outlive the process. That this fails is told, and no failure of the
    /// command: the lock lapses by itself.
    pub async fn release(self) {
        if let Backend::S3(store) = &self
            && let Err(error) = store.release().await
        {
            anstream::eprintln!("The lock on the state could not be given back ({error}); it lapses by itself.");
        }
    }
}

#[async_trait]
impl StateStore for Backend {
    async fn load(&self, stack: &str) -> Result<State, StoreError> {
        match self {
            Backend::File(store) => store.load(stack).await,
            Backend::S3(store) => store.load(stack).await,
        }
    }

    async fn append(&self, entries: &[Entry]) -> Result<(), StoreError> {
        match self {
            Backend::File(store) => store.append(entries).await,
            Backend::S3(store) => store.append(entries).await,
        }
    }

    async fn fold(&self, state: &State) -> Result<(), StoreError> {
        match self {
            Backend::File(store) => store.fold(state).await,
            Backend::S3(store) => store.fold(state).await,
        }
    }
}
