//! Stripe's own command line (`@stripe/cli`) against the local Stripe: what it does to bring an event about brings it about
//! here.

use std::process::{Command, Output};

use crate::local::KEY;
use crate::payments::kinds;
use crate::{Local, START};

/// The events of invoices and payments that `stripe trigger` knows, but three: `payment_intent.partially_funded` needs a cash
/// balance, which the local Stripe does not keep; `checkout.session.async_payment_failed` is refused by Stripe too, as the
/// command line itself expects; `billing_portal.session.created` needs what somebody saved in the Dashboard.
const EVENTS: &[&str] = &[
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.failed",
    "charge.refund.updated",
    "charge.refunded",
    "charge.succeeded",
    "credit_note.created",
    "credit_note.updated",
    "credit_note.voided",
    "customer.created",
    "customer.deleted",
    "customer.updated",
    "invoice.created",
    "invoice.deleted",
    "invoice.finalized",
    "invoice.marked_uncollectible",
    "invoice.paid",
    "invoice.payment_action_required",
    "invoice.payment_failed",
    "invoice.payment_succeeded",
    "invoice.sent",
    "invoice.updated",
    "invoice.voided",
    "invoiceitem.created",
    "invoiceitem.deleted",
    "payment_intent.canceled",
    "payment_intent.created",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "payment_method.attached",
    "payment_method.detached",
    "payment_method.updated",
    "price.created",
    "price.updated",
    "product.created",
    "product.deleted",
    "product.updated",
    "setup_intent.canceled",
    "setup_intent.created",
    "setup_intent.requires_action",
    "setup_intent.setup_failed",
    "setup_intent.succeeded",
    "charge.captured",
    "charge.dispute.updated",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "payment_intent.amount_capturable_updated",
    "billing_portal.configuration.created",
    "billing_portal.configuration.updated",
];

fn trigger(local: &Local, event: &str, home: &std::path::Path) -> Output {
    let base = local.base.trim_end_matches('/');
    Command::new("stripe")
        .args(["trigger", event, "--api-base", base, "--api-key", KEY, "--api-version", "2026-08-26.dahlia"])
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home)
        .env("STRIPE_CLI_TELEMETRY_OPTOUT", "1")
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .output()
        .expect("the command line runs")
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(tool_stripe), ignore = "the Stripe CLI (npm's @stripe/cli) is missing")]
async fn the_command_line_brings_every_event_about() {
    let home = std::env::temp_dir().join(format!("stripe-cli-{}-{START}", std::process::id()));
    std::fs::create_dir_all(&home).unwrap();
    let mut failed = Vec::new();
    for event in EVENTS {
        let local = Local::start().await;
        let output = trigger(&local, event, &home);
        // A debit is answered within minutes.
        local.stripe.advance(jiff::SignedDuration::from_mins(5));
        let told = kinds(&local, 0).await;
        if !output.status.success() || !told.iter().any(|kind| kind == event) {
            let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
            failed.push(format!("{event}: {said}\n  {told:?}"));
        }
    }
    std::fs::remove_dir_all(&home).unwrap();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
