//! Customers. A deleted one leaves a stub that says so, unlike everything else.

use serde_json::{Value, json};

use crate::events::catalogue;
use crate::objects::balance::{self, Change};
use crate::objects::metadata;
use crate::objects::payment::method;
use crate::objects::test_clock::guard;
use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::blank::blank;
use crate::wire::error::ApiError;
use crate::wire::list::{in_range, same};
use crate::wire::object::{self, Object, assign, fields, group, integer, set, text};

/// Fields that are taken over as they come.
const PLAIN: [&str; 9] = [
    "balance",
    "business_name",
    "description",
    "email",
    "individual_name",
    "name",
    "next_invoice_sequence",
    "phone",
    "preferred_locales",
];

/// The operations served here.
pub(crate) const ROUTES: &[Route] = &[
    route("POST /v1/customers", create),
    route("GET /v1/customers", list),
    route("GET /v1/customers/{customer}", retrieve),
    route("POST /v1/customers/{customer}", update),
    route("DELETE /v1/customers/{customer}", delete),
];

/// `POST /v1/customers`
pub(crate) fn create(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = state.ids.next("cus");
    let mut customer = blank("customer");
    customer.extend(fields(json!({
        "id": id, "balance": 0, "created": state.now(), "delinquent": false,
        "invoice_prefix": state.ids.letters(8).to_ascii_uppercase(),
        "invoice_settings": invoice_settings(&Object::new()), "metadata": {}, "next_invoice_sequence": 1,
        "preferred_locales": [], "tax_exempt": "none",
    })));
    if let Some(clock) = text(&request.params, "test_clock") {
        set(&mut customer, "created", guard::room(state, clock)?);
        set(&mut customer, "test_clock", clock);
    }
    apply(state, &mut customer, &request.params)?;
    state.customers.insert(&id, customer.clone());
    note_balance(state, &customer, 0, "initial");
    let customer = Value::Object(customer);
    state.emit(catalogue::CUSTOMER_CREATED, &customer);
    Ok(customer)
}

/// `GET /v1/customers/{customer}`
pub(crate) fn retrieve(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    if state.customers.was_deleted(id) {
        return Ok(stub(id));
    }
    state.customers.find(id).cloned().map(Value::Object)
}

/// `POST /v1/customers/{customer}`
pub(crate) fn update(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    let before = Value::Object(state.customers.find(id)?.clone());
    let mut customer = state.customers.find(id)?.clone();
    apply(state, &mut customer, &request.params)?;
    *state.customers.find_mut(id)? = customer.clone();
    note_balance(state, &customer, before["balance"].as_i64().unwrap_or(0), "adjustment");
    let customer = Value::Object(customer);
    state.emit_update(catalogue::CUSTOMER_UPDATED, &before, &customer);
    Ok(customer)
}

/// `DELETE /v1/customers/{customer}`: what was pending for it goes too, its invoices stay.
pub(crate) fn delete(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    remove(state, id)?;
    Ok(stub(id))
}

/// Deletes a customer and what is pending for it.
pub(crate) fn remove(state: &mut State, id: &str) -> Result<(), ApiError> {
    let customer = state.customers.find(id)?.clone();
    let pending: Vec<String> =
        state.pending_items(id).iter().filter_map(|item| text(item, "id").map(str::to_owned)).collect();
    state.customers.delete(id)?;
    for item in pending {
        let item = state.items.delete(&item)?;
        state.emit(catalogue::INVOICE_ITEM_DELETED, &Value::Object(item));
    }
    state.emit(catalogue::CUSTOMER_DELETED, &Value::Object(customer));
    Ok(())
}

/// `GET /v1/customers`; the e-mail address is compared letter by letter. Customers of a test clock are listed only by
/// that clock.
pub(crate) fn list(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    let rows = state
        .customers
        .newest_first()
        .filter(|customer| same(customer, params, "email"))
        .filter(|customer| text(customer, "test_clock") == text(params, "test_clock"))
        .filter(|customer| in_range(integer(customer, "created"), params.get("created")));
    request.newest_first(&state.customers, rows, "/v1/customers", |customer| Value::Object(customer.clone()))
}

fn apply(state: &State, customer: &mut Object, params: &Object) -> Result<(), ApiError> {
    check_email(params)?;
    check_prefix(state, customer, params)?;
    if integer(params, "next_invoice_sequence").is_some_and(|next| next < 1) {
        return Err(ApiError::bad_integer("next_invoice_sequence", "This value must be greater than or equal to 1."));
    }
    assign(customer, params, &PLAIN);
    // These two fields are left out, not null, when they are not set.
    for name in ["business_name", "individual_name"] {
        if customer.get(name) == Some(&Value::Null) {
            customer.shift_remove(name);
        }
    }
    if let Some(address) = params.get("address") {
        set(customer, "address", object::address(address));
    }
    if let Some(shipping) = params.get("shipping") {
        set(customer, "shipping", object::shipping(shipping));
    }
    if let Some(exempt) = params.get("tax_exempt") {
        let exempt = exempt.as_str().filter(|text| !text.is_empty()).unwrap_or("none");
        set(customer, "tax_exempt", exempt);
    }
    if let Some(prefix) = text(params, "invoice_prefix") {
        set(customer, "invoice_prefix", prefix);
    }
    if let Some(settings) = group(params, "invoice_settings") {
        let mut whole = group(customer, "invoice_settings").cloned().unwrap_or_default();
        if let Some(method) = text(settings, "default_payment_method") {
            let id = text(customer, "id").unwrap_or_default();
            method::check_default(state, method, id, "invoice_settings[default_payment_method]")?;
        }
        assign(&mut whole, settings, &["custom_fields", "default_payment_method", "footer", "rendering_options"]);
        set(customer, "invoice_settings", invoice_settings(&whole));
    }
    let metadata = metadata::merged(customer.get("metadata"), params, "metadata")?;
    set(customer, "metadata", metadata);
    Ok(())
}

/// A balance that is set is a transaction too.
fn note_balance(state: &mut State, customer: &Object, before: i64, kind: &'static str) {
    let balance = integer(customer, "balance").unwrap_or(0);
    if balance == before {
        return;
    }
    let own = state.account.currency.clone();
    let change = Change {
        customer: text(customer, "id").unwrap_or_default(),
        amount: balance - before,
        currency: text(customer, "currency").unwrap_or(&own),
        kind,
        invoice: None,
        credit_note: None,
    };
    balance::note(state, &change, balance);
}

fn check_email(params: &Object) -> Result<(), ApiError> {
    let Some(email) = text(params, "email") else {
        return Ok(());
    };
    let plain = |part: &str| !part.is_empty() && !part.contains(|letter: char| letter.is_whitespace() || letter == '@');
    match email.split_once('@') {
        Some((name, host)) if plain(name) && plain(host) && !host.starts_with('.') && !host.ends_with('.') => Ok(()),
        _ => Err(ApiError::invalid(format!("Invalid email address: {email}"))
            .with_code("email_invalid")
            .with_param("email")),
    }
}

fn check_prefix(state: &State, customer: &Object, params: &Object) -> Result<(), ApiError> {
    let Some(prefix) = text(params, "invoice_prefix") else {
        return Ok(());
    };
    let plain = prefix.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if !(3..=12).contains(&prefix.len()) || !plain {
        let message = "Invalid invoice prefix: it must be 3 to 12 uppercase letters or digits.";
        return Err(ApiError::invalid(message).with_param("invoice_prefix"));
    }
    let taken = state
        .customers
        .newest_first()
        .any(|other| text(other, "invoice_prefix") == Some(prefix) && other.get("id") != customer.get("id"));
    if taken {
        let message = format!("Another customer already uses the invoice prefix `{prefix}`.");
        return Err(ApiError::invalid(message).with_param("invoice_prefix"));
    }
    Ok(())
}

fn invoice_settings(given: &Object) -> Value {
    object::filled(given, &["custom_fields", "default_payment_method", "footer", "rendering_options"])
}

/// What is left of a deleted customer.
pub(crate) fn stub(id: &str) -> Value {
    json!({"id": id, "object": "customer", "deleted": true})
}
