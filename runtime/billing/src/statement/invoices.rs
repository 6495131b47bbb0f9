//! A tenant's invoices as people read them: one word for how each stands, what is to pay, and until when.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::invoice::{Collection, InvoiceRecord, InvoiceState, PaymentStatus};
use crate::money::MinorUnits;
use crate::{Money, Month};

/// How an invoice stands, as the tenant is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is drawn up; its amount may still change.
    Preparing,
    /// It is to be paid.
    Open,
    /// It was to be paid by a day that is over.
    Overdue,
    /// A payment is under way.
    Processing,
    /// The last payment was refused.
    Failed,
    /// The bank asks the tenant to confirm the payment.
    NeedsConfirmation,
    /// It is paid.
    Paid,
    /// A bank has taken the payment back.
    Disputed,
    /// The money is not expected any more.
    WrittenOff,
    /// It was taken back.
    Void,
    /// Nothing was to pay.
    NothingDue,
    /// The tenant is owed; later invoices are lower by it.
    Credit,
}

/// What follows for the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// There is something to do.
    Act,
    /// It goes on by itself.
    Wait,
    /// Nothing more comes of it.
    Done,
}

/// One invoice as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownInvoice {
    /// The month.
    pub month: Month,
    /// How it stands.
    pub standing: Standing,
    /// What it comes to, in the tenant's currency.
    pub total: Money,
    /// What is still to pay of it.
    pub to_pay: Money,
    /// What was given back of what had been paid.
    pub refunded: Money,
    /// The day it was issued.
    pub issued: Option<Date>,
    /// The day it is due; none while it is no document, and where it is charged by itself.
    pub due: Option<Date>,
    /// Stripe's id of it, `in_…`; none while there is none.
    pub stripe_invoice: Option<String>,
}

impl Standing {
    /// As JSON and CSV have it.
    pub const fn name(self) -> &'static str {
        match self {
            Standing::Preparing => "preparing",
            Standing::Open => "open",
            Standing::Overdue => "overdue",
            Standing::Processing => "processing",
            Standing::Failed => "failed",
            Standing::NeedsConfirmation => "needs_confirmation",
            Standing::Paid => "paid",
            Standing::Disputed => "disputed",
            Standing::WrittenOff => "written_off",
            Standing::Void => "void",
            Standing::NothingDue => "nothing_due",
            Standing::Credit => "credit",
        }
    }

    /// What follows for the tenant.
    pub const fn outlook(self) -> Outlook {
        match self {
            Standing::Open | Standing::Overdue | Standing::Failed | Standing::NeedsConfirmation => Outlook::Act,
            Standing::Preparing | Standing::Processing | Standing::Disputed => Outlook::Wait,
            Standing::Paid | Standing::WrittenOff | Standing::Void | Standing::NothingDue | Standing::Credit => {
                Outlook::Done
            }
        }
    }
}

/// A tenant's invoices on the UTC day `today`, the latest month first.
pub fn invoices(records: &[InvoiceRecord], today: Date) -> Vec<ShownInvoice> {
    let mut shown: Vec<ShownInvoice> = records.iter().map(|record| ShownInvoice::of(record, today)).collect();
    shown.sort_by_key(|invoice| std::cmp::Reverse(invoice.month));
    shown
}

impl ShownInvoice {
    /// One invoice on the UTC day `today`.
    pub fn of(record: &InvoiceRecord, today: Date) -> ShownInvoice {
        let currency = record.invoice.currency;
        let units = |units: i64| Money::from_minor_units(MinorUnits(units), currency);
        let is_document = matches!(record.state, InvoiceState::Open | InvoiceState::Uncollectible);
        let issued = record.since.filter(|_| is_document).map(utc_day);
        let due = issued.filter(|_| record.collection == Collection::SendInvoice);
        let due = due.and_then(|day| day.checked_add(i64::from(record.days_until_due).days()).ok());
        let settled = units(record.payment.paid + record.payment.without_cash).amount + credited(record);
        let standing = standing(record, due, today);
        let open = record.invoice.total.amount - settled;
        let to_pay =
            if record.state == InvoiceState::Open && standing != Standing::Paid { open } else { Decimal::ZERO };
        ShownInvoice {
            month: record.month(),
            standing,
            total: record.invoice.total,
            to_pay: Money::new(to_pay.max(Decimal::ZERO), currency),
            refunded: units(record.payment.refunded),
            issued,
            due,
            stripe_invoice: record.stripe_invoice.clone(),
        }
    }
}

/// What credit notes took off it before it was paid.
fn credited(record: &InvoiceRecord) -> Decimal {
    let issued = record.credit_notes.iter().filter(|note| note.state == crate::invoice::CreditNoteState::Issued);
    issued.map(|note| note.amount.amount - note.to_balance.map_or(Decimal::ZERO, |part| part.amount)).sum()
}

fn standing(record: &InvoiceRecord, due: Option<Date>, today: Date) -> Standing {
    match record.state {
        InvoiceState::NothingDue => Standing::NothingDue,
        InvoiceState::Credit => Standing::Credit,
        InvoiceState::Claimed | InvoiceState::Provisional | InvoiceState::Complete | InvoiceState::Approved => {
            Standing::Preparing
        }
        InvoiceState::Void | InvoiceState::Deleted => Standing::Void,
        InvoiceState::Uncollectible => Standing::WrittenOff,
        InvoiceState::Open => match record.payment.status {
            _ if record.payment.disputed > 0 => Standing::Disputed,
            PaymentStatus::Paid => Standing::Paid,
            PaymentStatus::Processing => Standing::Processing,
            _ if record.payment.needs_authentication() => Standing::NeedsConfirmation,
            _ if due.is_some_and(|due| due < today) => Standing::Overdue,
            PaymentStatus::Failed => Standing::Failed,
            PaymentStatus::None => Standing::Open,
        },
    }
}

fn utc_day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}
