//! A request after routing and validation, as the objects' functions see it.

use serde_json::Value;

use crate::collection::Collection;
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::list::{self, Listing};
use crate::wire::object::{Object, text};

/// Serves one operation.
pub(crate) type Handler = fn(&mut State, &Request) -> Result<Value, ApiError>;

/// An operation as Stripe's table names it, and its handler.
pub(crate) struct Route {
    pub(crate) operation: &'static str,
    pub(crate) handler: Handler,
}

/// A route, for the list of an object.
pub(crate) const fn route(operation: &'static str, handler: Handler) -> Route {
    Route { operation, handler }
}

/// One validated request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The ids in the path, in order.
    pub(crate) ids: Vec<String>,
    pub(crate) params: Object,
}

impl Request {
    /// The n-th id of the path; the router gives as many as the template names.
    pub(crate) fn id(&self, at: usize) -> &str {
        self.ids.get(at).map_or("", String::as_str)
    }

    /// The page of `rows`, which come newest first from `all`.
    pub(crate) fn newest_first<'a>(
        &self,
        all: &Collection,
        rows: impl Iterator<Item = &'a Object>,
        url: &str,
        render: impl Fn(&Object) -> Value,
    ) -> Result<Value, ApiError> {
        let place = |id: &str| all.rank(id).map(|rank| u64::MAX - rank);
        let placed = rows.filter_map(|row| Some((place(text(row, "id")?).ok()?, row)));
        list::page(Listing { rows: placed, place: &place, url }, &self.params, render)
    }
}
