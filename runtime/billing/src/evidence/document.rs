//! The document: what was asked for, under which ids, and what became of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::balance::Position;
use crate::invoice::{
    Approval, Collection, CreditNote, Finality, InvoiceRecord, InvoiceState, Line, PastRevision, Refund, Restated,
};
use crate::{Currency, Money, Month};

/// `document.json`: the invoice as the ledger has it, without what only its next run needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// The tenant's id.
    pub tenant: String,
    /// The month billed.
    pub period: Month,
    /// Which revision it is; earlier ones are in `past`.
    pub revision: u32,
    /// How far it got.
    pub state: InvoiceState,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Whether its figures are final.
    pub finality: Finality,
    /// When its cost was read.
    pub read_at: Option<Timestamp>,
    /// The currency of every amount.
    pub currency: Currency,
    /// As the tenant reads them.
    pub lines: Vec<Line>,
    /// Their sum.
    pub total: Money,
    /// What it took from the balance: each is a line.
    pub drawn: Vec<Position>,
    /// The Stripe customer: `cus_…`.
    pub customer: Option<String>,
    /// The Stripe invoice: `in_…`; none where nothing is charged.
    pub stripe_invoice: Option<String>,
    /// Whether these are in Stripe's live mode.
    pub livemode: Option<bool>,
    /// How the money comes in.
    pub collection: Collection,
    /// Days until it is due.
    pub days_until_due: u32,
    /// Who approved it, and which total.
    pub approval: Option<Approval>,
    /// When Stripe was told to e-mail it.
    pub sent: Option<Timestamp>,
    /// What the month's cost changed by since: later invoices, the balance or credit notes have it.
    pub restated: Option<Restated>,
    /// Credit notes on it, oldest first.
    pub credit_notes: Vec<CreditNote>,
    /// Refunds that a person asked for, oldest first: amount, reason, and Stripe's id of each that was made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refunds: Vec<Refund>,
    /// Whether it was given up by command.
    pub written_off: bool,
    /// Earlier revisions, oldest first.
    pub past: Vec<PastRevision>,
}

impl Document {
    pub(super) fn of(record: &InvoiceRecord) -> Document {
        let (invoice, record) = (record.invoice.clone(), record.clone());
        Document {
            tenant: invoice.tenant,
            period: invoice.month,
            revision: record.revision,
            state: record.state,
            since: record.since,
            finality: record.finality,
            read_at: record.read_at,
            currency: invoice.currency,
            lines: invoice.lines,
            total: invoice.total,
            drawn: record.drawn,
            customer: record.customer,
            stripe_invoice: record.stripe_invoice,
            livemode: record.livemode,
            collection: record.collection,
            days_until_due: record.days_until_due,
            approval: record.approval,
            sent: record.sent,
            restated: record.restated,
            credit_notes: record.credit_notes,
            refunds: record.refunds,
            written_off: record.written_off,
            past: record.past,
        }
    }
}
