//! An invoice's way: draft, open, then paid, void or uncollectible. Every other step is refused.

use serde_json::Value;

use crate::agenda::{Due, Task};
use crate::events::catalogue;
use crate::objects::balance::{self, Change};
use crate::objects::payment::{attempt, invoice_payment, method};
use crate::request::Request;
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::object::{Object, flag, integer, set, text};

use super::settled::{self, Paid};
use super::view;

/// One step of an invoice's way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// What the API calls it.
    pub(crate) verb: &'static str,
    /// The states it starts from.
    pub(crate) from: &'static [&'static str],
    /// The state it ends in.
    pub(crate) to: &'static str,
}

const FINALIZE: Step = Step { verb: "finalize", from: &["draft"], to: "open" };
/// Nothing is left to pay once the balance is applied.
const SETTLE: Step = Step { verb: "finalize with nothing due", from: &["draft"], to: "paid" };
const PAY: Step = Step { verb: "pay", from: &["open", "uncollectible"], to: "paid" };
const VOID: Step = Step { verb: "void", from: &["open", "uncollectible"], to: "void" };
const MARK_UNCOLLECTIBLE: Step = Step { verb: "mark_uncollectible", from: &["open"], to: "uncollectible" };

/// Every step there is; `provenance.toml` has a row for each.
#[cfg(test)]
pub(crate) const STEPS: &[Step] = &[FINALIZE, SETTLE, PAY, VOID, MARK_UNCOLLECTIBLE];

/// `POST /v1/invoices/{invoice}/finalize`
pub(crate) fn finalize(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    if !FINALIZE.from.contains(&status(state, id)?.as_str()) {
        return Err(ApiError::not_editable(
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
        ));
    }
    if let Some(auto_advance) = flag(&request.params, "auto_advance") {
        set(state.invoices.find_mut(id)?, "auto_advance", auto_advance);
    }
    open(state, id)
}

/// `POST /v1/invoices/{invoice}/pay`: out of band, with the method given, or with the default one. A draft is finalised
/// first.
pub(crate) fn pay(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let (id, params) = (request.id(0), &request.params);
    let is_draft = FINALIZE.from.contains(&status(state, id)?.as_str());
    if !is_draft {
        check_payable(state, id)?;
    }
    let out_of_band = flag(params, "paid_out_of_band") == Some(true);
    if out_of_band && params.contains_key("payment_method") {
        return Err(ApiError::exclusive("paid_out_of_band", "payment_method"));
    }
    let method = if out_of_band { None } else { Some(payment_method(state, id, text(params, "payment_method"))?) };
    if is_draft {
        let opened = open(state, id)?;
        if opened["status"] == PAY.to {
            return Ok(opened);
        }
    }
    match method {
        Some(method) => attempt::with(state, id, &method)?,
        None => return pay_out_of_band(state, id),
    }
    view::answer(state, id)
}

/// What is left of an invoice was paid outside Stripe; answers the invoice.
pub(crate) fn pay_out_of_band(state: &mut State, id: &str) -> Result<Value, ApiError> {
    check_payable(state, id)?;
    let before = view::answer(state, id)?;
    invoice_payment::cancel(state, id, "automatic", settled::now_of(state, id))?;
    settled::pay(state, id, &before, Paid::OutOfBand)?;
    view::answer(state, id)
}

fn check_payable(state: &State, id: &str) -> Result<(), ApiError> {
    let status = status(state, id)?;
    if !PAY.from.contains(&status.as_str()) {
        return Err(ApiError::invalid(match status.as_str() {
            "paid" => "Invoice is already paid".to_owned(),
            other => format!("This invoice can no longer be paid: it is {other}."),
        }));
    }
    attempt::refuse_processing(state, id)
}

/// `POST /v1/invoices/{invoice}/send`; a draft is finalised first.
pub(crate) fn send(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    let status = status(state, id)?;
    if text(state.invoices.find(id)?, "collection_method") != Some("send_invoice") {
        return Err(ApiError::invalid(
            "You can only manually send an invoice if its collection method is set to `send_invoice`.",
        ));
    }
    let shown = match status.as_str() {
        "draft" => open(state, id)?,
        "open" | "paid" => view::answer(state, id)?,
        other => return Err(ApiError::invalid(format!("This invoice can't be sent: it is {other}."))),
    };
    state.emit(catalogue::INVOICE_SENT, &shown);
    Ok(shown)
}

/// `POST /v1/invoices/{invoice}/void`
pub(crate) fn void(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    close(state, request.id(0), VOID, "voided_at")
}

/// `POST /v1/invoices/{invoice}/mark_uncollectible`
pub(crate) fn mark_uncollectible(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    close(state, request.id(0), MARK_UNCOLLECTIBLE, "marked_uncollectible_at")
}

/// Fixes a draft: totals, number, balance; what leaves nothing to pay is paid at once, and what Stripe collects is tried.
/// Answers the invoice as it is then.
pub(super) fn open(state: &mut State, id: &str) -> Result<Value, ApiError> {
    let before = view::answer(state, id)?;
    let mut invoice = state.invoices.find(id)?.clone();
    let now = settled::now_of(state, id);
    view::freeze(state, &mut invoice);
    settle_customer(state, &mut invoice)?;
    let (page, pdf) = view::hosted_urls(&state.account.id, id);
    set(&mut invoice, "hosted_invoice_url", page);
    set(&mut invoice, "invoice_pdf", pdf);
    set(&mut invoice, "automatically_finalizes_at", Value::Null);
    set(&mut invoice, "status", FINALIZE.to);
    if integer(&invoice, "effective_at").is_none() {
        set(&mut invoice, "effective_at", now);
    }
    settled::stamp(&mut invoice, "finalized_at", now);
    let due = integer(&invoice, "amount_due").unwrap_or(0);
    if due == 0 {
        settled::write(&mut invoice, Paid::ByNothing, now);
        set(&mut invoice, "status", SETTLE.to);
    }
    *state.invoices.find_mut(id)? = invoice.clone();
    settled::forget(state, id);
    let shown = view::answer(state, id)?;
    state.emit(catalogue::INVOICE_FINALIZED, &shown);
    if due > 0 {
        invoice_payment::make(state, &invoice, due)?;
    }
    state.emit_update(catalogue::INVOICE_UPDATED, &before, &shown);
    if due == 0 {
        settled::tell(state, &shown, Paid::ByNothing);
        return Ok(shown);
    }
    if collect(state, id, &invoice)? { view::answer(state, id) } else { Ok(shown) }
}

/// What follows for an invoice that is open: its due date passes, or Stripe tries to collect it; answers whether it did.
fn collect(state: &mut State, id: &str, invoice: &Object) -> Result<bool, ApiError> {
    let customer = text(invoice, "customer").unwrap_or_default().to_owned();
    if let Some(at) = integer(invoice, "due_date") {
        state.agenda.set(Due { at, task: Task::Overdue, subject: id.to_owned(), customer });
    }
    let charged = text(invoice, "collection_method") == Some("charge_automatically");
    let tried = charged && flag(invoice, "auto_advance") == Some(true);
    if tried {
        attempt::again(state, id)?;
    }
    Ok(tried)
}

fn status(state: &State, id: &str) -> Result<String, ApiError> {
    Ok(text(state.invoices.find(id)?, "status").unwrap_or_default().to_owned())
}

/// Draws the customer's next invoice number and writes back the balance.
fn settle_customer(state: &mut State, invoice: &mut Object) -> Result<(), ApiError> {
    let customer = text(invoice, "customer").unwrap_or_default().to_owned();
    let known = state.customers.find(&customer).map(|known| Value::Object(known.clone()));
    let customer = state.customers.find_mut(&customer).map_err(|_| {
        ApiError::invalid("The customer of this invoice was deleted: it can't be finalized.").with_param("customer")
    })?;
    if text(invoice, "number").is_none() {
        let next = integer(customer, "next_invoice_sequence").unwrap_or(1);
        let prefix = text(customer, "invoice_prefix").unwrap_or_default();
        set(invoice, "number", format!("{prefix}-{next:04}"));
        set(customer, "next_invoice_sequence", next.saturating_add(1));
    }
    if customer["currency"].is_null() {
        set(customer, "currency", invoice["currency"].clone());
    }
    let same_money = customer.get("currency") == invoice.get("currency");
    if same_money {
        set(customer, "balance", invoice["ending_balance"].clone());
    }
    let after = Value::Object(customer.clone());
    if same_money {
        note_balance(state, invoice);
    }
    state.emit_update(catalogue::CUSTOMER_UPDATED, &known?, &after);
    Ok(())
}

/// The transactions of the balance that finalising makes: what the invoice took of it or left on it, and what was too
/// little to charge.
fn note_balance(state: &mut State, invoice: &Object) {
    let amount = |name: &str| integer(invoice, name).unwrap_or(0);
    let (starting, ending) = (amount("starting_balance"), amount("ending_balance"));
    // More than nothing is left only of what is too little.
    let too_small = ending.max(0);
    let applied = if too_small > 0 { -starting } else { ending - starting };
    let steps = [("applied_to_invoice", applied, starting + applied), ("invoice_too_small", too_small, ending)];
    for (kind, amount, ending) in steps.into_iter().filter(|(_, amount, _)| *amount != 0) {
        balance::note(state, &change_of(invoice, kind, amount), ending);
    }
}

fn change_of<'a>(invoice: &'a Object, kind: &'static str, amount: i64) -> Change<'a> {
    Change {
        customer: text(invoice, "customer").unwrap_or_default(),
        amount,
        currency: text(invoice, "currency").unwrap_or_default(),
        kind,
        invoice: text(invoice, "id"),
        credit_note: None,
    }
}

/// A voided invoice gives back the balance that it took.
fn return_balance(state: &mut State, invoice: &Object) -> Result<(), ApiError> {
    let taken = integer(invoice, "ending_balance").unwrap_or(0) - integer(invoice, "starting_balance").unwrap_or(0);
    let customer = text(invoice, "customer").and_then(|id| state.customers.find(id).ok());
    if taken == 0 || customer.is_none_or(|customer| customer.get("currency") != invoice.get("currency")) {
        return Ok(());
    }
    balance::changed(state, &change_of(invoice, "unapplied_from_invoice", -taken)).map(|_| ())
}

/// The method that is to pay: one that was named, or the default one.
fn payment_method(state: &mut State, id: &str, named: Option<&str>) -> Result<String, ApiError> {
    let invoice = state.invoices.find(id)?;
    if let Some(named) = named {
        let customer = text(invoice, "customer").unwrap_or_default().to_owned();
        return method::usable(state, named, &customer);
    }
    method::default_of(state, invoice).ok_or_else(|| {
        ApiError::invalid(
            "There is no `default_payment_method` set on this Customer or Invoice. Please set a default payment method.",
        )
        .with_code("resource_missing")
    })
}

fn close(state: &mut State, id: &str, step: Step, at: &str) -> Result<Value, ApiError> {
    let status = status(state, id)?;
    if !step.from.contains(&status.as_str()) {
        let message = format!(
            "You can only pass in {} invoices to {}. This invoice is {status}, so it can't become {}.",
            step.from.join(" or "),
            step.verb,
            step.to
        );
        return Err(ApiError::not_editable(message));
    }
    attempt::refuse_processing(state, id)?;
    let before = view::answer(state, id)?;
    let now = settled::now_of(state, id);
    settled::forget(state, id);
    let invoice = state.invoices.find_mut(id)?;
    set(invoice, "status", step.to);
    set(invoice, "auto_advance", false);
    set(invoice, "next_payment_attempt", Value::Null);
    settled::stamp(invoice, at, now);
    let kind = match step.to {
        "void" => {
            let invoice = invoice.clone();
            return_balance(state, &invoice)?;
            invoice_payment::cancel(state, id, "void_invoice", now)?;
            catalogue::INVOICE_VOIDED
        }
        _ => catalogue::INVOICE_MARKED_UNCOLLECTIBLE,
    };
    let shown = view::answer(state, id)?;
    state.emit(kind, &shown);
    state.emit_update(catalogue::INVOICE_UPDATED, &before, &shown);
    Ok(shown)
}
