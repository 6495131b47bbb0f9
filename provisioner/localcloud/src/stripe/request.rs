//! A request after routing and validation, as the objects' functions see it.

use serde_json::Value;

use super::collection::Collection;
use super::error::ApiError;
use super::list::{self, Listing};
use super::object::text;
use super::params::Object;

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
