//! Issued invoices + open drafts - credit notes + balance = rules x latest cost - what a person granted, of each tenant, to
//! the minor unit.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::timing::entered;
use super::{Case, Found};
use crate::balance::balance;
use crate::finality::looked_at_until;
use crate::month::Month;
use crate::violation::Fault;
use crate::world::Document;

/// Sums by the ISO code of their currency.
type Sums = BTreeMap<String, i128>;

pub(super) fn faults(case: &Case) -> Vec<Found> {
    let mut found: Vec<Found> = entries_changed(case).into_iter().map(|fault| (None, fault)).collect();
    found.extend(given_and_taken(case));
    // A document that a person edited is left as it is, and named: its sum is theirs.
    let is_edited = |document: &Document| document.edited && document.status.is_live();
    if let Some(run_at) = case.settled_run()
        && !case.account.documents.iter().any(is_edited)
    {
        found.extend(unequal(case, run_at));
    }
    found
}

/// Compares what the books say with what the entered months are.
fn unequal(case: &Case, run_at: Timestamp) -> Vec<Found> {
    let mut found = Vec::new();
    let mut must = Sums::new();
    for month in entered(case) {
        match &*case.owed(month, known_at(case, month, run_at)) {
            Ok(owed) => *must.entry(owed.currency.code.to_owned()).or_default() += owed.total,
            Err(why) => found.push((Some(month), Fault::NotAssessable { why: why.clone() })),
        }
    }
    if !found.is_empty() {
        return found;
    }
    for (currency, granted) in granted(case) {
        *must.entry(currency).or_default() -= granted;
    }
    let is = books(case);
    let mut currencies: Vec<&String> = is.keys().chain(must.keys()).collect();
    currencies.sort();
    currencies.dedup();
    for currency in currencies {
        let of = |sums: &Sums| sums.get(currency).copied().unwrap_or_default();
        if of(&is) != of(&must) {
            found.push((None, Fault::Unequal { currency: currency.clone(), is: of(&is), must: of(&must) }));
        }
    }
    found
}

/// Returns what a person took off invoices that count: no cost is behind it.
fn granted(case: &Case) -> Sums {
    let mut sums = Sums::new();
    for document in case.account.documents.iter().filter(|document| document.status.is_live()) {
        let grants = case.account.grants.iter().filter(|grant| grant.document == document.id);
        *sums.entry(document.currency.clone()).or_default() += grants.map(|grant| grant.amount).sum::<i128>();
    }
    sums
}

/// Returns issued invoices + open drafts - credit notes + balance.
fn books(case: &Case) -> Sums {
    let mut sums = Sums::new();
    for document in case.account.documents.iter().filter(|document| document.status.is_live()) {
        *sums.entry(document.currency.clone()).or_default() += document.total - credited(case, document);
    }
    for (currency, amount) in balance(&case.account.balance) {
        *sums.entry(currency.to_owned()).or_default() += amount;
    }
    sums
}

/// Returns the instant whose cost counts as a month's latest: its last read before the run. Once it is billed and not
/// looked at any more, later reads change nothing.
fn known_at(case: &Case, month: Month, run_at: Timestamp) -> Timestamp {
    let facts = case.judge.facts;
    let of_month =
        || case.account.documents.iter().filter(|document| document.month == month && document.status.is_live());
    let is_open = of_month().any(|document| document.issued_at.is_none());
    let issued_at = of_month().filter_map(|document| document.issued_at).max();
    let until = looked_at_until(&facts.policy, month);
    let counts =
        |read_at: &Timestamp| is_open || *read_at < until || issued_at.is_some_and(|issued_at| *read_at <= issued_at);
    let reads = case.judge.reads.of_month(month).iter().rev().filter(|read_at| **read_at <= run_at);
    reads.copied().find(counts).unwrap_or(Timestamp::MIN)
}

fn credited(case: &Case, document: &Document) -> i128 {
    let notes = case.account.credit_notes.iter().filter(|note| note.document == document.id);
    notes.map(|note| note.amount).sum()
}

/// Entries that share an id and are not the same.
fn entries_changed(case: &Case) -> Vec<Fault> {
    let mut first = BTreeMap::new();
    let mut faults = Vec::new();
    for entry in &case.account.balance {
        if *first.entry(&entry.id).or_insert(entry) != entry {
            faults.push(Fault::EntryChanged { id: entry.id.clone() });
        }
    }
    faults
}

/// Payments and credit notes beyond their invoices.
fn given_and_taken(case: &Case) -> Vec<Found> {
    let mut found = Vec::new();
    for document in &case.account.documents {
        let (id, total) = (document.id.clone(), document.total.max(0));
        let payments = case.account.payments.iter().filter(|payment| payment.document == id);
        let paid: i128 = payments.map(|payment| payment.amount - payment.refunded).sum();
        let credited = credited(case, document);
        if paid > total {
            found.push((Some(document.month), Fault::Overpaid { document: id.clone(), paid, total }));
        }
        if credited > total {
            found.push((Some(document.month), Fault::OverCredited { document: id, credited, total }));
        }
    }
    let named = case.account.payments.iter().map(|payment| &payment.document);
    let named = named.chain(case.account.credit_notes.iter().map(|note| &note.document));
    let is_known = |id: &&String| case.account.documents.iter().any(|document| document.id == **id);
    let unknown = named.filter(|id| !is_known(id));
    found.extend(unknown.map(|id| (None, Fault::NoSuchDocument { document: id.clone() })));
    found
}
