//! Card numbers: which are written right, and which test method is behind one.

use crate::objects::payment::test_method::{Decline, card};
use crate::wire::error::ApiError;
use crate::wire::object::{Object, integer, text};

/// The token behind the details of a card: `number`, `exp_month`, `exp_year`, or a `token`.
///
/// `year` is the year that it is.
pub(crate) fn token_of(details: &Object, year: i64) -> Result<String, ApiError> {
    if let Some(token) = text(details, "token") {
        let name = token.strip_prefix("tok_").map(|name| format!("pm_card_{name}"));
        return name
            .filter(|name| super::test_method::of(name).is_some())
            .ok_or_else(|| ApiError::missing("token", token).in_param("card[token]"));
    }
    let number: String = text(details, "number").unwrap_or_default().chars().filter(|sign| *sign != ' ').collect();
    if !luhn(&number) {
        return Err(refused("incorrect_number", None, "Your card number is incorrect."));
    }
    if !(1..=12).contains(&integer(details, "exp_month").unwrap_or(0)) {
        return Err(refused("invalid_expiry_month", None, "Your card's expiration month is invalid."));
    }
    if integer(details, "exp_year").unwrap_or(0) % 100 < year % 100 {
        return Err(refused("invalid_expiry_year", None, "Your card's expiration year is invalid."));
    }
    card::token_of(&number).ok_or_else(|| {
        let message = "Your card was declined. Your request was in test mode, but used a non test card. For a list of \
                       valid test cards, visit: https://stripe.com/docs/testing.";
        refused("card_declined", Some("test_mode_live_card"), message)
    })
}

fn refused(code: &'static str, decline_code: Option<&'static str>, message: &'static str) -> ApiError {
    Decline { code, decline_code, message }.refusal()
}

/// Whether the check digit of a card number holds.
pub(crate) fn luhn(number: &str) -> bool {
    let digits: Option<Vec<u32>> = number.chars().map(|digit| digit.to_digit(10)).collect();
    let Some(digits) = digits.filter(|digits| (12..=19).contains(&digits.len())) else {
        return false;
    };
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 =
        digits.iter().rev().enumerate().map(|(at, digit)| if at % 2 == 1 { doubled(*digit) } else { *digit }).sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire::object::fields;

    #[test]
    fn wrong_numbers_and_strange_ones_are_refused_by_their_codes() {
        let of = |number: &str, month: i64, year: i64| {
            token_of(&fields(json!({"number": number, "exp_month": month, "exp_year": year})), 2026)
        };
        assert_eq!(of("4242 4242 4242 4242", 12, 34).unwrap(), "pm_card_visa");
        for (number, month, year, code) in [
            ("4242424242424241", 12, 2034, "incorrect_number"),
            ("", 12, 2034, "incorrect_number"),
            ("4242424242424242", 13, 2034, "invalid_expiry_month"),
            ("4242424242424242", 12, 2025, "invalid_expiry_year"),
            ("4111111111111111", 12, 2034, "card_declined"),
        ] {
            let error = of(number, month, year).unwrap_err();
            assert_eq!((error.status, error.code), (402, Some(code)), "{number}");
        }
        assert_eq!(token_of(&fields(json!({"token": "tok_visa"})), 2026).unwrap(), "pm_card_visa");
        assert_eq!(token_of(&fields(json!({"token": "tok_gold"})), 2026).unwrap_err().status, 400);
    }
}
