//! The lines of an invoice. Each shows one invoice item: pending ones that it took newest first, then the others in the
//! order they were added.

use std::collections::HashSet;

use serde_json::Value;

use crate::objects::invoice_item;
use crate::objects::metadata;
use crate::request::Request;
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::object::{Object, rows, set, text};

use super::guard::{editable, room};
use super::line::{item_of, page, shown};
use super::{notice, view};

/// `GET /v1/invoices/{invoice}/lines`
pub(crate) fn list(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    state.invoices.find(id)?;
    page(state, id, &request.params)
}

/// `POST /v1/invoices/{invoice}/add_lines`
pub(crate) fn add(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let (id, params) = (request.id(0), &request.params);
    editable(state, id)?;
    let before = view::answer(state, id)?;
    let given = rows(params, "lines").to_vec();
    room(state, id, given.len())?;
    let metadata = invoice_metadata(state, id, params)?;
    let new = given.iter().map(|line| addition(state, id, line)).collect::<Result<Vec<_>, _>>()?;
    refuse_repeated(&new)?;
    for addition in new {
        match addition {
            Addition::Pending(item) => {
                set(state.items.find_mut(&item)?, "invoice", id);
                state.pulled.insert(item.clone());
                state.lines.entry(id.to_owned()).or_default().push(item);
            }
            Addition::Item(item) => {
                invoice_item::keep(state, item, Some(id))?;
            }
        }
    }
    set(state.invoices.find_mut(id)?, "metadata", metadata);
    notice::updated(state, id, &before)
}

/// `POST /v1/invoices/{invoice}/update_lines`
pub(crate) fn update(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let (id, params) = (request.id(0), &request.params);
    editable(state, id)?;
    let shown = view::answer(state, id)?;
    let metadata = invoice_metadata(state, id, params)?;
    let mut changes = Vec::new();
    for line in rows(params, "lines") {
        let line = line.as_object().cloned().unwrap_or_default();
        changes.push((item_of(state, id, text(&line, "id").unwrap_or_default(), "lines")?, line));
    }
    let before = snapshot(state, &changes)?;
    for (item, line) in &changes {
        if let Err(error) = invoice_item::change(state, item, line) {
            restore(state, before)?;
            return Err(error);
        }
    }
    set(state.invoices.find_mut(id)?, "metadata", metadata);
    notice::updated(state, id, &shown)
}

/// `POST /v1/invoices/{invoice}/lines/{line_item_id}`
pub(crate) fn update_one(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    editable(state, id)?;
    let before = view::answer(state, id)?;
    let line = request.id(1);
    let item = item_of(state, id, line, "line_item_id").map_err(|error| error.with_status(404))?;
    let changed = invoice_item::change(state, &item, &request.params)?;
    notice::updated(state, id, &before)?;
    Ok(shown(&changed))
}

/// `POST /v1/invoices/{invoice}/remove_lines`
pub(crate) fn remove(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let (id, params) = (request.id(0), &request.params);
    editable(state, id)?;
    let metadata = invoice_metadata(state, id, params)?;
    let before = view::answer(state, id)?;
    let mut gone: Vec<(String, bool)> = Vec::new();
    for line in rows(params, "lines") {
        let item = item_of(state, id, line["id"].as_str().unwrap_or_default(), "lines")?;
        if gone.iter().any(|(known, _)| *known == item) {
            return Err(ApiError::invalid("The same line is removed twice.").with_param("lines"));
        }
        gone.push((item, line["behavior"] == "delete"));
    }
    for (item, delete) in gone {
        if delete {
            invoice_item::remove(state, &item)?;
        } else {
            invoice_item::unassign(state, &item)?;
        }
    }
    set(state.invoices.find_mut(id)?, "metadata", metadata);
    notice::updated(state, id, &before)
}

enum Addition {
    /// A pending item of the customer.
    Pending(String),
    /// A new item, checked but not kept.
    Item(Object),
}

fn addition(state: &mut State, id: &str, line: &Value) -> Result<Addition, ApiError> {
    let line = line.as_object().cloned().unwrap_or_default();
    let invoice = state.invoices.find(id)?;
    let customer = text(invoice, "customer").unwrap_or_default().to_owned();
    let money = text(invoice, "currency").unwrap_or_default().to_owned();
    let Some(pending) = text(&line, "invoice_item") else {
        return invoice_item::draft(state, &line, &customer, Some(&money)).map(Addition::Item);
    };
    let item = state.items.find(pending).map_err(|error| error.in_param("lines[invoice_item]"))?;
    let free = text(item, "invoice").is_none() && text(item, "customer") == Some(&customer);
    if !free || text(item, "currency") != Some(&money) {
        let message = format!("`{pending}` is not a pending item of this customer in {money}.");
        return Err(ApiError::invalid(message).with_param("lines[invoice_item]"));
    }
    if line.len() > 1 {
        let message = "A pending item is added as it is: `invoice_item` goes with no other field.";
        return Err(ApiError::invalid(message).with_param("lines[invoice_item]"));
    }
    Ok(Addition::Pending(pending.to_owned()))
}

fn refuse_repeated(new: &[Addition]) -> Result<(), ApiError> {
    let mut seen = HashSet::new();
    let twice = new.iter().any(|addition| match addition {
        Addition::Pending(item) => !seen.insert(item),
        Addition::Item(_) => false,
    });
    if twice {
        return Err(ApiError::invalid("The same pending item is added twice.").with_param("lines[invoice_item]"));
    }
    Ok(())
}

fn invoice_metadata(state: &State, id: &str, params: &Object) -> Result<Value, ApiError> {
    metadata::merged(state.invoices.find(id)?.get("metadata"), params, "invoice_metadata")
}

fn snapshot(state: &State, changes: &[(String, Object)]) -> Result<Vec<(String, Object)>, ApiError> {
    changes.iter().map(|(item, _)| Ok((item.clone(), state.items.find(item)?.clone()))).collect()
}

fn restore(state: &mut State, before: Vec<(String, Object)>) -> Result<(), ApiError> {
    for (id, item) in before {
        *state.items.find_mut(&id)? = item;
    }
    Ok(())
}
