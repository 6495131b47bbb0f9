//! Setup intents: a method is made ready to be charged later, without its customer.

mod confirm;

pub(crate) use confirm::{authenticated, carry_out};

use serde_json::{Value, json};

use crate::events::catalogue::{self, EventType};
use crate::objects::metadata;
use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::blank::blank;
use crate::wire::error::ApiError;
use crate::wire::list::{in_range, same};
use crate::wire::object::{Object, assign, fields, flag, group, integer, rows, set, text};

use super::method;

/// The types that this account offers where a request names none.
pub(crate) const OFFERED: [&str; 3] = ["card", "sepa_debit", "us_bank_account"];

/// The operations served here.
pub(crate) const ROUTES: &[Route] = &[
    route("POST /v1/setup_intents", create),
    route("GET /v1/setup_intents", list),
    route("GET /v1/setup_intents/{intent}", retrieve),
    route("POST /v1/setup_intents/{intent}", update),
    route("POST /v1/setup_intents/{intent}/confirm", confirm::confirm),
    route("POST /v1/setup_intents/{intent}/cancel", cancel),
];

/// `POST /v1/setup_intents`
fn create(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    let id = make(state, params)?;
    if flag(params, "confirm") == Some(true) {
        confirm::asked(state, &id, params)?;
    } else if params.contains_key("mandate_data") {
        let message = "`mandate_data` can only be given together with `confirm=true`.";
        return Err(ApiError::invalid(message).with_param("mandate_data"));
    }
    answer(state, &id)
}

/// Makes an intent and tells of it; answers its id.
pub(crate) fn make(state: &mut State, params: &Object) -> Result<String, ApiError> {
    let customer = text(params, "customer");
    if let Some(customer) = customer {
        state.customers.find(customer).map_err(|error| error.in_param("customer"))?;
    }
    let metadata = metadata::fresh(params)?;
    let types = types(params);
    let method = named_method(state, params, customer, &types)?;
    let id = state.ids.next("seti");
    let mut intent = blank("setup_intent");
    intent.extend(fields(json!({
        "id": id, "automatic_payment_methods": automatic(params), "client_secret": format!("{id}_secret_{}", state.ids.letters(25)),
        "created": customer.map_or_else(|| state.now(), |customer| state.now_of(customer)), "customer": customer,
        "livemode": false, "metadata": metadata, "payment_method": method, "payment_method_types": types,
        "status": if method.is_some() { "requires_confirmation" } else { "requires_payment_method" },
        "usage": text(params, "usage").unwrap_or("off_session"),
    })));
    assign(&mut intent, params, &["allowed_payment_method_types", "description"]);
    state.setup_intents.insert(&id, intent);
    happened(state, &id, catalogue::SETUP_INTENT_CREATED)?;
    Ok(id)
}

/// `GET /v1/setup_intents`
fn list(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    state.known_customer(params)?;
    let rows = state
        .setup_intents
        .newest_first()
        .filter(|intent| ["customer", "payment_method"].iter().all(|name| same(intent, params, name)))
        .filter(|intent| in_range(integer(intent, "created"), params.get("created")));
    request.newest_first(&state.setup_intents, rows, "/v1/setup_intents", |intent| Value::Object(intent.clone()))
}

/// `GET /v1/setup_intents/{intent}`
fn retrieve(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    answer(state, request.id(0))
}

/// `POST /v1/setup_intents/{intent}`: until it is over.
fn update(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let (id, params) = (request.id(0), &request.params);
    refuse_over(state, id, "update")?;
    let mut intent = state.setup_intents.find(id)?.clone();
    if let Some(customer) = text(params, "customer") {
        state.customers.find(customer).map_err(|error| error.in_param("customer"))?;
        set(&mut intent, "customer", customer);
    }
    if params.contains_key("payment_method_types") || params.contains_key("allowed_payment_method_types") {
        set(&mut intent, "payment_method_types", json!(types(params)));
        assign(&mut intent, params, &["allowed_payment_method_types"]);
    }
    let customer = text(&intent, "customer").map(str::to_owned);
    let types = texts(&intent, "payment_method_types");
    if let Some(method) = named_method(state, params, customer.as_deref(), &types)? {
        set(&mut intent, "payment_method", method);
        set(&mut intent, "status", "requires_confirmation");
    }
    assign(&mut intent, params, &["description"]);
    let metadata = metadata::merged(intent.get("metadata"), params, "metadata")?;
    set(&mut intent, "metadata", metadata);
    state.touch(text(&intent, "customer").unwrap_or_default());
    *state.setup_intents.find_mut(id)? = intent;
    answer(state, id)
}

/// `POST /v1/setup_intents/{intent}/cancel`
fn cancel(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    refuse_over(state, id, "cancel")?;
    refuse_checkouts(state, id, "cancel")?;
    let reason = request.params.get("cancellation_reason").cloned().unwrap_or(Value::Null);
    end(state, id, reason)?;
    answer(state, id)
}

/// Cancels an intent and tells of it.
pub(crate) fn end(state: &mut State, id: &str, reason: Value) -> Result<(), ApiError> {
    let intent = state.setup_intents.find_mut(id)?;
    set(intent, "status", "canceled");
    set(intent, "cancellation_reason", reason);
    set(intent, "next_action", Value::Null);
    happened(state, id, catalogue::SETUP_INTENT_CANCELED)
}

/// The intent as it is answered.
pub(crate) fn answer(state: &State, id: &str) -> Result<Value, ApiError> {
    state.setup_intents.find(id).cloned().map(Value::Object)
}

/// Tells what happened to an intent.
pub(crate) fn happened(state: &mut State, id: &str, kind: EventType) -> Result<(), ApiError> {
    let shown = answer(state, id)?;
    state.emit(kind, &shown);
    Ok(())
}

/// The types that may be set up: those that the request allows, or all that the account offers.
pub(crate) fn types(params: &Object) -> Vec<String> {
    for name in ["payment_method_types", "allowed_payment_method_types"] {
        if !rows(params, name).is_empty() {
            return texts(params, name);
        }
    }
    OFFERED.map(str::to_owned).to_vec()
}

fn texts(object: &Object, name: &str) -> Vec<String> {
    rows(object, name).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Stripe chooses the types itself unless the request names them.
pub(crate) fn automatic(params: &Object) -> Value {
    match group(params, "automatic_payment_methods") {
        Some(given) => json!({
            "allow_redirects": text(given, "allow_redirects").unwrap_or("always"), "enabled": flag(given, "enabled"),
        }),
        None if rows(params, "payment_method_types").is_empty() => {
            json!({"allow_redirects": "always", "enabled": true})
        }
        None => Value::Null,
    }
}

/// The id of the method that the request names or describes.
pub(crate) fn named_method(
    state: &mut State,
    params: &Object,
    customer: Option<&str>,
    types: &[String],
) -> Result<Option<String>, ApiError> {
    let id = match (text(params, "payment_method"), group(params, "payment_method_data")) {
        (Some(_), Some(_)) => return Err(ApiError::exclusive("payment_method", "payment_method_data")),
        (Some(named), None) => method::for_intent(state, named, customer)?,
        (None, Some(data)) => method::create::of(state, data)?,
        (None, None) => return Ok(None),
    };
    let kind = text(state.payment_methods.find(&id)?, "type").unwrap_or_default();
    if types.iter().any(|known| known == kind) {
        return Ok(Some(id));
    }
    let message = format!(
        "The PaymentMethod provided ({kind}) is not allowed for this intent. Please attach a PaymentMethod of one of the \
         following types: {}.",
        types.join(", ")
    );
    Err(ApiError::invalid(message).with_param("payment_method"))
}

/// Refuses what an intent that is over does not allow any more.
fn refuse_over(state: &State, id: &str, verb: &str) -> Result<(), ApiError> {
    match text(state.setup_intents.find(id)?, "status") {
        Some(status @ ("succeeded" | "canceled")) => {
            let message = format!(
                "You cannot {verb} this SetupIntent because it has a status of {status}. Only a SetupIntent with one of the \
                 following statuses may be {verb}ed: requires_payment_method, requires_confirmation, requires_action."
            );
            Err(ApiError::invalid(message).with_code("setup_intent_unexpected_state"))
        }
        _ => Ok(()),
    }
}

/// The intent of a Checkout session goes as its session goes.
fn refuse_checkouts(state: &State, id: &str, verb: &str) -> Result<(), ApiError> {
    if !state.checkout_of.contains_key(id) {
        return Ok(());
    }
    let message = format!("You cannot {verb} a SetupIntent that Checkout made: expire its Checkout Session instead.");
    Err(ApiError::invalid(message).with_code("setup_intent_unexpected_state"))
}
