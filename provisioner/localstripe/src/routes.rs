//! Finds the function that serves a request. A test compares the routes with the parameter table.

use crate::objects;
use crate::request::Route;
use std::sync::OnceLock;

use crate::wire::error::ApiError;
use crate::wire::schema::Table;

/// Operations of Stripe that the local one does not serve.
fn unserved() -> &'static [&'static str] {
    static UNSERVED: OnceLock<Vec<&'static str>> = OnceLock::new();
    UNSERVED.get_or_init(|| {
        let published = Table::embedded().operations.keys().map(String::as_str);
        published.filter(|operation| objects::routes().all(|route| route.operation != *operation)).collect()
    })
}

/// The route for a request, with the ids of its path.
pub(crate) fn find(method: &str, path: &str) -> Result<(&'static Route, Vec<String>), ApiError> {
    let fits = |operation: &str| ids(operation, method, path);
    // `/v1/prices/search` fits `/v1/prices/{price}` too: what Stripe has under a fixed name goes first.
    let exact = |operation: &str| fits(operation).is_some_and(|ids| ids.is_empty());
    if unserved().iter().any(|operation| exact(operation)) {
        return Err(not_served(method, path));
    }
    if let Some(found) = objects::routes().find_map(|route| Some((route, fits(route.operation)?))) {
        return Ok(found);
    }
    if unserved().iter().any(|operation| fits(operation).is_some()) {
        return Err(not_served(method, path));
    }
    let message = format!(
        "Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/."
    );
    Err(ApiError::invalid(message).with_status(404))
}

fn not_served(method: &str, path: &str) -> ApiError {
    ApiError::not_modelled(&format!("the operation `{method} {path}`"))
}

/// The ids where the template has names; none when method or path differ.
fn ids(operation: &str, method: &str, path: &str) -> Option<Vec<String>> {
    let (verb, template) = operation.split_once(' ')?;
    let mut rest = path.split('/');
    let mut ids = Vec::new();
    if verb != method {
        return None;
    }
    for part in template.split('/') {
        let given = rest.next()?;
        if part.starts_with('{') && !given.is_empty() {
            ids.push(given.to_owned());
        } else if part != given {
            return None;
        }
    }
    rest.next().is_none().then_some(ids)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_a_published_operation_and_stands_once() {
        let mut served = BTreeSet::new();
        for route in objects::routes() {
            assert!(Table::embedded().operations.contains_key(route.operation), "{}", route.operation);
            assert!(served.insert(route.operation), "{} stands twice", route.operation);
        }
        assert_eq!(served.len() + unserved().len(), Table::embedded().operations.len());
    }

    #[test]
    fn ids_come_from_the_path() {
        let (route, ids) = find("POST", "/v1/invoices/in_1/lines/il_2").unwrap();
        assert_eq!(route.operation, "POST /v1/invoices/{invoice}/lines/{line_item_id}");
        assert_eq!(ids, ["in_1", "il_2"]);
    }

    #[test]
    fn what_is_not_served_says_so_and_what_is_unknown_too() {
        for (method, path) in
            [("GET", "/v1/prices/search"), ("POST", "/v1/subscriptions"), ("GET", "/v1/subscriptions/sub_1")]
        {
            let error = find(method, path).err().unwrap();
            assert_eq!(error.status, 400, "{path}");
            assert!(error.message.contains("does not model the operation"), "{}", error.message);
        }
        for (method, path) in [("GET", "/v1/prizes"), ("PUT", "/v1/prices"), ("GET", "/v1/prices/"), ("GET", "/")] {
            assert_eq!(find(method, path).err().unwrap().status, 404, "{path}");
        }
    }
}
