//! The lines of a credit note: parts of invoice lines, or lines of its own.

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use crate::currency;
use crate::objects::invoice::line as invoice_line;
use crate::objects::metadata;
use crate::state::State;
use crate::wire::blank::blank;
use crate::wire::error::ApiError;
use crate::wire::object::{Object, fields, integer, text};

/// The lines that `params` ask for, each with what it credits.
pub(super) fn all(state: &mut State, invoice: &Object, given: &[Value]) -> Result<Vec<Object>, ApiError> {
    let mut made: Vec<Object> = Vec::new();
    for params in given.iter().filter_map(Value::as_object) {
        let line = match text(params, "type") {
            Some("invoice_line_item") => of_invoice(state, invoice, params, &made)?,
            _ => custom(state, params)?,
        };
        let (amount, money) = (amount_of(&line), text(invoice, "currency").unwrap_or_default());
        if amount == 0 {
            return Err(ApiError::invalid("A credit note line must credit something.").with_param("lines"));
        }
        currency::check_amount(amount, money, "lines[amount]")?;
        made.push(line);
    }
    Ok(made)
}

/// The one line of a credit note that names only its amount.
pub(super) fn whole(state: &mut State, amount: i64) -> Object {
    let mut line = new(state, "custom_line_item", amount);
    line.extend(fields(json!({"quantity": 1, "unit_amount": amount, "unit_amount_decimal": amount.to_string()})));
    line
}

/// What a line credits, in minor units.
pub(super) fn amount_of(line: &Object) -> i64 {
    integer(line, "amount").unwrap_or(0)
}

fn new(state: &mut State, kind: &str, amount: i64) -> Object {
    let mut line = blank("credit_note_line_item");
    line.extend(fields(json!({
        "id": state.ids.next("cnli"), "amount": amount, "metadata": {}, "quantity": null, "taxes": [], "type": kind,
        "unit_amount": null, "unit_amount_decimal": null,
    })));
    line
}

fn custom(state: &mut State, params: &Object) -> Result<Object, ApiError> {
    let description = text(params, "description").ok_or_else(|| ApiError::parameter_missing("lines[description]"))?;
    for name in ["amount", "invoice_line_item"] {
        if params.contains_key(name) {
            let message = format!("A custom line item of a credit note takes no `{name}`.");
            return Err(ApiError::invalid(message).with_param(format!("lines[{name}]")));
        }
    }
    let quantity = integer(params, "quantity").unwrap_or(1);
    let unit = match (integer(params, "unit_amount"), text(params, "unit_amount_decimal")) {
        (Some(_), Some(_)) => {
            return Err(ApiError::exclusive("lines[unit_amount]", "lines[unit_amount_decimal]"));
        }
        (Some(whole), None) => Decimal::from(whole),
        (None, Some(exact)) => exact.parse().unwrap_or_default(),
        (None, None) => return Err(ApiError::parameter_missing("lines[unit_amount]")),
    };
    let amount = times(unit, quantity)?;
    let mut line = new(state, "custom_line_item", amount);
    line.extend(fields(json!({
        "description": description, "metadata": metadata::fresh(params)?, "quantity": quantity,
        "unit_amount": integer(params, "unit_amount"), "unit_amount_decimal": unit.normalize().to_string(),
    })));
    Ok(line)
}

fn of_invoice(state: &mut State, invoice: &Object, params: &Object, beside: &[Object]) -> Result<Object, ApiError> {
    let param = "lines[invoice_line_item]";
    let named = text(params, "invoice_line_item").ok_or_else(|| ApiError::parameter_missing(param))?.to_owned();
    let id = text(invoice, "id").unwrap_or_default();
    let item = invoice_line::item_of(state, id, &named, param)?;
    let item = state.items.find(&item)?.clone();
    let amount = match (integer(params, "amount"), integer(params, "quantity")) {
        (Some(_), Some(_)) => return Err(ApiError::exclusive("lines[amount]", "lines[quantity]")),
        (Some(amount), None) => amount,
        (None, Some(quantity)) => {
            let pricing = item["pricing"]["unit_amount_decimal"].as_str().unwrap_or("0");
            times(pricing.parse().unwrap_or_default(), quantity)?
        }
        (None, None) => return Err(ApiError::parameter_missing("lines[amount]")),
    };
    let billed = integer(&item, "amount").unwrap_or(0);
    let before =
        credited(state, id, &named) + beside.iter().filter(|line| names(line, &named)).map(amount_of).sum::<i64>();
    // A line that is itself a credit is credited by less than nothing.
    let fits =
        if billed < 0 { (billed..=0).contains(&(before + amount)) } else { (0..=billed).contains(&(before + amount)) };
    if !fits {
        let message = format!(
            "The credit of the line item {named} ({amount}) is more than is left of it ({}).",
            billed.saturating_sub(before)
        );
        return Err(ApiError::invalid(message).with_param("lines[amount]"));
    }
    let mut line = new(state, "invoice_line_item", amount);
    line.extend(fields(json!({
        "description": params.get("description").cloned().unwrap_or_else(|| item["description"].clone()),
        "invoice_line_item": named, "metadata": metadata::fresh(params)?, "quantity": params.get("quantity"),
    })));
    Ok(line)
}

/// What earlier credit notes credit of an invoice line.
fn credited(state: &State, invoice: &str, line: &str) -> i64 {
    let notes = state.credit_notes.newest_first();
    let standing =
        notes.filter(|note| text(note, "invoice") == Some(invoice) && text(note, "status") == Some("issued"));
    let ids = standing.filter_map(|note| text(note, "id"));
    let lines = ids.filter_map(|id| state.credit_note_lines.get(id)).flatten();
    lines.filter(|row| names(row, line)).map(amount_of).sum()
}

fn names(line: &Object, invoice_line: &str) -> bool {
    text(line, "invoice_line_item") == Some(invoice_line)
}

fn times(unit: Decimal, quantity: i64) -> Result<i64, ApiError> {
    let product = unit.checked_mul(Decimal::from(quantity));
    let rounded = product.map(|product| product.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero));
    rounded.and_then(|amount| i64::try_from(amount).ok()).ok_or_else(|| {
        ApiError::invalid("The amount of a credit note line is too large.").with_code("amount_too_large")
    })
}
