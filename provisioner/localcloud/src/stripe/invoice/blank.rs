//! A new invoice: every field Stripe answers, with nothing in it yet.

use serde_json::{Value, json};

use crate::stripe::object::{fields, set};
use crate::stripe::params::Object;
use crate::stripe::state::State;

/// Fields of a new invoice that have no value yet.
const NULL: [&str; 33] = [
    "account_tax_ids",
    "application",
    "automatically_finalizes_at",
    "custom_fields",
    "customer_account",
    "customer_address",
    "customer_email",
    "customer_name",
    "customer_phone",
    "customer_shipping",
    "default_payment_method",
    "default_source",
    "description",
    "due_date",
    "effective_at",
    "ending_balance",
    "footer",
    "from_invoice",
    "hosted_invoice_url",
    "invoice_pdf",
    "last_finalization_error",
    "latest_revision",
    "next_payment_attempt",
    "number",
    "on_behalf_of",
    "parent",
    "receipt_number",
    "rendering",
    "shipping_cost",
    "shipping_details",
    "statement_descriptor",
    "test_clock",
    "webhooks_delivered_at",
];

/// Sums of a new invoice.
const ZERO: [&str; 14] = [
    "amount_due",
    "amount_overpaid",
    "amount_paid",
    "amount_paid_off_stripe",
    "amount_remaining",
    "amount_shipping",
    "attempt_count",
    "post_payment_credit_notes_amount",
    "pre_payment_credit_notes_amount",
    "starting_balance",
    "subtotal",
    "subtotal_excluding_tax",
    "total",
    "total_excluding_tax",
];

/// Lists of a new invoice: what it has none of.
const EMPTY: [&str; 6] = [
    "customer_tax_ids",
    "default_tax_rates",
    "discounts",
    "total_discount_amounts",
    "total_pretax_credit_amounts",
    "total_taxes",
];

/// A draft for the customer in that currency, not yet kept.
pub(super) fn draft(state: &mut State, customer: &str, money: &str) -> Object {
    let (id, now, account) = (state.ids.next("in"), state.now(), &state.account);
    let mut invoice = fields(json!({
        "id": id, "object": "invoice", "account_country": account.country, "account_name": account.name,
        "attempted": false, "auto_advance": false,
        "automatic_tax": {"disabled_reason": null, "enabled": false, "liability": null, "provider": null, "status": null},
        "billing_reason": "manual", "collection_method": "charge_automatically", "created": now, "currency": money,
        "customer": customer, "customer_tax_exempt": "none", "issuer": {"type": "self"}, "livemode": false, "metadata": {},
        "payment_settings": {"default_mandate": null, "payment_method_options": null, "payment_method_types": null},
        "period_end": now, "period_start": now, "status": "draft",
        "status_transitions": {"finalized_at": null, "marked_uncollectible_at": null, "paid_at": null, "voided_at": null},
    }));
    NULL.iter().for_each(|name| set(&mut invoice, name, Value::Null));
    ZERO.iter().for_each(|name| set(&mut invoice, name, 0));
    EMPTY.iter().for_each(|name| set(&mut invoice, name, json!([])));
    invoice
}
