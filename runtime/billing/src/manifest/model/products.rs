//! What Stripe sells: products, prices, meters.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Money;
use crate::manifest::text::MoneyText;

/// A Stripe product.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// The name that customers see.
    pub name: String,
    /// What it is, for customers.
    #[serde(default)]
    pub description: Option<String>,
    /// Its prices by name.
    #[serde(default)]
    pub prices: BTreeMap<String, Price>,
}

/// A Stripe price. Its amount never changes: another amount is a new price under the same lookup key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The amount and currency: `"29.00 USD"`.
    #[schemars(with = "MoneyText")]
    pub amount: Money,
    /// How often it is charged; once when left out.
    #[serde(default)]
    pub every: Option<Interval>,
    /// Which entry of `meters` counts its units; then `amount` is for one unit.
    #[serde(default)]
    #[schemars(extend("x-billform-refused" = "leave it out: usage is neither metered nor billed"))]
    pub meter: Option<String>,
    /// The key by which it is found in Stripe; `<prefix>-<product>-<price>` when left out.
    #[serde(default)]
    pub lookup_key: String,
}

/// How often a price is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Interval {
    /// Every day.
    Day,
    /// Every week.
    Week,
    /// Every month.
    Month,
    /// Every year.
    Year,
}

impl Interval {
    /// As Stripe writes it: `month`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Interval::Day => "day",
            Interval::Week => "week",
            Interval::Month => "month",
            Interval::Year => "year",
        }
    }
}

/// A Stripe billing meter.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Meter {
    /// The name shown in Stripe; `<prefix>-<meter>` when left out.
    #[serde(default)]
    pub name: String,
    /// The events it counts; `<prefix>-<meter>` when left out.
    #[serde(default)]
    pub event_name: String,
    /// How events become a quantity.
    #[serde(default)]
    pub aggregation: Aggregation,
}

/// How a meter's events become a quantity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Aggregation {
    /// Their values are added.
    #[default]
    Sum,
    /// They are counted.
    Count,
    /// The last value holds.
    Last,
}
