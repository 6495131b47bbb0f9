//! Numbers of European bank accounts: which are written right, and which test method is behind one.

use crate::objects::payment::test_method::sepa;
use crate::wire::error::ApiError;
use crate::wire::object::{Object, text};

/// The token behind the details of an account, `iban`, and the IBAN without blanks.
pub(crate) fn token_of(details: &Object) -> Result<(String, String), ApiError> {
    let iban: String = text(details, "iban").unwrap_or_default().chars().filter(|sign| *sign != ' ').collect();
    let iban = iban.to_ascii_uppercase();
    if !valid(&iban) {
        let message = format!("The bank account number (IBAN) provided (ending in {}) is invalid.", last4(&iban));
        return Err(ApiError::invalid(message).with_code("invalid_bank_account_iban").with_param("sepa_debit[iban]"));
    }
    match sepa::token_of(&iban) {
        Some(token) => Ok((token, iban)),
        None => Err(ApiError::not_modelled(&format!("bank accounts in {}", &iban[..2])).with_param("sepa_debit[iban]")),
    }
}

/// The last four signs of an account.
pub(crate) fn last4(iban: &str) -> &str {
    iban.get(iban.len().saturating_sub(4)..).unwrap_or_default()
}

/// Whether the check digits of an IBAN hold (ISO 7064, modulo 97).
pub(crate) fn valid(iban: &str) -> bool {
    if !(15..=34).contains(&iban.len()) || !iban.bytes().all(|sign| sign.is_ascii_alphanumeric()) {
        return false;
    }
    let (head, rest) = iban.split_at(4);
    let remainder = rest.chars().chain(head.chars()).filter_map(|sign| sign.to_digit(36)).fold(0, |sum, digit| {
        let shifted = if digit > 9 { sum * 100 } else { sum * 10 };
        (shifted + digit) % 97
    });
    remainder == 1
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire::object::fields;

    #[test]
    fn a_wrong_account_is_refused_and_blanks_do_not_count() {
        let of = |iban: &str| token_of(&fields(json!({ "iban": iban })));
        assert_eq!(of("de89 3704 0044 0532 0130 00").unwrap().0, "pm_success_de");
        assert_eq!(of("DE89370400440532013001").unwrap_err().code, Some("invalid_bank_account_iban"));
        assert!(of("IT60X0542811101000000123456").unwrap_err().message.contains("does not model"));
        assert!(of("").is_err() && of("é").is_err());
    }
}
