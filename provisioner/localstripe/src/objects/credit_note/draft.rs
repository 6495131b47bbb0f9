//! What a credit note would be: its lines, how much of it reduces what is due, and what becomes of the rest.

use serde_json::{Value, json};

use crate::currency;
use crate::objects::metadata;
use crate::objects::payment::attempt;
use crate::request::Request;
use crate::state::State;
use crate::wire::blank::blank;
use crate::wire::error::ApiError;
use crate::wire::object::{Object, assign, fields, integer, required, rows, text};

use super::line;

/// A credit note that passed every check and is not issued yet.
pub(super) struct Draft {
    pub(super) note: Object,
    pub(super) lines: Vec<Object>,
    pub(super) invoice: String,
    /// What it takes off an open invoice.
    pub(super) pre_payment: i64,
    /// What is given back of an invoice that is paid, in the ways below.
    pub(super) post_payment: i64,
    pub(super) to_balance: i64,
    pub(super) to_refund: i64,
}

/// The credit note that the request asks for.
pub(super) fn of(state: &mut State, request: &Request) -> Result<Draft, ApiError> {
    let params = &request.params;
    let id = required(params, "invoice")?.to_owned();
    let invoice = state.invoices.find(&id).map_err(|error| error.in_param("invoice"))?.clone();
    check_invoice(&invoice)?;
    attempt::refuse_processing(state, &id)?;
    let lines = lines(state, &invoice, params)?;
    let total: i64 = lines.iter().map(line::amount_of).sum();
    check_total(&invoice, total, params)?;
    let remaining = integer(&invoice, "amount_remaining").unwrap_or(0);
    let pre_payment = if text(&invoice, "status") == Some("open") { total.min(remaining) } else { 0 };
    let post_payment = total - pre_payment;
    let part = |name: &str| integer(params, name).unwrap_or(0);
    let (to_balance, to_refund, outside) = (part("credit_amount"), part("refund_amount"), part("out_of_band_amount"));
    check_parts(post_payment, [to_balance, to_refund, outside])?;
    let note_id = state.ids.next("cn");
    let mut note = blank("credit_note");
    note.extend(fields(json!({
        "id": note_id, "amount": total, "created": state.now_of(text(&invoice, "customer").unwrap_or_default()),
        "currency": invoice["currency"], "customer": invoice["customer"], "invoice": id, "livemode": false,
        "metadata": metadata::fresh(params)?, "number": number(state, &invoice),
        "out_of_band_amount": (outside != 0).then_some(outside),
        "pdf": format!("https://pay.stripe.com/credit_notes/{}/test_{note_id}/pdf", state.account.id),
        "post_payment_amount": post_payment, "pre_payment_amount": pre_payment, "status": "issued", "subtotal": total,
        "subtotal_excluding_tax": total, "total": total, "total_excluding_tax": total, "total_taxes": [],
        "type": match (pre_payment, post_payment) {
            (_, 0) => "pre_payment",
            (0, _) => "post_payment",
            _ => "mixed",
        },
    })));
    let created = note["created"].clone();
    note.insert("effective_at".to_owned(), created);
    assign(&mut note, params, &["effective_at", "memo", "reason"]);
    Ok(Draft { note, lines, invoice: id, pre_payment, post_payment, to_balance, to_refund })
}

fn check_invoice(invoice: &Object) -> Result<(), ApiError> {
    match text(invoice, "status") {
        Some("open" | "paid") => Ok(()),
        other => {
            let message = format!(
                "You can only create a credit note for an open or paid invoice. This invoice is {}.",
                other.unwrap_or("unknown")
            );
            Err(ApiError::invalid(message).with_param("invoice"))
        }
    }
}

fn lines(state: &mut State, invoice: &Object, params: &Object) -> Result<Vec<Object>, ApiError> {
    let given = rows(params, "lines");
    match (integer(params, "amount"), given.is_empty()) {
        (None, true) => Err(ApiError::invalid("One of `amount`, `lines`, or `shipping_cost` must be provided.")
            .with_code("parameter_missing")
            .with_param("amount")),
        (Some(amount), true) => Ok(vec![line::whole(state, amount)]),
        (amount, false) => {
            let lines = line::all(state, invoice, given)?;
            let sum: i64 = lines.iter().map(line::amount_of).sum();
            match amount {
                Some(amount) if amount != sum => {
                    let message = format!("The sum of the lines ({sum}) is not the `amount` ({amount}).");
                    Err(ApiError::invalid(message).with_param("amount"))
                }
                _ => Ok(lines),
            }
        }
    }
}

/// More than the invoice was for is never credited.
fn check_total(invoice: &Object, total: i64, params: &Object) -> Result<(), ApiError> {
    let param = if params.contains_key("amount") { "amount" } else { "lines" };
    if total < 1 {
        return Err(ApiError::bad_integer(param, "The amount of a credit note must be greater than or equal to 1."));
    }
    currency::check_amount(total, text(invoice, "currency").unwrap_or_default(), param)?;
    let amount = |name: &str| integer(invoice, name).unwrap_or(0);
    let left = amount("total")
        .saturating_sub(amount("pre_payment_credit_notes_amount"))
        .saturating_sub(amount("post_payment_credit_notes_amount"));
    if total > left {
        let message =
            format!("The amount of the credit note ({total}) is more than can be credited ({}).", left.max(0));
        return Err(ApiError::invalid(message).with_param(param));
    }
    Ok(())
}

/// The parts say what becomes of what is not taken off the amount due, all of it.
fn check_parts(post_payment: i64, parts: [i64; 3]) -> Result<(), ApiError> {
    if let Some(negative) = parts.iter().position(|part| *part < 0) {
        let name = ["credit_amount", "refund_amount", "out_of_band_amount"][negative];
        return Err(ApiError::bad_integer(name, "This value must be greater than or equal to 0."));
    }
    let sum: i64 = parts.iter().sum();
    if sum == post_payment {
        return Ok(());
    }
    let message = format!(
        "The sum of credit amount, refund amount and out of band amount ({sum}) must equal the post payment amount \
         ({post_payment})."
    );
    Err(ApiError::invalid(message))
}

/// The number of the invoice with a count of its own.
fn number(state: &State, invoice: &Object) -> String {
    let notes = state.credit_notes.newest_first().filter(|note| note.get("invoice") == invoice.get("id"));
    let number = text(invoice, "number").unwrap_or_default();
    format!("{number}-CN-{:02}", notes.count() + 1)
}

/// The note with the first ten of its lines.
pub(super) fn shown(note: &Object, lines: &[Object]) -> Value {
    let mut note = note.clone();
    let id = text(&note, "id").unwrap_or_default();
    let page: Vec<&Object> = lines.iter().take(10).collect();
    let lines = json!({
        "object": "list", "data": page, "has_more": lines.len() > 10, "url": format!("/v1/credit_notes/{id}/lines"),
    });
    note.insert("lines".to_owned(), lines);
    Value::Object(note)
}
