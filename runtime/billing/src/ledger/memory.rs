//! The ledger in memory, for tests. Agrees with DynamoDB, which generated sequences of operations assert.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use super::item::{check_item, check_key, check_transaction, refused, transaction_doing};
use super::{Expect, Key, Ledger, PortError, Stored, Wrote};

/// Items by key.
#[derive(Debug, Default)]
pub struct MemoryLedger(Mutex<BTreeMap<Key, Stored>>);

impl MemoryLedger {
    /// Every item, in the order of keys.
    pub fn items(&self) -> BTreeMap<Key, Stored> {
        self.lock().clone()
    }

    /// Puts an item there, whatever was there.
    pub fn set(&self, item: Stored) {
        self.lock().insert(item.key.clone(), kept(item));
    }

    /// Takes an item away.
    pub fn remove(&self, key: &Key) -> Option<Stored> {
        self.lock().remove(key)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Stored>> {
        // A test that panicked while it held the lock left whole items.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clone for MemoryLedger {
    fn clone(&self) -> MemoryLedger {
        MemoryLedger(Mutex::new(self.items()))
    }
}

impl PartialEq for MemoryLedger {
    fn eq(&self, other: &MemoryLedger) -> bool {
        self.items() == other.items()
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn get(&self, key: &Key) -> Result<Option<Stored>, PortError> {
        check_key(key).map_err(|cause| refused(&format!("read {}", key.place()), cause))?;
        Ok(self.lock().get(key).cloned())
    }

    async fn range(&self, partition: &str, from: &str, to: &str) -> Result<Vec<Stored>, PortError> {
        let first = Key::new(partition, from);
        check_key(&first).map_err(|cause| refused(&format!("read {}", first.place()), cause))?;
        let within = |key: &&Key| key.partition == partition && key.sort.as_str() <= to;
        let items = self.lock();
        let found = items.range(first..).take_while(|(key, _)| within(key));
        Ok(found.map(|(_, item)| item.clone()).collect())
    }

    async fn of_kind(&self, kind: &str) -> Result<Vec<Stored>, PortError> {
        let items = self.lock();
        let of_kind = items.values().filter(|item| item.indexed.kind.as_deref() == Some(kind));
        Ok(of_kind.cloned().collect())
    }

    async fn put(&self, item: Stored, expect: Expect) -> Result<Wrote, PortError> {
        check_item(&item).map_err(|cause| refused(&format!("write {}", item.key.place()), cause))?;
        let mut items = self.lock();
        if !expect.holds(items.get(&item.key)) {
            return Ok(Wrote::Refused);
        }
        items.insert(item.key.clone(), kept(item));
        Ok(Wrote::Done)
    }

    async fn transact(&self, puts: Vec<(Stored, Expect)>) -> Result<Wrote, PortError> {
        check_transaction(&puts).map_err(|cause| refused(&transaction_doing(&puts), cause))?;
        let mut items = self.lock();
        if !puts.iter().all(|(item, expect)| expect.holds(items.get(&item.key))) {
            return Ok(Wrote::Refused);
        }
        items.extend(puts.into_iter().map(|(item, _)| (item.key.clone(), kept(item))));
        Ok(Wrote::Done)
    }
}

/// As DynamoDB keeps it: times to the millisecond.
fn kept(mut item: Stored) -> Stored {
    item.indexed.read_at = item.indexed.read_at.and_then(|at| Timestamp::from_millisecond(at.as_millisecond()).ok());
    item
}
