//! Invoices: fully editable drafts, then fixed. `view` computes what a draft shows, `transition` moves its state.

mod blank;
pub(crate) mod guard;
pub(crate) mod line;
pub(crate) mod lines;
pub(crate) mod notice;
pub(crate) mod schedule;
pub(crate) mod settled;
pub(crate) mod transition;
pub(crate) mod view;

use serde_json::{Value, json};

use crate::agenda::{Due, Task};
use crate::currency;
use crate::events::catalogue;
use crate::objects::invoice_item;
use crate::objects::metadata;
use crate::objects::payment::{invoice_payment, method};
use crate::objects::product::draft::check_descriptor;
use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::list::{in_range, same};
use crate::wire::object::{self, Object, assign, cleared, flag, group, integer, required, rows, set, text};

use guard::{MAX_ITEMS, editable, is_draft};

const DAY: i64 = 24 * 60 * 60;
/// Stripe finalises a draft with `auto_advance` about an hour after it was made.
const AUTO_ADVANCE_AFTER: i64 = 60 * 60;
const MAX_CUSTOM_FIELDS: usize = 4;

/// The operations served here.
pub(crate) const ROUTES: &[Route] = &[
    route("POST /v1/invoices", create),
    route("GET /v1/invoices", list),
    route("GET /v1/invoices/{invoice}", retrieve),
    route("POST /v1/invoices/{invoice}", update),
    route("DELETE /v1/invoices/{invoice}", delete),
    route("GET /v1/invoices/{invoice}/lines", lines::list),
    route("POST /v1/invoices/{invoice}/lines/{line_item_id}", lines::update_one),
    route("POST /v1/invoices/{invoice}/add_lines", lines::add),
    route("POST /v1/invoices/{invoice}/update_lines", lines::update),
    route("POST /v1/invoices/{invoice}/remove_lines", lines::remove),
    route("POST /v1/invoices/{invoice}/finalize", transition::finalize),
    route("POST /v1/invoices/{invoice}/pay", transition::pay),
    route("POST /v1/invoices/{invoice}/attach_payment", invoice_payment::attach::attach),
    route("POST /v1/invoices/{invoice}/send", transition::send),
    route("POST /v1/invoices/{invoice}/void", transition::void),
    route("POST /v1/invoices/{invoice}/mark_uncollectible", transition::mark_uncollectible),
];

/// `POST /v1/invoices`
pub(crate) fn create(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    let customer = required(params, "customer")?.to_owned();
    let known = state.customers.find(&customer).map_err(|error| error.in_param("customer"))?;
    let money = text(params, "currency").or(text(known, "currency")).unwrap_or(&state.account.currency).to_owned();
    currency::check(&money, "currency")?;
    let mut invoice = blank::draft(state, &customer, &money);
    apply(state, &mut invoice, params)?;
    check_collection(state, &invoice, params)?;
    schedule(state, &mut invoice, params);
    let id = text(&invoice, "id").unwrap_or_default().to_owned();
    state.invoices.insert(&id, invoice);
    if text(params, "pending_invoice_items_behavior") == Some("include") {
        take_pending(state, &id, &customer, &money)?;
    }
    let shown = view::answer(state, &id)?;
    state.emit(catalogue::INVOICE_CREATED, &shown);
    Ok(shown)
}

/// `GET /v1/invoices/{invoice}`
pub(crate) fn retrieve(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    view::answer(state, request.id(0))
}

/// `POST /v1/invoices/{invoice}`
pub(crate) fn update(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let (id, params) = (request.id(0), &request.params);
    let before = view::answer(state, id)?;
    let mut invoice = state.invoices.find(id)?.clone();
    if !is_draft(&invoice) {
        refuse_after_draft(params)?;
    }
    apply(state, &mut invoice, params)?;
    check_collection(state, &invoice, params)?;
    schedule(state, &mut invoice, params);
    *state.invoices.find_mut(id)? = invoice;
    notice::updated(state, id, &before)
}

/// `DELETE /v1/invoices/{invoice}`: items made for it go, items that were pending before are pending again.
pub(crate) fn delete(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    editable(state, id)?;
    let last = view::answer(state, id)?;
    for item in state.lines.remove(id).unwrap_or_default() {
        if state.pulled.contains(&item) {
            invoice_item::unassign(state, &item)?;
        } else {
            invoice_item::remove(state, &item)?;
        }
    }
    settled::forget(state, id);
    state.invoices.delete(id)?;
    state.emit(catalogue::INVOICE_DELETED, &last);
    Ok(json!({"id": id, "object": "invoice", "deleted": true}))
}

/// `GET /v1/invoices`
pub(crate) fn list(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    state.known_customer(params)?;
    let rows = state
        .invoices
        .newest_first()
        .filter(|invoice| ["customer", "status", "collection_method"].iter().all(|name| same(invoice, params, name)))
        .filter(|invoice| in_range(integer(invoice, "created"), params.get("created")))
        .filter(|invoice| in_range(integer(invoice, "due_date"), params.get("due_date")));
    request.newest_first(&state.invoices, rows, "/v1/invoices", |invoice| view::shown(state, invoice))
}

fn apply(state: &State, invoice: &mut Object, params: &Object) -> Result<(), ApiError> {
    check(state, invoice, params)?;
    assign(
        invoice,
        params,
        &[
            "auto_advance",
            "collection_method",
            "default_payment_method",
            "description",
            "effective_at",
            "footer",
            "number",
            "statement_descriptor",
        ],
    );
    if let Some(custom) = params.get("custom_fields") {
        set(invoice, "custom_fields", cleared(custom));
    }
    if let Some(shipping) = params.get("shipping_details") {
        set(invoice, "shipping_details", object::shipping(shipping));
    }
    if let Some(rendering) = group(params, "rendering") {
        let whole = object::filled(rendering, &["amount_tax_display", "pdf", "template", "template_version"]);
        set(invoice, "rendering", whole);
    }
    if let Some(settings) = group(params, "payment_settings") {
        let types = settings.get("payment_method_types").map_or(Value::Null, cleared);
        set(
            invoice,
            "payment_settings",
            json!({"default_mandate": null, "payment_method_options": null, "payment_method_types": types}),
        );
    }
    let metadata = metadata::merged(invoice.get("metadata"), params, "metadata")?;
    set(invoice, "metadata", metadata);
    set_due_date(invoice, params);
    Ok(())
}

fn check(state: &State, invoice: &Object, params: &Object) -> Result<(), ApiError> {
    if group(params, "automatic_tax").is_some_and(|tax| flag(tax, "enabled") == Some(true)) {
        return Err(ApiError::not_modelled("automatic tax").with_param("automatic_tax[enabled]"));
    }
    if group(params, "issuer").is_some_and(|issuer| text(issuer, "type") != Some("self")) {
        return Err(ApiError::not_modelled("an issuer that is another account").with_param("issuer[type]"));
    }
    if rows(params, "custom_fields").len() > MAX_CUSTOM_FIELDS {
        let message = format!("An invoice can have at most {MAX_CUSTOM_FIELDS} custom fields.");
        return Err(ApiError::invalid(message).with_param("custom_fields"));
    }
    if let Some(descriptor) = text(params, "statement_descriptor") {
        check_descriptor(descriptor, "statement_descriptor")?;
    }
    if let Some(method) = text(params, "default_payment_method") {
        let customer = text(invoice, "customer").unwrap_or_default();
        method::check_default(state, method, customer, "default_payment_method")?;
    }
    if let Some(number) = text(params, "number") {
        let taken = state
            .invoices
            .newest_first()
            .any(|other| text(other, "number") == Some(number) && other.get("id") != invoice.get("id"));
        if taken {
            let message = format!("Another invoice already has the number `{number}`.");
            return Err(ApiError::invalid(message).with_param("number"));
        }
    }
    Ok(())
}

/// A due date goes with invoices that are sent, and only with them.
fn check_collection(state: &State, invoice: &Object, params: &Object) -> Result<(), ApiError> {
    if params.contains_key("days_until_due") && params.contains_key("due_date") {
        return Err(ApiError::exclusive("days_until_due", "due_date"));
    }
    let sent = text(invoice, "collection_method") == Some("send_invoice");
    for name in ["days_until_due", "due_date"] {
        if params.contains_key(name) && !sent {
            let message = format!("You can only specify `{name}` if the collection method is `send_invoice`.");
            return Err(ApiError::invalid(message).with_param(name));
        }
    }
    if integer(params, "days_until_due").is_some_and(|days| !(0..=3650).contains(&days)) {
        return Err(ApiError::bad_integer("days_until_due", "This value must be between 0 and 3650."));
    }
    let now = state.now_of(text(invoice, "customer").unwrap_or_default());
    if integer(params, "due_date").is_some_and(|due| due <= now) {
        return Err(ApiError::invalid("`due_date` must be in the future.").with_param("due_date"));
    }
    if !sent {
        return Ok(());
    }
    if integer(invoice, "due_date").is_none() {
        let message = "If the collection method is `send_invoice`, you must specify `days_until_due` or `due_date`.";
        return Err(ApiError::invalid(message).with_code("parameter_missing").with_param("days_until_due"));
    }
    let customer = text(invoice, "customer").unwrap_or_default();
    let no_email = state.customers.find(customer).is_ok_and(|customer| text(customer, "email").is_none());
    if no_email {
        return Err(ApiError::invalid(
            "Missing email. In order to create invoices that are sent to the customer, the customer must have a valid email.",
        )
        .with_param("customer"));
    }
    Ok(())
}

fn set_due_date(invoice: &mut Object, params: &Object) {
    let created = integer(invoice, "created").unwrap_or(0);
    let due = match (integer(params, "days_until_due"), integer(params, "due_date")) {
        (Some(days), _) => Some(created.saturating_add(days.saturating_mul(DAY))),
        (None, due) => due,
    };
    if let Some(due) = due {
        set(invoice, "due_date", due);
    }
    if text(invoice, "collection_method") == Some("charge_automatically") && due.is_none() {
        set(invoice, "due_date", Value::Null);
    }
}

/// A draft with `auto_advance` is finalised by the clock; an open invoice without it is not collected again.
fn schedule(state: &mut State, invoice: &mut Object, params: &Object) {
    let id = text(invoice, "id").unwrap_or_default().to_owned();
    if flag(invoice, "auto_advance") != Some(true) {
        set(invoice, "next_payment_attempt", Value::Null);
        state.agenda.cancel(&id, Task::Collect);
    }
    if !is_draft(invoice) || flag(invoice, "auto_advance") != Some(true) {
        set(invoice, "automatically_finalizes_at", Value::Null);
        state.agenda.cancel(&id, Task::Finalize);
        return;
    }
    let by_default = integer(invoice, "automatically_finalizes_at")
        .unwrap_or_else(|| integer(invoice, "created").unwrap_or(0).saturating_add(AUTO_ADVANCE_AFTER));
    let at = integer(params, "automatically_finalizes_at").unwrap_or(by_default);
    set(invoice, "automatically_finalizes_at", at);
    let customer = text(invoice, "customer").unwrap_or_default().to_owned();
    state.agenda.set(Due { at, task: Task::Finalize, subject: id, customer });
}

/// What may still be said of a final invoice.
fn refuse_after_draft(params: &Object) -> Result<(), ApiError> {
    const LATER: [&str; 4] = ["auto_advance", "default_payment_method", "expand", "metadata"];
    match params.keys().find(|name| !LATER.contains(&name.as_str())) {
        Some(name) => {
            let message = format!("Finalized invoices can't be updated in this way: `{name}`.");
            Err(ApiError::not_editable(message).with_param(name.clone()))
        }
        None => Ok(()),
    }
}

/// Pending items of the same currency become lines, newest first.
fn take_pending(state: &mut State, id: &str, customer: &str, money: &str) -> Result<(), ApiError> {
    let taken: Vec<String> = state
        .pending_items(customer)
        .into_iter()
        .filter(|item| text(item, "currency") == Some(money))
        .filter_map(|item| text(item, "id").map(str::to_owned))
        .take(MAX_ITEMS)
        .collect();
    for item in &taken {
        set(state.items.find_mut(item)?, "invoice", id);
        state.pulled.insert(item.clone());
    }
    state.lines.insert(id.to_owned(), taken);
    Ok(())
}
