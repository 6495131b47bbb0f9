//! A session as a request describes it.

use serde_json::{Value, json};

use crate::currency;
use crate::objects::metadata;
use crate::objects::payment::setup_intent;
use crate::state::State;
use crate::wire::blank::blank;
use crate::wire::error::ApiError;
use crate::wire::object::{Object, assign, fields, group, integer, required, rows, set, text};

use super::{PAGE, payment};

const MINUTE: i64 = 60;
/// How long a session is open unless the request says otherwise, and at most.
const OPEN_FOR: i64 = 24 * 60 * MINUTE;
/// How long it is open at least.
const OPEN_AT_LEAST: i64 = 30 * MINUTE;

/// The session that the parameters describe, open and without its intent.
pub(super) fn of(state: &mut State, params: &Object) -> Result<Object, ApiError> {
    check(state, params)?;
    let customer = text(params, "customer");
    let bought = if text(params, "mode") == Some("payment") { Some(payment::total(state, params)?) } else { None };
    let money = bought.as_ref().map(|(_, money)| money.as_str()).or(text(params, "currency"));
    let (money, types) = offered(params, money)?;
    let now = customer.map_or_else(|| state.now(), |customer| state.now_of(customer));
    let expires_at = expires_at(params, now)?;
    let metadata = metadata::fresh(params)?;
    let id = format!("cs_test_{}{}", state.ids.letters(29), state.ids.letters(29));
    let email = text(params, "customer_email").or_else(|| {
        customer.and_then(|customer| state.customers.find(customer).ok()).and_then(|customer| text(customer, "email"))
    });
    let details = email.map(|email| {
        json!({
            "address": null, "business_name": null, "email": email, "individual_name": null, "name": null, "phone": null,
            "tax_exempt": null, "tax_ids": null,
        })
    });
    let mut session = blank("checkout.session");
    session.extend(fields(json!({
        "id": id, "automatic_tax": {"enabled": false, "liability": null, "provider": null, "status": null}, "created": now,
        "currency": money, "custom_text": {
            "after_submit": null, "shipping_address": null, "submit": null, "terms_of_service_acceptance": null,
        },
        "customer": customer, "customer_details": details, "expires_at": expires_at, "livemode": false,
        "metadata": metadata, "mode": "setup", "payment_method_collection": "always", "payment_method_options": {},
        "payment_method_types": types, "payment_status": "no_payment_required", "status": "open", "ui_mode": "hosted_page",
        "url": format!("{}{PAGE}{id}", state.base),
    })));
    if let Some((amount, _)) = bought {
        session.extend(fields(json!({
            "amount_subtotal": amount, "amount_total": amount, "mode": "payment", "payment_status": "unpaid",
            "payment_method_collection": "if_required",
            "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        })));
    }
    if customer.is_none() {
        set(&mut session, "customer_creation", text(params, "customer_creation").unwrap_or("if_required"));
    }
    assign(
        &mut session,
        params,
        &[
            "allowed_payment_method_types",
            "billing_address_collection",
            "cancel_url",
            "client_reference_id",
            "customer_email",
            "locale",
            "submit_type",
            "success_url",
        ],
    );
    Ok(session)
}

/// The parameters of the intent behind a session.
pub(super) fn intent(params: &Object, session: &Object) -> Object {
    let mut intent = group(params, "setup_intent_data").cloned().unwrap_or_default();
    for name in ["customer", "payment_method_types"] {
        if let Some(value) = session.get(name).filter(|value| !value.is_null()) {
            set(&mut intent, name, value.clone());
        }
    }
    intent
}

fn check(state: &State, params: &Object) -> Result<(), ApiError> {
    let mode = required(params, "mode")?;
    if mode == "subscription" {
        return Err(ApiError::not_modelled("Checkout in the mode `subscription`").with_param("mode"));
    }
    for (name, only) in [("line_items", "payment"), ("payment_intent_data", "payment"), ("setup_intent_data", "setup")]
    {
        if params.contains_key(name) && mode != only {
            let message = format!("You can only pass `{name}` in `{only}` mode.");
            return Err(ApiError::invalid(message).with_param(name));
        }
    }
    if let Some(shown) = text(params, "ui_mode").filter(|shown| *shown != "hosted_page") {
        return Err(
            ApiError::not_modelled(&format!("Checkout in a page of the caller (`{shown}`)")).with_param("ui_mode")
        );
    }
    required(params, "success_url")?;
    for name in ["success_url", "cancel_url"] {
        if text(params, name).is_some_and(|url| !(url.starts_with("http://") || url.starts_with("https://"))) {
            let message = "Not a valid URL: an explicit scheme (such as https) must be provided.";
            return Err(ApiError::invalid(message).with_code("url_invalid").with_param(name));
        }
    }
    if let Some(customer) = text(params, "customer") {
        if params.contains_key("customer_email") {
            return Err(ApiError::exclusive("customer", "customer_email"));
        }
        state.customers.find(customer).map_err(|error| error.in_param("customer"))?;
    }
    Ok(())
}

/// The currency, and the types that are offered for it: Stripe leaves out what cannot be used with it.
fn offered(params: &Object, money: Option<&str>) -> Result<(Value, Vec<String>), ApiError> {
    let types = setup_intent::types(params);
    let Some(money) = money else {
        if rows(params, "payment_method_types").is_empty() {
            let message =
                "Missing required param: currency. In `setup` mode it says which payment methods are offered.";
            return Err(ApiError::invalid(message).with_code("parameter_missing").with_param("currency"));
        }
        return Ok((Value::Null, types));
    };
    currency::check(money, "currency")?;
    let fits = |kind: &String| match kind.as_str() {
        "sepa_debit" => money == "eur",
        "us_bank_account" => money == "usd",
        kind => kind == "card",
    };
    let fitting: Vec<String> = types.into_iter().filter(fits).collect();
    if fitting.is_empty() {
        let message = format!("None of the payment method types given can be used with the currency `{money}`.");
        return Err(ApiError::invalid(message).with_param("allowed_payment_method_types"));
    }
    Ok((json!(money), fitting))
}

fn expires_at(params: &Object, now: i64) -> Result<i64, ApiError> {
    let at = integer(params, "expires_at").unwrap_or(now.saturating_add(OPEN_FOR));
    if (OPEN_AT_LEAST..=OPEN_FOR).contains(&(at - now)) {
        return Ok(at);
    }
    let message =
        "The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from Checkout Session creation.";
    Err(ApiError::invalid(message).with_param("expires_at"))
}
