//! How each tenant's months stand, as a table: what is late or failed stands out.

use std::fmt::Write;

use billing::Money;
use billing::invoice::{CreditNote, CreditNoteState, InvoiceState, Leftover, Refund, leftover};
use jiff::tz::TimeZone;

use super::near_misses::sentences;
use super::payment;
use super::style::{BOLD, RED, YELLOW, paint};
use super::table::aligned;
use super::wrap::wrapped;
use crate::ledger::months::{MonthStanding, TenantMonths};
use crate::ledger::unclaimed::Unclaimed;

/// Tenants with their months below, a note for each reason, and values of the tenant tag that are near a tenant's.
pub fn render(tenants: &[TenantMonths], unclaimed: &[Unclaimed], width: usize) -> String {
    if tenants.is_empty() {
        return "No tenant is deployed; `billform apply` deploys the manifest's.\n".to_owned();
    }
    let near = near(unclaimed, width);
    let shown = tenants.iter().map(|tenant| one(tenant, width));
    shown.chain(near).collect::<Vec<_>>().join("\n")
}

/// Cost that a mistyped tag keeps from its tenant.
fn near(unclaimed: &[Unclaimed], width: usize) -> Option<String> {
    let notes = unclaimed.iter().flat_map(|unclaimed| {
        let month = unclaimed.month;
        sentences(unclaimed).into_iter().map(move |sentence| format!("  {month}: {sentence}"))
    });
    let notes: Vec<String> = notes.map(|note| format!("{}\n", wrapped(&note, width, 4))).collect();
    (!notes.is_empty()).then(|| format!("{}\n{}", paint(BOLD, "Cost of no tenant"), notes.concat()))
}

fn one(tenant: &TenantMonths, width: usize) -> String {
    let mut out = format!("{} ({})\n", paint(BOLD, &tenant.tenant.name), tenant.tenant.id);
    if tenant.months.is_empty() {
        out.push_str("  No month is open.\n");
    }
    let rows: Vec<[String; 5]> = tenant.months.iter().map(row).collect();
    for line in aligned(&rows).lines() {
        let _ = writeln!(out, "  {line}");
    }
    for standing in &tenant.months {
        for note in notes(standing) {
            let month = standing.month.to_string();
            // Reasons name their month themselves.
            let line = if note.starts_with(&month) { format!("  {note}") } else { format!("  {month}: {note}") };
            let _ = writeln!(out, "{}", wrapped(&line, width, 4));
        }
    }
    let balance = tenant.balance.as_ref().map(|balance| balance.sum()).filter(|sum| !sum.amount.is_zero());
    if let Some(sum) = balance {
        let goes = goes(tenant, sum);
        let _ = writeln!(out, "{}", wrapped(&format!("  Balance: {sum}, {goes}."), width, 4));
    }
    if let Some(setup) = &tenant.setup {
        let _ = writeln!(out, "  {}", payment::setup(setup));
    }
    if let Some(earlier) = tenant.earlier {
        let _ =
            writeln!(out, "  {earlier} of months before this tenant's first stay with the earlier tenant of this id.");
    }
    out
}

/// What becomes of an open balance.
fn goes(tenant: &TenantMonths, sum: Money) -> String {
    let left = tenant.balance.as_ref().zip(tenant.tenant.last_period).map(|(balance, last)| leftover(balance, last));
    match left {
        Some(Leftover::ToGiveBack(_)) => {
            "in the tenant's favour, who leaves: the final invoice takes it, or a credit note once every month is billed"
                .to_owned()
        }
        Some(Leftover::TooSmall { least, until, .. }) => format!(
            "owed by a tenant who leaves, below {least}, the least that Stripe charges: invoiced with what is restated \
             before {until}, and not after that"
        ),
        _ if sum.amount.is_sign_negative() => "in the tenant's favour with the next invoice".to_owned(),
        _ => "to be invoiced with the next invoice".to_owned(),
    }
}

/// Month, state, total, since, invoice.
fn row(standing: &MonthStanding) -> [String; 5] {
    let record = standing.record.as_ref();
    let now = standing.assessment.composed.as_ref().ok().map(|composed| composed.invoice.total);
    let total = record.map(|record| record.invoice.total).or(now).map(|total| total.to_string());
    let since = standing.since().map(|at| format!("since {}", at.to_zoned(TimeZone::UTC).date()));
    let id = record.and_then(|record| record.stripe_invoice.clone());
    [
        standing.month.to_string(),
        standing.state().replace('_', " "),
        total.unwrap_or_default(),
        since.unwrap_or_default(),
        id.unwrap_or_default(),
    ]
}

fn refund(refund: &Refund) -> String {
    let Refund { number, amount, reason, .. } = refund;
    if let Some(refused) = &refund.refused {
        return format!("refund {number} of {amount} was refused and is not made: {reason} ({refused}).");
    }
    match &refund.stripe_refund {
        Some(id) => format!("refund {number} ({id}) of {amount}: {reason}."),
        None => format!("refund {number} of {amount} is to be made by the next run: {reason}."),
    }
}

fn credit(note: &CreditNote) -> String {
    let CreditNote { number, amount, .. } = note;
    let paid = note.to_balance.map(|paid| {
        format!("; {paid} of it had been paid and is on the customer's balance in Stripe, to be paid out or set off")
    });
    match (note.state, &note.stripe_credit_note) {
        (CreditNoteState::Issued, Some(id)) => {
            format!("credit note {number} ({id}) gives back {amount}{}.", paid.unwrap_or_default())
        }
        (CreditNoteState::GivenUp, _) => {
            format!("credit note {number} of {amount} was given up: the invoice could not take it any more.")
        }
        _ => format!("credit note {number} of {amount} is to be issued by the next run."),
    }
}

fn notes(standing: &MonthStanding) -> Vec<String> {
    let mut notes = Vec::new();
    let failed = standing.record.as_ref().is_some_and(|record| record.last_error.is_some());
    if let Some(reason) = standing.reason() {
        let reason = if failed { paint(RED, reason).to_string() } else { reason };
        notes.push(format!("{reason}."));
    }
    if let Some(since) = standing.overdue {
        notes.push(paint(RED, format!("late: it should have been complete on {since}.")).to_string());
    }
    let record = standing.record.as_ref();
    if let Some(restated) = record.and_then(|record| record.restated.as_ref()) {
        notes.push(format!("restated by {} after it was issued.", restated.sum));
    }
    notes.extend(record.iter().flat_map(|record| &record.credit_notes).map(credit));
    notes.extend(record.iter().flat_map(|record| payment::notes(&record.payment, record.invoice.currency)));
    notes.extend(record.iter().flat_map(|record| &record.refunds).map(refund));
    if standing.unrestated() {
        notes.push(paint(YELLOW, "its cost changed; the next run restates it.").to_string());
    }
    for past in record.iter().flat_map(|record| &record.past) {
        let how = if past.state == InvoiceState::Void { "voided" } else { "deleted" };
        notes.push(format!("revision {} of {} was {how}.", past.revision, past.total));
    }
    notes
}
