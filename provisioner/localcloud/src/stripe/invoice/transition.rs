//! An invoice's way: draft, open, then paid, void or uncollectible. Every other step is refused.

use serde_json::Value;

use crate::stripe::error::{ApiError, ErrorType};
use crate::stripe::object::{flag, integer, set, text};
use crate::stripe::params::Object;
use crate::stripe::request::Request;
use crate::stripe::state::State;

use super::view;

/// `POST /v1/invoices/{invoice}/finalize`
pub(crate) fn finalize(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    if status(state, id)? != "draft" {
        return Err(ApiError::not_editable(
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
        ));
    }
    if let Some(auto_advance) = flag(&request.params, "auto_advance") {
        set(state.invoices.find_mut(id)?, "auto_advance", auto_advance);
    }
    open(state, id)?;
    view::answer(state, id)
}

/// `POST /v1/invoices/{invoice}/pay`: out of band, or with one of Stripe's test payment methods.
pub(crate) fn pay(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let (id, params) = (request.id(0), &request.params);
    let status = status(state, id)?;
    match status.as_str() {
        "open" | "uncollectible" => {}
        "paid" => return Err(ApiError::invalid("Invoice is already paid")),
        "draft" => return Err(ApiError::invalid("This invoice is a draft: finalize it before it is paid.")),
        other => return Err(ApiError::invalid(format!("This invoice can no longer be paid: it is {other}."))),
    }
    let off_stripe = flag(params, "paid_out_of_band") == Some(true);
    if !off_stripe {
        check_payment_method(text(params, "payment_method"))?;
    }
    let invoice = state.invoices.find(id)?.clone();
    *state.invoices.find_mut(id)? = paid(invoice, state.now(), off_stripe);
    view::answer(state, id)
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
    match status.as_str() {
        "draft" => open(state, id)?,
        "open" | "paid" => {}
        other => return Err(ApiError::invalid(format!("This invoice can't be sent: it is {other}."))),
    }
    view::answer(state, id)
}

/// `POST /v1/invoices/{invoice}/void`
pub(crate) fn void(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    close(state, request.id(0), &["open", "uncollectible"], "void", "voided_at")
}

/// `POST /v1/invoices/{invoice}/mark_uncollectible`
pub(crate) fn mark_uncollectible(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    close(state, request.id(0), &["open"], "uncollectible", "marked_uncollectible_at")
}

/// Finalises the drafts whose time has come.
pub(crate) fn tick(state: &mut State) {
    let now = state.now();
    let mut due: Vec<(i64, String)> =
        state.scheduled.iter().filter(|(_, at)| **at <= now).map(|(id, at)| (*at, id.clone())).collect();
    due.sort();
    for (_, id) in due {
        state.scheduled.remove(&id);
        // A scheduled draft that is gone has nothing left to finalise.
        let _ = open(state, &id);
    }
}

fn status(state: &State, id: &str) -> Result<String, ApiError> {
    Ok(text(state.invoices.find(id)?, "status").unwrap_or_default().to_owned())
}

/// Fixes a draft: totals, number, balance; what leaves nothing to pay is paid at once.
fn open(state: &mut State, id: &str) -> Result<(), ApiError> {
    let mut invoice = state.invoices.find(id)?.clone();
    let now = state.now();
    view::freeze(state, &mut invoice);
    settle_customer(state, &mut invoice)?;
    let (page, pdf) = view::hosted_urls(&state.account.id, id);
    set(&mut invoice, "hosted_invoice_url", page);
    set(&mut invoice, "invoice_pdf", pdf);
    set(&mut invoice, "automatically_finalizes_at", Value::Null);
    set(&mut invoice, "status", "open");
    if integer(&invoice, "effective_at").is_none() {
        set(&mut invoice, "effective_at", now);
    }
    stamp(&mut invoice, "finalized_at", now);
    let due = integer(&invoice, "amount_due").unwrap_or(0);
    let charged = text(&invoice, "collection_method") == Some("charge_automatically");
    if due == 0 {
        invoice = paid(invoice, now, false);
    } else if charged && flag(&invoice, "auto_advance") == Some(true) {
        // There is never a payment method on file here, so the attempt fails and the invoice stays open.
        set(&mut invoice, "attempted", true);
        set(&mut invoice, "attempt_count", 1);
    }
    *state.invoices.find_mut(id)? = invoice;
    state.scheduled.remove(id);
    Ok(())
}

/// Draws the customer's next invoice number and writes back the balance.
fn settle_customer(state: &mut State, invoice: &mut Object) -> Result<(), ApiError> {
    let customer = text(invoice, "customer").unwrap_or_default().to_owned();
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
    if customer.get("currency") == invoice.get("currency") {
        set(customer, "balance", invoice["ending_balance"].clone());
    }
    Ok(())
}

fn paid(mut invoice: Object, now: i64, off_stripe: bool) -> Object {
    let due = integer(&invoice, "amount_due").unwrap_or(0);
    for (name, amount) in
        [("amount_paid", due), ("amount_paid_off_stripe", if off_stripe { due } else { 0 }), ("amount_remaining", 0)]
    {
        set(&mut invoice, name, amount);
    }
    if !off_stripe {
        let attempts = integer(&invoice, "attempt_count").unwrap_or(0);
        set(&mut invoice, "attempt_count", if due > 0 { attempts + 1 } else { attempts });
        set(&mut invoice, "attempted", true);
    }
    set(&mut invoice, "status", "paid");
    stamp(&mut invoice, "paid_at", now);
    invoice
}

fn check_payment_method(method: Option<&str>) -> Result<(), ApiError> {
    match method {
        Some("pm_card_visa" | "pm_card_mastercard") => Ok(()),
        Some("pm_card_chargeDeclined") => Err(ApiError::invalid("Your card was declined.")
            .with_status(402)
            .with_kind(ErrorType::Card)
            .with_code("card_declined")),
        Some(other) => Err(ApiError::missing("PaymentMethod", other).in_param("payment_method")),
        None => Err(ApiError::invalid(
            "There is no `default_payment_method` set on this Customer or Invoice. Please set a default payment method.",
        )
        .with_code("resource_missing")),
    }
}

fn close(state: &mut State, id: &str, from: &[&str], to: &str, at: &str) -> Result<Value, ApiError> {
    let status = status(state, id)?;
    if !from.contains(&status.as_str()) {
        let message = format!(
            "You can only pass in {} invoices. This invoice is {status}, so it can't become {to}.",
            from.join(" or ")
        );
        return Err(ApiError::not_editable(message));
    }
    let now = state.now();
    let invoice = state.invoices.find_mut(id)?;
    set(invoice, "status", to);
    set(invoice, "auto_advance", false);
    stamp(invoice, at, now);
    view::answer(state, id)
}

fn stamp(invoice: &mut Object, name: &str, now: i64) {
    if let Some(transitions) = invoice.get_mut("status_transitions").and_then(Value::as_object_mut) {
        set(transitions, name, now);
    }
}
