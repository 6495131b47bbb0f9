//! Invoices before they exist: lines and total, amounts aligned, and what became of them.

use std::fmt::Write;

use billing::invoice::{Invoice, InvoiceRecord, InvoiceState, PaymentStatus};
use billing::{Currency, Money};

use super::style::{BOLD, YELLOW, paint};
use super::wrap::wrapped;
use crate::ledger::preview::{Preview, TermsOf};
use crate::ledger::unclaimed::Unclaimed;

/// All previews, and what of the month's cost of no tenant is on nobody's invoice, with colours.
pub fn render(previews: &[Preview], unclaimed: Option<&Unclaimed>, width: usize) -> String {
    let mut shown: Vec<String> = previews.iter().map(|preview| one(preview, width)).collect();
    let note = unclaimed.and_then(unallocated);
    shown.extend(note.map(|text| format!("{}\n", wrapped(&paint(YELLOW, text).to_string(), width, 2))));
    shown.join("\n")
}

/// What becomes of cost that no tenant's tags claim.
fn unallocated(unclaimed: &Unclaimed) -> Option<String> {
    let dollars = |amount| Money::new(amount, Currency::USD).rounded();
    let (cost, kept, month) = (dollars(unclaimed.cost), dollars(unclaimed.kept()), unclaimed.month);
    let carry = format!("{cost} of {month} carry no tenant's tags");
    match (cost.amount.is_zero(), unclaimed.shared.is_zero(), kept.amount.is_zero()) {
        (true, ..) => None,
        (_, true, _) => Some(format!("{carry}: they are on nobody's invoice.")),
        (_, false, true) => Some(format!("{carry}: they are shared out, a line of each invoice.")),
        (_, false, false) => Some(format!("{carry}: {kept} of it are on nobody's invoice, the rest is shared out.")),
    }
}

fn one(preview: &Preview, width: usize) -> String {
    let mut out = format!("{}, {}\n", paint(BOLD, &preview.name), preview.month);
    if let Some(invoice) = &preview.invoice {
        lines(&mut out, invoice);
    }
    for note in notes(preview) {
        let _ = writeln!(out, "{}", wrapped(&format!("  {note}"), width, 4));
    }
    out
}

fn lines(out: &mut String, invoice: &Invoice) {
    let lines: Vec<(&str, String)> =
        invoice.lines.iter().map(|line| (line.description.as_str(), line.amount.to_string())).collect();
    let total = ("Total", invoice.total.to_string());
    let wide = lines.iter().chain([&total]).map(|(text, _)| text.chars().count()).max().unwrap_or(0);
    let right = lines.iter().chain([&total]).map(|(_, amount)| amount.chars().count()).max().unwrap_or(0);
    for (text, amount) in &lines {
        let _ = writeln!(out, "  {text:wide$}  {amount:>right$}");
    }
    let _ = writeln!(out, "  {}", paint(BOLD, format!("{:wide$}  {:>right$}", total.0, total.1)));
}

fn notes(preview: &Preview) -> Vec<String> {
    let mut notes: Vec<String> = preview.invoice.iter().filter_map(Invoice::exchange_note).collect();
    notes.extend(preview.invoice.as_ref().and_then(below_minimum));
    match preview.terms {
        TermsOf::Manifest => {}
        TermsOf::Deployed => notes.push(format!(
            "{} the manifest bills otherwise; `billform apply` deploys that, until then this holds.",
            paint(YELLOW, "By the deployed terms:")
        )),
        TermsOf::Undeployed => {
            notes.push(format!("{} nothing of this tenant is deployed yet.", paint(YELLOW, "By the manifest's terms:")))
        }
    }
    let now = preview.invoice.as_ref().map(|invoice| invoice.total);
    notes.extend(preview.invoiced.as_ref().map(|record| invoiced(record, now)));
    let provisional = preview.provisional.as_ref();
    notes.extend(provisional.map(|reason| format!("{} {reason}", paint(YELLOW, "Provisional:"))));
    notes.extend(
        preview
            .invoiced
            .iter()
            .filter_map(|record| record.last_error.as_ref())
            .map(|error| format!("{} {}", paint(YELLOW, format!("Failed at {}:", error.at)), error.message)),
    );
    notes.extend(preview.not_ready.as_ref().map(|reason| format!("{} {reason}", paint(YELLOW, "Not drafted yet:"))));
    notes
}

/// What becomes of a charge that is too small for Stripe.
fn below_minimum(invoice: &Invoice) -> Option<String> {
    let least = invoice.below_minimum_charge()?;
    let warning = paint(YELLOW, format!("Below {least}, the least Stripe charges:"));
    Some(format!("{warning} it marks the invoice paid and moves the amount to the customer's balance."))
}

/// What the invoicer made of the month; a later change of cost or terms does not change what is in Stripe.
fn invoiced(record: &InvoiceRecord, now: Option<Money>) -> String {
    let then = record.invoice.total;
    let now = now.unwrap_or(then);
    let stripe = record.stripe_invoice.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
    let what = match record.state {
        InvoiceState::Claimed => format!("Being drafted{stripe}: {then}"),
        InvoiceState::Provisional => format!("Drafted provisionally{stripe}: {then}"),
        InvoiceState::Complete => format!("Drafted already{stripe}: {then}"),
        InvoiceState::Approved => format!("Approved, being issued{stripe}: {then}"),
        InvoiceState::Open if record.payment.status == PaymentStatus::Paid => format!("Paid{stripe}: {then}"),
        InvoiceState::Open => format!("Issued already{stripe}: {then}"),
        InvoiceState::Uncollectible => format!("Issued, and given up as uncollectible{stripe}: {then}"),
        InvoiceState::Void | InvoiceState::Deleted => format!("Written off{stripe}: {then}"),
        InvoiceState::NothingDue if now != then => {
            return "Closed with nothing due; the invoicer's next run bills what has come since.".to_owned();
        }
        InvoiceState::NothingDue => "Closed with nothing due".to_owned(),
        InvoiceState::Credit => {
            let credit = Money::new(-then.amount, then.currency);
            format!("Closed already: {credit} go to later months")
        }
    };
    if now == then {
        format!("{what}.")
    } else {
        format!("{what}, {}", paint(YELLOW, "which is not what it comes to now."))
    }
}
