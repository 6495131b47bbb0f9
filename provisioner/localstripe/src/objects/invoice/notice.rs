//! Tells what happened to an invoice, with the invoice as it is shown at that moment.

use serde_json::Value;

use crate::events::catalogue::{self, EventType};
use crate::state::State;
use crate::wire::error::ApiError;

use super::view;

/// Emits that event about the invoice.
pub(crate) fn happened(state: &mut State, id: &str, kind: EventType) -> Result<(), ApiError> {
    let shown = view::answer(state, id)?;
    state.emit(kind, &shown);
    Ok(())
}

/// Emits `invoice.updated` when the invoice is shown differently than `before`; answers how.
pub(crate) fn updated(state: &mut State, id: &str, before: &Value) -> Result<Value, ApiError> {
    let shown = view::answer(state, id)?;
    state.emit_update(catalogue::INVOICE_UPDATED, before, &shown);
    Ok(shown)
}
