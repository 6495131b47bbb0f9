//! An invoice's way: draft, open, then paid, void or uncollectible. Every other step is refused.

use serde_json::Value;

use crate::events::catalogue;
use crate::request::Request;
use crate::state::State;
use crate::wire::error::{ApiError, ErrorType};
use crate::wire::object::{Object, flag, integer, set, text};

use super::{notice, view};

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
    open(state, id)?;
    view::answer(state, id)
}

/// `POST /v1/invoices/{invoice}/pay`: out of band, or with one of Stripe's test payment methods.
pub(crate) fn pay(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let (id, params) = (request.id(0), &request.params);
    let status = status(state, id)?;
    if !PAY.from.contains(&status.as_str()) {
        return Err(ApiError::invalid(match status.as_str() {
            "paid" => "Invoice is already paid".to_owned(),
            "draft" => "This invoice is a draft: finalize it before it is paid.".to_owned(),
            other => format!("This invoice can no longer be paid: it is {other}."),
        }));
    }
    let before = view::answer(state, id)?;
    let off_stripe = flag(params, "paid_out_of_band") == Some(true);
    if !off_stripe && let Err(error) = check_payment_method(text(params, "payment_method")) {
        if error.kind == ErrorType::Card {
            attempted(state.invoices.find_mut(id)?);
            notice::updated(state, id, &before)?;
            notice::happened(state, id, catalogue::INVOICE_PAYMENT_FAILED)?;
        }
        return Err(error);
    }
    let invoice = state.invoices.find(id)?.clone();
    let now = now_of(state, id);
    *state.invoices.find_mut(id)? = paid(invoice, now, off_stripe);
    notice::updated(state, id, &before)?;
    tell_paid(state, id, off_stripe)?;
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
    notice::happened(state, id, catalogue::INVOICE_SENT)?;
    view::answer(state, id)
}

/// `POST /v1/invoices/{invoice}/void`
pub(crate) fn void(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    close(state, request.id(0), VOID, "voided_at")
}

/// `POST /v1/invoices/{invoice}/mark_uncollectible`
pub(crate) fn mark_uncollectible(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    close(state, request.id(0), MARK_UNCOLLECTIBLE, "marked_uncollectible_at")
}

/// Fixes a draft: totals, number, balance; what leaves nothing to pay is paid at once.
pub(super) fn open(state: &mut State, id: &str) -> Result<(), ApiError> {
    let before = view::answer(state, id)?;
    let mut invoice = state.invoices.find(id)?.clone();
    let now = now_of(state, id);
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
    stamp(&mut invoice, "finalized_at", now);
    let nothing_due = integer(&invoice, "amount_due").unwrap_or(0) == 0;
    let charged = text(&invoice, "collection_method") == Some("charge_automatically");
    let attempt = !nothing_due && charged && flag(&invoice, "auto_advance") == Some(true);
    if nothing_due {
        invoice = paid(invoice, now, false);
        set(&mut invoice, "status", SETTLE.to);
    } else if attempt {
        // There is never a payment method on file here, so the attempt fails and the invoice stays open.
        attempted(&mut invoice);
    }
    *state.invoices.find_mut(id)? = invoice;
    state.scheduled.remove(id);
    notice::happened(state, id, catalogue::INVOICE_FINALIZED)?;
    notice::updated(state, id, &before)?;
    if nothing_due {
        tell_paid(state, id, false)?;
    } else if attempt {
        notice::happened(state, id, catalogue::INVOICE_PAYMENT_FAILED)?;
    }
    Ok(())
}

fn status(state: &State, id: &str) -> Result<String, ApiError> {
    Ok(text(state.invoices.find(id)?, "status").unwrap_or_default().to_owned())
}

/// The time by which the invoice lives.
fn now_of(state: &State, id: &str) -> i64 {
    let customer = state.invoices.find(id).ok().and_then(|invoice| text(invoice, "customer"));
    customer.map_or_else(|| state.now(), |customer| state.now_of(customer))
}

/// A payment out of band is no payment that succeeded.
fn tell_paid(state: &mut State, id: &str, off_stripe: bool) -> Result<(), ApiError> {
    notice::happened(state, id, catalogue::INVOICE_PAID)?;
    if !off_stripe {
        notice::happened(state, id, catalogue::INVOICE_PAYMENT_SUCCEEDED)?;
    }
    Ok(())
}

/// One more attempt to collect.
fn attempted(invoice: &mut Object) {
    let attempts = integer(invoice, "attempt_count").unwrap_or(0);
    set(invoice, "attempted", true);
    set(invoice, "attempt_count", attempts.saturating_add(1));
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
    if customer.get("currency") == invoice.get("currency") {
        set(customer, "balance", invoice["ending_balance"].clone());
    }
    let after = Value::Object(customer.clone());
    state.emit_update(catalogue::CUSTOMER_UPDATED, &known?, &after);
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
        if due > 0 {
            attempted(&mut invoice);
        }
        set(&mut invoice, "attempted", true);
    }
    set(&mut invoice, "status", PAY.to);
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
    let before = view::answer(state, id)?;
    let now = now_of(state, id);
    let invoice = state.invoices.find_mut(id)?;
    set(invoice, "status", step.to);
    set(invoice, "auto_advance", false);
    stamp(invoice, at, now);
    let kind = match step.to {
        "void" => catalogue::INVOICE_VOIDED,
        _ => catalogue::INVOICE_MARKED_UNCOLLECTIBLE,
    };
    notice::happened(state, id, kind)?;
    notice::updated(state, id, &before)
}

fn stamp(invoice: &mut Object, name: &str, now: i64) {
    if let Some(transitions) = invoice.get_mut("status_transitions").and_then(Value::as_object_mut) {
        set(transitions, name, now);
    }
}
