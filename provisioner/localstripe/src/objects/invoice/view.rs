//! An invoice as it is shown. A draft's totals, customer and balance are those of the moment; `freeze` writes them down.

use serde_json::{Value, json};

use crate::currency::minimum_charge;
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::object::{Object, integer, set, text};

use super::guard::is_draft;
use super::line;

/// The invoice of that id, as it is answered.
pub(crate) fn answer(state: &State, id: &str) -> Result<Value, ApiError> {
    Ok(shown(state, state.invoices.find(id)?))
}

/// The invoice as it is answered.
pub(crate) fn shown(state: &State, invoice: &Object) -> Value {
    let mut invoice = invoice.clone();
    if is_draft(&invoice) {
        freeze(state, &mut invoice);
        // Known only once the balance is really applied.
        set(&mut invoice, "ending_balance", Value::Null);
    }
    let lines = line::first_page(state, &invoice);
    set(&mut invoice, "lines", lines);
    Value::Object(invoice)
}

/// Writes the customer, the totals and the balances of this moment into the invoice.
pub(crate) fn freeze(state: &State, invoice: &mut Object) {
    let id = text(invoice, "id").unwrap_or_default();
    let total: i64 = state.items_of(id).iter().filter_map(|item| integer(item, "amount")).sum();
    let starting = copy_customer(state, invoice);
    let (due, ending) = settle(total, starting, text(invoice, "currency").unwrap_or_default());
    for (name, amount) in [
        ("subtotal", total),
        ("subtotal_excluding_tax", total),
        ("total", total),
        ("total_excluding_tax", total),
        ("starting_balance", starting),
        ("ending_balance", ending),
        ("amount_due", due),
        ("amount_remaining", due),
    ] {
        set(invoice, name, amount);
    }
}

/// Copies what the invoice shows of its customer; answers the balance that applies to it.
fn copy_customer(state: &State, invoice: &mut Object) -> i64 {
    let customer = text(invoice, "customer").and_then(|id| state.customers.find(id).ok());
    let Some(customer) = customer else {
        return 0;
    };
    for (shown, own) in [
        ("customer_address", "address"),
        ("customer_email", "email"),
        ("customer_name", "name"),
        ("customer_phone", "phone"),
        ("customer_shipping", "shipping"),
        ("customer_tax_exempt", "tax_exempt"),
    ] {
        set(invoice, shown, customer.get(own).cloned().unwrap_or(Value::Null));
    }
    let same_money = customer.get("currency") == invoice.get("currency") || customer["currency"].is_null();
    if same_money { integer(customer, "balance").unwrap_or(0) } else { 0 }
}

/// What is due of a total and what is left on the customer's balance; together they are total plus starting balance.
///
/// A credit, or an amount below what Stripe charges at least, moves to the balance whole.
pub(crate) fn settle(total: i64, starting: i64, currency: &str) -> (i64, i64) {
    let owed = total.saturating_add(starting);
    if owed > 0 && owed >= minimum_charge(currency) { (owed, 0) } else { (0, owed) }
}

/// The page of an invoice that its customer would open; nobody serves it locally.
pub(crate) fn hosted_urls(account: &str, id: &str) -> (Value, Value) {
    let page = format!("https://invoice.stripe.com/i/{account}/test_{id}");
    (json!(page), json!(format!("https://pay.stripe.com/invoice/{account}/test_{id}/pdf")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_sums_and_credits_move_to_the_balance() {
        assert_eq!(settle(12_550, 0, "usd"), (12_550, 0));
        assert_eq!(settle(0, 0, "usd"), (0, 0));
        assert_eq!(settle(49, 0, "usd"), (0, 49));
        assert_eq!(settle(50, 0, "usd"), (50, 0));
        assert_eq!(settle(-300, 0, "usd"), (0, -300));
        assert_eq!(settle(1000, -400, "usd"), (600, 0));
        assert_eq!(settle(1000, -1400, "usd"), (0, -400));
        assert_eq!(settle(1000, 200, "usd"), (1200, 0));
        assert_eq!(settle(1, 0, "isk"), (1, 0));
    }

    proptest! {
        #[test]
        fn nothing_is_lost(total in -1_000_000_i64..1_000_000, starting in -1_000_000_i64..1_000_000) {
            let (due, ending) = settle(total, starting, "eur");
            prop_assert_eq!(due + ending, total + starting);
            prop_assert!(due == 0 || due >= 50);
        }
    }
}
