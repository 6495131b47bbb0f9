//! What an observer sees of the system that is judged: Stripe's documents, the ledger's balance, the reads of cost, and
//! what the system says of its troubles. Nothing here is what it ought to be.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::balance::Entry;
use crate::facts::TenantId;
use crate::line::Line;
use crate::money::{Held, Payments};
use crate::month::Month;
pub use crate::status::Status;

/// All that is seen at one instant.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// Every read of a month's whole cost.
    pub reads: Vec<Read>,
    /// The tenants' accounts. Whoever has none has no documents.
    pub accounts: BTreeMap<TenantId, Account>,
    /// Months that the system calls closed.
    pub closes: Vec<Claimed>,
    /// Stripe's events that a webhook takes, those that are not settled yet at least.
    pub events: Vec<Event>,
    /// Whether a nightly sweep was the last thing that happened, and came to its end.
    pub is_swept: bool,
}

impl World {
    /// Returns the last read of a month's whole cost that was made at an instant or before.
    #[must_use]
    pub fn last_read(&self, month: Month, at: Timestamp) -> Option<Timestamp> {
        self.reads.iter().filter(|read| read.month == month && read.at <= at).map(|read| read.at).max()
    }

    /// Returns the last read of any month that was made at an instant or before.
    #[must_use]
    pub fn last_sync(&self, at: Timestamp) -> Option<Timestamp> {
        self.reads.iter().map(|read| read.at).filter(|read_at| *read_at <= at).max()
    }
}

/// One read of a month's whole cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// The month.
    pub month: Month,
    /// When it was read.
    pub at: Timestamp,
}

/// All that is seen of one tenant.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// When the system last worked on the tenant's months to the end; none before it did.
    pub run_at: Option<Timestamp>,
    /// Whether something happened since that the system had no run for: a document edited, voided, deleted, a run
    /// killed. Then only what must hold at every instant is judged.
    pub disturbed: bool,
    /// Every document there is or was.
    pub documents: Vec<Document>,
    /// Credit notes.
    pub credit_notes: Vec<CreditNote>,
    /// The ledger's balance entries.
    pub balance: Vec<Entry>,
    /// Amounts that a person took off issued invoices by command.
    pub grants: Vec<CreditNote>,
    /// The money of issued invoices, those where something happened at least.
    pub money: Vec<Money>,
    /// How the customer pays, where anything was looked at.
    pub methods: Option<Methods>,
    /// Payments that succeeded.
    pub payments: Vec<Payment>,
    /// Months that the system names as waiting too long, or failing.
    pub named_months: BTreeSet<Month>,
    /// Ids of documents that the system names as edited by hand.
    pub named_documents: BTreeSet<String>,
}

/// An invoice, in any state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Stripe's id.
    pub id: String,
    /// The month it is for.
    pub month: Month,
    /// The revision of that month, from 1.
    pub revision: u32,
    /// Where it stands.
    pub status: Status,
    /// The ISO code of its currency.
    pub currency: String,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Its total at Stripe, before Stripe's own customer balance.
    pub total: i128,
    /// When its present lines were drawn.
    pub drawn_at: Timestamp,
    /// When it was finalised.
    pub issued_at: Option<Timestamp>,
    /// Whether a person edited it at Stripe.
    pub edited: bool,
}

/// A credit note on an issued invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditNote {
    /// The id of the invoice.
    pub document: String,
    /// The amount given back, above zero.
    pub amount: i128,
}

/// A payment of an invoice that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The id of the invoice.
    pub document: String,
    /// The amount paid.
    pub amount: i128,
    /// What of it was paid back.
    pub refunded: i128,
}

/// What the system says of a closed month, in cents of a dollar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The month.
    pub month: Month,
    /// When its cost was read.
    pub read_at: Timestamp,
    /// What all tenants bear.
    pub tenants: i128,
    /// What the operator bears.
    pub unallocated: i128,
    /// AWS's own total.
    pub bill: i128,
}

/// The money of an issued invoice, on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// The month it is for.
    pub month: Month,
    /// What Stripe holds.
    pub stripe: Payments,
    /// What the ledger says; none where it has no such invoice.
    pub ledger: Option<Held>,
}

/// A customer's payment methods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Methods {
    /// Of the newest set-up that succeeded and whose method is still the customer's.
    pub newest: Option<String>,
    /// What invoices are charged to.
    pub default: Option<String>,
}

/// An event of Stripe's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: String,
    /// How often a result was written that ends it.
    pub times_done: u32,
}
