//! What a tenant pays: the terms as the manifest writes them and the tenant record carries them.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{Currency, Money, Percent};

/// One named set of terms. Everything left out is left out of the invoice: empty terms bill at cost.
///
/// The order of rules is fixed: base, cost, markup, fee, allowance, discount, minimum, card fee, tax.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "manifest", derive(schemars::JsonSchema))]
pub struct Terms {
    /// A fixed amount each month, a line of its own: `"20.00 EUR"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "manifest", schemars(with = "Option<crate::manifest::text::MoneyText>"))]
    pub base_fee: Option<Money>,
    /// A share of the AWS cost added to it: `"10%"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "manifest", schemars(with = "Option<crate::manifest::text::PercentText>"))]
    pub markup: Option<Percent>,
    /// A service fee beside the cost: flat, or by tier of AWS cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee: Option<Fee>,
    /// Usage included in the base fee: `"10.00 USD"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "manifest", schemars(with = "Option<crate::manifest::text::MoneyText>"))]
    pub allowance: Option<Money>,
    /// A share taken off the sum: `"10%"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "manifest", schemars(with = "Option<crate::manifest::text::PercentText>"))]
    pub discount: Option<Percent>,
    /// The least an invoice comes to: `"5.00 USD"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "manifest", schemars(with = "Option<crate::manifest::text::MoneyText>"))]
    pub minimum: Option<Money>,
    /// What the payment provider takes, passed on as a line of its own; left out, it is absorbed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card_fee: Option<CardFee>,
    /// A tax rate added at the end: `"19%"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "manifest", schemars(with = "Option<crate::manifest::text::PercentText>"))]
    pub tax: Option<Percent>,
    /// The first month these terms hold for: `"2026-10"`. Without one they always hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "manifest", schemars(with = "Option<crate::manifest::text::MonthText>"))]
    pub effective_from: Option<crate::Month>,
}

/// A service fee beside the AWS cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "manifest", derive(schemars::JsonSchema))]
pub enum Fee {
    /// The same amount each month: `flat: "10.00 USD"`.
    #[cfg_attr(feature = "manifest", schemars(with = "crate::manifest::text::MoneyText"))]
    Flat(Money),
    /// By the month's AWS cost, lowest tier first.
    Tiers(Vec<Tier>),
}

/// A payment provider's fee that the tenant bears: `percent: "2.9%", fixed: "0.30 USD"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "manifest", derive(schemars::JsonSchema))]
pub struct CardFee {
    /// The share of the amount charged.
    #[cfg_attr(feature = "manifest", schemars(with = "String"))]
    pub percent: Percent,
    /// The fixed part of each charge.
    #[cfg_attr(feature = "manifest", schemars(with = "String"))]
    pub fixed: Money,
}

/// One tier of a fee: it holds for costs up to, not including, `below`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "manifest", derive(schemars::JsonSchema))]
pub struct Tier {
    /// Where the tier ends, exclusive; the last tier has none: `"50.00 USD"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "manifest", schemars(with = "Option<crate::manifest::text::MoneyText>"))]
    pub below: Option<Money>,
    /// A fixed fee in this tier: `"5.00 USD"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "manifest", schemars(with = "Option<crate::manifest::text::MoneyText>"))]
    pub flat: Option<Money>,
    /// A share of the cost in this tier: `"5%"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "manifest", schemars(with = "Option<crate::manifest::text::PercentText>"))]
    pub percent: Option<Percent>,
}

/// A stated exchange rate: what one unit of `from` is worth in `to`, where the rate comes from and of which day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeRate {
    /// The currency of the cost, USD for AWS.
    pub from: Currency,
    /// The currency of the invoice.
    pub to: Currency,
    /// Units of `to` for one unit of `from`.
    pub rate: Decimal,
    /// Who states it, shown on the invoice: `ECB`.
    pub source: String,
    /// The day it is of, `YYYY-MM-DD`.
    pub date: jiff::civil::Date,
}
