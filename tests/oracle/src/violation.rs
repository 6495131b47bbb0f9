//! What can be wrong, in words that name place and figures.

use std::fmt;

use jiff::Timestamp;

use crate::facts::TenantId;
use crate::finality::{Blocked, Stage};
use crate::money::Held;
use crate::month::Month;
use crate::owed::NotOwed;

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The tenant it is about; none where it is about the bill as a whole.
    pub tenant: Option<TenantId>,
    /// The month it is about; none where it is about all months together.
    pub month: Option<Month>,
    /// What is wrong.
    pub fault: Fault,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(tenant) = &self.tenant {
            write!(f, "{tenant}, ")?;
        }
        if let Some(month) = self.month {
            write!(f, "{month}, ")?;
        }
        write!(f, "{:?}", self.fault)
    }
}

/// What is wrong. Amounts are in the currency's smallest unit at Stripe, those of a close in cents of a dollar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The lines do not sum to the total.
    LinesDoNotSum {
        /// The document.
        document: String,
        /// The sum of its lines.
        lines: i128,
        /// Its total.
        total: i128,
    },
    /// An invoice is below zero.
    Negative {
        /// The document.
        document: String,
        /// Its total.
        total: i128,
    },
    /// An amount is not one that Stripe can charge in the currency.
    NotChargeable {
        /// The document.
        document: String,
        /// The amount.
        amount: i128,
    },
    /// More lines than Stripe takes.
    TooManyLines {
        /// The document.
        document: String,
        /// How many it has.
        lines: usize,
    },
    /// Two live documents of one month and revision.
    TwoOfOneRevision {
        /// The revision.
        revision: u32,
        /// The documents.
        documents: Vec<String>,
    },
    /// Live documents of two revisions of one month.
    TwoRevisions {
        /// The documents.
        documents: Vec<String>,
    },
    /// A document of a tenant that the facts do not have, or of a month outside its membership.
    NotAMember {
        /// The document.
        document: String,
    },
    /// A document is not in the tenant's currency of that month.
    WrongCurrency {
        /// The document.
        document: String,
        /// Its currency.
        is: String,
        /// The tenant's.
        must: String,
    },
    /// A line names a service that the tenant has no cost of in that month.
    ForeignCost {
        /// The document.
        document: String,
        /// The service.
        service: String,
    },
    /// A draft was drawn before its month could be.
    DraftedEarly {
        /// The document.
        document: String,
        /// What the month waited for.
        waits_for: Blocked,
    },
    /// An invoice was finalised before its month was complete.
    IssuedEarly {
        /// The document.
        document: String,
        /// How far the month was.
        stage: Stage,
    },
    /// A month that is over and known has no draft, not even a provisional one.
    NotDrafted {
        /// What is owed by what was read.
        owed: i128,
        /// Since when it should have been drafted.
        since: Timestamp,
    },
    /// A month should be on a draft, an invoice or the balance, and is on none.
    NotBilled {
        /// What is owed.
        owed: i128,
        /// By when it should have been drafted.
        due_by: Timestamp,
    },
    /// A month has waited too long, and nothing says so.
    SilentWait {
        /// Since when it is an error.
        due_by: Timestamp,
    },
    /// A document was edited by hand, and nothing says so.
    SilentEdit {
        /// The document.
        document: String,
    },
    /// A billed month is not looked at any more, too soon.
    NotLookedAt {
        /// When it was last read.
        read_at: Option<Timestamp>,
        /// When the system last read cost.
        synced_at: Timestamp,
    },
    /// A billed month cannot be assessed by the facts.
    NotAssessable {
        /// Why.
        why: NotOwed,
    },
    /// Issued invoices, open drafts, credit notes and balance are not rules x latest cost.
    Unequal {
        /// The currency.
        currency: String,
        /// What they sum to.
        is: i128,
        /// What the months that entered them are.
        must: i128,
    },
    /// A tenant has left, every month is billed, and what it still owes is on no document.
    LeftOwing {
        /// The currency.
        currency: String,
        /// What is owed.
        amount: i128,
        /// Since when a document should carry it.
        since: Timestamp,
    },
    /// A tenant has left, every month is billed, and what is owed to it is neither given back nor named.
    LeftOwed {
        /// The currency.
        currency: String,
        /// What is owed to it, above zero.
        amount: i128,
    },
    /// Two balance entries have one id and differ.
    EntryChanged {
        /// The id.
        id: String,
    },
    /// More was paid than invoiced.
    Overpaid {
        /// The document.
        document: String,
        /// What was paid and not paid back.
        paid: i128,
        /// The document's total.
        total: i128,
    },
    /// More was given back than invoiced.
    OverCredited {
        /// The document.
        document: String,
        /// The sum of credit notes.
        credited: i128,
        /// The document's total.
        total: i128,
    },
    /// The ledger says something else of an invoice's money than Stripe holds.
    MoneyDiffers {
        /// The document.
        document: String,
        /// What the ledger says; none where it has no such invoice.
        is: Option<Held>,
        /// What Stripe holds.
        must: Held,
    },
    /// An event of Stripe's has no result after a sweep.
    EventWithoutResult {
        /// The event.
        event: String,
    },
    /// An event that was done with was done again.
    EventTakenTwice {
        /// The event.
        event: String,
        /// How often.
        times: u32,
    },
    /// The newest method that a customer set up is not what is charged.
    WrongDefault {
        /// What is charged.
        is: Option<String>,
        /// What was set up.
        must: String,
    },
    /// A payment or credit note names no document of the tenant.
    NoSuchDocument {
        /// The id.
        document: String,
    },
    /// A closed month: tenants and unallocated cost are not the bill.
    DoesNotAddUp {
        /// What they sum to.
        is: i128,
        /// The bill.
        bill: i128,
    },
    /// A figure of a closed month is not what the facts say.
    WrongClose {
        /// Which figure.
        figure: &'static str,
        /// What the system says.
        is: i128,
        /// What it is.
        must: i128,
    },
}
