//! What the ledger keeps of an invoice, from the claim on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Composed, CreditNote, Invoice, MonthTerms, Payment, PaymentStatus, Refund, Rule};
use crate::balance::Position;
use crate::pricing::Terms;
use crate::tenant::TenantRecord;
use crate::{Money, Month, names};

/// One (tenant, month) as the ledger holds it under [`crate::ledger::invoice_key`]: its present revision, and what became
/// of earlier ones.
///
/// The claim stores the priced invoice and its terms: a run that goes on after a crash draws up the same lines whatever
/// became of prices meanwhile, and a later month's edit never reprices it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceRecord {
    /// How far the document got.
    pub state: InvoiceState,
    /// Since when it is there; none in texts of schema 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Counts up when an invoice is replaced; 1 is the first.
    pub revision: u32,
    /// Counts up with every write of this record: a write that expects another version fails.
    pub version: u64,
    /// Which run is working on it; none when none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// The Stripe customer it is for; none when nothing is charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// Whether it is in Stripe's live mode: an invoice that the other mode does not know is not gone. The account is told
    /// by the customer, which another account does not know either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub livemode: Option<bool>,
    /// The Stripe invoice, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stripe_invoice: Option<String>,
    /// Counts the sets of lines drawn up for this revision: the draft says which of them it carries.
    #[serde(default)]
    pub drawing: u32,
    /// Whether the figures are final.
    #[serde(default)]
    pub finality: Finality,
    /// How the money comes in.
    #[serde(default)]
    pub collection: Collection,
    /// Days until it is due.
    pub days_until_due: u32,
    /// The terms it is priced under; the exchange rate stands in the invoice.
    pub terms: Terms,
    /// Lines, total, explanation.
    pub invoice: Invoice,
    /// What it took from the balance: each is a line of the invoice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drawn: Vec<Position>,
    /// When the cost it is made from was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Timestamp>,
    /// When the cost was read that was compared with the invoice last; written once the month is not looked at any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<Timestamp>,
    /// What the month's cost changed by since the invoice was issued, as later invoices or the balance have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restated: Option<Restated>,
    /// Who approved it, and what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Credit notes on it, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credit_notes: Vec<CreditNote>,
    /// Refunds that a person asked for, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refunds: Vec<Refund>,
    /// When Stripe was told to e-mail it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Timestamp>,
    /// The money's own axis, recomputed whenever Stripe is looked at.
    #[serde(default)]
    pub payment: Payment,
    /// Why the last attempt failed; none after one that did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<LastError>,
    /// Given up by command: no new revision follows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub written_off: bool,
    /// Earlier revisions, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub past: Vec<PastRevision>,
}

/// How far a document got. Ranked: it moves down this list only; a new revision starts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceState {
    /// The total is zero: there is no Stripe invoice.
    NothingDue,
    /// The total is negative: no Stripe invoice, the amount is in the balance.
    Credit,
    /// Priced and taken on; the draft may not exist in Stripe, or without its lines.
    Claimed,
    /// The draft is whole; its figures may still change.
    Provisional,
    /// The draft is whole, and its figures are final.
    Complete,
    /// Approved, to be finalised.
    Approved,
    /// Finalised.
    Open,
    /// Finalised, and the money is not expected any more.
    Uncollectible,
    /// Taken back in Stripe.
    Void,
    /// The draft was deleted in Stripe.
    Deleted,
}

/// Whether a draft's figures are final.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finality {
    /// AWS may still restate them.
    Provisional,
    /// Settled, and read after that. What was stored before there was a difference is complete.
    #[default]
    Complete,
}

/// How the money comes in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collection {
    /// Stripe e-mails the invoice and the tenant pays it.
    #[default]
    SendInvoice,
    /// Stripe charges the customer's default payment method.
    ChargeAutomatically,
}

/// What a month's cost changed by after its invoice was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restated {
    /// How often.
    pub times: u32,
    /// The sum of the differences.
    pub sum: Money,
}

/// An approval of exactly one total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The total that was shown.
    pub total: Money,
    /// When.
    pub at: Timestamp,
    /// By whom: a person's name for the record, or `billform` by the rules of automatic approval.
    pub by: String,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastError {
    /// When.
    pub at: Timestamp,
    /// Which step: `draft`, `lines`, `finalize`.
    pub step: String,
    /// What went wrong; holds no secret.
    pub message: String,
    /// When it is tried again.
    pub retry_at: Option<Timestamp>,
}

/// What became of an earlier revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastRevision {
    /// Its number.
    pub revision: u32,
    /// Its Stripe invoice.
    pub stripe_invoice: Option<String>,
    /// How it ended: void or deleted.
    pub state: InvoiceState,
    /// What it came to.
    pub total: Money,
    /// When that was noticed.
    pub at: Timestamp,
}

/// A claim on an invoice record that ends by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The run that holds it.
    pub holder: String,
    /// When it ends.
    pub until: Timestamp,
}

impl InvoiceState {
    /// Whether the document is a draft in Stripe, or is to become one.
    pub fn is_draft(self) -> bool {
        matches!(
            self,
            InvoiceState::Claimed | InvoiceState::Provisional | InvoiceState::Complete | InvoiceState::Approved
        )
    }

    /// Whether there is no document.
    pub fn without_document(self) -> bool {
        matches!(self, InvoiceState::NothingDue | InvoiceState::Credit)
    }

    /// The state as JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            InvoiceState::NothingDue => "nothing_due",
            InvoiceState::Credit => "credit",
            InvoiceState::Claimed => "claimed",
            InvoiceState::Provisional => "provisional",
            InvoiceState::Complete => "complete",
            InvoiceState::Approved => "approved",
            InvoiceState::Open => "open",
            InvoiceState::Uncollectible => "uncollectible",
            InvoiceState::Void => "void",
            InvoiceState::Deleted => "deleted",
        }
    }
}

impl Finality {
    /// The state of a whole draft of this finality.
    pub fn state(self) -> InvoiceState {
        match self {
            Finality::Provisional => InvoiceState::Provisional,
            Finality::Complete => InvoiceState::Complete,
        }
    }
}

impl InvoiceRecord {
    /// The first claim on a month: nothing of it is in Stripe.
    pub fn claimed(
        tenant: &TenantRecord,
        terms: MonthTerms,
        collection: Collection,
        composed: Composed,
    ) -> InvoiceRecord {
        InvoiceRecord {
            state: InvoiceState::Claimed,
            since: None,
            revision: 1,
            version: 0,
            lease: None,
            customer: tenant.stripe_customer.clone(),
            livemode: None,
            stripe_invoice: None,
            drawing: 0,
            finality: Finality::Provisional,
            collection,
            days_until_due: tenant.days_until_due,
            terms: terms.terms,
            invoice: composed.invoice,
            drawn: composed.drawn,
            read_at: None,
            compared: None,
            restated: None,
            approval: None,
            credit_notes: Vec::new(),
            refunds: Vec::new(),
            sent: None,
            payment: Payment::default(),
            last_error: None,
            written_off: false,
            past: Vec::new(),
        }
    }

    /// The tenant's id.
    pub fn tenant(&self) -> &str {
        &self.invoice.tenant
    }

    /// The month billed.
    pub fn month(&self) -> Month {
        self.invoice.month
    }

    /// Whether it was drawn up before drafts were redrawn: such a draft stays as it is, and is finalised by hand.
    pub fn is_of_schema_1(&self) -> bool {
        self.since.is_none() && self.state.is_draft() && self.stripe_invoice.is_some()
    }

    /// What it is priced under, as claimed.
    pub fn month_terms(&self) -> MonthTerms {
        MonthTerms { terms: self.terms.clone(), exchange: self.invoice.exchange.clone() }
    }

    /// What the month came to by its own cost when the document was drawn up: without what it took from the balance.
    pub fn own(&self) -> Money {
        let own = self.invoice.lines.iter().filter(|line| !line.rule.is_carried()).map(|line| line.amount.amount);
        Money::new(own.sum(), self.invoice.currency)
    }

    /// Whether it is drawn up again when its cost changes, though there is no document: its figures were not final.
    pub fn reopens(&self) -> bool {
        // What closed under schema 1 was final.
        let is_open = self.finality == Finality::Provisional && self.since.is_some()
            || self.state == InvoiceState::NothingDue && self.drawn.is_empty();
        self.state.without_document() && self.restated.is_none() && is_open
    }

    /// What a month that closed as a credit left to later invoices; none of another one.
    pub fn credit(&self) -> Option<Position> {
        let left = self.state == InvoiceState::Credit;
        left.then(|| Position::credit(self.month(), self.credit_revision(), self.invoice.total))
    }

    /// Which revision left the credit: one whose draft was given up for it is the one before.
    fn credit_revision(&self) -> u32 {
        let given_up = self.past.iter().rev().find(|past| past.revision + 1 == self.revision);
        let is_since = |past: &PastRevision| self.drawing == 0 && past.state == InvoiceState::Deleted;
        given_up.filter(|past| is_since(past)).map_or(self.revision, |past| past.revision)
    }

    /// What is accounted for the month's own cost, in documents and in the balance.
    pub fn accounted(&self) -> Money {
        let restated = self.restated.as_ref().map(|restated| restated.sum.amount).unwrap_or_default();
        Money::new(self.own().amount + restated, self.invoice.currency)
    }

    /// Whether a bank is being asked about a payment, as of the last look.
    pub fn is_being_paid(&self) -> bool {
        self.state == InvoiceState::Open && self.payment.status == PaymentStatus::Processing
    }

    /// Whether nothing can come of it any more but a restatement of its cost.
    pub fn is_settled(&self) -> bool {
        match self.state {
            InvoiceState::NothingDue | InvoiceState::Credit | InvoiceState::Uncollectible => true,
            InvoiceState::Open => self.payment.status == PaymentStatus::Paid && !self.is_giving_back(),
            InvoiceState::Void | InvoiceState::Deleted => self.written_off,
            InvoiceState::Claimed | InvoiceState::Provisional | InvoiceState::Complete | InvoiceState::Approved => {
                false
            }
        }
    }

    /// How the present revision ended, for the list of past ones.
    pub fn ended(&self, state: InvoiceState, at: Timestamp) -> PastRevision {
        PastRevision {
            revision: self.revision,
            stripe_invoice: self.stripe_invoice.clone(),
            state,
            total: self.invoice.total,
            at,
        }
    }

    /// Whether another run holds it at `now`.
    pub fn held_by_other(&self, holder: &str, now: Timestamp) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.holder != holder && lease.until > now)
    }

    /// The idempotency key of one step, derived from what the step is about and nothing else.
    ///
    /// The customer is part of it: stacks that share a Stripe account may have tenants of the same name.
    pub fn idempotency_key(&self, step: &str) -> String {
        let customer = self.customer.as_deref().unwrap_or("none");
        let (tenant, month, revision) = (self.tenant(), self.month(), self.revision);
        format!("billform-{customer}-{tenant}-{month}-r{revision}-{step}")
    }

    /// The metadata by which the Stripe invoice is found again.
    pub fn metadata(&self) -> Vec<(String, String)> {
        [
            (names::TENANT_METADATA, self.tenant().to_owned()),
            (names::PERIOD_METADATA, self.month().to_string()),
            (names::REVISION_METADATA, self.revision.to_string()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .to_vec()
    }
}

impl Rule {
    /// Whether its lines come from the balance, not from the month's own cost.
    pub fn is_carried(self) -> bool {
        matches!(self, Rule::Credit | Rule::Restated)
    }
}
