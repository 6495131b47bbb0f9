//! Payment intents that requests make, beside those of invoices.

use serde_json::{Value, json};

use crate::currency;
use crate::events::catalogue;
use crate::objects::metadata;
use crate::objects::payment::setup_intent::{automatic, named_method, types};
use crate::objects::payment::{attempt, invoice_payment};
use crate::request::Request;
use crate::state::State;
use crate::wire::blank::blank;
use crate::wire::error::ApiError;
use crate::wire::object::{self, Object, assign, fields, flag, integer, required, rows, set, text};

use super::confirm::{Attempt, accept_mandate};
use super::{answer, happened};

/// What requests may say of an intent as it stands.
const PLAIN: [&str; 5] =
    ["allowed_payment_method_types", "description", "receipt_email", "setup_future_usage", "statement_descriptor"];

/// `POST /v1/payment_intents`
pub(super) fn create(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    let id = make(state, params)?;
    if flag(params, "confirm") == Some(true) {
        carry_out(state, &id, params)?;
    }
    answer(state, &id)
}

/// Makes an intent as the parameters say, and tells of it; answers its id.
pub(crate) fn make(state: &mut State, params: &Object) -> Result<String, ApiError> {
    let customer = text(params, "customer");
    if let Some(customer) = customer {
        state.customers.find(customer).map_err(|error| error.in_param("customer"))?;
    }
    let (amount, money) = amount(params)?;
    let metadata = metadata::fresh(params)?;
    let types = types(params);
    let method = named_method(state, params, customer, &types)?;
    let id = state.ids.next("pi");
    let mut intent = blank("payment_intent");
    intent.extend(fields(json!({
        "id": id, "amount": amount, "amount_capturable": 0, "amount_received": 0,
        "automatic_payment_methods": automatic(params), "capture_method": text(params, "capture_method").unwrap_or("automatic_async"),
        "client_secret": format!("{id}_secret_{}", state.ids.letters(25)),
        "confirmation_method": text(params, "confirmation_method").unwrap_or("automatic"),
        "created": customer.map_or_else(|| state.now(), |customer| state.now_of(customer)), "currency": money,
        "customer": customer, "livemode": false, "metadata": metadata, "payment_method": method,
        "payment_method_types": types, "status": if method.is_some() { "requires_confirmation" } else { "requires_payment_method" },
    })));
    assign(&mut intent, params, &PLAIN);
    if let Some(shipping) = params.get("shipping") {
        set(&mut intent, "shipping", object::shipping(shipping));
    }
    state.payment_intents.insert(&id, intent);
    happened(state, &id, catalogue::PAYMENT_INTENT_CREATED)?;
    Ok(id)
}

fn amount(params: &Object) -> Result<(i64, String), ApiError> {
    let money = required(params, "currency")?.to_ascii_lowercase();
    currency::check(&money, "currency")?;
    let amount = integer(params, "amount").unwrap_or(0);
    if amount < 1 {
        return Err(ApiError::bad_integer("amount", "This value must be greater than or equal to 1."));
    }
    currency::check_amount(amount, &money, "amount")?;
    let least = currency::minimum_charge(&money);
    if amount < least {
        let message = format!("Amount must convert to at least {least} minor units of {money}.");
        return Err(ApiError::invalid(message).with_code("amount_too_small").with_param("amount"));
    }
    Ok((amount, money))
}

/// `POST /v1/payment_intents/{intent}`: until its money moves.
pub(super) fn update(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let (id, params) = (request.id(0), &request.params);
    refuse_moving(state, id, "update")?;
    let mut intent = state.payment_intents.find(id)?.clone();
    if params.contains_key("amount") || params.contains_key("currency") {
        refuse_invoices(state, id, "change the amount of")?;
        let mut whole = intent.clone();
        assign(&mut whole, params, &["amount", "currency"]);
        let (amount, money) = amount(&whole)?;
        set(&mut intent, "amount", amount);
        set(&mut intent, "currency", money);
    }
    if let Some(customer) = text(params, "customer") {
        state.customers.find(customer).map_err(|error| error.in_param("customer"))?;
        set(&mut intent, "customer", customer);
    }
    let customer = text(&intent, "customer").map(str::to_owned);
    let types: Vec<String> =
        rows(&intent, "payment_method_types").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    if let Some(method) = named_method(state, params, customer.as_deref(), &types)? {
        set(&mut intent, "payment_method", method);
        set(&mut intent, "status", "requires_confirmation");
    }
    assign(&mut intent, params, &PLAIN);
    let metadata = metadata::merged(intent.get("metadata"), params, "metadata")?;
    set(&mut intent, "metadata", metadata);
    state.touch(text(&intent, "customer").unwrap_or_default());
    *state.payment_intents.find_mut(id)? = intent;
    answer(state, id)
}

/// `POST /v1/payment_intents/{intent}/confirm`
pub(super) fn confirm(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let (id, params) = (request.id(0), &request.params);
    refuse_moving(state, id, "confirm")?;
    let intent = state.payment_intents.find(id)?;
    let customer = text(intent, "customer").map(str::to_owned);
    // The intent of an invoice says only how it was tried last.
    let types = match state.pays_for.contains_key(id) {
        true => types(&Object::new()),
        false => rows(intent, "payment_method_types").iter().filter_map(Value::as_str).map(str::to_owned).collect(),
    };
    if let Some(method) = named_method(state, params, customer.as_deref(), &types)? {
        set(state.payment_intents.find_mut(id)?, "payment_method", method);
    }
    assign(state.payment_intents.find_mut(id)?, params, &["receipt_email", "setup_future_usage"]);
    carry_out(state, id, params)?;
    answer(state, id)
}

/// `POST /v1/payment_intents/{intent}/cancel`
pub(super) fn cancel(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    refuse_moving(state, id, "cancel")?;
    refuse_invoices(state, id, "cancel")?;
    super::cancel(state, id, text(&request.params, "cancellation_reason"))?;
    answer(state, id)
}

fn carry_out(state: &mut State, id: &str, params: &Object) -> Result<(), ApiError> {
    let intent = state.payment_intents.find(id)?;
    let Some(method) = text(intent, "payment_method").map(str::to_owned) else {
        let message = "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update \
                       the PaymentIntent with a payment method and then confirm it again, or confirm it again directly \
                       with a payment method.";
        return Err(ApiError::invalid(message).with_code("payment_intent_unexpected_state"));
    };
    accept_mandate(state, &method, params)?;
    let off_session = params.get("off_session").is_some_and(|off| off != &Value::Bool(false));
    let attempted =
        Attempt { method: &method, on_session: !off_session, confirmed: false, return_url: text(params, "return_url") };
    attempt::of_intent(state, id, &attempted)
}

fn refuse_moving(state: &State, id: &str, verb: &str) -> Result<(), ApiError> {
    match text(state.payment_intents.find(id)?, "status") {
        Some("requires_capture") if verb == "cancel" => {
            Err(ApiError::not_modelled("the cancellation of a payment that waits for its capture"))
        }
        Some(status @ ("succeeded" | "canceled" | "processing" | "requires_capture")) => {
            let message = format!("You cannot {verb} this PaymentIntent because it has a status of {status}.");
            Err(ApiError::invalid(message)
                .with_code("payment_intent_unexpected_state")
                .with_object("payment_intent", answer(state, id)?))
        }
        _ => Ok(()),
    }
}

/// The intent of an invoice goes as its invoice goes.
fn refuse_invoices(state: &State, id: &str, verb: &str) -> Result<(), ApiError> {
    if invoice_payment::default_invoice(state, id).is_none() {
        return Ok(());
    }
    let message =
        format!("You cannot {verb} a PaymentIntent that an invoice made: change or void the invoice instead.");
    Err(ApiError::invalid(message).with_code("payment_intent_unexpected_state"))
}
