//! Pages: 1 to 100 objects, cursors by id, `has_more`; and the range filters of lists.

use serde_json::{Value, json};

use super::error::ApiError;
use super::object::{Object, integer, text};

const DEFAULT_LIMIT: i64 = 10;
const MAX_LIMIT: i64 = 100;

/// What a page is cut from: objects that passed the filters, in list order.
pub(crate) struct Listing<'a, I> {
    /// Every object that passes, each with its place in the list order.
    pub(crate) rows: I,
    /// The place of any object of this kind, filtered out or not; an error when there is none of that id.
    pub(crate) place: &'a dyn Fn(&str) -> Result<u64, ApiError>,
    pub(crate) url: &'a str,
}

/// The page that `limit`, `starting_after` and `ending_before` ask for.
pub(crate) fn page<T, I>(
    listing: Listing<'_, I>,
    params: &Object,
    render: impl Fn(T) -> Value,
) -> Result<Value, ApiError>
where
    I: Iterator<Item = (u64, T)>,
{
    let limit = limit(params)?;
    let cursor = |name: &str| {
        let id = text(params, name);
        id.map(|id| (listing.place)(id).map_err(|error| error.in_param(name))).transpose()
    };
    let (after, before) = (cursor("starting_after")?, cursor("ending_before")?);
    if after.is_some() && before.is_some() {
        return Err(ApiError::exclusive("starting_after", "ending_before"));
    }
    let mut kept: Vec<T> = listing
        .rows
        .filter(|(place, _)| after.is_none_or(|after| *place > after))
        .filter(|(place, _)| before.is_none_or(|before| *place < before))
        .map(|(_, row)| row)
        .collect();
    let has_more = kept.len() > limit;
    if before.is_some() {
        // Going backwards, the page is the part next to the cursor.
        kept = kept.split_off(kept.len().saturating_sub(limit));
    } else {
        kept.truncate(limit);
    }
    let data: Vec<Value> = kept.into_iter().map(render).collect();
    Ok(json!({"object": "list", "data": data, "has_more": has_more, "url": listing.url}))
}

fn limit(params: &Object) -> Result<usize, ApiError> {
    let limit = integer(params, "limit").unwrap_or(DEFAULT_LIMIT);
    let fits = (1..=MAX_LIMIT).contains(&limit);
    match usize::try_from(limit) {
        Ok(limit) if fits => Ok(limit),
        _ => Err(ApiError::bad_integer("limit", format!("Limit must be between 1 and {MAX_LIMIT}, not {limit}."))),
    }
}

/// Whether a time fits a filter such as `created`: a time, or any of gt, gte, lt and lte.
pub(crate) fn in_range(value: Option<i64>, filter: Option<&Value>) -> bool {
    match (value, filter) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(value), Some(Value::Object(bounds))) => {
            integer(bounds, "gt").is_none_or(|bound| value > bound)
                && integer(bounds, "gte").is_none_or(|bound| value >= bound)
                && integer(bounds, "lt").is_none_or(|bound| value < bound)
                && integer(bounds, "lte").is_none_or(|bound| value <= bound)
        }
        (Some(value), Some(exact)) => exact.as_i64() == Some(value),
    }
}

/// Whether a field equals the parameter of the same name, where that was given.
pub(crate) fn same(object: &Object, params: &Object, name: &str) -> bool {
    params.get(name).is_none_or(|wanted| object.get(name) == Some(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::object::fields;

    /// Rows 0 to 11; the odd ones are filtered out.
    fn cut(params: Value) -> Result<(Vec<u64>, bool), ApiError> {
        let place = |id: &str| match id.parse::<u64>() {
            Ok(at) if at < 12 => Ok(at),
            _ => Err(ApiError::missing("row", id)),
        };
        let rows = (0..12_u64).filter(|at| at % 2 == 0).map(|at| (at, at));
        let listing = Listing { rows, place: &place, url: "/v1/rows" };
        let page = page(listing, &fields(params), |at| json!(at))?;
        let data = page["data"].as_array().unwrap().iter().map(|at| at.as_u64().unwrap()).collect();
        Ok((data, page["has_more"].as_bool().unwrap()))
    }

    #[test]
    fn pages_follow_cursors() {
        assert_eq!(cut(json!({})).unwrap(), (vec![0, 2, 4, 6, 8, 10], false));
        assert_eq!(cut(json!({"limit": 2})).unwrap(), (vec![0, 2], true));
        assert_eq!(cut(json!({"limit": 2, "starting_after": "2"})).unwrap(), (vec![4, 6], true));
        assert_eq!(cut(json!({"limit": 2, "starting_after": "6"})).unwrap(), (vec![8, 10], false));
        assert_eq!(cut(json!({"limit": 2, "ending_before": "8"})).unwrap(), (vec![4, 6], true));
        assert_eq!(cut(json!({"limit": 2, "ending_before": "4"})).unwrap(), (vec![0, 2], false));
        // The cursor itself may be filtered out.
        assert_eq!(cut(json!({"starting_after": "7"})).unwrap(), (vec![8, 10], false));
        assert_eq!(cut(json!({"starting_after": "10"})).unwrap(), (vec![], false));
    }

    #[test]
    fn bad_pages_are_refused() {
        for bad in [json!({"limit": 0}), json!({"limit": 101}), json!({"limit": -1})] {
            assert_eq!(cut(bad).unwrap_err().param.as_deref(), Some("limit"));
        }
        let error = cut(json!({"starting_after": "99"})).unwrap_err();
        assert_eq!((error.status, error.param.as_deref()), (400, Some("starting_after")));
        assert!(cut(json!({"starting_after": "1", "ending_before": "2"})).is_err());
    }

    #[test]
    fn ranges_have_open_and_closed_ends() {
        let filter = json!({"gte": 10, "lt": 20});
        assert!(in_range(Some(10), Some(&filter)));
        assert!(!in_range(Some(20), Some(&filter)));
        assert!(!in_range(Some(10), Some(&json!({"gt": 10}))));
        assert!(in_range(Some(10), Some(&json!({"lte": 10}))));
        assert!(in_range(Some(5), Some(&json!(5))));
        assert!(!in_range(None, Some(&json!(5))));
        assert!(in_range(None, None));
    }
}
