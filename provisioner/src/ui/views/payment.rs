//! Where an invoice's money is, and how a tenant pays, in words and as JSON.

use billing::invoice::{Attempt, Payment, PaymentStatus};
use billing::ledger::PaymentSetup;
use billing::money::MinorUnits;
use billing::{Currency, Money};
use serde_json::{Value, json};

use super::style::{RED, YELLOW, paint};

/// What there is to say of the money beside that it came in.
pub fn notes(payment: &Payment, currency: Currency) -> Vec<String> {
    let money = |units: i64| Money::from_minor_units(MinorUnits(units), currency);
    let mut notes = Vec::new();
    let by = payment.attempts.last().and_then(|attempt| attempt.method.as_deref());
    let by = by.map(|method| format!(" by {method}")).unwrap_or_default();
    match payment.status {
        PaymentStatus::Processing => notes.push(format!("a payment{by} is under way.")),
        PaymentStatus::Failed => {
            let code = payment.failure().map(|code| format!(": {code}")).unwrap_or_default();
            notes.push(paint(RED, format!("the payment{by} failed{code}.")).to_string());
        }
        PaymentStatus::None if payment.needs_authentication() => {
            notes.push(paint(YELLOW, format!("the payment{by} waits for the tenant to authenticate it.")).to_string());
        }
        PaymentStatus::None | PaymentStatus::Paid => {}
    }
    if payment.paid != 0 && payment.status != PaymentStatus::Paid {
        notes.push(format!("{} of it is paid.", money(payment.paid)));
    }
    if payment.without_cash != 0 {
        notes.push(format!("{} of it was settled without cash.", money(payment.without_cash)));
    }
    for (units, what) in [
        (payment.off_stripe, "was paid outside Stripe"),
        (payment.overpaid, "was paid beyond it and is on the customer's balance in Stripe"),
        (payment.refunded, "was refunded"),
    ] {
        if units != 0 {
            notes.push(format!("{} {what}.", money(units)));
        }
    }
    for dispute in payment.attempts.iter().flat_map(|attempt| &attempt.disputes) {
        let status = dispute.status.replace('_', " ");
        let note = format!("dispute {} over {}: {status}.", dispute.id, money(dispute.amount));
        notes.push(if dispute.takes_money() { paint(RED, note).to_string() } else { note });
    }
    notes
}

/// How a tenant pays, in a sentence.
pub fn setup(setup: &PaymentSetup) -> String {
    let mandate = setup.mandate.as_deref().filter(|mandate| *mandate != "active");
    let mandate = mandate.map(|mandate| format!("; its mandate is {mandate}")).unwrap_or_default();
    match &setup.method {
        Some(method) => format!("Pays by {method}{mandate}."),
        None if setup.deleted => paint(RED, "The Stripe customer was deleted.").to_string(),
        None => "No payment method: invoices are sent.".to_owned(),
    }
}

/// The money's axis with amounts as money.
pub fn json(payment: &Payment, currency: Currency) -> Value {
    let money = |units: i64| Money::from_minor_units(MinorUnits(units), currency);
    let attempt = |attempt: &Attempt| {
        let disputes = attempt.disputes.iter();
        json!({
            "id": attempt.id,
            "status": attempt.status,
            "amount": money(attempt.amount),
            "method": attempt.method,
            "failure": attempt.failure,
            "refunded": money(attempt.refunded),
            "disputes": disputes
                .map(|dispute| json!({ "id": dispute.id, "amount": money(dispute.amount), "status": dispute.status }))
                .collect::<Vec<_>>(),
        })
    };
    json!({
        "status": payment.status,
        "paid": money(payment.paid),
        "without_cash": money(payment.without_cash),
        "off_stripe": money(payment.off_stripe),
        "overpaid": money(payment.overpaid),
        "refunded": money(payment.refunded),
        "disputed": money(payment.disputed),
        "needs_authentication": payment.needs_authentication(),
        "failure": payment.failure(),
        "attempts": payment.attempts.iter().map(attempt).collect::<Vec<_>>(),
    })
}
