//! Sessions in payment mode: what is bought, and the intent that pays it, which is made when the customer pays.

use serde_json::{Value, json};

use crate::objects::payment::intent;
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::object::{Object, fields, flag, group, integer, rows, set, text};

/// What the line items add up to, and their currency.
pub(super) fn total(state: &State, params: &Object) -> Result<(i64, String), ApiError> {
    let mut money: Option<String> = None;
    let mut sum: i64 = 0;
    for (at, item) in rows(params, "line_items").iter().filter_map(Value::as_object).enumerate() {
        let param = format!("line_items[{at}][price]");
        let price = text(item, "price").ok_or_else(|| ApiError::parameter_missing(&param))?;
        let price = state.prices.find(price).map_err(|error| error.in_param(&param))?;
        let refusal = |message: &str| Err(ApiError::invalid(message).with_param(param.as_str()));
        if flag(price, "active") != Some(true) || text(price, "type") != Some("one_time") {
            return refusal(
                "The price specified is inactive or recurring: `payment` mode takes active one-time prices.",
            );
        }
        let own = text(price, "currency").unwrap_or_default();
        if money.as_deref().is_some_and(|money| money != own) {
            return refusal("All line items of a session must have the same currency.");
        }
        money = Some(own.to_owned());
        let amount = integer(price, "unit_amount").unwrap_or(0);
        sum = sum.saturating_add(amount.saturating_mul(integer(item, "quantity").unwrap_or(1)));
    }
    money.map(|money| (sum, money)).ok_or_else(|| ApiError::parameter_missing("line_items"))
}

/// The parameters of the intent that pays a session.
pub(super) fn intent_of(params: &Object, session: &Object) -> Object {
    let data = group(params, "payment_intent_data").cloned().unwrap_or_default();
    let mut intent = fields(json!({
        "amount": session["amount_total"], "currency": session["currency"],
        "allowed_payment_method_types": session["payment_method_types"],
    }));
    for name in ["description", "metadata", "receipt_email", "setup_future_usage", "shipping", "statement_descriptor"] {
        if let Some(value) = data.get(name) {
            set(&mut intent, name, value.clone());
        }
    }
    if let Some(customer) = text(session, "customer") {
        set(&mut intent, "customer", customer);
    }
    intent
}

/// The id of the intent that pays a session; it is made once.
pub(super) fn intent(state: &mut State, id: &str) -> Result<String, ApiError> {
    if let Some(made) = text(state.checkout_sessions.find(id)?, "payment_intent") {
        return Ok(made.to_owned());
    }
    let params = state.checkout_payments.get(id).cloned().unwrap_or_default();
    let made = intent::create::make(state, &params)?;
    set(state.checkout_sessions.find_mut(id)?, "payment_intent", made.as_str());
    state.checkout_of.insert(made.clone(), id.to_owned());
    Ok(made)
}
