//! The currencies billform bills in: one table of their decimals, and of how Stripe counts them.

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

/// What is known of one currency.
struct Row {
    code: &'static str,
    /// ISO 4217's number of decimals.
    decimals: u32,
    /// Stripe counts in units of ten to the minus this.
    stripe_scale: u32,
    /// Stripe takes only multiples of this many of its units.
    stripe_step: i64,
    /// The least Stripe charges, in its units; none where it names no amount.
    stripe_minimum: Option<i64>,
}

const fn row(
    code: &'static str,
    decimals: u32,
    stripe_scale: u32,
    stripe_step: i64,
    stripe_minimum: Option<i64>,
) -> Row {
    Row { code, decimals, stripe_scale, stripe_step, stripe_minimum }
}

/// Every currency billform bills in, by code: no row, no currency.
///
/// Sources: ISO 4217, table A.1, for `decimals`; <https://docs.stripe.com/currencies> for the rest: "Zero-decimal
/// currencies", "Three-decimal currencies" (the last digit must be 0), "Special cases" (ISK and UGX have no decimals and
/// are sent with two that are 00), "Minimum and maximum charge amounts".
#[rustfmt::skip]
const TABLE: &[Row] = &[
    row("AED", 2, 2, 1, Some(200)),
    row("ARS", 2, 2, 1, None),
    row("AUD", 2, 2, 1, Some(50)),
    row("BGN", 2, 2, 1, Some(100)),
    row("BHD", 3, 3, 10, None),
    row("BIF", 0, 0, 1, None),
    row("BRL", 2, 2, 1, Some(50)),
    row("CAD", 2, 2, 1, Some(50)),
    row("CHF", 2, 2, 1, Some(50)),
    row("CLP", 0, 0, 1, None),
    row("CNY", 2, 2, 1, None),
    row("COP", 2, 2, 1, None),
    row("CZK", 2, 2, 1, Some(1500)),
    row("DJF", 0, 0, 1, None),
    row("DKK", 2, 2, 1, Some(250)),
    row("EGP", 2, 2, 1, None),
    row("EUR", 2, 2, 1, Some(50)),
    row("GBP", 2, 2, 1, Some(30)),
    row("GNF", 0, 0, 1, None),
    row("HKD", 2, 2, 1, Some(400)),
    row("HUF", 2, 2, 1, Some(17500)),
    row("IDR", 2, 2, 1, None),
    row("ILS", 2, 2, 1, None),
    row("INR", 2, 2, 1, Some(50)),
    row("ISK", 0, 2, 100, None),
    row("JOD", 3, 3, 10, None),
    row("JPY", 0, 0, 1, Some(50)),
    row("KMF", 0, 0, 1, None),
    row("KRW", 0, 0, 1, None),
    row("KWD", 3, 3, 10, None),
    row("MAD", 2, 2, 1, None),
    row("MGA", 2, 0, 1, None),
    row("MXN", 2, 2, 1, Some(1000)),
    row("MYR", 2, 2, 1, Some(200)),
    row("NGN", 2, 2, 1, None),
    row("NOK", 2, 2, 1, Some(300)),
    row("NZD", 2, 2, 1, Some(50)),
    row("OMR", 3, 3, 10, None),
    row("PEN", 2, 2, 1, None),
    row("PHP", 2, 2, 1, None),
    row("PLN", 2, 2, 1, Some(200)),
    row("PYG", 0, 0, 1, None),
    row("QAR", 2, 2, 1, None),
    row("RON", 2, 2, 1, Some(200)),
    row("RSD", 2, 2, 1, None),
    row("RWF", 0, 0, 1, None),
    row("SAR", 2, 2, 1, None),
    row("SEK", 2, 2, 1, Some(300)),
    row("SGD", 2, 2, 1, Some(50)),
    row("THB", 2, 2, 1, Some(1000)),
    row("TND", 3, 3, 10, None),
    row("TRY", 2, 2, 1, None),
    row("TWD", 2, 2, 1, None),
    row("UAH", 2, 2, 1, None),
    row("UGX", 0, 2, 100, None),
    row("USD", 2, 2, 1, Some(50)),
    row("UYU", 2, 2, 1, None),
    row("VND", 0, 0, 1, None),
    row("VUV", 0, 0, 1, None),
    row("XAF", 0, 0, 1, None),
    row("XOF", 0, 0, 1, None),
    row("XPF", 0, 0, 1, None),
    row("ZAR", 2, 2, 1, None),
];

impl Currency {
    /// US dollars: what AWS bills in.
    pub const USD: Currency = Currency(*b"USD");
    /// Euros.
    pub const EUR: Currency = Currency(*b"EUR");

    /// Every currency that billform bills in, by code.
    pub fn all() -> impl Iterator<Item = Currency> {
        TABLE.iter().filter_map(|row| row.code.parse().ok())
    }

    /// The code in upper case.
    pub fn code(&self) -> &str {
        // Every constructor checks the letters, so the bytes are ASCII.
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// How many decimals ISO 4217 gives an amount of this currency: 0, 2 or 3. Amounts are shown with as many.
    pub fn decimals(self) -> u32 {
        self.row().decimals
    }

    /// How many decimals an amount can have that Stripe charges: lines and totals are rounded to as many.
    ///
    /// Fewer than [`Currency::decimals`] where Stripe cannot take the last one: two of KWD's three.
    pub fn billed_decimals(self) -> u32 {
        let row = self.row();
        row.stripe_scale.saturating_sub(row.stripe_step.ilog10())
    }

    /// How many decimals Stripe's integers of this currency have: 2 for UGX, which has none itself.
    pub fn stripe_scale(self) -> u32 {
        self.row().stripe_scale
    }

    /// Stripe takes only multiples of this many of its units: 1, 10 or 100.
    pub fn stripe_step(self) -> i64 {
        self.row().stripe_step
    }

    /// The least Stripe charges, in its units ([`crate::Money::minimum_charge`]). None where it names no amount: it then
    /// converts the least of the account's own currency.
    pub fn stripe_minimum(self) -> Option<i64> {
        self.row().stripe_minimum
    }

    fn row(self) -> &'static Row {
        // Every constructor checks that there is one.
        find(self.code()).unwrap_or(&TABLE[0])
    }
}

fn find(code: &str) -> Option<&'static Row> {
    TABLE.binary_search_by(|row| row.code.cmp(code)).ok().map(|at| &TABLE[at])
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    /// Accepts either case: Stripe writes `usd`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let code = text.to_ascii_uppercase();
        match code.as_bytes().try_into() {
            Ok(bytes) if find(&code).is_some() => Ok(Currency(bytes)),
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

    fn currency(code: &str) -> Currency {
        code.parse().expect("a currency")
    }

    #[test]
    fn the_table_is_sorted_and_steps_are_powers_of_ten() {
        assert!(TABLE.is_sorted_by(|left, right| left.code < right.code));
        for row in TABLE {
            assert_eq!(10_i64.pow(row.stripe_step.ilog10()), row.stripe_step, "{}", row.code);
            assert!(row.stripe_minimum.is_none_or(|least| least % row.stripe_step == 0), "{}", row.code);
        }
    }

    /// Every shape that Stripe's page names, with its own examples.
    #[test]
    fn scale_and_step_are_stripes() {
        for (code, decimals, scale, step, billed) in [
            ("USD", 2, 2, 1, 2),
            ("HUF", 2, 2, 1, 2),
            ("TWD", 2, 2, 1, 2),
            ("JPY", 0, 0, 1, 0),
            ("MGA", 2, 0, 1, 0),
            ("ISK", 0, 2, 100, 0),
            ("UGX", 0, 2, 100, 0),
            ("KWD", 3, 3, 10, 2),
            ("TND", 3, 3, 10, 2),
        ] {
            let it = currency(code);
            let found = (it.decimals(), it.stripe_scale(), it.stripe_step(), it.billed_decimals());
            assert_eq!(found, (decimals, scale, step, billed), "{code}");
        }
    }

    #[test]
    fn unknown_codes_are_refused() {
        for bad in ["", "US", "USDX", "XYZ", "€"] {
            assert!(bad.parse::<Currency>().is_err(), "{bad}");
        }
    }
}
