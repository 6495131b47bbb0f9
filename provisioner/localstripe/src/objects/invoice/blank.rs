//! A new invoice: every field Stripe answers, with nothing in it yet.

use serde_json::json;

use crate::state::State;
use crate::wire::blank::blank;
use crate::wire::object::{Object, fields};

/// A draft for the customer in that currency, not yet kept.
pub(super) fn draft(state: &mut State, customer: &str, money: &str) -> Object {
    let (id, now, account) = (state.ids.next("in"), state.now_of(customer), &state.account);
    let mut invoice = blank("invoice");
    invoice.extend(fields(json!({
        "id": id, "account_country": account.country, "account_name": account.name, "billing_reason": "manual",
        "collection_method": "charge_automatically", "created": now, "currency": money, "customer": customer,
        "customer_tax_exempt": "none", "customer_tax_ids": [], "issuer": {"type": "self"}, "metadata": {},
        "payment_settings": {"default_mandate": null, "payment_method_options": null, "payment_method_types": null},
        "period_end": now, "period_start": now, "status": "draft", "test_clock": state.test_clock_of(customer),
        "subtotal_excluding_tax": 0, "total_excluding_tax": 0, "total_discount_amounts": [],
        "total_pretax_credit_amounts": [], "total_taxes": [],
    })));
    invoice
}
