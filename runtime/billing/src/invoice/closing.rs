//! What is left of a leaver's account after the last month: restated cost that is invoiced once more, and credit.
//!
//! A closing month is a month after the last one. It has no cost of its own: its invoice carries what the balance holds,
//! once the month is over, so that one invoice takes up all that was restated in it.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::months::{is_looked_at, looked_at_until};
use super::{Composed, Finality, Invoice, InvoiceRecord, compose};
use crate::balance::Balance;
use crate::tenant::TenantRecord;
use crate::{Money, Month};

/// What is open of a leaver's balance while no invoice or draft is to take it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leftover {
    /// Nothing.
    Settled,
    /// A closing invoice takes it up, once the month is over.
    ToInvoice(Money),
    /// Owed by the tenant, and less than Stripe charges ([`Money::minimum_charge`]): it waits for a further restatement.
    TooSmall {
        /// What is owed.
        owed: Money,
        /// The least that is charged.
        least: Money,
        /// The day from which on no month is looked at any more: it is not invoiced after that.
        until: Date,
    },
    /// Owed to the tenant (a positive amount): credit notes on its invoices give it back.
    ToGiveBack(Money),
}

/// What is left to a tenant who leaves with `last`, by the balance alone.
pub fn leftover(balance: &Balance, last: Month) -> Leftover {
    let sum = balance.sum();
    let least = Money::minimum_charge(sum.currency).filter(|least| sum.amount < least.amount);
    match least {
        _ if sum.amount.is_zero() => Leftover::Settled,
        _ if sum.amount.is_sign_negative() => Leftover::ToGiveBack(Money::new(-sum.amount, sum.currency)),
        Some(least) => Leftover::TooSmall { owed: sum, least, until: looked_at_until(last) },
        None => Leftover::ToInvoice(sum),
    }
}

/// Whether every month of a tenant who leaves is billed, and no draft is there to take up what is left.
pub fn is_billed_out(tenant: &TenantRecord, records: &[InvoiceRecord]) -> bool {
    let Some(last) = tenant.last_period else { return false };
    let first = tenant.first_period.or_else(|| records.iter().map(InvoiceRecord::month).min()).unwrap_or(last);
    let is_final = |month: Month| records.iter().any(|record| record.month() == month && is_final(record));
    let mut months = std::iter::successors(Some(first), |month| month.next().ok()).take_while(|month| *month <= last);
    months.all(is_final) && records.iter().all(|record| !record.state.is_draft())
}

/// Whether a month is billed by its final figures: only a restatement changes its total.
fn is_final(record: &InvoiceRecord) -> bool {
    match record.state.without_document() {
        true => record.finality == Finality::Complete,
        false => !record.state.is_draft(),
    }
}

/// The closing months that want a look, oldest first: those that there are, and the next where the balance needs one.
pub fn closing_months(tenant: &TenantRecord, records: &[InvoiceRecord], balance: &Balance, today: Date) -> Vec<Month> {
    let (Some(last), Ok(ended)) = (tenant.last_period, Month::of(today).previous()) else { return Vec::new() };
    let closing = || records.iter().filter(|record| record.month() > last);
    let is_open = |record: &&InvoiceRecord| !record.is_settled() || is_looked_at(record.month(), today);
    let mut months: Vec<Month> = closing().filter(is_open).map(InvoiceRecord::month).collect();
    months.sort();
    // A draft takes up by itself what is owed, and so does a closing month that came to nothing.
    let is_taken_up = closing().filter(is_open).any(|record| record.state.is_draft() || record.reopens());
    let is_owed = matches!(leftover(balance, last), Leftover::ToInvoice(_));
    if is_owed && !is_taken_up && is_billed_out(tenant, records) {
        let newest = closing().map(InvoiceRecord::month).max().unwrap_or(last);
        // Not before the month that is just over: months between had nothing to carry.
        let next = newest.next().ok().map(|next| next.max(ended));
        months.extend(next.filter(|next| *next <= ended));
    }
    months
}

/// Whether a month is a closing month with something on it, or with something to put there.
pub fn is_closing(
    tenant: &TenantRecord,
    month: Month,
    record: Option<&InvoiceRecord>,
    balance: Option<&Balance>,
) -> bool {
    let Some(last) = tenant.last_period.filter(|last| *last < month) else { return false };
    record.is_some() || balance.is_some_and(|balance| matches!(leftover(balance, last), Leftover::ToInvoice(_)))
}

/// Composes a closing month's invoice: what the balance holds where Stripe charges so much, else nothing.
pub(super) fn composed(empty: Invoice, balance: &Balance) -> Composed {
    let least = Money::minimum_charge(empty.currency).map_or(Decimal::ZERO, |least| least.amount);
    let sum = balance.sum().amount;
    match sum > Decimal::ZERO && sum >= least {
        true => compose(empty, balance),
        false => Composed { invoice: empty, drawn: Vec::new() },
    }
}
