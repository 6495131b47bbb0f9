//! What a payment, or an attempt at one, leaves on its invoice.

use serde_json::Value;

use crate::agenda::Task;
use crate::events::catalogue;
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::object::{Object, integer, set, text};

use super::notice;

/// How an invoice came to be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paid {
    /// With money that Stripe moved for the invoice's own payment.
    ByPayment,
    /// With money of payments that were attached to it.
    ByOthers,
    /// Outside Stripe.
    OutOfBand,
    /// By the balance, a credit note, or because it is too small to be charged: no money moved.
    ByNothing,
}

/// Writes down that the invoice is paid; the caller tells.
pub(crate) fn write(invoice: &mut Object, how: Paid, now: i64) {
    let due = integer(invoice, "amount_due").unwrap_or(0);
    // What was paid in parts before came by Stripe.
    let left = due - integer(invoice, "amount_paid").unwrap_or(0);
    let off_stripe = if how == Paid::OutOfBand { left } else { 0 };
    for (name, amount) in [("amount_paid", due), ("amount_paid_off_stripe", off_stripe), ("amount_remaining", 0)] {
        set(invoice, name, amount);
    }
    match how {
        Paid::ByPayment => attempted(invoice),
        Paid::ByNothing => set(invoice, "attempted", true),
        Paid::OutOfBand | Paid::ByOthers => {}
    }
    set(invoice, "status", "paid");
    set(invoice, "auto_advance", false);
    set(invoice, "next_payment_attempt", Value::Null);
    stamp(invoice, "paid_at", now);
}

/// Marks an invoice as paid that was shown as `before`, and tells of it.
pub(crate) fn pay(state: &mut State, id: &str, before: &Value, how: Paid) -> Result<(), ApiError> {
    let now = now_of(state, id);
    write(state.invoices.find_mut(id)?, how, now);
    forget(state, id);
    let shown = notice::updated(state, id, before)?;
    tell(state, &shown, how);
    Ok(())
}

/// Emits the events of a paid invoice as it is shown now. A payment out of band emits no `invoice.payment_succeeded`.
pub(crate) fn tell(state: &mut State, shown: &Value, how: Paid) {
    state.emit(catalogue::INVOICE_PAID, shown);
    if how != Paid::OutOfBand {
        state.emit(catalogue::INVOICE_PAYMENT_SUCCEEDED, shown);
    }
}

/// One more attempt to collect.
pub(crate) fn attempted(invoice: &mut Object) {
    let attempts = integer(invoice, "attempt_count").unwrap_or(0);
    set(invoice, "attempted", true);
    set(invoice, "attempt_count", attempts.saturating_add(1));
}

/// Nothing falls due for the invoice any more.
pub(crate) fn forget(state: &mut State, id: &str) {
    for task in [Task::Finalize, Task::Collect, Task::Overdue] {
        state.agenda.cancel(id, task);
    }
}

/// The time by which the invoice lives.
pub(crate) fn now_of(state: &State, id: &str) -> i64 {
    let customer = state.invoices.find(id).ok().and_then(|invoice| text(invoice, "customer"));
    customer.map_or_else(|| state.now(), |customer| state.now_of(customer))
}

/// Writes when a step was taken.
pub(crate) fn stamp(invoice: &mut Object, name: &str, now: i64) {
    if let Some(transitions) = invoice.get_mut("status_transitions").and_then(Value::as_object_mut) {
        set(transitions, name, now);
    }
}
