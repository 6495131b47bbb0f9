//! Imports: resources that exist and that the manifest takes over by their ids. Pure.
//!
//! An import is pending while nothing stands at its address; from then on it is history, whatever becomes of the resource.

use crate::{Address, Graph, Record, State};

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Progress<'a> {
    /// Nothing is known at the address yet: this id is to stand there.
    Pending(&'a str),
    /// The resource of that id stands there, or did and is being replaced.
    Done,
    /// Another resource stands there.
    Taken(&'a Record),
}

/// Returns how far the import to an address is; none when the manifest imports nothing there.
pub fn progress<'a>(graph: &'a Graph, state: &'a State, address: &Address) -> Option<Progress<'a>> {
    let id = graph.imports().get(address)?;
    let replaced = state.intents.get(address).and_then(|intent| intent.replaces.as_ref());
    Some(match state.records.get(address) {
        Some(record) if record.id == *id => Progress::Done,
        Some(record) => Progress::Taken(record),
        // The second half of a replacement was begun and not heard of.
        None if replaced == Some(id) => Progress::Done,
        None => Progress::Pending(id),
    })
}

/// Returns the id that is to be imported at an address, if it is not there yet.
pub fn pending<'a>(graph: &'a Graph, state: &'a State, address: &Address) -> Option<&'a str> {
    match progress(graph, state, address) {
        Some(Progress::Pending(id)) => Some(id),
        Some(Progress::Done | Progress::Taken(_)) | None => None,
    }
}
