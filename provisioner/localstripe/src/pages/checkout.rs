//! The page of a Checkout session: a card or an account is left, or the customer goes back.

use serde_json::{Value, json};

use crate::objects::checkout_session::complete::{self, Next};
use crate::objects::checkout_session::{PAGE, is_open};
use crate::objects::payment::page::BANK;
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::object::{Object, fields, group, integer, rows, text};

use super::{Page, html};

/// The page of the session `id`, or what comes of its form.
pub(super) fn answer(state: &mut State, id: &str, given: Option<&Object>) -> Page {
    if !is_open(state, id) {
        return Page::gone("This checkout session is over, or there is none: ask for another link.");
    }
    match given {
        None => shown(state, id, None, 200),
        Some(given) => match described(given).and_then(|described| complete::submit(state, id, &described)) {
            Ok(next) => see(next),
            Err(error) => shown(state, id, Some(&error.message), error.status),
        },
    }
}

/// The customer comes back from the bank.
pub(super) fn returned(state: &mut State, id: &str, intent: &str) -> Page {
    match complete::returned(state, id, intent) {
        Ok(Some(next)) => see(next),
        Ok(None) => {
            let setup = state.setup_intents.find(intent).ok().and_then(|intent| group(intent, "last_setup_error"));
            let payment =
                state.payment_intents.find(intent).ok().and_then(|intent| group(intent, "last_payment_error"));
            let error = setup.or(payment);
            let message = error.and_then(|error| text(error, "message")).unwrap_or_default().to_owned();
            shown(state, id, Some(&message), 402)
        }
        Err(error) => shown(state, id, Some(&error.message), error.status),
    }
}

fn see(next: Next) -> Page {
    Page::See(match next {
        Next::Bank(intent) => format!("{BANK}{intent}"),
        Next::Done(back) => back,
    })
}

fn shown(state: &State, id: &str, message: Option<&str>, status: u16) -> Page {
    let Ok(session) = state.checkout_sessions.find(id) else {
        return Page::gone("There is no such checkout session.");
    };
    let types: Vec<&str> = rows(session, "payment_method_types").iter().filter_map(Value::as_str).collect();
    let email = group(session, "customer_details").and_then(|details| text(details, "email")).unwrap_or_default();
    let mut body = html::alert(message);
    let pays = text(session, "mode") == Some("payment");
    let button = if pays { "Pay" } else { "Save payment method" };
    body.push_str(&html::method_forms(&types, &format!("{PAGE}{id}"), button, email));
    if let Some(back) = text(session, "cancel_url") {
        body.push_str(&format!("<p><a href=\"{}\" id=\"cancel\">Cancel and go back</a></p>", html::escaped(back)));
    }
    let title = if pays {
        let money = text(session, "currency").unwrap_or_default();
        let amount = html::money(integer(session, "amount_total").unwrap_or(0), money);
        format!("Pay {amount} {} to {}", money.to_uppercase(), state.account.name)
    } else {
        format!("Save a payment method for {}", state.account.name)
    };
    Page::Shown { status, html: html::page(&title, &body) }
}

/// What the form says, as `POST /v1/payment_methods` takes it.
pub(super) fn described(given: &Object) -> Result<Object, ApiError> {
    let field = |name: &str| text(given, name);
    let details = match field("type") {
        Some("card") => {
            let expiry = field("expiry").unwrap_or_default();
            let digits: String = expiry.chars().filter(char::is_ascii_digit).collect();
            let month = digits.get(..2).and_then(|month| month.parse::<i64>().ok());
            let year = digits.get(2..).and_then(|year| year.parse::<i64>().ok());
            json!({"number": field("number"), "exp_month": month.unwrap_or(0), "exp_year": year.unwrap_or(0)})
        }
        Some("sepa_debit") => json!({"iban": field("iban")}),
        Some("us_bank_account") => json!({"account_number": field("account"), "routing_number": field("routing")}),
        _ => return Err(ApiError::parameter_missing("type")),
    };
    let mut billing = fields(json!({}));
    for name in ["email", "name"] {
        if let Some(value) = field(name) {
            billing.insert(name.to_owned(), json!(value));
        }
    }
    let kind = field("type").unwrap_or_default();
    let mut described = fields(json!({"type": kind, "billing_details": billing, "allow_redisplay": "limited"}));
    described.insert(kind.to_owned(), details);
    Ok(described)
}
