//! Methods that are made from a number: of a test card or of a test account.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::objects::metadata;
use crate::request::Request;
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::object::{self, Object, assign, cleared, group, integer, set, text};

use super::test_method::us_bank_account;
use super::{card, iban};

/// `POST /v1/payment_methods`
pub(super) fn create(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = of(state, &request.params)?;
    state.payment_methods.find(&id).cloned().map(Value::Object)
}

/// Makes a method of what `type` names, as `payment_method_data` has it too; answers its id.
pub(crate) fn of(state: &mut State, params: &Object) -> Result<String, ApiError> {
    let metadata = metadata::fresh(params)?;
    let kind = text(params, "type").unwrap_or_default();
    let details = group(params, kind).cloned().unwrap_or_default();
    let (token, shown) = match kind {
        "card" => (card::token_of(&details, year(state))?, shown_card(&details)),
        "sepa_debit" => {
            named(params)?;
            let (token, iban) = iban::token_of(&details)?;
            (token, json!({"bank_code": iban.get(4..12), "last4": iban::last4(&iban)}))
        }
        "us_bank_account" => {
            let number = text(&details, "account_number").unwrap_or_default();
            let token = us_bank_account::token_of(number).ok_or_else(|| {
                let message = "You must use a test bank account number in test mode.";
                ApiError::invalid(message).with_param("us_bank_account[account_number]")
            })?;
            (token, json!({}))
        }
        _ => return Err(ApiError::not_modelled(&format!("payment methods of the type `{kind}`")).with_param("type")),
    };
    let id = super::make(state, &token)?;
    let method = state.payment_methods.find_mut(&id)?;
    if let (Some(own), Value::Object(shown)) = (method.get_mut(kind).and_then(Value::as_object_mut), shown) {
        own.extend(shown);
    }
    set_billing(method, params);
    assign(method, params, &["allow_redisplay"]);
    set(method, "metadata", metadata);
    Ok(id)
}

/// Writes who the method belongs to.
fn set_billing(method: &mut Object, params: &Object) {
    let (Some(given), Some(own)) =
        (group(params, "billing_details"), method.get_mut("billing_details").and_then(Value::as_object_mut))
    else {
        return;
    };
    for (name, value) in given {
        let value = if name == "address" { object::address(value) } else { cleared(value) };
        set(own, name, value);
    }
}

/// A debit needs the name and the e-mail address of the account's owner.
fn named(params: &Object) -> Result<(), ApiError> {
    let billing = group(params, "billing_details");
    for name in ["email", "name"] {
        if billing.is_none_or(|billing| text(billing, name).is_none()) {
            return Err(ApiError::parameter_missing(&format!("billing_details[{name}]")));
        }
    }
    Ok(())
}

fn shown_card(details: &Object) -> Value {
    match (integer(details, "exp_month"), integer(details, "exp_year")) {
        (Some(month), Some(year)) => {
            json!({"exp_month": month, "exp_year": if year < 100 { year + 2000 } else { year }})
        }
        _ => json!({}),
    }
}

fn year(state: &State) -> i64 {
    let now = Timestamp::from_second(state.now()).unwrap_or_default();
    i64::from(now.to_zoned(TimeZone::UTC).year())
}
