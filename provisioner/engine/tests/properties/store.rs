//! A state store in memory. Each fold is checked against the journal it replaces.

use std::sync::Mutex;

use async_trait::async_trait;
use engine::State;
use engine::state::{Entry, StateStore, StoreError};

use crate::cloud::Cloud;
use crate::kinds::STACK;

pub(crate) struct Store {
    cloud: Cloud,
    kept: Mutex<Kept>,
}

struct Kept {
    state: State,
    journal: Vec<Entry>,
    appends: usize,
    /// Whether an append failed since the last fold, which then knows more than the journal.
    broken: bool,
}

impl Store {
    pub(crate) fn new(cloud: &Cloud) -> Store {
        let kept = Kept { state: State::empty(STACK), journal: Vec::new(), appends: 0, broken: false };
        Store { cloud: cloud.clone(), kept: Mutex::new(kept) }
    }

    /// What a new process would load.
    pub(crate) fn state(&self) -> State {
        let kept = self.kept.lock().expect("one thread");
        let mut state = kept.state.clone();
        kept.journal.iter().cloned().for_each(|entry| state.take(entry));
        state
    }

    pub(crate) fn lose(&self) {
        self.put(&State::empty(STACK));
    }

    /// Keeps a state that did not come out of an apply: a rebuild, a rename.
    pub(crate) fn put(&self, state: &State) {
        *self.kept.lock().expect("one thread") =
            Kept { state: state.clone(), journal: Vec::new(), appends: 0, broken: false };
    }

    pub(crate) fn appends(&self) -> usize {
        self.kept.lock().expect("one thread").appends
    }
}

#[async_trait]
impl StateStore for Store {
    async fn load(&self, _stack: &str) -> Result<State, StoreError> {
        Ok(self.state())
    }

    async fn append(&self, entries: &[Entry]) -> Result<(), StoreError> {
        assert!(!entries.is_empty(), "an append of nothing is a wasted fsync");
        let keep = |_: &mut _, _| {
            let mut kept = self.kept.lock().expect("one thread");
            kept.journal.extend_from_slice(entries);
            kept.appends += 1;
            Ok(())
        };
        let kept = self.cloud.call("store", "append", keep).await;
        kept.map_err(|error| {
            self.kept.lock().expect("one thread").broken = true;
            StoreError { message: error.to_string() }
        })
    }

    async fn fold(&self, state: &State) -> Result<(), StoreError> {
        let fold = |_: &mut _, _| {
            let mut replayed = self.state();
            assert!(state.serial > replayed.serial, "a fold counts on");
            replayed.serial = state.serial;
            // What a run tried and has heard of is told by the fold alone.
            for (address, intent) in &mut replayed.intents {
                intent.generation = state.intents.get(address).and_then(|folded| folded.generation);
            }
            for (address, record) in &mut replayed.records {
                record.generation = state.records.get(address).and_then(|folded| folded.generation);
            }
            let mut kept = self.kept.lock().expect("one thread");
            if !std::mem::take(&mut kept.broken) {
                assert_eq!(replayed, *state, "the journal replays to what is folded");
            }
            kept.state = state.clone();
            kept.journal.clear();
            Ok(())
        };
        let kept = self.cloud.call("store", "fold", fold).await;
        kept.map_err(|error| StoreError { message: error.to_string() })
    }
}
