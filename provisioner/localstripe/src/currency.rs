//! The currencies Stripe knows, how their amounts are written, and the least it charges in each: `data/currencies.json`,
//! which names its sources.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;

use crate::wire::error::ApiError;

const TABLE: &str = include_str!("../data/currencies.json");

/// One currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Currency {
    /// How many decimals an amount has: 1 unit is `10^decimals`.
    decimals: u32,
    /// What every amount is a multiple of.
    step: i64,
    /// The least Stripe charges; 0 where it names none.
    minimum: i64,
}

fn table() -> &'static BTreeMap<String, Currency> {
    static TABLE_READ: OnceLock<BTreeMap<String, Currency>> = OnceLock::new();
    TABLE_READ.get_or_init(|| {
        let document: Value = serde_json::from_str(TABLE).expect("the data file is part of the package and tested");
        let rows = document["currencies"].as_object().into_iter().flatten();
        rows.map(|(code, row)| {
            let decimals = row["decimals"].as_u64().and_then(|decimals| u32::try_from(decimals).ok()).unwrap_or(2);
            let number = |name: &str, absent: i64| row[name].as_i64().unwrap_or(absent);
            (code.clone(), Currency { decimals, step: number("step", 1), minimum: number("minimum", 0) })
        })
        .collect()
    })
}

/// Refuses a text that is not a currency in lower case.
pub(crate) fn check(currency: &str, param: &str) -> Result<(), ApiError> {
    if table().contains_key(currency) {
        return Ok(());
    }
    let hint = if table().contains_key(&currency.to_ascii_lowercase()) {
        "currencies are written in lower case"
    } else {
        "it is none of the currencies Stripe supports"
    };
    Err(ApiError::invalid(format!("Invalid currency: {currency}; {hint}.")).with_param(param))
}

/// Refuses an amount in minor units that Stripe cannot move in that currency.
pub(crate) fn check_amount(amount: i64, currency: &str, param: &str) -> Result<(), ApiError> {
    let Some(row) = table().get(currency).filter(|row| amount % row.step != 0) else {
        return Ok(());
    };
    if row.decimals == 3 {
        let message =
            format!("Invalid amount: {amount} {currency}; the last digit must be 0 in a currency of three decimals.");
        return Err(ApiError::bad_integer(param, message));
    }
    let message = format!(
        "Invalid amount. Currency {} has become effectively zero-decimal and charged amounts must be evenly divisible by \
         {}. See https://stripe.com/docs/currencies#special-cases for more information.",
        currency.to_ascii_uppercase(),
        row.step
    );
    Err(ApiError::invalid(message).with_code("invalid_charge_amount_no_decimal_compatible").with_param(param))
}

/// How many decimals an amount has when people write it.
pub(crate) fn decimals(currency: &str) -> u32 {
    table().get(currency).map_or(2, |row| row.decimals)
}

/// The least Stripe charges, in minor units; 0 where it names none.
pub(crate) fn minimum_charge(currency: &str) -> i64 {
    table().get(currency).map_or(0, |row| row.minimum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currencies_are_known_and_lower_case() {
        assert!(check("eur", "currency").is_ok());
        assert!(check("kwd", "currency").is_ok());
        assert!(check("EUR", "currency").unwrap_err().message.contains("lower case"));
        assert!(check("xyz", "currency").unwrap_err().message.contains("none"));
    }

    #[test]
    fn three_decimals_end_in_zero() {
        assert!(check_amount(1230, "kwd", "amount").is_ok());
        assert!(check_amount(1234, "kwd", "amount").is_err());
        assert!(check_amount(1234, "jpy", "amount").is_ok());
    }

    #[test]
    fn krona_and_shilling_are_whole_though_sent_with_two_decimals() {
        for currency in ["isk", "ugx"] {
            assert!(check_amount(500, currency, "amount").is_ok());
            assert!(check_amount(-500, currency, "amount").is_ok());
            for amount in [5, 501, 550, -1] {
                let error = check_amount(amount, currency, "amount").unwrap_err();
                assert_eq!(error.code, Some("invalid_charge_amount_no_decimal_compatible"), "{amount} {currency}");
            }
        }
        // Their special rules are about payouts.
        assert!(check_amount(501, "huf", "amount").is_ok());
        assert!(check_amount(501, "twd", "amount").is_ok());
    }

    #[test]
    fn minima_are_in_minor_units() {
        assert_eq!(minimum_charge("usd"), 50);
        assert_eq!(minimum_charge("isk"), 0);
    }

    #[test]
    fn every_row_of_the_table_is_read() {
        let document: Value = serde_json::from_str(TABLE).unwrap();
        assert_eq!(table().len(), document["currencies"].as_object().unwrap().len());
        assert!(table().len() > 130);
        assert!(document["sources"].as_array().unwrap().len() >= 2);
        for (code, row) in document["currencies"].as_object().unwrap() {
            assert!(code.len() == 3 && code.bytes().all(|letter| letter.is_ascii_lowercase()), "{code}");
            let known = ["decimals", "step", "minimum"];
            assert!(row.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{code}");
            assert!([0, 2, 3].contains(&table()[code].decimals), "{code}");
            assert_eq!(table()[code].minimum % table()[code].step, 0, "{code}");
        }
    }
}
