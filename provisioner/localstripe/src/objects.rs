//! The objects of Stripe, one file each: their routes, their blank form, and how they change.

mod account;
pub(crate) mod balance;
pub(crate) mod balance_transaction;
pub(crate) mod billing_portal;
mod charge;
pub(crate) mod checkout_session;
pub(crate) mod credit_note;
pub(crate) mod customer;
mod event;
pub(crate) mod invoice;
pub(crate) mod invoice_item;
mod metadata;
pub(crate) mod payment;
pub(crate) mod price;
pub(crate) mod product;
mod test_clock;
pub(crate) mod webhook_endpoint;

use serde_json::Value;

use crate::request::Route;
use crate::state::State;
use crate::wire::expand::Source;
use crate::wire::object::{Object, text};

/// The routes of every object.
pub(crate) fn routes() -> impl Iterator<Item = &'static Route> {
    [
        account::ROUTES,
        customer::ROUTES,
        balance::ROUTES,
        balance_transaction::ROUTES,
        product::ROUTES,
        price::ROUTES,
        invoice::ROUTES,
        invoice_item::ROUTES,
        credit_note::ROUTES,
        payment::method::ROUTES,
        payment::setup_intent::ROUTES,
        payment::mandate::ROUTES,
        checkout_session::ROUTES,
        checkout_session::payment_page::ROUTES,
        billing_portal::configuration::ROUTES,
        billing_portal::session::ROUTES,
        payment::intent::ROUTES,
        payment::invoice_payment::ROUTES,
        payment::charge::ROUTES,
        payment::refund::ROUTES,
        payment::dispute::ROUTES,
        event::ROUTES,
        webhook_endpoint::ROUTES,
        test_clock::ROUTES,
    ]
    .into_iter()
    .flatten()
}

/// Every object, for expansions.
pub(crate) struct All<'a>(pub(crate) &'a State);

impl Source for All<'_> {
    fn find(&self, id: &str) -> Option<Value> {
        find(self.0, id)
    }

    fn field(&self, object: &Object, name: &str) -> Option<Value> {
        let invoice = text(object, "id")?;
        match name {
            "payments" => Some(payment::invoice_payment::page_of(self.0, invoice)),
            "confirmation_secret" => payment::invoice_payment::secret_of(self.0, invoice),
            _ => None,
        }
    }
}

/// The object an id names, as the API would answer it; none when there is none.
fn find(state: &State, id: &str) -> Option<Value> {
    let kinds = [
        &state.customers,
        &state.products,
        &state.prices,
        &state.test_clocks,
        &state.payment_methods,
        &state.setup_intents,
        &state.mandates,
        &state.checkout_sessions,
        &state.portal_configurations,
        &state.payment_intents,
        &state.charges,
        &state.invoice_payments,
        &state.refunds,
        &state.disputes,
        &state.balance_transactions,
    ];
    if id.starts_with("txn_") {
        return state.movements.answer(id, state.now()).ok();
    }
    let kept = kinds.into_iter().find_map(|rows| rows.find(id).ok());
    match kept {
        Some(object) => Some(Value::Object(object.clone())),
        None if state.customers.was_deleted(id) => Some(customer::stub(id)),
        None => invoice::view::answer(state, id).or_else(|_| credit_note::answer(state, id)).ok(),
    }
}
