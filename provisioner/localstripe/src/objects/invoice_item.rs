//! Invoice items: pending for a customer until an invoice takes them, frozen once that is final.

use serde_json::{Value, json};

use crate::events::catalogue;
use crate::objects::charge::Charge;
use crate::objects::invoice::{guard, notice, view};
use crate::objects::metadata;
use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::blank::blank;
use crate::wire::error::ApiError;
use crate::wire::list::{in_range, same};
use crate::wire::object::{Object, assign, fields, flag, group, integer, required, set, text};

/// The operations served here.
pub(crate) const ROUTES: &[Route] = &[
    route("POST /v1/invoiceitems", create),
    route("GET /v1/invoiceitems", list),
    route("GET /v1/invoiceitems/{invoiceitem}", retrieve),
    route("POST /v1/invoiceitems/{invoiceitem}", update),
    route("DELETE /v1/invoiceitems/{invoiceitem}", delete),
];

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
    let before = invoice.as_deref().map(|invoice| view::answer(state, invoice)).transpose()?;
    let item = draft(state, params, &customer, expected.as_deref())?;
    let item = keep(state, item, invoice.as_deref())?;
    tell(state, invoice.as_deref(), before.as_ref())?;
    Ok(Value::Object(item))
}

/// `GET /v1/invoiceitems/{invoiceitem}`
pub(crate) fn retrieve(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    state.items.find(request.id(0)).cloned().map(Value::Object)
}

/// `POST /v1/invoiceitems/{invoiceitem}`
pub(crate) fn update(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    let (invoice, before) = shown_invoice(state, id)?;
    let item = change(state, id, &request.params)?;
    tell(state, invoice.as_deref(), before.as_ref())?;
    Ok(Value::Object(item))
}

/// `DELETE /v1/invoiceitems/{invoiceitem}`
pub(crate) fn delete(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    editable(state, id)?;
    let (invoice, before) = shown_invoice(state, id)?;
    remove(state, id)?;
    tell(state, invoice.as_deref(), before.as_ref())?;
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
    let now = state.now_of(customer);
    let mut item = blank("invoiceitem");
    item.extend(fields(json!({
        "id": state.ids.next("ii"), "customer": customer, "date": now, "discountable": true, "discounts": [],
        "metadata": metadata::fresh(params)?, "net_amount": 0, "period": {"start": now, "end": now},
        "quantity": 1, "quantity_decimal": "1", "tax_rates": [], "test_clock": state.test_clock_of(customer),
    })));
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
    let before = Value::Object(customer.clone());
    if customer.get("currency").is_none_or(Value::is_null) {
        set(customer, "currency", currency);
    }
    let after = Value::Object(customer.clone());
    if let Some(invoice) = invoice {
        set(&mut item, "invoice", invoice);
        state.lines.entry(invoice.to_owned()).or_default().push(id.clone());
    }
    state.items.insert(&id, item.clone());
    state.emit_update(catalogue::CUSTOMER_UPDATED, &before, &after);
    state.emit(catalogue::INVOICE_ITEM_CREATED, &Value::Object(item.clone()));
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
    let item = state.items.delete(id)?;
    state.emit(catalogue::INVOICE_ITEM_DELETED, &Value::Object(item));
    Ok(())
}

/// Refuses when the item belongs to an invoice that is no draft.
pub(crate) fn editable(state: &State, id: &str) -> Result<(), ApiError> {
    match text(state.items.find(id)?, "invoice") {
        Some(invoice) if !guard::is_draft(state.invoices.find(invoice)?) => Err(ApiError::not_editable(
            "This invoice item belongs to an invoice that is no longer a draft and can't be changed or deleted.",
        )),
        _ => Ok(()),
    }
}

/// The invoice that an item is on, and how it is shown.
fn shown_invoice(state: &State, item: &str) -> Result<(Option<String>, Option<Value>), ApiError> {
    let invoice = text(state.items.find(item)?, "invoice").map(str::to_owned);
    let shown = invoice.as_deref().map(|invoice| view::answer(state, invoice)).transpose()?;
    Ok((invoice, shown))
}

/// Tells that an invoice changed with its item.
fn tell(state: &mut State, invoice: Option<&str>, before: Option<&Value>) -> Result<(), ApiError> {
    if let (Some(invoice), Some(before)) = (invoice, before) {
        notice::updated(state, invoice, before)?;
    }
    Ok(())
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
    if !guard::is_draft(found) {
        return Err(ApiError::not_editable(format!(
            "The invoice `{invoice}` is no longer a draft: items can't be added to it."
        ))
        .with_param("invoice"));
    }
    if text(found, "customer") != Some(customer) {
        let message = format!("The invoice `{invoice}` belongs to another customer.");
        return Err(ApiError::invalid(message).with_param("invoice"));
    }
    guard::room(state, invoice, 1)?;
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
