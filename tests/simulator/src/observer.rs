//! What an observer sees of the system: Stripe's documents, the ledger's balance, the reads of cost, and what the last run
//! said. Nothing here is what it ought to be.

use std::collections::{BTreeMap, BTreeSet};

use billing::balance::{Entry as OurEntry, EntryKind as OurKind};
use billing::invoice::{InvoiceRecord, InvoiceState};
use billing::ledger;
use billing::names::{PERIOD_METADATA, REVISION_METADATA, STATE_METADATA};
use futures::FutureExt;
use jiff::Timestamp;
use jiff::civil::Date;
use oracle::balance::{Entry, EntryKind};
use oracle::currency::Currency;
use oracle::facts::TenantId;
use oracle::line::{Line, OTHER, Rule};
use oracle::month::Month;
use oracle::world::{Account, CreditNote, Document, Payment, Read, Status, World};
use runtime::adapters::stripe::requests;
use serde_json::Value;

use super::requests::{Form, all, key, lines, send};
use super::said::Said;
use super::shared::Shared;

/// What is seen.
#[derive(Debug, Default)]
pub struct Observer {
    documents: BTreeMap<String, Seen>,
    by_tenant: BTreeMap<TenantId, BTreeSet<String>>,
    customers: BTreeMap<String, TenantId>,
    /// Issued invoices that were written to since this was last asked.
    recent: BTreeSet<String>,
    accounts: BTreeMap<TenantId, Standing>,
    /// Each tenant's balance, as it was when its ledger was last written to.
    balances: BTreeMap<TenantId, Vec<Entry>>,
}

/// A document, and what it says beside what the oracle compares.
#[derive(Debug)]
struct Seen {
    document: Document,
    is_complete: bool,
    paid: i128,
    /// The amounts of its credit notes that were not voided.
    credit_notes: Vec<i128>,
}

/// How a company's account stands.
#[derive(Clone, Debug)]
struct Standing {
    /// The first month of the company.
    first: Month,
    run_at: Option<Timestamp>,
    disturbed: bool,
}

impl Observer {
    /// Learns that a company has an id and a Stripe customer from now on. Whoever had the id before is no longer judged.
    pub fn joined(&mut self, tenant: &TenantId, first: Month, customer: &str) {
        self.accounts.retain(|other, _| other.id != tenant.id || other == tenant);
        let standing = Standing { first, run_at: None, disturbed: true };
        self.accounts.entry(tenant.clone()).or_insert(standing);
        self.balances.retain(|other, _| self.accounts.contains_key(other));
        self.customers.insert(customer.to_owned(), tenant.clone());
    }

    /// Returns the company that has an id.
    pub fn holder(&self, id: &str) -> Option<TenantId> {
        self.accounts.keys().find(|tenant| tenant.id == id).cloned()
    }

    /// Learns that something happened to one account, or to all, that no run saw yet.
    pub fn disturb(&mut self, tenant: Option<&TenantId>) {
        let all = self.accounts.iter_mut();
        let affected = all.filter(|(id, _)| tenant.is_none_or(|tenant| tenant == *id));
        affected.for_each(|(_, standing)| standing.disturbed = true);
    }

    /// Learns that a run worked on all accounts to the end.
    pub fn settle(&mut self, at: Timestamp) {
        for standing in self.accounts.values_mut() {
            (standing.run_at, standing.disturbed) = (Some(at), false);
        }
    }

    /// Returns the documents of a company.
    pub fn documents_of(&self, tenant: &TenantId) -> impl Iterator<Item = &Document> {
        let ids = self.by_tenant.get(tenant).into_iter().flatten();
        ids.filter_map(|id| self.documents.get(id)).map(|seen| &seen.document)
    }

    /// Returns the companies that have an id now.
    pub fn tenants(&self) -> impl Iterator<Item = &TenantId> {
        self.accounts.keys()
    }

    /// Says whether a month of a company has an issued invoice, or came to nothing to pay.
    pub fn is_accounted(&self, shared: &Shared, tenant: &TenantId, month: Month) -> bool {
        let issued =
            |document: &Document| document.month == month && document.status.is_live() && document.issued_at.is_some();
        self.documents_of(tenant).any(issued) || {
            let of_month = billing::Month::of(month.first());
            let record = ledger::invoices::of_month(&shared.ledger, &tenant.id, of_month).now_or_never();
            record.and_then(Result::ok).flatten().is_some_and(|record| record.state.without_document())
        }
    }

    /// Says whether no run has anything more to do for a company whose months are accounted: every document is issued, and
    /// the balance is nothing, or less than Stripe charges.
    pub fn leaves_nothing(&self, tenant: &TenantId) -> bool {
        let mut live = self.documents_of(tenant).filter(|document| document.status.is_live());
        let entries = self.balances.get(tenant).map(Vec::as_slice).unwrap_or_default();
        let is_small = |(code, amount): (&str, i128)| {
            let least = Currency::find(code).and_then(|currency| currency.least_charge()).unwrap_or(1);
            (0..least).contains(&amount)
        };
        live.all(|document| document.issued_at.is_some()) && oracle::balance::balance(entries).into_iter().all(is_small)
    }

    /// Returns how many documents there are or were, and how many credit notes.
    pub fn count(&self) -> (u64, u64) {
        let notes: usize = self.documents.values().map(|seen| seen.credit_notes.len()).sum();
        (self.documents.len() as u64, notes as u64)
    }

    /// Says whether a draft states that its figures are final.
    pub fn is_complete(&self, document: &str) -> bool {
        self.documents.get(document).is_some_and(|seen| seen.is_complete)
    }

    /// Returns the issued invoices that were written to since this was last asked.
    pub fn recent(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.recent)
    }

    /// Reads every document and every balance again that was written to.
    pub fn refresh(&mut self, shared: &Shared) {
        let booked = shared.with_trace(|trace| std::mem::take(&mut trace.booked));
        for (tenant, standing) in &self.accounts {
            if booked.contains(&tenant.id) || !self.balances.contains_key(tenant) {
                self.balances.insert(tenant.clone(), balance(shared, &tenant.id, standing.first));
            }
        }
        for id in shared.touched() {
            match send(shared, ("GET", &format!("/v1/invoices/{id}")), &Form::default()) {
                Ok(invoice) => self.take(shared, &id, &invoice),
                Err(_) => {
                    if let Some(seen) = self.documents.get_mut(&id) {
                        seen.document.status = Status::Deleted;
                    }
                }
            }
        }
    }

    fn take(&mut self, shared: &Shared, id: &str, invoice: &Value) {
        let Some(tenant) = invoice["customer"].as_str().and_then(|customer| self.customers.get(customer)) else {
            return;
        };
        let metadata = |key: &str| invoice["metadata"][key].as_str().unwrap_or_default();
        let status = match invoice["status"].as_str() {
            Some("open") => Status::Open,
            Some("paid") => Status::Paid,
            Some("uncollectible") => Status::Uncollectible,
            Some("void") => Status::Void,
            _ => Status::Draft,
        };
        let lines = if invoice["lines"]["has_more"] == true {
            lines(shared, id).unwrap_or_default()
        } else {
            invoice["lines"]["data"].as_array().cloned().unwrap_or_default()
        };
        let (drawn_at, issued_at, edited) = shared.with_trace(|trace| {
            let drawn_at = trace.drawn_at.get(id).copied();
            (drawn_at, trace.issued_at.get(id).copied(), trace.edited.contains_key(id))
        });
        let total = invoice["total"].as_i64().unwrap_or_default();
        let document = Document {
            id: id.to_owned(),
            month: month(metadata(PERIOD_METADATA)).unwrap_or(Month::new(1970, 1)),
            revision: metadata(REVISION_METADATA).parse().unwrap_or_default(),
            status,
            currency: invoice["currency"].as_str().unwrap_or_default().to_uppercase(),
            lines: lines.iter().map(line).collect(),
            total: i128::from(total),
            drawn_at: drawn_at.unwrap_or_else(|| shared.now()),
            issued_at: issued_at.filter(|_| status != Status::Draft),
            edited,
        };
        if document.issued_at.is_some() {
            self.recent.insert(id.to_owned());
        }
        let is_complete = metadata(STATE_METADATA) == "complete";
        let minor = |key: &str| i128::from(invoice[key].as_i64().unwrap_or_default());
        // What an invoice below the minimum charge left on the customer is paid with the next one.
        let paid = minor("amount_paid") - minor("starting_balance").max(0);
        self.by_tenant.entry(tenant.clone()).or_default().insert(id.to_owned());
        let is_credited = minor("pre_payment_credit_notes_amount") + minor("post_payment_credit_notes_amount") != 0;
        let credit_notes = if is_credited { credit_notes(shared, id) } else { Vec::new() };
        let seen = Seen { document, is_complete, paid: paid.max(0), credit_notes };
        self.documents.insert(id.to_owned(), seen);
    }

    /// Returns all that is seen now.
    pub fn world(&self, shared: &Shared, said: &Said) -> World {
        let reads =
            shared.with_trace(|trace| trace.reads.iter().map(|(month, at)| Read { month: *month, at: *at }).collect());
        let account =
            |(tenant, standing): (&TenantId, &Standing)| (tenant.clone(), self.account(said, tenant, standing));
        World { reads, accounts: self.accounts.iter().map(account).collect(), ..World::default() }
    }

    fn account(&self, said: &Said, tenant: &TenantId, standing: &Standing) -> Account {
        let documents: Vec<Document> = self.documents_of(tenant).cloned().collect();
        let paid = documents.iter().filter_map(|document| {
            let paid = self.documents.get(&document.id).map_or(0, |seen| seen.paid);
            (paid != 0).then(|| Payment { document: document.id.clone(), amount: paid, refunded: 0 })
        });
        let noted = documents.iter().flat_map(|document| {
            let amounts = self.documents.get(&document.id).map(|seen| seen.credit_notes.as_slice());
            let note = |amount: &i128| CreditNote { document: document.id.clone(), amount: *amount };
            amounts.unwrap_or_default().iter().map(note)
        });
        let credit_notes = noted.collect();
        Account {
            run_at: standing.run_at,
            disturbed: standing.disturbed,
            payments: paid.collect(),
            credit_notes,
            balance: self.balances.get(tenant).cloned().unwrap_or_default(),
            named_months: said.named_months(&tenant.id),
            named_documents: said.named_documents(&tenant.id),
            documents,
            ..Account::default()
        }
    }
}

/// The amounts of an invoice's credit notes, without those that were voided.
fn credit_notes(shared: &Shared, invoice: &str) -> Vec<i128> {
    let notes = all(shared, &key(), &requests::credit_notes(invoice)).unwrap_or_default();
    let issued = notes.iter().filter(|note| note["status"] == "issued");
    issued.map(|note| i128::from(note["amount"].as_i64().unwrap_or_default())).collect()
}

/// The balance of the company that has an id since a month, and the months that were found to come to nothing.
fn balance(shared: &Shared, id: &str, first: Month) -> Vec<Entry> {
    let entries = ledger::balances::entries(&shared.ledger, id).now_or_never().and_then(Result::ok).unwrap_or_default();
    let records = ledger::invoices::all(&shared.ledger, id).now_or_never().and_then(Result::ok).unwrap_or_default();
    let nothing = records.iter().filter(|record| record.state == InvoiceState::NothingDue).map(nothing_due);
    let entries = entries.iter().map(entry).chain(nothing);
    entries.filter(|entry| entry.month >= first).collect()
}

fn entry(entry: &OurEntry) -> Entry {
    let kind = match entry.kind {
        OurKind::Credit | OurKind::Restated | OurKind::Replaced => EntryKind::Carried,
        OurKind::Drawn | OurKind::Credited => EntryKind::Reserved,
        OurKind::Returned => EntryKind::Returned,
    };
    let id = format!("{}#{}.{}.{}#{:?}", entry.position, entry.month, entry.revision, entry.version, entry.kind);
    let currency = entry.amount.currency.code();
    Entry {
        id,
        currency: currency.to_owned(),
        month: Month::of(entry.position.month.period().start()),
        revision: entry.revision,
        amount: units(&entry.amount.amount.to_string(), currency),
        kind,
    }
}

/// A month that came to nothing is accounted for, by an amount of zero.
fn nothing_due(record: &InvoiceRecord) -> Entry {
    let month = Month::of(record.month().period().start());
    let currency = record.invoice.currency.code().to_owned();
    Entry {
        id: format!("{month} nothing"),
        currency,
        month,
        revision: record.revision,
        amount: 0,
        kind: EntryKind::Carried,
    }
}

/// An amount in the currency's smallest unit at Stripe.
fn units(amount: &str, currency: &str) -> i128 {
    let scale = Currency::find(currency).map_or(1, |currency| currency.scale());
    let amount = oracle::exact::Exact::parse(amount).unwrap_or_default();
    (&amount * &oracle::exact::Exact::whole(scale)).round_to(1)
}

/// A line as a reader of the invoice understands it.
fn line(line: &Value) -> Line {
    let text = line["description"].as_str().unwrap_or_default();
    let of_month = month(text);
    let rule = match text {
        "Base fee" => Rule::BaseFee,
        "Service fee" => Rule::Fee,
        "Included usage" => Rule::Allowance,
        "Minimum charge" => Rule::Minimum,
        "Payment processing fee" => Rule::PaymentFee,
        OTHER => Rule::Cost(OTHER.to_owned()),
        _ if text.starts_with("Service markup ") => Rule::Markup,
        _ if text.starts_with("Discount ") => Rule::Discount,
        _ if text.starts_with("Tax ") => Rule::Tax,
        _ if text.starts_with("Credit from ") => Rule::Credit,
        _ => of_month.map_or_else(|| Rule::Cost(text.to_owned()), Rule::Restated),
    };
    Line { rule, amount: i128::from(line["amount"].as_i64().unwrap_or_default()) }
}

/// The month that a text begins with: `2026-10`.
fn month(text: &str) -> Option<Month> {
    let day: Date = format!("{}-01", text.get(..7)?).parse().ok()?;
    Some(Month::of(day))
}
