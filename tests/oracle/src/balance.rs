//! The append-only balance of a tenant: what is carried from one invoice to another.

use std::collections::BTreeMap;

use crate::month::Month;

/// One entry. Entries are never changed; one that is written again under its id is the same entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Derived from what it is for, so that a repeat is a no-op.
    pub id: String,
    /// The ISO code of its currency.
    pub currency: String,
    /// The month it arose in.
    pub month: Month,
    /// The revision of that month's invoice.
    pub revision: u32,
    /// In the currency's smallest unit at Stripe: above zero the tenant owes it, below zero it is in its favour.
    pub amount: i128,
    /// What happened.
    pub kind: EntryKind,
}

/// What a balance entry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A month, or its restatement, that no invoice took: carried on.
    Carried,
    /// Carried balance that a draft or invoice took as a line: the opposite sign of that line. Or that a credit note gave
    /// back.
    Reserved,
    /// A reservation given back by an invoice that was voided or deleted.
    Returned,
    /// A month's amount that was given up by command, so that no invoice follows.
    WrittenOff,
}

/// Returns the balance by currency: each id counts once, in whatever order entries arrived.
#[must_use]
pub fn balance(entries: &[Entry]) -> BTreeMap<&str, i128> {
    let once: BTreeMap<&str, &Entry> = entries.iter().map(|entry| (entry.id.as_str(), entry)).collect();
    let mut sums = BTreeMap::new();
    for entry in once.values() {
        *sums.entry(entry.currency.as_str()).or_default() += entry.amount;
    }
    sums
}
