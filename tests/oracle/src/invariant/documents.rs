//! What must hold of each document by itself, at every instant.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Case, Found};
use crate::attribution::SHARED;
use crate::currency::Currency;
use crate::line::{OTHER, Rule, total};
use crate::month::Month;
use crate::violation::Fault;
use crate::world::Document;

/// How many items of every kind Stripe takes on an invoice.
const ITEMS: usize = 250;

pub(super) fn faults(case: &Case) -> Vec<Found> {
    let documents = &case.account.documents;
    let mut found: Vec<Found> = documents.iter().flat_map(|document| of_document(case, document)).collect();
    found.extend(twice(documents));
    found
}

fn of_document(case: &Case, document: &Document) -> Vec<Found> {
    let mut faults = amounts(document);
    if document.status.is_live() {
        faults.extend(whose(case, document));
    }
    if document.edited && document.status.is_live() && !case.account.named_documents.contains(&document.id) {
        // A person may have edited it a moment ago: it must be named once a run has seen it.
        faults.extend(case.settled_run().map(|_| Fault::SilentEdit { document: document.id.clone() }));
    }
    faults.into_iter().map(|fault| (Some(document.month), fault)).collect()
}

/// Faults of a document's figures.
fn amounts(document: &Document) -> Vec<Fault> {
    let id = || document.id.clone();
    let mut faults = Vec::new();
    let lines = total(&document.lines);
    if lines != document.total {
        faults.push(Fault::LinesDoNotSum { document: id(), lines, total: document.total });
    }
    if document.total < 0 {
        faults.push(Fault::Negative { document: id(), total: document.total });
    }
    if document.lines.len() > ITEMS {
        faults.push(Fault::TooManyLines { document: id(), lines: document.lines.len() });
    }
    if let Some(currency) = Currency::find(&document.currency) {
        let amounts = document.lines.iter().map(|line| line.amount).chain([document.total]);
        let odd = amounts.into_iter().find(|amount| amount % currency.step != 0);
        faults.extend(odd.map(|amount| Fault::NotChargeable { document: id(), amount }));
    }
    faults
}

/// Faults of a document that is not the tenant's, or not in its currency.
fn whose(case: &Case, document: &Document) -> Vec<Fault> {
    let id = || document.id.clone();
    let tenant = case.judge.facts.tenants.get(case.tenant);
    let Some(tenant) = tenant.filter(|tenant| tenant.is_member(document.month) || case.is_closing(document)) else {
        return vec![Fault::NotAMember { document: id() }];
    };
    let mut faults = Vec::new();
    let must = tenant.currency(document.month).unwrap_or_default();
    if document.currency != must {
        faults.push(Fault::WrongCurrency { document: id(), is: document.currency.clone(), must: must.to_owned() });
    }
    let bill = case.judge.bill(document.month, Timestamp::MAX);
    let own: BTreeSet<&str> =
        bill.own.get(case.tenant).into_iter().flatten().map(|(service, _)| service.as_str()).collect();
    for line in &document.lines {
        if let Rule::Cost(service) = &line.rule
            && !own.contains(service.as_str())
            && service != SHARED
            && service != OTHER
        {
            faults.push(Fault::ForeignCost { document: id(), service: service.clone() });
        }
    }
    faults
}

/// Faults of live documents beside each other.
fn twice(documents: &[Document]) -> Vec<Found> {
    let mut months: BTreeMap<Month, BTreeMap<u32, Vec<String>>> = BTreeMap::new();
    for document in documents.iter().filter(|document| document.status.is_live()) {
        let revisions = months.entry(document.month).or_default();
        revisions.entry(document.revision).or_default().push(document.id.clone());
    }
    let mut found = Vec::new();
    for (month, revisions) in months {
        if revisions.len() > 1 {
            let documents = revisions.values().flatten().cloned().collect();
            found.push((Some(month), Fault::TwoRevisions { documents }));
        }
        let doubled = revisions.into_iter().filter(|(_, documents)| documents.len() > 1);
        found.extend(
            doubled.map(|(revision, documents)| (Some(month), Fault::TwoOfOneRevision { revision, documents })),
        );
    }
    found
}
