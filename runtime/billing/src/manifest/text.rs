//! Values that the manifest writes as text with a unit, parsed exactly, and the schema of each.

use std::borrow::Cow;
use std::fmt;

use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::money::plain_decimal;

/// A number of days. Written `14 days`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Days(u32);

/// A length of time below a day, in seconds. Written `30 seconds`, `5 minutes`, `12 hours`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Seconds(u32);

/// An exact positive number. Written `"0.90"`, quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Rate(Decimal);

/// A calendar day. Written `2026-11-20`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Day(Date);

/// Why a text is no value of its kind; the message says how to write one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// No number of days.
    #[error("`{0}` is no number of days; write a whole number and a unit, such as \"14 days\"")]
    Days(String),
    /// No length of time.
    #[error("`{0}` is no length of time; write a whole number and a unit, such as \"5 minutes\"")]
    Seconds(String),
    /// No exact positive number.
    #[error("`{0}` is no rate; write a positive number in plain digits, such as \"0.90\"")]
    Rate(String),
    /// No day.
    #[error(transparent)]
    Day(#[from] crate::period::PeriodError),
}

impl Days {
    /// So many days.
    pub const fn new(count: u32) -> Days {
        Days(count)
    }

    /// How many.
    pub const fn count(self) -> u32 {
        self.0
    }
}

impl Seconds {
    /// So many seconds.
    pub const fn new(count: u32) -> Seconds {
        Seconds(count)
    }

    /// How many.
    pub const fn count(self) -> u32 {
        self.0
    }
}

impl Rate {
    /// The number.
    pub const fn value(self) -> Decimal {
        self.0
    }
}

impl Day {
    /// The day.
    pub const fn value(self) -> Date {
        self.0
    }
}

/// `14 days` -> (14, "days"): a whole number and its unit.
fn amount_and_unit(text: &str) -> Option<(u32, &str)> {
    let (count, unit) = text.trim().split_once(' ')?;
    let plain = !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit());
    let count = plain.then(|| count.parse().ok()).flatten()?;
    Some((count, unit.trim()))
}

impl TryFrom<String> for Days {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let days = amount_and_unit(&text).and_then(|(count, unit)| match unit {
            "day" | "days" => Some(count),
            "week" | "weeks" => count.checked_mul(7),
            _ => None,
        });
        days.map(Days).ok_or(TextError::Days(text))
    }
}

impl TryFrom<String> for Seconds {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let seconds = amount_and_unit(&text).and_then(|(count, unit)| match unit {
            "second" | "seconds" => Some(count),
            "minute" | "minutes" => count.checked_mul(60),
            "hour" | "hours" => count.checked_mul(3600),
            _ => None,
        });
        seconds.map(Seconds).ok_or(TextError::Seconds(text))
    }
}

impl TryFrom<String> for Rate {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let rate = plain_decimal(&text).filter(|rate| *rate > Decimal::ZERO);
        rate.map(Rate).ok_or(TextError::Rate(text))
    }
}

impl TryFrom<String> for Day {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Ok(Day(crate::period::parse_date(&text)?))
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, if self.0 == 1 { "day" } else { "days" })
    }
}

/// Declares a schema for text of one form: a type that stands for it, its name, its pattern and an example.
macro_rules! text_schema {
    ($(#[$doc:meta] $type:ident, $name:literal, $pattern:literal, $example:literal;)+) => {$(
        #[$doc]
        #[derive(Debug, Clone, Copy)]
        pub struct $type;

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "examples": [$example] })
            }
        }
    )+};
}

text_schema! {
    /// Schema of an amount of money.
    MoneyText, "Money", r"^-?[0-9]+(\.[0-9]+)? +[A-Za-z]{3}$", "20.00 EUR";
    /// Schema of a percentage.
    PercentText, "Percent", r"^-?[0-9]+(\.[0-9]+)? *%$", "10%";
    /// Schema of a currency code.
    CurrencyText, "Currency", r"^[A-Za-z]{3}$", "USD";
    /// Schema of a month.
    MonthText, "Month", r"^[0-9]{4}-[0-9]{2}$", "2026-10";
    /// Schema of a number of days.
    DaysText, "Days", r"^[0-9]+ +(day|days|week|weeks)$", "14 days";
    /// Schema of a length of time.
    SecondsText, "Seconds", r"^[0-9]+ +(second|seconds|minute|minutes|hour|hours)$", "5 minutes";
    /// Schema of an exact number.
    RateText, "Rate", r"^[0-9]+(\.[0-9]+)?$", "0.90";
    /// Schema of a calendar day.
    DayText, "Day", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "2026-11-20";
    /// Schema of an id: a tenant's, the project's.
    IdText, "Id", r"^[a-z0-9-]{1,40}$", "client-billing";
    /// Schema of an AWS account number.
    AccountText, "Account", r"^[0-9]{12}$", "123456789012";
}

/// Gives the value types the schema of their text.
macro_rules! as_text {
    ($($value:ident as $text:ident;)+) => {$(
        impl JsonSchema for $value {
            fn schema_name() -> Cow<'static, str> {
                $text::schema_name()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                $text::json_schema(generator)
            }
        }
    )+};
}

as_text! {
    Days as DaysText;
    Seconds as SecondsText;
    Rate as RateText;
    Day as DayText;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_a_whole_number_and_a_unit() {
        let days = |text: &str| Days::try_from(text.to_owned()).map(Days::count).ok();
        assert_eq!(days("14 days"), Some(14));
        assert_eq!(days("1 day"), Some(1));
        assert_eq!(days("2 weeks"), Some(14));
        for bad in ["14", "14days", "-1 days", "1.5 days", "14 hours", "99999999999 days", "4294967295 weeks", ""] {
            assert_eq!(days(bad), None, "{bad}");
        }
    }

    #[test]
    fn seconds_know_minutes_and_hours() {
        let seconds = |text: &str| Seconds::try_from(text.to_owned()).map(Seconds::count).ok();
        assert_eq!(seconds("5 minutes"), Some(300));
        assert_eq!(seconds("12 hours"), Some(43_200));
        assert_eq!(seconds("1 day"), None);
    }

    #[test]
    fn rates_are_exact_and_positive() {
        let rate = |text: &str| Rate::try_from(text.to_owned()).map(|rate| rate.value().to_string()).ok();
        assert_eq!(rate("0.90").as_deref(), Some("0.90"));
        for bad in ["0", "-0.9", "9e-1", "1,2", ""] {
            assert_eq!(rate(bad), None, "{bad}");
        }
    }
}
