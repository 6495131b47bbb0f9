//! What an invoice allows: only drafts change, and only up to 250 items.

use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::object::{Object, text};

/// The most items an invoice can have.
pub(crate) const MAX_ITEMS: usize = 250;

/// Whether everything about the invoice may still change.
pub(crate) fn is_draft(invoice: &Object) -> bool {
    text(invoice, "status") == Some("draft")
}

/// Refuses unless the invoice is there and a draft.
pub(crate) fn editable(state: &State, id: &str) -> Result<(), ApiError> {
    if is_draft(state.invoices.find(id)?) {
        return Ok(());
    }
    Err(ApiError::not_editable("Only draft invoices can be changed or deleted in this way; this one is finalized."))
}

/// Refuses when `more` items would be too many for the invoice.
pub(crate) fn room(state: &State, id: &str, more: usize) -> Result<(), ApiError> {
    let has = state.lines.get(id).map_or(0, Vec::len);
    if has + more > MAX_ITEMS {
        let message = format!("An invoice can have at most {MAX_ITEMS} items; this one has {has}.");
        return Err(ApiError::invalid(message).with_param("invoice"));
    }
    Ok(())
}
