//! Payment methods: only Stripe's test ones, which come into being when they are attached to a customer, used, or made
//! from a test number.

pub(crate) mod card;
pub(crate) mod create;
pub(crate) mod iban;

use serde_json::{Value, json};

use crate::events::catalogue;
use crate::objects::metadata;
use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::blank::blank;
use crate::wire::error::ApiError;
use crate::wire::list::same;
use crate::wire::object::{Object, address, fields, group, required, set, text};

use super::test_method::{self, Asks, Decline, Form, Outcome, Refunds, Setup, TestMethod};

/// The operations served here.
pub(crate) const ROUTES: &[Route] = &[
    route("POST /v1/payment_methods", create::create),
    route("GET /v1/payment_methods", list),
    route("GET /v1/payment_methods/{payment_method}", retrieve),
    route("POST /v1/payment_methods/{payment_method}", update),
    route("POST /v1/payment_methods/{payment_method}/attach", attach),
    route("POST /v1/payment_methods/{payment_method}/detach", detach),
    route("GET /v1/customers/{customer}/payment_methods", list_of_customer),
    route("GET /v1/customers/{customer}/payment_methods/{payment_method}", retrieve_of_customer),
];

/// `GET /v1/payment_methods`
fn list(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    state.known_customer(&request.params)?;
    let customer = required(&request.params, "customer")?;
    page(state, request, customer, "/v1/payment_methods")
}

/// `GET /v1/customers/{customer}/payment_methods`
fn list_of_customer(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let customer = request.id(0);
    state.customers.find(customer)?;
    page(state, request, customer, &format!("/v1/customers/{customer}/payment_methods"))
}

fn page(state: &State, request: &Request, customer: &str, url: &str) -> Result<Value, ApiError> {
    let rows = state
        .payment_methods
        .newest_first()
        .filter(|method| text(method, "customer") == Some(customer))
        .filter(|method| ["type", "allow_redisplay"].iter().all(|name| same(method, &request.params, name)));
    request.newest_first(&state.payment_methods, rows, url, |method| Value::Object(method.clone()))
}

/// `GET /v1/payment_methods/{payment_method}`
fn retrieve(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    state.payment_methods.find(request.id(0)).cloned().map(Value::Object)
}

/// `GET /v1/customers/{customer}/payment_methods/{payment_method}`
fn retrieve_of_customer(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let (customer, id) = (request.id(0), request.id(1));
    state.customers.find(customer)?;
    let found = state.payment_methods.find(id)?;
    if text(found, "customer") != Some(customer) {
        return Err(ApiError::missing("PaymentMethod", id));
    }
    Ok(Value::Object(found.clone()))
}

/// `POST /v1/payment_methods/{payment_method}`: metadata only, here.
fn update(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let method = state.payment_methods.find_mut(request.id(0))?;
    let metadata = metadata::merged(method.get("metadata"), &request.params, "metadata")?;
    set(method, "metadata", metadata);
    let shown = Value::Object(method.clone());
    state.emit(catalogue::PAYMENT_METHOD_UPDATED, &shown);
    Ok(shown)
}

/// `POST /v1/payment_methods/{payment_method}/attach`: a test method becomes one of the customer's own.
fn attach(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let customer = required(&request.params, "customer")?.to_owned();
    state.customers.find(&customer).map_err(|error| error.in_param("customer"))?;
    let named = request.id(0);
    if let Some(decline) = test_method::of(named).and_then(|method| method.not_attachable) {
        return Err(decline.refusal());
    }
    let id = known(state, named)?;
    let own = text(state.payment_methods.find(&id)?, "customer");
    if own.is_some_and(|own| own != customer) {
        let message = "The payment method you provided has already been attached to a customer.";
        return Err(ApiError::invalid(message));
    }
    if own.is_none() && state.spent.contains(&id) {
        let message = "This PaymentMethod was previously used without being attached to a Customer or was detached \
                       from a Customer, and may not be used again.";
        return Err(ApiError::invalid(message));
    }
    give_to(state, &id, &customer)?;
    state.payment_methods.find(&id).cloned().map(Value::Object)
}

/// Attaches a method to its customer and tells of it; one that is the customer's already stays as it is.
pub(crate) fn give_to(state: &mut State, id: &str, customer: &str) -> Result<(), ApiError> {
    let method = state.payment_methods.find_mut(id)?;
    if text(method, "customer") == Some(customer) {
        return Ok(());
    }
    set(method, "customer", customer);
    let shown = Value::Object(method.clone());
    state.emit(catalogue::PAYMENT_METHOD_ATTACHED, &shown);
    Ok(())
}

/// `POST /v1/payment_methods/{payment_method}/detach`: it is no customer's default any more, and never attached again.
fn detach(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    take_away(state, id)?;
    state.payment_methods.find(id).cloned().map(Value::Object)
}

/// Detaches a method for good, and tells of it.
pub(crate) fn take_away(state: &mut State, id: &str) -> Result<(), ApiError> {
    let method = state.payment_methods.find_mut(id)?;
    let before = Value::Object(method.clone());
    let Some(customer) = text(method, "customer").map(str::to_owned) else {
        let message = "The payment method you provided is not attached to a customer so detachment is impossible.";
        return Err(ApiError::invalid(message));
    };
    set(method, "customer", Value::Null);
    let shown = Value::Object(method.clone());
    state.spent.insert(id.to_owned());
    state.emit_update(catalogue::PAYMENT_METHOD_DETACHED, &before, &shown);
    forget_default(state, &customer, id)
}

fn forget_default(state: &mut State, customer: &str, method: &str) -> Result<(), ApiError> {
    let customer = state.customers.find_mut(customer)?;
    let before = Value::Object(customer.clone());
    if let Some(settings) = customer.get_mut("invoice_settings").and_then(Value::as_object_mut)
        && text(settings, "default_payment_method") == Some(method)
    {
        set(settings, "default_payment_method", Value::Null);
    }
    let after = Value::Object(customer.clone());
    state.emit_update(catalogue::CUSTOMER_UPDATED, &before, &after);
    Ok(())
}

/// The id of a method that may pay for the customer: one of its own, or a test method, which is made for it.
pub(crate) fn usable(state: &mut State, named: &str, customer: &str) -> Result<String, ApiError> {
    let id = known(state, named).map_err(|error| error.in_param("payment_method"))?;
    let is_new = id != named;
    let attached = text(state.payment_methods.find(&id)?, "customer") == Some(customer);
    if attached || is_new {
        return Ok(id);
    }
    refuse_foreign(&id)
}

/// Refuses a default that is not one of the customer's own methods.
pub(crate) fn check_default(state: &State, named: &str, customer: &str, param: &str) -> Result<(), ApiError> {
    let method = state.payment_methods.find(named).map_err(|error| error.in_param(param))?;
    if text(method, "customer") == Some(customer) {
        return Ok(());
    }
    refuse_foreign(named).map(|_| ()).map_err(|error| error.in_param(param))
}

/// The method that pays an invoice by itself: the invoice's own, or its customer's default.
pub(crate) fn default_of(state: &State, invoice: &Object) -> Option<String> {
    let customer = text(invoice, "customer").and_then(|id| state.customers.find(id).ok());
    let of_customer = customer
        .and_then(|customer| group(customer, "invoice_settings"))
        .and_then(|settings| text(settings, "default_payment_method"));
    let id = text(invoice, "default_payment_method").or(of_customer)?;
    let method = state.payment_methods.find(id).ok()?;
    (text(method, "customer") == text(invoice, "customer")).then(|| id.to_owned())
}

/// What comes of a payment with that method, in its customer's presence or without.
pub(crate) fn outcome(state: &State, id: &str, on_session: bool) -> Outcome {
    let outcome = test_of(state, id).map_or(Outcome::Succeeds, |method| method.outcome);
    match outcome {
        Outcome::Debit(debit) => Outcome::Debit(state.debits.get(id).copied().unwrap_or(debit)),
        Outcome::NeedsCustomer { when: Asks::UnlessSetUp, then } if state.set_up.contains(id) => told(then),
        Outcome::NeedsCustomer { when: Asks::OnSession, then } if !on_session => told(then),
        other => other,
    }
}

/// What comes of a payment once the bank has seen its customer.
pub(crate) fn outcome_confirmed(state: &State, id: &str) -> Outcome {
    match outcome(state, id, true) {
        Outcome::NeedsCustomer { then, .. } => told(then),
        other => other,
    }
}

fn told(then: Option<Decline>) -> Outcome {
    then.map_or(Outcome::Succeeds, Outcome::Declines)
}

/// What comes of setting that method up.
pub(crate) fn setup(state: &State, id: &str) -> Setup {
    test_of(state, id).map_or(Setup::Succeeds, |method| method.setup())
}

/// When a refund to that method arrives.
pub(crate) fn refunds(state: &State, id: &str) -> Refunds {
    test_of(state, id).map_or(Refunds::AtOnce, |method| method.refunds)
}

/// Whether a bank is asked for the money, which takes days and needs a mandate.
pub(crate) fn is_debit(state: &State, id: &str) -> bool {
    test_of(state, id).is_some_and(|method| matches!(method.outcome, Outcome::Debit(_)))
}

fn test_of(state: &State, id: &str) -> Option<TestMethod> {
    state.test_methods.get(id).and_then(|token| test_method::of(token))
}

/// The id of a method that an intent may use: one of its customer's, or one without a customer.
pub(crate) fn for_intent(state: &mut State, named: &str, customer: Option<&str>) -> Result<String, ApiError> {
    let id = known(state, named).map_err(|error| error.in_param("payment_method"))?;
    match text(state.payment_methods.find(&id)?, "customer") {
        Some(own) if customer.is_none() => {
            let message = format!(
                "The PaymentMethod `{id}` belongs to the Customer `{own}`. Please include the Customer in the `customer` \
                 parameter."
            );
            Err(ApiError::invalid(message).with_param("payment_method"))
        }
        Some(own) if Some(own) != customer => refuse_foreign(&id),
        None if state.spent.contains(&id) => {
            let message = "This PaymentMethod was previously used without being attached to a Customer or was detached \
                           from a Customer, and may not be used again.";
            Err(ApiError::invalid(message).with_param("payment_method"))
        }
        _ => Ok(id),
    }
}

fn refuse_foreign(id: &str) -> Result<String, ApiError> {
    let message = format!(
        "The customer does not have a payment method with the ID {id}. The payment method must be attached to the customer."
    );
    Err(ApiError::invalid(message).with_code("resource_missing").with_param("payment_method"))
}

/// The id of a method: each use of a test method makes one of its own.
fn known(state: &mut State, named: &str) -> Result<String, ApiError> {
    match test_method::of(named) {
        Some(_) => make(state, named),
        None => state.payment_methods.find(named).map(|_| named.to_owned()),
    }
}

/// Makes a method of that test method; answers its id.
fn make(state: &mut State, token: &str) -> Result<String, ApiError> {
    let method = test_method::of(token).ok_or_else(|| ApiError::missing("PaymentMethod", token))?;
    let id = state.ids.next("pm");
    let made = draft(&method, &id, state.now());
    state.payment_methods.insert(&id, made);
    state.test_methods.insert(id.clone(), token.to_owned());
    Ok(id)
}

fn draft(method: &TestMethod, id: &str, now: i64) -> Object {
    let mut made = blank("payment_method");
    let (kind, shown) = shown(method.form);
    made.extend(fields(json!({
        "id": id, "allow_redisplay": "unspecified", "created": now, "livemode": false, "metadata": {}, "type": kind,
        "billing_details": {"address": address(&json!({})), "email": null, "name": null, "phone": null, "tax_id": null},
    })));
    set(&mut made, kind, Value::Object(shown));
    made
}

fn shown(form: Form) -> (&'static str, Object) {
    match form {
        Form::Card { brand, last4 } => {
            let mut card = blank("payment_method_card");
            card.extend(fields(json!({
                "brand": brand, "country": "US", "display_brand": brand, "exp_month": 12, "exp_year": 2034,
                "funding": "credit", "last4": last4,
            })));
            ("card", card)
        }
        Form::UsBankAccount { last4 } => {
            let mut account = blank("payment_method_us_bank_account");
            account.extend(fields(json!({
                "account_holder_type": "individual", "account_type": "checking", "bank_name": "STRIPE TEST BANK",
                "last4": last4, "routing_number": "110000000",
            })));
            ("us_bank_account", account)
        }
        Form::SepaDebit(country) => {
            let mut account = blank("payment_method_sepa_debit");
            let country: String = country.iter().map(|letter| char::from(letter.to_ascii_uppercase())).collect();
            set(&mut account, "country", country);
            ("sepa_debit", account)
        }
    }
}
