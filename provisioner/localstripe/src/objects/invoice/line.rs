//! One line of an invoice as it is shown, and pages of them.

use serde_json::{Value, json};

use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::list::{self, Listing};
use crate::wire::object::{Object, text};

/// The first ten lines, as they are part of their invoice.
pub(crate) fn first_page(state: &State, invoice: &Object) -> Value {
    let id = text(invoice, "id").unwrap_or_default();
    page(state, id, &Object::new()).unwrap_or(Value::Null)
}

/// The id of the line that shows an item.
fn line_id(item: &str) -> String {
    format!("il_{}", item.trim_start_matches("ii_"))
}

/// The item that a line of the invoice shows.
pub(crate) fn item_of(state: &State, invoice: &str, line: &str, param: &str) -> Result<String, ApiError> {
    let items = state.items_of(invoice);
    let found = items.iter().filter_map(|item| text(item, "id")).find(|id| line_id(id) == line);
    found.map(str::to_owned).ok_or_else(|| ApiError::missing("line item", line).in_param(param))
}

/// An item as the line of its invoice.
pub(super) fn shown(item: &Object) -> Value {
    let id = text(item, "id").unwrap_or_default();
    json!({
        "id": line_id(id), "object": "line_item", "amount": item["amount"], "currency": item["currency"],
        "description": item["description"], "discount_amounts": [], "discountable": item["discountable"],
        "discounts": [], "invoice": item["invoice"], "livemode": false, "metadata": item["metadata"],
        "parent": {
            "invoice_item_details": {
                "invoice_item": id, "proration": false, "proration_details": {"credited_items": null}, "subscription": null,
            },
            "subscription_item_details": null, "type": "invoice_item_details",
        },
        "period": item["period"], "pretax_credit_amounts": [], "pricing": item["pricing"], "quantity": item["quantity"],
        "quantity_decimal": item["quantity_decimal"], "subscription": null, "subtotal": item["amount"], "taxes": [],
    })
}

/// The page of lines that `params` ask for.
pub(super) fn page(state: &State, id: &str, params: &Object) -> Result<Value, ApiError> {
    let items = state.items_of(id);
    let place = |line: &str| {
        let at = items.iter().position(|item| text(item, "id").is_some_and(|id| line_id(id) == line));
        at.and_then(|at| u64::try_from(at).ok()).ok_or_else(|| ApiError::missing("line item", line))
    };
    let url = format!("/v1/invoices/{id}/lines");
    let rows = (0_u64..).zip(items.iter().copied());
    list::page(Listing { rows, place: &place, url: &url }, params, shown)
}
