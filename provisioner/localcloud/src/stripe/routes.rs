//! Which function serves which operation: the one list. A test holds it against the parameter table.

use serde_json::Value;

use super::error::ApiError;
use super::request::Request;
use super::state::State;
use super::table::Table;
use super::{account, customer, invoice, invoice_item, price, product};

/// Serves one operation.
pub(crate) type Handler = fn(&mut State, &Request) -> Result<Value, ApiError>;

/// An operation as Stripe's table names it, and who serves it.
pub(crate) struct Route {
    pub(crate) operation: &'static str,
    pub(crate) handler: Handler,
}

const fn route(operation: &'static str, handler: Handler) -> Route {
    Route { operation, handler }
}

/// Every operation served.
pub(crate) const ROUTES: [Route; 36] = [
    route("GET /v1/account", account::retrieve),
    route("GET /v1/balance", account::balance),
    route("POST /v1/customers", customer::create),
    route("GET /v1/customers", customer::list),
    route("GET /v1/customers/{customer}", customer::retrieve),
    route("POST /v1/customers/{customer}", customer::update),
    route("DELETE /v1/customers/{customer}", customer::delete),
    route("POST /v1/products", product::create),
    route("GET /v1/products", product::list),
    route("GET /v1/products/{id}", product::retrieve),
    route("POST /v1/products/{id}", product::update),
    route("DELETE /v1/products/{id}", product::delete),
    route("POST /v1/prices", price::create),
    route("GET /v1/prices", price::list),
    route("GET /v1/prices/{price}", price::retrieve),
    route("POST /v1/prices/{price}", price::update),
    route("POST /v1/invoices", invoice::create),
    route("GET /v1/invoices", invoice::list),
    route("GET /v1/invoices/{invoice}", invoice::retrieve),
    route("POST /v1/invoices/{invoice}", invoice::update),
    route("DELETE /v1/invoices/{invoice}", invoice::delete),
    route("GET /v1/invoices/{invoice}/lines", invoice::lines::list),
    route("POST /v1/invoices/{invoice}/lines/{line_item_id}", invoice::lines::update_one),
    route("POST /v1/invoices/{invoice}/add_lines", invoice::lines::add),
    route("POST /v1/invoices/{invoice}/update_lines", invoice::lines::update),
    route("POST /v1/invoices/{invoice}/remove_lines", invoice::lines::remove),
    route("POST /v1/invoices/{invoice}/finalize", invoice::transition::finalize),
    route("POST /v1/invoices/{invoice}/pay", invoice::transition::pay),
    route("POST /v1/invoices/{invoice}/send", invoice::transition::send),
    route("POST /v1/invoices/{invoice}/void", invoice::transition::void),
    route("POST /v1/invoices/{invoice}/mark_uncollectible", invoice::transition::mark_uncollectible),
    route("POST /v1/invoiceitems", invoice_item::create),
    route("GET /v1/invoiceitems", invoice_item::list),
    route("GET /v1/invoiceitems/{invoiceitem}", invoice_item::retrieve),
    route("POST /v1/invoiceitems/{invoiceitem}", invoice_item::update),
    route("DELETE /v1/invoiceitems/{invoiceitem}", invoice_item::delete),
];

/// The route for a request, with the ids of its path.
pub(crate) fn find(method: &str, path: &str) -> Result<(&'static Route, Vec<String>), ApiError> {
    let fits = |operation: &str| ids(operation, method, path);
    // `/v1/prices/search` fits `/v1/prices/{price}` too: what Stripe has under a fixed name goes first.
    let exact = |operation: &&String| fits(operation).is_some_and(|ids| ids.is_empty());
    if Table::embedded().not_served.iter().any(|operation| exact(&operation)) {
        return Err(not_served(method, path));
    }
    if let Some(found) = ROUTES.iter().find_map(|route| Some((route, fits(route.operation)?))) {
        return Ok(found);
    }
    if Table::embedded().not_served.iter().any(|operation| fits(operation).is_some()) {
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
    fn routes_and_table_name_the_same_operations() {
        let served: BTreeSet<&str> = ROUTES.iter().map(|route| route.operation).collect();
        let listed: BTreeSet<&str> = Table::embedded().operations.keys().map(String::as_str).collect();
        assert_eq!(served, listed);
    }

    #[test]
    fn ids_come_from_the_path() {
        let (route, ids) = find("POST", "/v1/invoices/in_1/lines/il_2").unwrap();
        assert_eq!(route.operation, "POST /v1/invoices/{invoice}/lines/{line_item_id}");
        assert_eq!(ids, ["in_1", "il_2"]);
    }

    #[test]
    fn what_is_not_served_says_so_and_what_is_unknown_too() {
        for (method, path) in [("GET", "/v1/prices/search"), ("POST", "/v1/subscriptions"), ("GET", "/v1/events/evt_1")]
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
