//! A customer's balance: negative is credit, positive is debt. Every change of it is a transaction that stays.

use serde_json::{Value, json};

use crate::currency;
use crate::events::catalogue;
use crate::objects::metadata;
use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::blank::blank;
use crate::wire::error::ApiError;
use crate::wire::list::{in_range, same};
use crate::wire::object::{Object, assign, fields, integer, required, set, text};

/// The operations served here.
pub(crate) const ROUTES: &[Route] = &[
    route("POST /v1/customers/{customer}/balance_transactions", create),
    route("GET /v1/customers/{customer}/balance_transactions", list),
    route("GET /v1/customers/{customer}/balance_transactions/{transaction}", retrieve),
    route("POST /v1/customers/{customer}/balance_transactions/{transaction}", update),
];

/// A change of a balance.
pub(crate) struct Change<'a> {
    pub(crate) customer: &'a str,
    /// Minor units; negative is credit.
    pub(crate) amount: i64,
    pub(crate) currency: &'a str,
    /// `adjustment`, `applied_to_invoice`, `unapplied_from_invoice`, `invoice_overpaid`, `invoice_too_small`, `credit_note` or
    /// `initial`.
    pub(crate) kind: &'static str,
    pub(crate) invoice: Option<&'a str>,
    pub(crate) credit_note: Option<&'a str>,
}

/// `POST /v1/customers/{customer}/balance_transactions`
fn create(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let (customer, params) = (request.id(0), &request.params);
    let known = state.customers.find(customer)?;
    let money = required(params, "currency")?;
    currency::check(money, "currency")?;
    let amount = integer(params, "amount").unwrap_or(0);
    currency::check_amount(amount, money, "amount")?;
    if let Some(own) = text(known, "currency").filter(|own| *own != money) {
        let message = format!("The customer's balance is kept in {own}: a transaction in {money} can't change it.");
        return Err(ApiError::invalid(message).with_param("currency"));
    }
    let metadata = metadata::fresh(params)?;
    let change = Change { customer, amount, currency: money, kind: "adjustment", invoice: None, credit_note: None };
    let id = changed(state, &change)?;
    let transaction = state.balance_transactions.find_mut(&id)?;
    assign(transaction, params, &["description"]);
    set(transaction, "metadata", metadata);
    Ok(Value::Object(transaction.clone()))
}

/// `GET /v1/customers/{customer}/balance_transactions`
fn list(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let (customer, params) = (request.id(0), &request.params);
    state.customers.find(customer)?;
    let rows = state
        .balance_transactions
        .newest_first()
        .filter(|row| text(row, "customer") == Some(customer) && same(row, params, "invoice"))
        .filter(|row| in_range(integer(row, "created"), params.get("created")));
    let url = format!("/v1/customers/{customer}/balance_transactions");
    request.newest_first(&state.balance_transactions, rows, &url, |row| Value::Object(row.clone()))
}

/// `GET /v1/customers/{customer}/balance_transactions/{transaction}`
fn retrieve(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    own(state, request).cloned().map(Value::Object)
}

/// `POST /v1/customers/{customer}/balance_transactions/{transaction}`: its amount stays.
fn update(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let metadata = metadata::merged(own(state, request)?.get("metadata"), &request.params, "metadata")?;
    let transaction = state.balance_transactions.find_mut(request.id(1))?;
    assign(transaction, &request.params, &["description"]);
    set(transaction, "metadata", metadata);
    Ok(Value::Object(transaction.clone()))
}

fn own<'a>(state: &'a State, request: &Request) -> Result<&'a Object, ApiError> {
    state.customers.find(request.id(0))?;
    let found = state.balance_transactions.find(request.id(1))?;
    if text(found, "customer") != Some(request.id(0)) {
        return Err(ApiError::missing("customer balance transaction", request.id(1)));
    }
    Ok(found)
}

/// Changes a balance, keeps the transaction and tells of the customer; answers the transaction's id.
pub(crate) fn changed(state: &mut State, change: &Change<'_>) -> Result<String, ApiError> {
    let customer = state.customers.find_mut(change.customer)?;
    let before = Value::Object(customer.clone());
    let balance = integer(customer, "balance").unwrap_or(0).saturating_add(change.amount);
    set(customer, "balance", balance);
    if customer["currency"].is_null() {
        set(customer, "currency", change.currency);
    }
    let after = Value::Object(customer.clone());
    let id = note(state, change, balance);
    state.emit_update(catalogue::CUSTOMER_UPDATED, &before, &after);
    Ok(id)
}

/// Keeps the transaction of a change that is made already; answers its id.
pub(crate) fn note(state: &mut State, change: &Change<'_>, ending: i64) -> String {
    let id = state.ids.next("cbtxn");
    let mut transaction = blank("customer_balance_transaction");
    transaction.extend(fields(json!({
        "id": id, "amount": change.amount, "created": state.now_of(change.customer), "credit_note": change.credit_note,
        "currency": change.currency, "customer": change.customer, "ending_balance": ending, "invoice": change.invoice,
        "livemode": false, "metadata": {}, "type": change.kind,
    })));
    state.balance_transactions.insert(&id, transaction);
    id
}
