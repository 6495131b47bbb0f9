//! Objects of one kind in the order they were created, found by id.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::wire::error::ApiError;
use crate::wire::object::{Object, text};

/// All objects of one kind. Ranks count creations, so two objects of the same second keep their order.
#[derive(Debug)]
pub(crate) struct Collection {
    noun: &'static str,
    rows: BTreeMap<u64, Object>,
    ranks: HashMap<String, u64>,
    deleted: HashSet<String>,
    next_rank: u64,
}

impl Collection {
    /// An empty collection; `noun` is what Stripe calls one in messages.
    pub(crate) fn new(noun: &'static str) -> Collection {
        Collection { noun, rows: BTreeMap::new(), ranks: HashMap::new(), deleted: HashSet::new(), next_rank: 0 }
    }

    pub(crate) fn insert(&mut self, id: &str, object: Object) {
        let rank = self.next_rank;
        self.next_rank += 1;
        self.ranks.insert(id.to_owned(), rank);
        self.rows.insert(rank, object);
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        self.ranks.contains_key(id)
    }

    pub(crate) fn find(&self, id: &str) -> Result<&Object, ApiError> {
        let row = self.ranks.get(id).and_then(|rank| self.rows.get(rank));
        row.ok_or_else(|| ApiError::missing(self.noun, id))
    }

    pub(crate) fn find_mut(&mut self, id: &str) -> Result<&mut Object, ApiError> {
        let row = self.ranks.get(id).and_then(|rank| self.rows.get_mut(rank));
        row.ok_or_else(|| ApiError::missing(self.noun, id))
    }

    /// Removes an object and remembers that it was there.
    pub(crate) fn delete(&mut self, id: &str) -> Result<Object, ApiError> {
        let rank = self.ranks.remove(id);
        let row = rank.and_then(|rank| self.rows.remove(&rank));
        let row = row.ok_or_else(|| ApiError::missing(self.noun, id))?;
        self.deleted.insert(id.to_owned());
        Ok(row)
    }

    /// Forgets the oldest object where `past` says so; answers its id. Unlike a deleted one it was never there.
    pub(crate) fn forget_oldest(&mut self, past: impl Fn(&Object) -> bool) -> Option<String> {
        let oldest = self.rows.first_entry().filter(|oldest| past(oldest.get()))?;
        let (_, object) = oldest.remove_entry();
        let id = text(&object, "id").unwrap_or_default().to_owned();
        self.ranks.remove(&id);
        Some(id)
    }

    pub(crate) fn was_deleted(&self, id: &str) -> bool {
        self.deleted.contains(id)
    }

    pub(crate) fn rank(&self, id: &str) -> Result<u64, ApiError> {
        let rank = self.ranks.get(id).copied();
        rank.ok_or_else(|| ApiError::missing(self.noun, id))
    }

    /// Every object, newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Object> {
        self.rows.values().rev()
    }
}
