//! How each tenant's months stand, as a table: what is late or failed stands out.

use std::fmt::Write;

use billing::invoice::InvoiceState;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::near_misses::sentences;
use super::style::{BOLD, RED, YELLOW, paint};
use super::table::aligned;
use super::wrap::wrapped;
use crate::ledger::months::{MonthStanding, TenantMonths};
use crate::ledger::unclaimed::Unclaimed;

/// Tenants with their months below, a note for each reason, and values of the tenant tag that are near a tenant's.
pub fn render(tenants: &[TenantMonths], unclaimed: &[Unclaimed], today: Date, width: usize) -> String {
    if tenants.is_empty() {
        return "No tenant is deployed; `billform apply` deploys the manifest's.\n".to_owned();
    }
    let near = near(unclaimed, width);
    let shown = tenants.iter().map(|tenant| one(tenant, today, width));
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

fn one(tenant: &TenantMonths, today: Date, width: usize) -> String {
    let mut out = format!("{} ({})\n", paint(BOLD, &tenant.tenant.name), tenant.tenant.id);
    if tenant.months.is_empty() {
        out.push_str("  No month is open.\n");
    }
    let rows: Vec<[String; 5]> = tenant.months.iter().map(row).collect();
    for line in aligned(&rows).lines() {
        let _ = writeln!(out, "  {line}");
    }
    for standing in &tenant.months {
        for note in notes(standing, today) {
            let month = standing.month.to_string();
            // Reasons name their month themselves.
            let line = if note.starts_with(&month) { format!("  {note}") } else { format!("  {month}: {note}") };
            let _ = writeln!(out, "{}", wrapped(&line, width, 4));
        }
    }
    let balance = tenant.balance.as_ref().map(|balance| balance.sum()).filter(|sum| !sum.amount.is_zero());
    if let Some(sum) = balance {
        let goes = if sum.amount.is_sign_negative() { "in the tenant's favour" } else { "to be invoiced" };
        let _ = writeln!(out, "  Balance: {sum}, {goes} with the next invoice.");
    }
    if let Some(earlier) = tenant.earlier {
        let _ =
            writeln!(out, "  {earlier} of months before this tenant's first stay with the earlier tenant of this id.");
    }
    out
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

fn notes(standing: &MonthStanding, today: Date) -> Vec<String> {
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
    if standing.unrestated(today) {
        notes.push(paint(YELLOW, "its cost changed; the next run restates it.").to_string());
    }
    for past in record.iter().flat_map(|record| &record.past) {
        let how = if past.state == InvoiceState::Void { "voided" } else { "deleted" };
        notes.push(format!("revision {} of {} was {how}.", past.revision, past.total));
    }
    notes
}
