//! What billform remembers: a cache of the cloud that a lost copy can be rebuilt from, and the port that keeps it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Address;

/// The version of the state's format that this engine writes.
pub const STATE_VERSION: u32 = 1;

/// Everything remembered of one stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// [`STATE_VERSION`] of who wrote it.
    pub version: u32,
    /// The stack it is of: `<project>` or `<project>/<environment>`.
    pub stack: String,
    /// Raised by each fold, so that an older copy is told from a newer one.
    pub serial: u64,
    /// What exists, as far as we know.
    pub records: BTreeMap<Address, Record>,
    /// Calls that were begun and never heard of again. Without a record the resource may or may not exist; with one it
    /// exists, or did, and its fields may be those of the record, of the intent, or between.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub intents: BTreeMap<Address, Intent>,
    /// Where it was applied, as far as a mix-up would do harm: `AWS account`, `Stripe mode`. Ids of one place mean
    /// nothing, or something else, in another.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub places: BTreeMap<String, String>,
    /// Resources that were renamed here and whose ownership tags still say the address they had: new -> old.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub renamed: BTreeMap<Address, Address>,
    /// Resources that a rebuild found to differ from the manifest. Their records hold what was found: how they were left
    /// is not known, so drift compares them with the manifest until an apply has settled them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub rebuilt: BTreeSet<Address>,
}

/// One resource that exists, as last applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Where it stands.
    pub address: Address,
    /// The cloud's id of it.
    pub id: String,
    /// The tenant it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The desired fields as last applied, every reference resolved.
    pub fields: Arc<Value>,
    /// What others may refer to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, Value>,
    /// What it needs to exist; the order of deletion follows from it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub depends_on: BTreeSet<Address>,
    /// What it waits for, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<String>,
    /// The count in the run that made or changed it, until a run that had it in its plan ends by itself. What was made a
    /// moment ago may not be seen yet: who makes it again after a kill says the same token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
}

/// A create, update or delete that is about to happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Where it will stand.
    pub address: Address,
    /// The tenant it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The desired fields, every reference resolved; those that were there, before a delete.
    pub fields: Arc<Value>,
    /// What it needs to exist.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub depends_on: BTreeSet<Address>,
    /// The count in the run that called for it, as long as that run was killed: its call may still be on its way, so
    /// whoever finishes it says the same token. None once a run that tried it has ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// Whether it was there before and not ours: an import or an adoption. While nothing says that it is ours, that we
    /// began is no reason to change or delete it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub takes_over: bool,
    /// The cloud's id of what was deleted so that this one can be created in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// A create, update or delete is about to be called.
    Intent(Intent),
    /// The resource exists as said, replacing what was known of it.
    Exists(Box<Record>),
    /// The resource is gone, or no longer ours to keep.
    Removed(Address),
}

/// What we applied last, for [`crate::Kind::diff`]. What an open intent was about to write may have arrived, so its
/// keys count as ours too.
pub(crate) fn last_applied(record: Option<&Record>, intent: Option<&Intent>) -> Option<Arc<Value>> {
    match (record, intent) {
        (Some(record), Some(intent)) => Some(union(&record.fields, &intent.fields).into()),
        (record, intent) => record.map(|record| &record.fields).or(intent.map(|intent| &intent.fields)).cloned(),
    }
}

fn union(under: &Value, over: &Value) -> Value {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            let mut both = under.clone();
            for (name, value) in over {
                let merged = under.get(name).map_or_else(|| value.clone(), |below| union(below, value));
                both.insert(name.clone(), merged);
            }
            Value::Object(both)
        }
        _ => over.clone(),
    }
}

/// A state is used in another place than the one it was applied in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the state was applied with {what} {then}, this run is for {now}; nothing was read or changed")]
pub struct OtherPlace {
    /// `Stripe mode`.
    pub what: String,
    /// The one it was applied in.
    pub then: String,
    /// This run's.
    pub now: String,
}

/// Why an address cannot be renamed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenameError {
    /// Nothing is remembered there.
    #[error("the state knows no {0}; `billform state list` shows what it knows")]
    Unknown(Address),
    /// Something is remembered at the new address.
    #[error("{0} is taken; `billform state rm {0}` forgets what stands there, without deleting it")]
    Taken(Address),
    /// A resource cannot become one of another kind.
    #[error("{from} cannot become {to}: a resource keeps its kind")]
    OtherKind {
        /// The old address.
        from: Address,
        /// The new one.
        to: Address,
    },
}

/// Why the state could not be read or kept.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    /// Place, cause and remedy in one sentence or two.
    pub message: String,
}

/// The port that keeps the state. Planning needs [`StateStore::load`] only; whoever appends holds the lock.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// The state with the journal folded in, or an empty one of that stack.
    async fn load(&self, stack: &str) -> Result<State, StoreError>;

    /// Appends entries in order; when it returns they survive a crash.
    async fn append(&self, entries: &[Entry]) -> Result<(), StoreError>;

    /// Replaces the state whole and empties the journal.
    async fn fold(&self, state: &State) -> Result<(), StoreError>;
}

impl State {
    /// Nothing remembered of a stack.
    pub fn empty(stack: &str) -> State {
        State {
            version: STATE_VERSION,
            stack: stack.to_owned(),
            serial: 0,
            records: BTreeMap::new(),
            intents: BTreeMap::new(),
            places: BTreeMap::new(),
            renamed: BTreeMap::new(),
            rebuilt: BTreeSet::new(),
        }
    }

    /// Notes where it is applied. A place other than the last one is an error that names both, and nothing is noted.
    pub fn stand_at(&mut self, places: &BTreeMap<String, String>) -> Result<(), OtherPlace> {
        for (what, now) in places {
            if let Some(then) = self.places.get(what).filter(|then| *then != now) {
                return Err(OtherPlace { what: what.clone(), then: then.clone(), now: now.clone() });
            }
        }
        self.places.extend(places.clone());
        Ok(())
    }

    /// Lets what stands at `from` stand at `to`. The cloud is not told yet: the next apply writes the new address into
    /// the ownership tags.
    pub fn rename(&mut self, from: &Address, to: &Address) -> Result<(), RenameError> {
        let taken = |address: &Address| self.records.contains_key(address) || self.intents.contains_key(address);
        if from.kind() != to.kind() {
            return Err(RenameError::OtherKind { from: from.clone(), to: to.clone() });
        }
        if !self.records.contains_key(from) {
            return Err(RenameError::Unknown(from.clone()));
        }
        if taken(to) {
            return Err(RenameError::Taken(to.clone()));
        }
        let record = self.records.remove(from).map(|record| Record { address: to.clone(), ..record });
        self.records.extend(record.map(|record| (to.clone(), record)));
        let intent = self.intents.remove(from).map(|intent| Intent { address: to.clone(), ..intent });
        self.intents.extend(intent.map(|intent| (to.clone(), intent)));
        let dependants = self.records.values_mut().map(|record| &mut record.depends_on);
        for needs in dependants.chain(self.intents.values_mut().map(|intent| &mut intent.depends_on)) {
            if needs.remove(from) {
                needs.insert(to.clone());
            }
        }
        let origin = self.renamed.remove(from).unwrap_or_else(|| from.clone());
        if origin != *to {
            self.renamed.insert(to.clone(), origin);
        }
        if self.rebuilt.remove(from) {
            self.rebuilt.insert(to.clone());
        }
        Ok(())
    }

    /// Carries out the manifest's `moved` entries that have not been carried out yet, in their order. An entry whose
    /// old address is not remembered, or whose new one is taken, is history.
    pub fn rename_all<'a>(&mut self, moves: impl IntoIterator<Item = &'a (Address, Address)>) {
        for (from, to) in moves {
            // What cannot be renamed is planned as what it is: the old one unwanted, the new one wanted.
            let _ = self.rename(from, to);
        }
    }

    /// Whether nothing was ever kept: a new stack, or one whose state was lost.
    pub fn is_blank(&self) -> bool {
        self.serial == 0 && self.records.is_empty() && self.intents.is_empty()
    }

    /// Takes one journal entry in.
    pub fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Intent(intent) => {
                self.intents.insert(intent.address.clone(), intent);
            }
            Entry::Exists(record) => {
                self.intents.remove(&record.address);
                self.renamed.remove(&record.address);
                self.rebuilt.remove(&record.address);
                self.records.insert(record.address.clone(), *record);
            }
            Entry::Removed(address) => {
                self.intents.remove(&address);
                self.renamed.remove(&address);
                self.rebuilt.remove(&address);
                self.records.remove(&address);
            }
        }
    }
}
