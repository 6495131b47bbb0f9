//! Exact money: a decimal amount and its currency, never a float, never Stripe's minor units by accident.

use std::fmt;
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::Currency;

/// An exact amount in one currency. Written `20.00 EUR`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Money {
    /// The amount in major units (dollars, euros), as exact as it came.
    pub amount: Decimal,
    /// What it is an amount of.
    pub currency: Currency,
}

/// Why a text is no money, or two amounts do not add.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not `AMOUNT CURRENCY`.
    #[error("`{0}` is no money; write an amount and a currency, such as \"20.00 USD\"")]
    Malformed(String),
    /// The currency code is unknown.
    #[error(transparent)]
    Currency(#[from] crate::currency::UnknownCurrency),
    /// Amounts of two currencies met in one sum.
    #[error("{left} and {right} do not add: convert one of them at a stated rate first")]
    Mixed {
        /// The currency of the sum so far.
        left: Currency,
        /// The currency that came.
        right: Currency,
    },
    /// The amount does not fit.
    #[error("the amount {0} is too large")]
    TooLarge(String),
}

/// Stripe's integer amount: cents of USD, yen of JPY, thousandths of KWD, hundredths of UGX ([`Currency::stripe_scale`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MinorUnits(pub i64);

/// The one rounding function: half away from zero, to `decimals` places (money-pitfalls, "Numbers").
pub fn round(amount: Decimal, decimals: u32) -> Decimal {
    amount.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero)
}

impl Money {
    /// An amount of a currency, not rounded.
    pub fn new(amount: Decimal, currency: Currency) -> Self {
        Money { amount, currency }
    }

    /// Nothing, in a currency.
    pub fn zero(currency: Currency) -> Self {
        Money::new(Decimal::ZERO, currency)
    }

    /// The amount rounded once, half away from zero, to what Stripe can charge ([`Currency::billed_decimals`]):
    /// `5.125 KWD` is 5.130.
    pub fn rounded(self) -> Self {
        Money::new(round(self.amount, self.currency.billed_decimals()), self.currency)
    }

    /// The least Stripe charges in a currency; it moves what is below to the customer's balance. None where Stripe names no
    /// amount.
    pub fn minimum_charge(currency: Currency) -> Option<Money> {
        currency.stripe_minimum().map(|units| Money::from_minor_units(MinorUnits(units), currency))
    }

    /// The sum, or an error when the currencies differ.
    pub fn plus(self, other: Money) -> Result<Money, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Mixed { left: self.currency, right: other.currency });
        }
        let amount =
            self.amount.checked_add(other.amount).ok_or_else(|| MoneyError::TooLarge(self.amount.to_string()))?;
        Ok(Money::new(amount, self.currency))
    }

    /// The rounded amount as Stripe wants it: a multiple of [`Currency::stripe_step`].
    pub fn minor_units(self) -> Result<MinorUnits, MoneyError> {
        let too_large = || MoneyError::TooLarge(self.amount.to_string());
        let scale = Decimal::from(10_i64.pow(self.currency.stripe_scale()));
        let units = self.rounded().amount.checked_mul(scale).ok_or_else(too_large)?;
        i64::try_from(units.normalize()).map(MinorUnits).map_err(|_| too_large())
    }

    /// The amount without its currency, as a line of an invoice names it: `131.00`.
    pub fn plain(self) -> String {
        self.to_string().split(' ').next().unwrap_or_default().to_owned()
    }

    /// The amount that Stripe's integer stands for.
    pub fn from_minor_units(units: MinorUnits, currency: Currency) -> Money {
        Money::new(Decimal::new(units.0, currency.stripe_scale()), currency)
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || MoneyError::Malformed(text.to_owned());
        let (amount, currency) = text.trim().split_once(' ').ok_or_else(malformed)?;
        let amount = plain_decimal(amount).ok_or_else(malformed)?;
        Ok(Money::new(amount, currency.trim().parse()?))
    }
}

/// A decimal in plain digits: no exponent, no grouping, no sign but `-`.
pub(crate) fn plain_decimal(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let framed = digits.starts_with(|c: char| c.is_ascii_digit()) && !digits.ends_with('.');
    (plain && framed).then(|| Decimal::from_str_exact(text).ok()).flatten()
}

impl fmt::Display for Money {
    /// At least the currency's decimals, more when the amount has more.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut amount = self.amount.normalize();
        if amount.scale() < self.currency.decimals() {
            amount.rescale(self.currency.decimals());
        }
        write!(f, "{amount} {}", self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Money {
    type Error = MoneyError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Money> for String {
    fn from(money: Money) -> String {
        money.to_string()
    }
}

/// A share in percent, exact. Written `10%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Percent(Decimal);

/// The text is no percentage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no percentage; write a number and a percent sign, such as \"10%\"")]
pub struct NotAPercent(pub String);

impl Percent {
    /// From the number before the percent sign: `Percent::new(10.into())` is ten percent.
    pub fn new(percent: Decimal) -> Self {
        Percent(percent)
    }

    /// The number before the percent sign.
    pub fn value(self) -> Decimal {
        self.0
    }

    /// This share of an amount, not rounded.
    pub fn of(self, amount: Decimal) -> Decimal {
        amount * self.0 / Decimal::ONE_HUNDRED
    }
}

impl FromStr for Percent {
    type Err = NotAPercent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.trim().strip_suffix('%').map(str::trim_end);
        let percent = number.and_then(plain_decimal);
        percent.map(Percent).ok_or_else(|| NotAPercent(text.to_owned()))
    }
}

impl TryFrom<String> for Percent {
    type Error = NotAPercent;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Percent> for String {
    fn from(percent: Percent) -> String {
        percent.to_string()
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0.normalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn money_is_written_with_the_decimals_of_its_currency() {
        for (text, shown) in
            [("20 EUR", "20.00 EUR"), ("5 JPY", "5 JPY"), ("0.125 USD", "0.125 USD"), ("1 kwd", "1.000 KWD")]
        {
            assert_eq!(text.parse::<Money>().map(|m| m.to_string()), Ok(shown.to_owned()));
        }
    }

    #[test]
    fn malformed_money_is_refused() {
        for bad in ["20", "EUR 20", "1e3 EUR", "1,000.00 EUR", "+1 EUR", ".5 EUR", "5. EUR", "20.00 XXX", ""] {
            assert!(bad.parse::<Money>().is_err(), "{bad}");
        }
    }

    #[test]
    fn halves_round_away_from_zero() {
        assert_eq!(round(Decimal::new(312_625, 3), 2), Decimal::new(31_263, 2));
        assert_eq!(round(Decimal::new(-5, 3), 2), Decimal::new(-1, 2));
    }

    #[test]
    fn two_currencies_do_not_add() {
        assert!(Money::zero(Currency::EUR).plus(Money::zero(Currency::USD)).is_err());
    }

    #[test]
    fn ten_percent_of_the_portal_example() {
        let percent: Percent = "10%".parse().expect("a percentage");
        assert_eq!(percent.of(Decimal::new(12_550, 2)), Decimal::new(1_255, 2));
        assert_eq!("2.9 %".parse::<Percent>().map(|p| p.to_string()), Ok("2.9%".to_owned()));
        assert!("ten%".parse::<Percent>().is_err());
    }

    /// Stripe's own examples: 10 USD, 500 JPY, 5 ISK, 5 UGX, and 5.124 KWD, which is 5.12 or 5.13.
    #[test]
    fn amounts_go_to_stripe_as_its_documentation_writes_them() {
        for (text, units) in [
            ("10 USD", 1000),
            ("500 JPY", 500),
            ("5 ISK", 500),
            ("5 UGX", 500),
            ("5.124 KWD", 5120),
            ("5.125 KWD", 5130),
            ("-5.125 KWD", -5130),
            ("1234.5 UGX", 123_500),
            ("10.45 HUF", 1045),
            ("800 TWD", 80_000),
            ("7.4 MGA", 7),
        ] {
            assert_eq!(text.parse::<Money>().and_then(Money::minor_units), Ok(MinorUnits(units)), "{text}");
        }
    }

    #[test]
    fn minimum_charges_are_in_major_units() {
        let least =
            |code: &str| Money::minimum_charge(code.parse().expect("a currency")).map(|money| money.to_string());
        assert_eq!(least("USD"), Some("0.50 USD".to_owned()));
        assert_eq!(least("JPY"), Some("50 JPY".to_owned()));
        assert_eq!(least("HUF"), Some("175.00 HUF".to_owned()));
        assert_eq!(least("UGX"), None);
    }

    proptest! {
        #[test]
        fn money_survives_its_text(units in any::<i32>(), scale in 0_u32..10) {
            let money = Money::new(Decimal::new(units.into(), scale), Currency::USD);
            prop_assert_eq!(money.to_string().parse::<Money>(), Ok(money));
        }

        #[test]
        fn minor_units_and_back(steps in any::<i32>()) {
            for code in ["USD", "JPY", "KWD", "ISK", "UGX", "MGA"] {
                let currency: Currency = code.parse().expect("a currency");
                let units = MinorUnits(i64::from(steps) * currency.stripe_step());
                prop_assert_eq!(Money::from_minor_units(units, currency).minor_units(), Ok(units));
            }
        }
    }
}
