//! Invoice items: pending for a customer until an invoice takes them, frozen once that is final.

use serde_json::{Value, json};

use super::charge::Charge;
use super::error::ApiError;
use super::invoice;
use super::list::{in_range, same};
use super::metadata;
use super::object::{assign, fields, flag, group, integer, required, set, text};
use super::params::Object;
use super::request::Request;
use super::state::State;

/// `POST /v1/invoiceitems`
pub(crate) fn create(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    let customer = required(params, "customer")?.to_owned();
    state.customers.find(&customer).map_err(|error| error.in_param("customer"))?;
    let invoice = text(params, "invoice").map(str::to_owned);
    let expected = match &invoice {
        Some(invoice) => Some(check_invoice(state, invoice, &customer)?),
        None => None,
    };
    // Unlike a line, an item with a bare amount names its currency itself.
    let bare = ["amount", "unit_amount_decimal"].iter().any(|name| params.contains_key(*name));
    if bare {
        required(params, "currency")?;
    }
    let item = draft(state, params, &customer, expected.as_deref())?;
    Ok(Value::Object(keep(state, item, invoice.as_deref())?))
}

/// `GET /v1/invoiceitems/{invoiceitem}`
pub(crate) fn retrieve(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    state.items.find(request.id(0)).cloned().map(Value::Object)
}

/// `POST /v1/invoiceitems/{invoiceitem}`
pub(crate) fn update(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    change(state, request.id(0), &request.params).map(Value::Object)
}

/// `DELETE /v1/invoiceitems/{invoiceitem}`
pub(crate) fn delete(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    editable(state, id)?;
    remove(state, id)?;
    Ok(json!({"id": id, "object": "invoiceitem", "deleted": true}))
}

/// `GET /v1/invoiceitems`
pub(crate) fn list(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    state.known_customer(params)?;
    let pending = flag(params, "pending");
    let rows = state
        .items
        .newest_first()
        .filter(|item| ["customer", "invoice"].iter().all(|name| same(item, params, name)))
        .filter(|item| pending.is_none_or(|pending| pending == text(item, "invoice").is_none()))
        .filter(|item| in_range(integer(item, "date"), params.get("created")));
    request.newest_first(&state.items, rows, "/v1/invoiceitems", |item| Value::Object(item.clone()))
}

/// A new item that is not yet kept; `expected` is the currency of the invoice it is for.
pub(crate) fn draft(
    state: &mut State,
    params: &Object,
    customer: &str,
    expected: Option<&str>,
) -> Result<Object, ApiError> {
    let now = state.now();
    let mut item = fields(json!({
        "id": state.ids.next("ii"), "object": "invoiceitem", "amount": 0, "currency": null, "customer": customer,
        "customer_account": null, "date": now, "description": null, "discountable": true, "discounts": [],
        "invoice": null, "livemode": false, "metadata": metadata::fresh(params)?, "net_amount": 0, "parent": null,
        "period": {"start": now, "end": now}, "pricing": null, "proration": false, "quantity": 1,
        "quantity_decimal": "1", "tax_rates": [], "test_clock": null,
    }));
    set_period(&mut item, params)?;
    assign(&mut item, params, &["description"]);
    let charge = Charge::of(state, params, expected)?;
    // Stripe gives no discount on what is itself a credit.
    let discountable = flag(params, "discountable").unwrap_or(charge.amount >= 0);
    set(&mut item, "discountable", discountable);
    charge.write(state, &mut item);
    Ok(item)
}

/// Keeps a new item, on the invoice it is for.
pub(crate) fn keep(state: &mut State, mut item: Object, invoice: Option<&str>) -> Result<Object, ApiError> {
    let id = text(&item, "id").unwrap_or_default().to_owned();
    let (customer, currency) = (text(&item, "customer").unwrap_or_default(), item["currency"].clone());
    let customer = state.customers.find_mut(customer)?;
    if customer.get("currency").is_none_or(Value::is_null) {
        set(customer, "currency", currency);
    }
    if let Some(invoice) = invoice {
        set(&mut item, "invoice", invoice);
        state.lines.entry(invoice.to_owned()).or_default().push(id.clone());
    }
    state.items.insert(&id, item.clone());
    Ok(item)
}

/// Applies an update to an item that may still change.
pub(crate) fn change(state: &mut State, id: &str, params: &Object) -> Result<Object, ApiError> {
    let mut item = state.items.find(id)?.clone();
    editable(state, id)?;
    set_period(&mut item, params)?;
    assign(&mut item, params, &["description", "discountable"]);
    let metadata = metadata::merged(item.get("metadata"), params, "metadata")?;
    set(&mut item, "metadata", metadata);
    if Charge::is_in(params) {
        Charge::changed(state, &item, params)?.write(state, &mut item);
    }
    *state.items.find_mut(id)? = item.clone();
    Ok(item)
}

/// Takes an item off its invoice: it is pending again.
pub(crate) fn unassign(state: &mut State, id: &str) -> Result<(), ApiError> {
    detach(state, id)?;
    set(state.items.find_mut(id)?, "invoice", Value::Null);
    Ok(())
}

/// Removes an item and its line.
pub(crate) fn remove(state: &mut State, id: &str) -> Result<(), ApiError> {
    detach(state, id)?;
    state.items.delete(id)?;
    Ok(())
}

/// Refuses when the item belongs to an invoice that is no draft.
pub(crate) fn editable(state: &State, id: &str) -> Result<(), ApiError> {
    match text(state.items.find(id)?, "invoice") {
        Some(invoice) if !invoice::is_draft(state.invoices.find(invoice)?) => Err(ApiError::not_editable(
            "This invoice item belongs to an invoice that is no longer a draft and can't be changed or deleted.",
        )),
        _ => Ok(()),
    }
}

fn detach(state: &mut State, id: &str) -> Result<(), ApiError> {
    let invoice = text(state.items.find(id)?, "invoice").map(str::to_owned);
    if let Some(lines) = invoice.and_then(|invoice| state.lines.get_mut(&invoice)) {
        lines.retain(|line| line != id);
    }
    state.pulled.remove(id);
    Ok(())
}

/// The currency of the draft that an item is for.
fn check_invoice(state: &State, invoice: &str, customer: &str) -> Result<String, ApiError> {
    let found = state.invoices.find(invoice).map_err(|error| error.in_param("invoice"))?;
    if !invoice::is_draft(found) {
        return Err(ApiError::not_editable(format!(
            "The invoice `{invoice}` is no longer a draft: items can't be added to it."
        ))
        .with_param("invoice"));
    }
    if text(found, "customer") != Some(customer) {
        let message = format!("The invoice `{invoice}` belongs to another customer.");
        return Err(ApiError::invalid(message).with_param("invoice"));
    }
    invoice::room(state, invoice, 1)?;
    Ok(text(found, "currency").unwrap_or_default().to_owned())
}

fn set_period(item: &mut Object, params: &Object) -> Result<(), ApiError> {
    let Some(period) = group(params, "period") else {
        return Ok(());
    };
    let (start, end) = (integer(period, "start").unwrap_or(0), integer(period, "end").unwrap_or(0));
    if end < start {
        let message = "The end of a period must be at or after its start.";
        return Err(ApiError::invalid(message).with_param("period[end]"));
    }
    set(item, "period", json!({"start": start, "end": end}));
    Ok(())
}
