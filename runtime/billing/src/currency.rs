//! ISO 4217 currencies, with the number of decimals each one has.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A three-letter currency code, upper case: `USD`, `EUR`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// The text is no currency that billform bills in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no known currency; write its three-letter ISO 4217 code, such as USD or EUR")]
pub struct UnknownCurrency(pub String);

/// Codes with no decimals, as ISO 4217 and Stripe's list of zero-decimal currencies have them.
const NO_DECIMALS: &[&str] =
    &["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"];
/// Codes with three decimals.
const THREE_DECIMALS: &[&str] = &["BHD", "JOD", "KWD", "OMR", "TND"];
/// Codes with two decimals that billform accepts.
const TWO_DECIMALS: &[&str] = &[
    "AED", "ARS", "AUD", "BGN", "BRL", "CAD", "CHF", "CNY", "COP", "CZK", "DKK", "EGP", "EUR", "GBP", "HKD", "HUF",
    "IDR", "ILS", "INR", "ISK", "MAD", "MXN", "MYR", "NGN", "NOK", "NZD", "PEN", "PHP", "PLN", "QAR", "RON", "RSD",
    "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "USD", "UYU", "ZAR",
];

impl Currency {
    /// US dollars: what AWS bills in.
    pub const USD: Currency = Currency(*b"USD");
    /// Euros.
    pub const EUR: Currency = Currency(*b"EUR");

    /// The code in upper case.
    pub fn code(&self) -> &str {
        // Every constructor checks the letters, so the bytes are ASCII.
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// How many decimals an amount of this currency has: 0, 2 or 3.
    pub fn decimals(self) -> u32 {
        if NO_DECIMALS.contains(&self.code()) {
            0
        } else if THREE_DECIMALS.contains(&self.code()) {
            3
        } else {
            2
        }
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    /// Accepts either case: Stripe writes `usd`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let code = text.to_ascii_uppercase();
        let known = [NO_DECIMALS, THREE_DECIMALS, TWO_DECIMALS].iter().any(|list| list.contains(&code.as_str()));
        match code.as_bytes().try_into() {
            Ok(bytes) if known => Ok(Currency(bytes)),
            _ => Err(UnknownCurrency(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = UnknownCurrency;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.code().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_follow_iso_4217() {
        let decimals = |code: &str| code.parse::<Currency>().map(Currency::decimals);
        assert_eq!(decimals("jpy"), Ok(0));
        assert_eq!(decimals("EUR"), Ok(2));
        assert_eq!(decimals("KWD"), Ok(3));
    }

    #[test]
    fn unknown_codes_are_refused() {
        for bad in ["", "US", "USDX", "XYZ", "€"] {
            assert!(bad.parse::<Currency>().is_err(), "{bad}");
        }
    }
}
